//! What a handler answered.

use firstbyte_wire::ErrorReport;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A piece of the body, as one `write` of the handler brought it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Chunk {
    /// When it came, counted from the invocation's beginning.
    pub at: Duration,
    /// The bytes.
    #[serde(with = "crate::message::base64")]
    pub bytes: Vec<u8>,
}

impl Chunk {
    /// The bytes as text.
    ///
    /// # Panics
    /// If they are not UTF-8.
    #[must_use]
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap_or_else(|error| panic!("the chunk is not text: {error}"))
    }
}

/// A line of the function's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LogLine {
    /// `INFO`, `WARN`, `ERROR`, ….
    pub level: String,
    /// What it says.
    pub message: String,
    /// What the handler added, as members of a record.
    #[serde(default)]
    pub members: serde_json::Map<String, serde_json::Value>,
}

/// How an invocation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The response is whole.
    Success,
    /// It is not, and this is what Lambda was told.
    Failed(ErrorReport),
}

impl Outcome {
    /// Whether the response is whole.
    #[must_use]
    pub fn is_success(&self) -> bool {
        *self == Self::Success
    }

    /// What Lambda was told of a failure.
    #[must_use]
    pub fn failure(&self) -> Option<&ErrorReport> {
        match self {
            Self::Success => None,
            Self::Failed(report) => Some(report),
        }
    }
}

/// All that came of an invocation.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Collected {
    pub(crate) opening: Option<Opening>,
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) end: End,
    pub(crate) log: Vec<LogLine>,
}

/// How a response opened.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Opening {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    #[serde(with = "crate::message::base64")]
    pub(crate) prelude: Vec<u8>,
}

/// How it ended.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) enum End {
    /// It did not.
    #[default]
    None,
    Clean,
    Failed(ErrorReport),
}

/// What a handler answered, and how it ended.
#[derive(Debug)]
pub struct Response {
    collected: Collected,
    outcome: Outcome,
}

impl Response {
    pub(crate) fn new(mut collected: Collected) -> Self {
        let outcome = match std::mem::take(&mut collected.end) {
            End::Clean => Outcome::Success,
            End::Failed(report) => Outcome::Failed(report),
            End::None => Outcome::Failed(ErrorReport {
                error_type: "Runtime.Unsettled".to_owned(),
                error_message: "the response was not ended".to_owned(),
                stack_trace: Vec::new(),
            }),
        };
        Self { collected, outcome }
    }

    /// The status that an HTTP caller sees; at the direct door, which has none, what the handler set.
    ///
    /// # Panics
    /// If no response was started, which at the direct door is how a failure looks.
    #[must_use]
    #[track_caller]
    pub fn status(&self) -> u16 {
        match &self.collected.opening {
            Some(opening) => opening.status,
            None => panic!("no response was started: {:?}", self.outcome),
        }
    }

    /// Whether a head was sent, by the handler or, at the HTTP doors, by the host on its behalf.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.collected.opening.is_some()
    }

    /// The last value of a header, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All headers, `set-cookie` among them, names in lower case.
    #[must_use]
    pub fn headers(&self) -> &[(String, String)] {
        self.collected.opening.as_ref().map_or(&[], |opening| &opening.headers)
    }

    /// The bytes that precede the body on the wire; empty at the direct door.
    #[must_use]
    pub fn prelude(&self) -> &[u8] {
        self.collected.opening.as_ref().map_or(&[], |opening| &opening.prelude)
    }

    /// The body, write by write.
    #[must_use]
    pub fn chunks(&self) -> &[Chunk] {
        &self.collected.chunks
    }

    /// The whole body.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        self.collected.chunks.iter().flat_map(|chunk| chunk.bytes.iter().copied()).collect()
    }

    /// The whole body as text.
    ///
    /// # Panics
    /// If it is not UTF-8.
    #[must_use]
    #[track_caller]
    pub fn text(&self) -> String {
        String::from_utf8(self.body()).unwrap_or_else(|error| panic!("the body is not text: {error}"))
    }

    /// How the invocation ended.
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// What the handler printed, and what the host had to say.
    #[must_use]
    pub fn log(&self) -> &[LogLine] {
        &self.collected.log
    }
}
