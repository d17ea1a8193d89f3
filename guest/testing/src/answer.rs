//! What a test answers in another server's place: a script of what comes when.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a request is answered: a head, then pieces of a body and pauses between them, in the order in which they are given here.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// How long the head takes.
    pub(crate) delay: Duration,
    pub(crate) head: Option<Head>,
    /// The name of the error with which it ends in place of a head. Without both, the connection is refused.
    #[serde(default)]
    pub(crate) failure: Option<String>,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Step {
    Chunk(#[serde(with = "crate::message::base64")] Vec<u8>),
    Pause(Duration),
    BreakOff,
    /// Nothing comes any more, and no end.
    Silence,
    /// The body ends with the error of this name.
    Fail(String),
}

impl Answer {
    /// An answer with a status, and an empty body.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self { delay: Duration::ZERO, head: Some(Head { status, headers: Vec::new() }), failure: None, steps: Vec::new() }
    }

    /// No answer: the connection is refused.
    #[must_use]
    pub fn refused() -> Self {
        Self::failed("ConnectionRefused")
    }

    /// No answer, but an error, by its name.
    pub(crate) fn failed(error: &str) -> Self {
        Self { delay: Duration::ZERO, head: None, failure: Some(error.to_owned()), steps: Vec::new() }
    }

    /// No answer, and no end to waiting for it.
    pub(crate) fn silent() -> Self {
        Self::failed("ConnectionReadTimeout").after(Duration::MAX)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Some(head) = &mut self.head {
            head.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Begins only after a time.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Then sends a piece of the body.
    #[must_use]
    pub fn chunk(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.then(Step::Chunk(bytes.into()))
    }

    /// Then waits.
    #[must_use]
    pub fn pause(self, duration: Duration) -> Self {
        self.then(Step::Pause(duration))
    }

    /// Then ends the connection, in the middle of the body.
    #[must_use]
    pub fn break_off(self) -> Self {
        self.then(Step::BreakOff)
    }

    pub(crate) fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}
