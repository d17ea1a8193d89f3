//! The right to respond, once: what precedes a response's body, and responses that are whole at once.

use std::fmt;

use serde::Serialize;

use crate::{
    __private::{Started, invocation as raw},
    Body, Result, WriteError,
    sse::Sse,
};
#[cfg(any(feature = "gzip", feature = "br"))]
use crate::{
    Request,
    coding::{Coding, is_compressible},
};

/// The right to respond, once, and the head of the response: 200 with no headers, until told otherwise.
///
/// [`start`](Self::start) sends the head at once and gives the body to write. Lambda uses status, headers and cookies where the
/// caller speaks HTTP; a direct caller gets the content type and the body.
///
/// ```no_run
/// use firstbyte::{Cookie, Request, Response, Result, handler};
///
/// #[handler]
/// fn answer(request: Request, response: Response) -> Result {
///     match request.text()?.as_str() {
///         "stream" => {
///             let mut body = response.content_type("text/plain").header("cache-control", "no-store").start()?;
///             body.write("one piece, ")?;
///             body.write("and another\n")?;
///             Ok(())
///         }
///         "json" => response.status(201).cookie(Cookie::new("seen", "yes")).json(&serde_json::json!({ "id": 7 })),
///         "elsewhere" => response.redirect("/elsewhere"),
///         _ => response.empty(204),
///     }
/// }
/// # fn main() {}
/// ```
#[derive(Debug)]
#[must_use = "a response that is not started is an empty one"]
pub struct Response {
    raw: raw::Response,
    head: raw::Head,
    #[cfg(any(feature = "gzip", feature = "br"))]
    coding: Option<Coding>,
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
        Self {
            raw,
            head: raw::Head { status: 200, headers: Vec::new() },
            #[cfg(any(feature = "gzip", feature = "br"))]
            coding: None,
        }
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

    /// One more cookie: a [`Cookie`](crate::Cookie), or the value of a `set-cookie` header.
    pub fn cookie(self, cookie: impl Into<String>) -> Self {
        self.header("set-cookie", cookie)
    }

    /// Compresses the body, by the coding that the caller likes best of those that this build has: the features `br` and `gzip`,
    /// one of which this needs. Each write can be read as soon as it has arrived, so that streams stay streams; many small ones
    /// compress badly, and are better put together.
    ///
    /// A caller that takes none of them gets the body as it is, and so does a direct caller, who does not see the header that
    /// would say so. What is compressed already (pictures, films, archives) is not compressed again.
    ///
    /// The body's end is sent after the handler has returned `Ok`: one that fails leaves a body that is seen to be cut off.
    #[cfg(any(feature = "gzip", feature = "br"))]
    pub fn compressed(mut self, request: &Request) -> Self {
        self.coding = request.http().and_then(Coding::of);
        self.header("vary", "accept-encoding")
    }

    /// Sends the head at once and gives the body to write.
    ///
    /// # Errors
    /// The head was refused. The response is used up, but nothing has been sent.
    #[cfg(any(feature = "gzip", feature = "br"))]
    pub fn start(mut self) -> Result<Body, HeadError> {
        let coding = self.coding.take().filter(|_| {
            let has_body = !matches!(self.head.status, 204 | 304);
            let is_coded = self.get("content-encoding").is_some();
            has_body && !is_coded && self.get("content-type").is_none_or(is_compressible)
        });
        let Some(coding) = coding else { return self.start_plain() };
        let Self { raw, head, .. } = self.header("content-encoding", coding.name());
        Ok(Body::coded(raw::Response::start(raw, &head)?, coding))
    }

    /// Sends the head at once and gives the body to write.
    ///
    /// # Errors
    /// The head was refused. The response is used up, but nothing has been sent.
    #[cfg(not(any(feature = "gzip", feature = "br")))]
    pub fn start(self) -> Result<Body, HeadError> {
        self.start_plain()
    }

    pub(crate) fn start_plain(self) -> Result<Body, HeadError> {
        Ok(Body::new(raw::Response::start(self.raw, &self.head)?))
    }

    /// Starts a stream of server-sent events. The same as [`Sse::start`].
    ///
    /// # Errors
    /// The head was refused, as of [`start`](Self::start).
    pub fn sse(self) -> Result<Sse, HeadError> {
        Sse::start(self)
    }

    /// Responds with JSON.
    ///
    /// # Errors
    /// The value cannot be JSON, or the response was refused. This, and that a content type which is set already stays, is so of
    /// every method that responds at once.
    #[track_caller]
    pub fn json(self, value: &impl Serialize) -> Result {
        let json = serde_json::to_vec(value)?;
        self.whole("application/json", &json)
    }

    /// Responds with text.
    ///
    /// # Errors
    /// The response was refused.
    #[track_caller]
    pub fn text(self, text: impl AsRef<str>) -> Result {
        self.whole("text/plain; charset=utf-8", text.as_ref().as_bytes())
    }

    /// Responds with a page. Nothing is escaped.
    ///
    /// # Errors
    /// The response was refused.
    #[track_caller]
    pub fn html(self, page: impl AsRef<str>) -> Result {
        self.whole("text/html; charset=utf-8", page.as_ref().as_bytes())
    }

    /// Sends the caller to another URL, with the status 303 (which has a browser `GET` it, whatever it sent here) unless another
    /// one of the 300s is set: 307 has it send the same there again, 308 and 301 for good.
    ///
    /// # Errors
    /// The response was refused.
    #[track_caller]
    pub fn redirect(self, to: impl Into<String>) -> Result {
        let status = if (300..400).contains(&self.head.status) { self.head.status } else { 303 };
        self.status(status).header("location", to).start()?;
        Ok(())
    }

    /// Responds with a status and no body.
    ///
    /// # Errors
    /// The response was refused.
    #[track_caller]
    pub fn empty(self, status: u16) -> Result {
        self.status(status).start()?;
        Ok(())
    }

    #[track_caller]
    fn whole(self, content_type: &str, bytes: &[u8]) -> Result {
        self.or_content_type(content_type).start()?.write(bytes)?;
        Ok(())
    }

    #[cfg(feature = "files")]
    pub(crate) fn is_ok(&self) -> bool {
        self.head.status == 200
    }

    /// Whether its body will be compressed, if its content type says that this is worth it.
    #[cfg(feature = "files")]
    pub(crate) fn is_compressed(&self) -> bool {
        #[cfg(any(feature = "gzip", feature = "br"))]
        let is_compressed = self.coding.is_some();
        #[cfg(not(any(feature = "gzip", feature = "br")))]
        let is_compressed = false;
        is_compressed
    }

    /// Its content type, if it has none yet.
    pub(crate) fn or_content_type(self, content_type: &str) -> Self {
        if self.get("content-type").is_some() { self } else { self.header("content-type", content_type) }
    }

    /// The first header of this name that was set.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.head.headers.iter().find(|(candidate, _)| candidate.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// What comes after [`start`](Response::start), so that the compiler says so.
#[doc(hidden)]
#[expect(unused_variables, clippy::needless_pass_by_value, reason = "cannot be called")]
impl Response {
    pub fn write<T>(&mut self, bytes: T) -> Result<(), WriteError>
    where
        Self: Started<T>,
    {
        Err(WriteError::Closed)
    }

    pub fn write_all<T>(&mut self, bytes: T) -> std::io::Result<()>
    where
        Self: Started<T>,
    {
        Err(WriteError::Closed.into())
    }

    pub fn write_fmt<T>(&mut self, arguments: T) -> std::io::Result<()>
    where
        Self: Started<T>,
    {
        Err(WriteError::Closed.into())
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
