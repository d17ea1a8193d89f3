//! One line of a recording: a JSON object, as the console's feed has them.

use super::Began;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::sync::Arc;
use std::time::SystemTime;

/// What a line takes in the queue, besides the bytes that it tells of.
const LINE: usize = 512;

/// One thing that happened, and when.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) at: SystemTime,
    pub(super) request_id: Arc<str>,
    pub(super) kind: Kind,
}

/// The kinds of lines. Requests are told by their number within the invocation, from 1.
#[derive(Debug)]
pub(super) enum Kind {
    Began(Began),
    Asked { call: u64, method: Method, url: Uri, headers: HeaderMap },
    Sent { call: u64, data: Bytes },
    Answered { call: u64, status: StatusCode, headers: HeaderMap },
    Chunk { call: u64, data: Bytes },
    Ended { call: u64, end: End },
    Missed { events: u64 },
}

/// How the answer to a request ended.
#[derive(Debug)]
pub(super) enum End {
    /// Whole.
    Whole,
    /// By an error of this name.
    Failed(String),
    /// The host had waited for long enough, with this error for the guest.
    GivenUp(String),
    /// The guest reads no more of it.
    Left,
}

impl Line {
    /// Bytes that it takes while it waits, roughly.
    pub(super) fn size(&self) -> usize {
        let headers = |headers: &HeaderMap| headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>();
        LINE + match &self.kind {
            Kind::Sent { data, .. } | Kind::Chunk { data, .. } => data.len(),
            Kind::Asked { url, headers: all, .. } => url.path().len() + headers(all),
            Kind::Answered { headers: all, .. } => headers(all),
            Kind::Began(_) | Kind::Ended { .. } | Kind::Missed { .. } => 0,
        }
    }

    pub(super) fn write(&self, output: &mut impl Write) -> io::Result<()> {
        let at = millis(self.at);
        let mut object = match &self.kind {
            Kind::Began(Began { seed, is_reused, variables }) => {
                let names: Vec<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
                // A number of JSON has 53 bits in most readers.
                let seed = seed.to_string();
                let mut began = json!({ "kind": "began", "seed": seed, "clock_ms": at, "variables": names });
                if *is_reused {
                    began["reused"] = true.into();
                }
                began
            }
            Kind::Asked { call, method, url, headers } => json!({
                "kind": "upstream_asked", "call": call, "method": method.as_str(), "url": url.to_string(), "headers": pairs(headers),
            }),
            Kind::Sent { call, data } => json!({ "kind": "upstream_sent", "call": call, "data": STANDARD.encode(data) }),
            Kind::Answered { call, status, headers } => json!({
                "kind": "upstream_answered", "call": call, "status": status.as_u16(), "headers": pairs(headers),
            }),
            Kind::Chunk { call, data } => json!({ "kind": "upstream_chunk", "call": call, "data": STANDARD.encode(data) }),
            Kind::Ended { call, end } => {
                let mut ended = json!({ "kind": "upstream_ended", "call": call });
                if let End::Failed(error) | End::GivenUp(error) = end {
                    ended["error"] = error.as_str().into();
                }
                if let End::GivenUp(_) | End::Left = end {
                    ended["left"] = true.into();
                }
                ended
            }
            Kind::Missed { events } => json!({ "kind": "missed", "events": events }),
        };
        object["at"] = at.into();
        object["request_id"] = (*self.request_id).into();
        serde_json::to_writer(&mut *output, &object)?;
        output.write_all(b"\n")
    }
}

/// Milliseconds since the Unix epoch, with fractions.
fn millis(at: SystemTime) -> f64 {
    at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1000.0
}

fn pairs(headers: &HeaderMap) -> Value {
    headers.iter().map(|(name, value)| json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())])).collect()
}
