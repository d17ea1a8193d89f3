//! How a response ended, and Lambda's names and words for failures that it sees itself.

use crate::feed::Verdict;
use bytes::Bytes;
use std::time::Duration;

/// A failure that Lambda itself saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    TimedOut(Duration),
    /// The process is gone: Lambda's words for how.
    Exited(String),
    /// The response's connection broke and the process lives on.
    Truncated,
    /// A buffered response of more than Lambda takes.
    TooLarge,
    /// The runtime could not start: its type and its document.
    Init {
        error_type: String,
        document: Bytes,
    },
    /// An extension ended the environment.
    Extension {
        error_type: &'static str,
        message: String,
    },
    /// The emulator is being shut down.
    ShutDown,
}

impl Failure {
    pub(crate) fn error_type(&self) -> &str {
        match self {
            Self::TimedOut(_) => "Sandbox.Timedout",
            Self::Exited(_) => "Runtime.ExitError",
            Self::Truncated => "Runtime.TruncatedResponse",
            Self::TooLarge => "Function.ResponseSizeTooLarge",
            Self::Init { error_type, .. } => error_type,
            Self::Extension { error_type, .. } => error_type,
            Self::ShutDown => "Sandbox.Failure",
        }
    }

    fn message(&self, request_id: &str) -> String {
        match self {
            Self::TimedOut(timeout) => {
                format!("RequestId: {request_id} Error: Task timed out after {:.2} seconds", timeout.as_secs_f64())
            }
            Self::Exited(how) => format!("RequestId: {request_id} Error: Runtime exited {how}"),
            Self::Truncated => format!("RequestId: {request_id} Error: Runtime truncated response"),
            Self::TooLarge => "Response payload size exceeded maximum allowed payload size (6291556 bytes).".to_owned(),
            Self::Init { document, .. } => message_of(document),
            Self::Extension { message, .. } => format!("RequestId: {request_id} Error: {message}"),
            Self::ShutDown => format!("RequestId: {request_id} Error: the emulator was shut down"),
        }
    }

    /// The document that a caller gets if nothing else was sent.
    pub(crate) fn document(&self, request_id: &str) -> Bytes {
        match self {
            Self::Init { document, .. } => document.clone(),
            _ => serde_json::json!({"errorType": self.error_type(), "errorMessage": self.message(request_id)}).to_string().into(),
        }
    }
}

/// The `errorMessage` of an error document. Of anything else that a runtime sent, all of it.
pub(crate) fn message_of(document: &[u8]) -> String {
    let parsed: Option<serde_json::Value> = serde_json::from_slice(document).ok();
    match parsed.as_ref().and_then(|json| json.get("errorMessage")).and_then(serde_json::Value::as_str) {
        Some(message) => message.to_owned(),
        None => String::from_utf8_lossy(document).into_owned(),
    }
}

/// How a response ended.
#[derive(Clone, Debug)]
pub(crate) enum Ending {
    /// As it should.
    Complete,
    /// By `POST …/error`, before any byte.
    Error { error_type: String, document: Bytes },
    /// By error trailers.
    Trailers { error_type: String, document: Bytes },
    /// By Lambda.
    Failed(Failure),
}

impl Ending {
    pub(crate) fn outcome(&self, request_id: &str) -> Verdict {
        match self {
            Self::Complete => Verdict::Success,
            Self::Error { error_type, document } | Self::Trailers { error_type, document } => {
                Verdict::Error { error_type: error_type.clone(), message: message_of(document) }
            }
            Self::Failed(Failure::TimedOut(_)) => Verdict::Timeout,
            Self::Failed(failure) => {
                Verdict::Error { error_type: failure.error_type().to_owned(), message: failure.message(request_id) }
            }
        }
    }
}
