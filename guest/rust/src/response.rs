//! The right to respond, once: what precedes a response's body.

use std::fmt;

use crate::{__private::invocation as raw, Body};

/// The right to respond, once, and the head of the response: 200 with no headers, until told otherwise.
///
/// [`start`](Self::start) sends the head at once and gives the body to write. Lambda uses status, headers and cookies where the
/// caller speaks HTTP; a direct caller gets the content type and the body.
#[derive(Debug)]
#[must_use = "a response that is not started is an empty one"]
pub struct Response {
    raw: raw::Response,
    head: raw::Head,
}

/// Why a head was refused. Nothing has been sent, and returning the error still tells the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeadError {
    /// The status is not within 200 to 599.
    InvalidStatus(u16),
    /// The header of this name has characters in its name or value that no header may have, such as a line break.
    InvalidHeader(String),
    /// The head does not fit the 16 KiB that API Gateway reads.
    TooLarge,
}

impl Response {
    pub(crate) fn new(raw: raw::Response) -> Self {
        Self { raw, head: raw::Head { status: 200, headers: Vec::new() } }
    }

    /// The HTTP status, 200 to 599.
    pub fn status(mut self, status: u16) -> Self {
        self.head.status = status;
        self
    }

    /// One more header. A name may come several times. What belongs to the connection and not to the response, such as
    /// `content-length`, is dropped on the way, with a line in the log.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.head.headers.push((name.into(), value.into()));
        self
    }

    /// The header `content-type`, in place of an earlier one. The one header that a direct caller sees.
    pub fn content_type(mut self, value: impl Into<String>) -> Self {
        self.head.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
        self.header("content-type", value)
    }

    /// One more cookie, as the value of a `set-cookie` header: `name=value; Path=/; HttpOnly`.
    pub fn cookie(self, cookie: impl Into<String>) -> Self {
        self.header("set-cookie", cookie)
    }

    /// Sends the head at once and gives the body to write.
    ///
    /// # Errors
    /// The head was refused. The response is used up, but nothing has been sent.
    pub fn start(self) -> Result<Body, HeadError> {
        raw::Response::start(self.raw, &self.head).map(Body::new).map_err(HeadError::from)
    }
}

impl From<raw::HeadError> for HeadError {
    fn from(error: raw::HeadError) -> Self {
        match error {
            raw::HeadError::InvalidStatus(status) => Self::InvalidStatus(status),
            raw::HeadError::InvalidHeader(name) => Self::InvalidHeader(name),
            raw::HeadError::TooLarge => Self::TooLarge,
        }
    }
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidStatus(status) => write!(f, "the response's status is {status}, and has to be 200 to 599"),
            Self::InvalidHeader(name) => write!(f, "the response's header {name:?} has characters that no header may have"),
            Self::TooLarge => f.write_str("the response's status and headers do not fit 16 KiB"),
        }
    }
}

impl std::error::Error for HeadError {}
