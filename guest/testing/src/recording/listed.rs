//! The invocations of a recording, as somebody who has to name one of them wants to see them. Replays nothing.

use super::events::{Event, Kind, Started, Verdict};
use std::fmt;

/// How many invocations a message shows.
const SHOWN: usize = 50;

/// An invocation of a recording: its id, and by what a person knows it again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// Lambda's id of it.
    pub request_id: String,
    /// What was asked: of HTTP the method and the path, and the door, such as `POST /v1/chat function_url`.
    pub asked: String,
    /// What Lambda counts it as: `success`, `timeout`, or the type of its error. Absent if the recording does not have its end.
    pub ended: Option<String>,
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ended = self.ended.as_deref().unwrap_or("its end is not recorded");
        write!(f, "{}  {}  {ended}", self.request_id, self.asked)
    }
}

impl Listed {
    /// All invocations that begin in a recording, in this order.
    pub(super) fn all(events: &[Event]) -> Vec<Self> {
        let mut listed: Vec<Self> = Vec::new();
        for event in events {
            let Some(id) = event.request_id.as_deref() else { continue };
            // From the last: an invocation's events are near each other, and there may be many thousands.
            let known = listed.iter_mut().rev().find(|known| known.request_id == id);
            match (&event.kind, known) {
                (Kind::InvocationStarted(started), None) => {
                    listed.push(Self { request_id: id.to_owned(), asked: asked(started), ended: None });
                }
                (Kind::InvocationEnded { outcome }, Some(known)) => known.ended = Some(ended(outcome)),
                _ => {}
            }
        }
        listed
    }
}

fn asked(Started { door, method, path, .. }: &Started) -> String {
    let words = [method, path, door].into_iter().flatten();
    words.map(String::as_str).collect::<Vec<_>>().join(" ")
}

fn ended(outcome: &Verdict) -> String {
    match outcome {
        Verdict::Success => "success".to_owned(),
        Verdict::Error { error_type, .. } => error_type.clone(),
        Verdict::Timeout => "timeout".to_owned(),
    }
}

/// The end of a message: which invocations there are, one per line.
pub(super) fn lines(listed: &[Listed]) -> String {
    if listed.is_empty() {
        return String::new();
    }
    let shown: String = listed.iter().take(SHOWN).map(|invocation| format!("\n  {invocation}")).collect();
    let more = listed.len().saturating_sub(SHOWN);
    let rest = if more > 0 { format!("\n  and {more} more") } else { String::new() };
    format!(":{shown}{rest}")
}
