//! An answer that is arriving.

use std::fmt;

use crate::{
    __private::bindings::wasi::{
        http::types::{IncomingBody, IncomingResponse, http_error_code},
        io::streams::{InputStream, StreamError},
    },
    executor::Pollable,
    fetch::{Error, Phase},
    sse::{self, Parser},
};
use serde::de::DeserializeOwned;

/// The most that one piece of an answer has.
const PIECE: u64 = 64 * 1024;

/// The most that is kept of what a server says to a refusal.
const EXCERPT: usize = 1024;

/// An answer: its head, and its body as it arrives. Dropping it closes the connection if there was more to come.
///
/// ```no_run
/// use firstbyte::{Error, Result, fetch};
///
/// async fn count_lines(url: &str) -> Result<usize> {
///     let mut answer = fetch::get(url).header("accept", "text/csv").send().await?;
///     if answer.status() == 404 {
///         return Err(Error::not_found("there is no such table"));
///     }
///     answer = answer.success().await?; // any other than 200 to 299 is an error
///     println!("it is {}", answer.header("content-type").unwrap_or("of no type"));
///     let mut lines = 0;
///     while let Some(piece) = answer.chunk().await? {
///         lines += piece.iter().filter(|byte| **byte == b'\n').count();
///     }
///     Ok(lines)
/// }
/// ```
pub struct Response {
    from: String,
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    /// Until it has ended.
    body: Option<Incoming>,
}

/// In the order in which the host wants them to be dropped.
struct Incoming {
    ready: Pollable,
    stream: InputStream,
    _body: IncomingBody,
}

impl Response {
    pub(crate) fn new(from: String, incoming: &IncomingResponse) -> Result<Self, Error> {
        let protocol = || Error::Protocol { to: from.clone(), reason: "it has no body".to_owned() };
        let headers = incoming.headers().entries();
        let body = incoming.consume().map_err(|()| protocol())?;
        let stream = body.stream().map_err(|()| protocol())?;
        let ready = Pollable::new(stream.subscribe());
        Ok(Self { status: incoming.status(), headers, body: Some(Incoming { ready, stream, _body: body }), from })
    }

    /// The status: 200, 404, ….
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Whether the status is within 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The answer, if its status is within 200 to 299.
    ///
    /// # Errors
    /// [`Error::Status`] of any other, with the beginning of what the server said.
    pub async fn success(mut self) -> Result<Self, Error> {
        if self.is_success() {
            return Ok(self);
        }
        let mut said = Vec::new();
        while said.len() < EXCERPT {
            // What it said explains; that it said it badly does not.
            let Ok(Some(piece)) = self.chunk().await else { break };
            said.extend_from_slice(&piece);
        }
        Err(Error::Status { body: excerpt(&said), to: self.from, status: self.status })
    }

    /// The first header of this name, in any case, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().find(|(candidate, _)| candidate.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All headers whose values are text.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().filter_map(|(name, value)| Some((name.as_str(), std::str::from_utf8(value).ok()?)))
    }

    /// The next piece of the body, as it arrived, of at most 64 KiB; `None` when the body has ended.
    ///
    /// # Errors
    /// The server stopped or broke off; there is nothing after that.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Error> {
        loop {
            let Some(Incoming { ready, stream, .. }) = &self.body else { return Ok(None) };
            match stream.read(PIECE) {
                Ok(piece) if piece.is_empty() => ready.ready().await,
                Ok(piece) => return Ok(Some(piece)),
                Err(StreamError::Closed) => self.body = None,
                Err(StreamError::LastOperationFailed(error)) => {
                    let error = match http_error_code(&error) {
                        Some(code) => Error::of_host(&self.from, Phase::BetweenBytes, &code),
                        None => Error::Protocol { to: self.from.clone(), reason: error.to_debug_string() },
                    };
                    self.body = None;
                    return Err(error);
                }
            }
        }
    }

    /// The whole body, of any size that fits the handler's memory: see [how much](crate::fetch#how-much-and-for-how-long).
    ///
    /// # Errors
    /// The server stopped or broke off.
    pub async fn bytes(mut self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        while let Some(piece) = self.chunk().await? {
            if bytes.is_empty() {
                bytes = piece;
            } else {
                bytes.extend_from_slice(&piece);
            }
        }
        Ok(bytes)
    }

    /// The whole body, which is text.
    ///
    /// # Errors
    /// The server stopped or broke off, or what it sent is not UTF-8.
    pub async fn text(self) -> Result<String, Error> {
        let to = self.from.clone();
        let bytes = self.bytes().await?;
        String::from_utf8(bytes).map_err(|error| Error::Protocol { to, reason: format!("it is not text: {error}") })
    }

    /// The whole body, which is JSON.
    ///
    /// # Errors
    /// The server stopped or broke off, or what it sent is not the JSON of a `T`.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        let to = self.from.clone();
        let bytes = self.bytes().await?;
        serde_json::from_slice(&bytes).map_err(|error| Error::Protocol { to, reason: format!("it does not fit: {error}") })
    }

    /// The body as server-sent events.
    pub fn events(self) -> Events {
        Events { response: self, parser: Parser::new() }
    }
}

/// The server-sent events of an answer, one by one, as they arrive.
///
/// ```no_run
/// # async fn f() -> firstbyte::Result {
/// let mut events = firstbyte::fetch::get("https://example.com/events").send().await?.success().await?.events();
/// while let Some(event) = events.next().await? {
///     println!("{}", event.data);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Events {
    response: Response,
    parser: Parser,
}

impl Events {
    /// The next event; `None` when the answer has ended. One that the answer ended in the middle of is left out.
    ///
    /// May be dropped and called again without losing anything.
    ///
    /// # Errors
    /// The server stopped or broke off, or an event is larger than [`Parser::LIMIT`].
    pub async fn next(&mut self) -> Result<Option<sse::Event>, Error> {
        loop {
            let too_large = |error: sse::TooLarge| Error::Protocol { to: self.response.from.clone(), reason: error.to_string() };
            if let Some(event) = self.parser.next().map_err(too_large)? {
                return Ok(Some(event));
            }
            match self.response.chunk().await? {
                Some(piece) => self.parser.push(&piece),
                None => return Ok(None),
            }
        }
    }
}

fn excerpt(said: &[u8]) -> String {
    let said = &said[..said.len().min(EXCERPT)];
    String::from_utf8_lossy(said).trim().to_owned()
}

/// Without the values of headers: there are cookies in them.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        let mut response = f.debug_struct("Response");
        response.field("from", &self.from).field("status", &self.status).field("headers", &names).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_short_text() {
        assert_eq!(excerpt(b" no such model \n"), "no such model");
        assert_eq!(excerpt(&vec![b'x'; 5000]).len(), EXCERPT);
        assert_eq!(excerpt(b"\xff"), "\u{fffd}");
    }
}
