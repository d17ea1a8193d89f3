//! The first thing in which a replay differs from its recording.

use super::events::Verdict;
use super::script::Script;
use super::{Piece, Told};
use crate::response::{self, Response};
use std::fmt;
use std::time::Duration;

/// How many bytes are shown of either side.
const SHOWN: usize = 60;

/// How many bytes before the first that differs are shown.
const BEFORE: usize = 12;

/// What the console writes in the place of what it does not keep.
const REDACTED: &str = "(redacted)";

/// The first thing in which a replay differs from its recording.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// The response's status.
    Status {
        /// As it was recorded.
        recorded: u16,
        /// In the replay. Absent if no response was started.
        replayed: Option<u16>,
    },
    /// A header of the response.
    Header {
        /// Its name.
        name: String,
        /// The values that were recorded.
        recorded: Vec<String>,
        /// The values in the replay.
        replayed: Vec<String>,
    },
    /// What the handler asked another server.
    Request {
        /// What was recorded; absent if the handler did not ask for this then.
        recorded: Option<String>,
        /// What the handler asks now; absent if it asks no longer.
        replayed: Option<String>,
    },
    /// A byte of the response's body.
    Body {
        /// The place of the first byte that differs, from 0. Where one side has ended it is that side's length.
        offset: usize,
        /// When the recorded byte came, counted from the invocation's beginning. Absent if the recorded body had ended.
        after: Option<Duration>,
        /// The bytes around it that were recorded.
        recorded: Vec<u8>,
        /// The bytes around it in the replay.
        replayed: Vec<u8>,
    },
    /// What Lambda counts the invocation as.
    Outcome {
        /// As it was recorded.
        recorded: String,
        /// In the replay.
        replayed: String,
    },
}

/// Compares. What comes first in an invocation is looked at first, so that a cause is told and not its consequences.
pub(super) fn first(told: &Told, response: &Response, script: &Script) -> Option<Difference> {
    head(told, response)
        .or_else(|| {
            let (request, recorded) = script.differs()?;
            let asked = |method: &str, origin: &str, path: &str, body: &[u8]| {
                let body = String::from_utf8_lossy(body);
                format!("{method} {origin}{path} {body}").trim_end().to_owned()
            };
            let recorded = recorded.map(|call| asked(&call.method, &call.origin, &call.path, &call.body));
            let replayed = Some(asked(&request.method, &request.origin, &request.path, &request.body));
            Some(Difference::Request { recorded, replayed })
        })
        .or_else(|| body(told, &response.body()))
        .or_else(|| outcome(&told.outcome, response.outcome()))
        .or_else(|| {
            let call = script.is_missing()?;
            Some(Difference::Request { recorded: Some(format!("{} {}{}", call.method, call.origin, call.path)), replayed: None })
        })
}

fn head(told: &Told, response: &Response) -> Option<Difference> {
    let (status, headers) = told.head.as_ref()?;
    let replayed = response.is_started().then(|| response.status());
    if replayed != Some(*status) {
        return Some(Difference::Status { recorded: *status, replayed });
    }
    // Doors add headers of their own, and leave some of the handler's out.
    let values = |headers: &[(String, String)], wanted: &str| -> Vec<String> {
        let named = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        named.map(|(_, value)| value.clone()).collect()
    };
    response.headers().iter().find_map(|(name, _)| {
        let (recorded, replayed) = (values(headers, name), values(response.headers(), name));
        let is_known = !recorded.is_empty() && recorded.iter().all(|value| value != REDACTED);
        // A door may have joined them.
        let differs = is_known && recorded != replayed && recorded.join(",") != replayed.join(",");
        differs.then(|| Difference::Header { name: name.clone(), recorded, replayed })
    })
}

fn body(told: &Told, replayed: &[u8]) -> Option<Difference> {
    let recorded: Vec<u8> = told.body.iter().flat_map(|piece| piece.bytes.iter().copied()).collect();
    let same = recorded.iter().zip(replayed).take_while(|(one, other)| one == other).count();
    if same == recorded.len() && (told.is_cut || same == replayed.len()) {
        return None;
    }
    Some(Difference::Body {
        offset: same,
        after: after(&told.body, same),
        recorded: around(&recorded, same),
        replayed: around(replayed, same),
    })
}

/// When a byte of the recorded body came.
fn after(body: &[Piece], offset: usize) -> Option<Duration> {
    let mut end = 0;
    let piece = body.iter().find(|piece| {
        end += piece.bytes.len();
        end > offset
    });
    piece.map(|piece| piece.at)
}

fn around(body: &[u8], offset: usize) -> Vec<u8> {
    body.iter().skip(offset.saturating_sub(BEFORE)).take(SHOWN).copied().collect()
}

fn outcome(recorded: &Verdict, replayed: &response::Outcome) -> Option<Difference> {
    let is_same = match (recorded, replayed) {
        (Verdict::Success, response::Outcome::Success) => true,
        // Its message has hundredths of seconds.
        (Verdict::Error { error_type, .. }, response::Outcome::Failed(report)) if error_type == "Runtime.DeadlineExceeded" => {
            report.error_type == *error_type
        }
        (Verdict::Error { error_type, message }, response::Outcome::Failed(report)) => {
            (&report.error_type, &report.error_message) == (error_type, message)
        }
        _ => false,
    };
    let recorded = match recorded {
        Verdict::Success => "success".to_owned(),
        Verdict::Error { error_type, message } => format!("{error_type}: {message}"),
        Verdict::Timeout => "Lambda's timeout".to_owned(),
    };
    let replayed = match replayed {
        response::Outcome::Success => "success".to_owned(),
        response::Outcome::Failed(report) => format!("{}: {}", report.error_type, report.error_message),
    };
    (!is_same).then_some(Difference::Outcome { recorded, replayed })
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sides =
            |f: &mut fmt::Formatter<'_>, what: &dyn fmt::Display, recorded: &dyn fmt::Display, replayed: &dyn fmt::Display| {
                write!(f, "{what}\n  recorded: {recorded}\n  replayed: {replayed}")
            };
        match self {
            Self::Status { recorded, replayed } => {
                let replayed = replayed.map_or_else(|| "no response was started".to_owned(), |status| status.to_string());
                sides(f, &"the status", recorded, &replayed)
            }
            Self::Header { name, recorded, replayed } => {
                sides(f, &format_args!("the header {name}"), &recorded.join(", "), &replayed.join(", "))
            }
            Self::Request { recorded, replayed } => {
                let nothing = "nothing";
                let text = |request: &Option<String>| request.as_deref().unwrap_or(nothing).to_owned();
                sides(f, &"what the handler asks another server", &text(recorded), &text(replayed))
            }
            Self::Body { offset, after, recorded, replayed } => {
                let when = after.map_or_else(
                    || "after what was recorded had ended".to_owned(),
                    |after| format!("{:.3} s after the beginning", after.as_secs_f64()),
                );
                let shown = |bytes: &[u8]| {
                    let begins = if *offset > BEFORE { "…" } else { "" };
                    let ends = if bytes.len() == SHOWN { "…" } else { " (the end)" };
                    format!("{begins}{}{ends}", bytes.escape_ascii())
                };
                sides(f, &format_args!("byte {offset} of the body, {when}"), &shown(recorded), &shown(replayed))
            }
            Self::Outcome { recorded, replayed } => sides(f, &"the outcome", recorded, replayed),
        }
    }
}
