//! What a client got, and when.

use bytes::Bytes;
use http::{HeaderMap, StatusCode, Version};
use std::time::Duration;

/// A piece of a body.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Since the request was begun.
    pub at: Duration,
    /// At the direct door, one event's payload.
    pub bytes: Bytes,
}

/// How an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// As HTTP ends a body.
    Clean,
    /// The connection broke.
    Cut,
    /// By `InvokeComplete`, the last event.
    Complete {
        /// `ErrorCode` and `ErrorDetails`.
        error: Option<(String, String)>,
        /// `LogResult`, decoded.
        log: Option<String>,
    },
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its status.
    pub status: StatusCode,
    /// Its HTTP version.
    pub version: Version,
    /// Its headers.
    pub headers: HeaderMap,
    /// When the head was there, since the request was begun.
    pub head_at: Duration,
    /// Its body, as it arrived.
    pub chunks: Vec<Chunk>,
    /// How it ended.
    pub end: End,
    /// When.
    pub end_at: Duration,
}

impl Received {
    /// A header's value; the first, if there are several.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// All values of a header.
    #[must_use]
    pub fn header_values(&self, name: &str) -> Vec<&str> {
        self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect()
    }

    /// The content type as the handler gave it: the direct door has it in a header of its own.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.header("x-amzn-remapped-content-type").or_else(|| self.header("content-type"))
    }

    /// The body.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.chunks.iter().flat_map(|chunk| chunk.bytes.iter().copied()).collect()
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If the body is not JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.bytes()).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// Whether nothing says of it that it failed.
    #[must_use]
    pub fn looks_complete(&self) -> bool {
        matches!(self.end, End::Clean | End::Complete { error: None, .. })
    }

    /// `ErrorCode` of `InvokeComplete`.
    #[must_use]
    pub fn error_code(&self) -> Option<&str> {
        match &self.end {
            End::Complete { error: Some((code, _)), .. } => Some(code),
            _ => None,
        }
    }

    /// `ErrorDetails` of `InvokeComplete`, which is JSON.
    ///
    /// # Panics
    /// If they are not JSON.
    #[must_use]
    pub fn error_details(&self) -> Option<serde_json::Value> {
        match &self.end {
            End::Complete { error: Some((_, details)), .. } => Some(serde_json::from_str(details).expect("an error document")),
            _ => None,
        }
    }

    /// The log's tail, if it was asked for.
    #[must_use]
    pub fn log(&self) -> Option<&str> {
        match &self.end {
            End::Complete { log, .. } => log.as_deref(),
            _ => None,
        }
    }
}
