//! X-Ray's trace header, made where a caller sends none.

use http::HeaderMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// The header's name.
pub(super) const HEADER: &str = "x-amzn-trace-id";

/// Where a request came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trace {
    /// `Root=1-<time>-<id>`.
    pub(super) root: String,
    sampled: bool,
}

impl Trace {
    /// The caller's trace, or a new one.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut fields = given.split(';').map(str::trim);
        let sampled = fields.clone().any(|field| field == "Sampled=1");
        let root = fields.find(|field| field.starts_with("Root=")).map_or_else(new_root, ToOwned::to_owned);
        Self { root, sampled }
    }

    /// As the runtime gets it.
    pub(super) fn for_runtime(&self) -> String {
        format!("{};Parent={};Sampled={}", self.root, random(16), u8::from(self.sampled))
    }

    /// As an event has it.
    pub(super) fn for_event(&self) -> String {
        format!("Self=1-{};{}", self.root.trim_start_matches("Root=1-"), self.root)
    }
}

fn new_root() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    format!("Root=1-{now:08x}-{}", random(24))
}

/// Hexadecimal digits.
pub(super) fn random(digits: usize) -> String {
    let mut text = uuid::Uuid::new_v4().simple().to_string();
    text.truncate(digits);
    text
}
