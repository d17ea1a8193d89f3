//! A started response's body.

use std::{fmt, io};

use crate::{
    __private::{Unstarted, invocation as raw},
    executor::Pollable,
    fetch,
    sse::Sse,
};

#[cfg(any(feature = "gzip", feature = "br"))]
pub(crate) mod coded;
#[cfg(feature = "futures")]
mod futures;

#[cfg(any(feature = "gzip", feature = "br"))]
use self::coded::Coded;
#[cfg(feature = "futures")]
pub use self::futures::AsyncBody;

/// The body of a response that was started. Its bytes go to the caller as they are written.
///
/// The response ends when the handler returns, not when its body is dropped: what the handler returns decides whether it was
/// complete.
///
/// A body is also a [`std::io::Write`], for `writeln!` and for whatever writes to one. There is nothing to flush: bytes are on
/// their way when a write returns.
///
/// ```no_run
/// use std::io::Write;
///
/// # fn write(mut body: firstbyte::Body) -> firstbyte::Result {
/// body.write("any number of bytes, at once\n")?;
/// writeln!(body, "{} + {} = {}", 1, 2, 1 + 2)?; // one write, too
/// std::io::copy(&mut "from a reader\n".as_bytes(), &mut body)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Body(Sink);

#[derive(Debug)]
enum Sink {
    Plain(raw::Body),
    #[cfg(any(feature = "gzip", feature = "br"))]
    Coded(Coded),
}

/// What is passed to the host in one call. It takes 8 MiB at most, and more calls cost nothing.
const PIECE: usize = 1 << 20;

/// Why bytes were refused. None of what the refused call brought may be taken as sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteError {
    /// Lambda has closed its end: nobody will read any more. There is nothing to do but return.
    Closed,
    /// The response would exceed the size that the function's operator or Lambda allows.
    TooLarge,
    /// Something else, in words for a log.
    Other(String),
}

/// Why another server's answer was not passed on to its end.
#[derive(Debug)]
#[non_exhaustive]
pub enum CopyError {
    /// The other server stopped or broke off.
    Read(fetch::Error),
    /// The response was refused.
    Write(WriteError),
}

impl Body {
    pub(crate) fn new(raw: raw::Body) -> Self {
        Self(Sink::Plain(raw))
    }

    /// One that is compressed.
    #[cfg(any(feature = "gzip", feature = "br"))]
    pub(crate) fn coded(raw: raw::Body, coding: crate::coding::Coding) -> Self {
        Self(Sink::Coded(Coded::new(raw, coding)))
    }

    /// Sends all of the bytes. Waits while the caller reads more slowly than the handler writes.
    ///
    /// This is the `write` that `body.write(…)` calls, whether or not [`std::io::Write`] is in scope. Unlike that trait's, it
    /// takes text as well as bytes, never takes only a part of them, and says in a [`WriteError`] why it took none.
    ///
    /// # Errors
    /// The bytes were refused, and so will be those of every later call.
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), WriteError> {
        let bytes = bytes.as_ref();
        match &mut self.0 {
            Sink::Plain(raw) => send(raw, bytes),
            #[cfg(any(feature = "gzip", feature = "br"))]
            Sink::Coded(coded) => coded.write(bytes),
        }
    }

    /// Completes when a write of moderate size (64 KiB) would be taken without waiting, or would be refused.
    ///
    /// For `async` handlers that have other work to do while the caller is behind: other tasks run meanwhile, where a
    /// [`write`](Self::write) that has to wait would hold them up, too. It completes at once if there is nothing to wait for.
    ///
    /// # Panics
    /// Outside of an `async` handler.
    pub async fn ready(&self) {
        Pollable::new(self.raw().subscribe()).ready().await;
    }

    /// Passes another server's answer on, piece by piece as it arrives, and gives the number of bytes. What is wrong with the
    /// answer's status is the handler's to decide: see [`fetch::Response::success`].
    ///
    /// ```no_run
    /// # async fn f(response: firstbyte::Response) -> firstbyte::Result {
    /// let file = firstbyte::fetch::get("https://files.example.com/report.pdf").send().await?.success().await?;
    /// response.content_type("application/pdf").start()?.copy_from(file).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The other server stopped or broke off, or the response was refused; then the other server is not read any further.
    ///
    /// # Panics
    /// Outside of an `async` handler.
    pub async fn copy_from(&mut self, mut answer: fetch::Response) -> Result<u64, CopyError> {
        let mut copied = 0;
        while let Some(piece) = answer.chunk().await? {
            self.write(&piece)?;
            copied += piece.len() as u64;
        }
        Ok(copied)
    }

    /// Ends the response before the handler returns, for a handler that goes on working afterwards. What it returns later only
    /// goes to the log. Without this, the response ends when the handler returns.
    ///
    /// # Errors
    /// The response could not be ended: the caller did not get all of it.
    pub fn finish(self) -> Result<(), WriteError> {
        match self.0 {
            Sink::Plain(raw) => Ok(raw::Body::finish(raw)?),
            #[cfg(any(feature = "gzip", feature = "br"))]
            Sink::Coded(coded) => coded.finish(),
        }
    }

    /// Writes server-sent events from now on. [`Response::sse`](crate::Response::sse) also sets the content type.
    pub fn sse(self) -> Sse {
        Sse::new(self)
    }

    fn raw(&self) -> &raw::Body {
        match &self.0 {
            Sink::Plain(raw) => raw,
            #[cfg(any(feature = "gzip", feature = "br"))]
            Sink::Coded(coded) => coded.raw(),
        }
    }
}

