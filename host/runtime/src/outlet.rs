//! Where a response goes: the contract between a response and what carries it (the Runtime API in Lambda, a recorder in tests).

use firstbyte_wire::receipt::ReceiptError;
use firstbyte_wire::{ErrorReport, Head, Trigger};
use std::task::{Context, Poll};

/// Nobody reads the response any more: Lambda's side of the connection is closed, or it has already answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the reader is gone")]
pub struct Closed;

/// Why it is not known that a response, or an error, was taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError {
    /// The connection failed.
    #[error("the connection to the Runtime API failed: {0}")]
    Connection(#[from] std::io::Error),
    /// The Runtime API answered with something else than success.
    #[error("the Runtime API answered {status}: {body}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The beginning of its body.
        body: String,
    },
    /// The Runtime API answered that what it was sent is too large, and took a short error document in its place.
    #[error("the Runtime API answered {status}, and took a shorter report in its place")]
    Shortened {
        /// The HTTP status of the first answer.
        status: u16,
    },
    /// The Runtime API answered with something that is not HTTP.
    #[error("the Runtime API's answer is not HTTP: {0}")]
    NotHttp(String),
}

impl From<ReceiptError> for DeliveryError {
    fn from(error: ReceiptError) -> Self {
        Self::NotHttp(error.to_string())
    }
}

/// How a response opens.
#[derive(Debug)]
#[non_exhaustive]
pub struct Opening {
    /// Its status and headers.
    pub head: Head,
    /// Whose door it goes to.
    pub trigger: Trigger,
    /// The prelude that carries `head` to that door; empty for a direct caller, who gets bytes only.
    pub prelude: Vec<u8>,
}

/// Carries one response. Calls come in the order `begin`, `poll_write`…, `end` or `abort`, or `fail` alone; `poll_receipt` is last.
///
/// No method blocks. Those that are polled keep the waker of the last call only: one task drives an outlet. Bytes that were
/// taken are on their way no later than the next `poll_flush`, which whoever drives the handler calls each time the handler
/// waits.
pub trait Outlet: Send {
    /// Opens the response. Sends nothing yet, so that the head and a first chunk that follows at once leave together.
    fn begin(&mut self, opening: Opening);

    /// Whether the body is kept in memory until the response's end, and then sent whole.
    fn keeps_body(&self) -> bool {
        false
    }

    /// Whether a body that is kept may have `data`, too: what is sent in the end may be larger than the body.
    fn fits(&self, data: &[u8]) -> bool {
        let _ = data;
        true
    }

    /// Takes some of `data`, at least one byte.
    ///
    /// # Errors
    /// [`Closed`]: nothing can be sent any more.
    fn poll_write(&mut self, cx: &mut Context<'_>, data: &[u8]) -> Poll<Result<usize, Closed>>;

    /// Tells that a flush follows soon: small writes need not leave before.
    fn hold(&mut self) {}

    /// Ready when a write of 64 KiB would not wait, or would fail.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// Sends what was taken and not yet sent.
    ///
    /// # Errors
    /// [`Closed`].
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closed>>;

    /// Ends the response, with the last bytes of its body, however far its reader is behind.
    fn end(&mut self, last_words: &[u8]);

    /// Ends the response as failed: with the last bytes of its body, however far its reader is behind, and what went wrong.
    fn abort(&mut self, last_words: &[u8], report: &ErrorReport);

    /// Reports a failure instead of a response.
    fn fail(&mut self, report: &ErrorReport);

    /// Sends what is left and waits until it is acknowledged.
    ///
    /// # Errors
    /// [`DeliveryError`].
    fn poll_receipt(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), DeliveryError>>;
}