/// What comes before [`start`](crate::Response::start), so that the compiler says so.
#[doc(hidden)]
#[expect(unused_variables, clippy::needless_pass_by_value, reason = "cannot be called")]
impl Body {
    #[must_use]
    pub fn status<T>(self, status: T) -> Self
    where
        Self: Unstarted<T>,
    {
        self
    }

    #[must_use]
    pub fn header<T>(self, name: T, value: impl Into<String>) -> Self
    where
        Self: Unstarted<T>,
    {
        self
    }

    #[must_use]
    pub fn content_type<T>(self, value: T) -> Self
    where
        Self: Unstarted<T>,
    {
        self
    }

    #[must_use]
    pub fn cookie<T>(self, cookie: T) -> Self
    where
        Self: Unstarted<T>,
    {
        self
    }
}

fn send(raw: &raw::Body, bytes: &[u8]) -> Result<(), WriteError> {
    if bytes.len() <= PIECE {
        return Ok(raw.write(bytes)?);
    }
    for piece in bytes.chunks(PIECE) {
        raw.write(piece)?;
    }
    Ok(())
}

/// Every write takes all it is given. A refusal is an [`io::Error`] around the [`WriteError`]: of the kind
/// [`BrokenPipe`](io::ErrorKind::BrokenPipe) if it is [`Closed`](WriteError::Closed).
impl io::Write for Body {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Body::write(self, bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        Ok(Body::write(self, bytes)?)
    }

    /// Formats first and writes once, so that `write!` with many arguments sends one piece.
    fn write_fmt(&mut self, arguments: fmt::Arguments<'_>) -> io::Result<()> {
        match arguments.as_str() {
            Some(text) => self.write_all(text.as_bytes()),
            None => self.write_all(fmt::format(arguments).as_bytes()),
        }
    }

    /// Does nothing: what was written is on its way.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl From<raw::WriteError> for WriteError {
    fn from(error: raw::WriteError) -> Self {
        match error {
            raw::WriteError::Closed => Self::Closed,
            raw::WriteError::TooLarge => Self::TooLarge,
            raw::WriteError::Other(message) => Self::Other(message),
        }
    }
}

impl From<WriteError> for io::Error {
    fn from(error: WriteError) -> Self {
        let kind = match error {
            WriteError::Closed => io::ErrorKind::BrokenPipe,
            WriteError::TooLarge => io::ErrorKind::FileTooLarge,
            WriteError::Other(_) => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the response was closed: nobody reads it any more"),
            Self::TooLarge => f.write_str("the response is larger than it may be"),
            Self::Other(message) => write!(f, "the response could not be written: {message}"),
        }
    }
}

impl std::error::Error for WriteError {}

impl From<fetch::Error> for CopyError {
    fn from(error: fetch::Error) -> Self {
        Self::Read(error)
    }
}

impl From<WriteError> for CopyError {
    fn from(error: WriteError) -> Self {
        Self::Write(error)
    }
}

impl fmt::Display for CopyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::Write(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CopyError {}
