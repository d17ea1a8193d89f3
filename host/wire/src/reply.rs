//! What the Runtime API answers to a `GET`: an HTTP/1.1 response with all its headers and its body, which for `/next` is an event.
//! Knows nothing of sockets: bytes are put in as they come.

use bytes::{Buf as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use httparse::Status;

/// How large a head may be. Larger than any that Lambda sends: the longest header is a client context of 3583 bytes.
const HEAD: usize = 64 * 1024;

/// How many headers a reply may have.
const HEADERS: usize = 100;

/// The longest line of a chunk: its size, and extensions that nobody reads.
const CHUNK_LINE: usize = 1024;

/// A reply that is complete.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status, of three digits. Interim replies (1xx) are passed over.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The body, its chunks put together.
    pub body: Bytes,
    /// Whether the connection may carry another request.
    pub keep_alive: bool,
}

/// Why there is no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// Bytes that are not an HTTP/1 response.
    #[error("the reply is not HTTP: {0}")]
    NotHttp(String),
    /// A head or a body of more bytes than are read.
    #[error("the reply is too large")]
    TooLarge,
    /// The connection ended before the reply did.
    #[error("the connection ended before the reply did")]
    Incomplete,
}

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    /// So many bytes are outstanding.
    Length(usize),
    /// By a chunk without bytes.
    Chunks(Chunk),
    /// By the end of the connection.
    UntilClose,
}

/// Which part of a chunk comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chunk {
    Size,
    /// So many bytes, and a line break.
    Data(usize),
    /// Lines up to an empty one, which nobody reads.
    Trailers,
}

/// Puts a reply together from what comes over a connection.
#[derive(Debug)]
pub struct ReplyDecoder {
    limit: usize,
    /// What has come and was not yet taken.
    buffer: BytesMut,
    /// The head and how the body ends, once the head is complete.
    head: Option<(u16, HeaderMap, bool, Framing)>,
    /// Bytes of the body that came in chunks.
    body: BytesMut,
}

impl ReplyDecoder {
    /// For a reply whose body has at most `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, buffer: BytesMut::new(), head: None, body: BytesMut::new() }
    }

    /// Where the next bytes go: they are added, and [`decode`](Self::decode) is called again.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The reply, if it is complete.
    ///
    /// # Errors
    /// [`ReplyError`]: more bytes will not make it one.
    pub fn decode(&mut self) -> Result<Option<Reply>, ReplyError> {
        if self.head.is_none() && !self.decode_head()? {
            return Ok(None);
        }
        let Some((.., framing)) = &mut self.head else { return Ok(None) };
        let complete = match framing {
            Framing::Length(length) => self.buffer.len() >= *length,
            Framing::Chunks(chunk) => decode_chunks(chunk, &mut self.buffer, &mut self.body, self.limit)?,
            Framing::UntilClose => {
                if self.buffer.len() > self.limit {
                    return Err(ReplyError::TooLarge);
                }
                false
            }
        };
        if complete { Ok(self.take()) } else { Ok(None) }
    }

    /// The reply, if it is complete with the end of the connection.
    ///
    /// # Errors
    /// [`ReplyError::Incomplete`].
    pub fn end(mut self) -> Result<Reply, ReplyError> {
        match self.head {
            Some((.., Framing::UntilClose)) => self.take().ok_or(ReplyError::Incomplete),
            _ => Err(ReplyError::Incomplete),
        }
    }

    fn take(&mut self) -> Option<Reply> {
        let (status, headers, keep_alive, framing) = self.head.take()?;
        let body = match framing {
            Framing::Length(length) => self.buffer.split_to(length),
            Framing::Chunks(_) => std::mem::take(&mut self.body),
            Framing::UntilClose => std::mem::take(&mut self.buffer),
        };
        // Bytes after the reply belong to no reply that was asked for: the connection must not be used again.
        let keep_alive = keep_alive && framing != Framing::UntilClose && self.buffer.is_empty();
        Some(Reply { status, headers, body: body.freeze(), keep_alive })
    }

    /// Reads the head. True if it is complete.
    fn decode_head(&mut self) -> Result<bool, ReplyError> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; HEADERS];
            let mut response = httparse::Response::new(&mut headers);
            let begins = match response.parse(&self.buffer) {
                Ok(Status::Complete(begins)) if begins > HEAD => return Err(ReplyError::TooLarge),
                Ok(Status::Complete(begins)) => begins,
                Ok(Status::Partial) if self.buffer.len() > HEAD => return Err(ReplyError::TooLarge),
                Ok(Status::Partial) => return Ok(false),
                Err(error) => return Err(ReplyError::NotHttp(error.to_string())),
            };
            let status = response.code.unwrap_or_default();
            if !(100..200).contains(&status) {
                let is_http_1_1 = response.version == Some(1);
                let fields = fields(response.headers)?;
                let framing = framing(status, &fields)?;
                if let Framing::Length(length) = framing {
                    if length > self.limit {
                        return Err(ReplyError::TooLarge);
                    }
                    self.buffer.reserve((begins + length).saturating_sub(self.buffer.len()));
                }
                let keep_alive = is_http_1_1 && !has(&fields, http::header::CONNECTION, "close");
                self.head = Some((status, fields, keep_alive, framing));
                self.buffer.advance(begins);
                return Ok(true);
            }
            self.buffer.advance(begins);
        }
    }
}

fn fields(headers: &[httparse::Header<'_>]) -> Result<HeaderMap, ReplyError> {
    let mut fields = HeaderMap::with_capacity(headers.len());
    for header in headers {
        let not_http = |error: &dyn std::fmt::Display| ReplyError::NotHttp(error.to_string());
        let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|error| not_http(&error))?;
        fields.append(name, HeaderValue::from_bytes(header.value).map_err(|error| not_http(&error))?);
    }
    Ok(fields)
}

/// Whether one of the options of a header is this one.
fn has(fields: &HeaderMap, name: HeaderName, option: &str) -> bool {
    let values = fields.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(option))
}

/// How the body ends (RFC 9112, 6.3).
fn framing(status: u16, fields: &HeaderMap) -> Result<Framing, ReplyError> {
    if status == 204 || status == 304 {
        return Ok(Framing::Length(0));
    }
    if fields.contains_key(http::header::TRANSFER_ENCODING) {
        let chunked = has(fields, http::header::TRANSFER_ENCODING, "chunked");
        return Ok(if chunked { Framing::Chunks(Chunk::Size) } else { Framing::UntilClose });
    }
    let mut lengths = fields.get_all(http::header::CONTENT_LENGTH).into_iter();
    let Some(length) = lengths.next() else { return Ok(Framing::UntilClose) };
    let text = length.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let length = text.and_then(|text| text.parse().ok()).filter(|_| lengths.next().is_none());
    length.map(Framing::Length).ok_or_else(|| ReplyError::NotHttp("its length is not a number".to_owned()))
}

/// Takes chunks as far as they have come. True if that was all of them.
fn decode_chunks(chunk: &mut Chunk, buffer: &mut BytesMut, body: &mut BytesMut, limit: usize) -> Result<bool, ReplyError> {
    let not_http = |reason: &str| ReplyError::NotHttp(reason.to_owned());
    loop {
        match chunk {
            Chunk::Size => match httparse::parse_chunk_size(buffer) {
                Ok(Status::Complete((begins, _))) if begins > CHUNK_LINE => return Err(ReplyError::TooLarge),
                Ok(Status::Complete((begins, size))) => {
                    buffer.advance(begins);
                    let size = usize::try_from(size).unwrap_or(usize::MAX);
                    if size > limit.saturating_sub(body.len()) {
                        return Err(ReplyError::TooLarge);
                    }
                    *chunk = if size == 0 { Chunk::Trailers } else { Chunk::Data(size) };
                }
                Ok(Status::Partial) if buffer.len() > CHUNK_LINE => return Err(ReplyError::TooLarge),
                Ok(Status::Partial) => return Ok(false),
                Err(error) => return Err(not_http(&error.to_string())),
            },
            Chunk::Data(0) => {
                if buffer.len() < 2 {
                    return Ok(false);
                }
                if !buffer.starts_with(b"\r\n") {
                    return Err(not_http("a chunk is longer than its size"));
                }
                buffer.advance(2);
                *chunk = Chunk::Size;
            }
            Chunk::Data(size) => {
                let length = (*size).min(buffer.len());
                if length == 0 {
                    return Ok(false);
                }
                body.extend_from_slice(&buffer[..length]);
                buffer.advance(length);
                *size -= length;
            }
            Chunk::Trailers => {
                let Some(end) = buffer.iter().position(|byte| *byte == b'\n') else {
                    return if buffer.len() > HEAD { Err(ReplyError::TooLarge) } else { Ok(false) };
                };
                if end >= HEAD {
                    return Err(ReplyError::TooLarge);
                }
                let is_last = buffer[..end].trim_ascii().is_empty();
                buffer.advance(end + 1);
                if is_last {
                    return Ok(true);
                }
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The reply in `bytes`, which come in pieces.
    fn decode(pieces: &[&[u8]]) -> Result<Option<Reply>, ReplyError> {
        let mut decoder = ReplyDecoder::new(1000);
        for piece in pieces {
            decoder.buffer().extend_from_slice(piece);
            if let Some(reply) = decoder.decode()? {
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }

    const CHUNKED: &[u8] =
        b"HTTP/1.1 200 OK\r\nA: 1\r\nTransfer-Encoding: Chunked\r\n\r\n4;x=y\r\n{\"a\"\r\n00003\r\n:1}\r\n0\r\nt: 1\r\n\r\n";

    #[test]
    fn bodies_end_as_their_heads_say() {
        let length = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\na: 1\r\ncontent-length: 7\r\n\r\n{\"a\":1}";
        for bytes in [&length[..], CHUNKED] {
            for cut in 0..bytes.len() {
                assert!(decode(&[&bytes[..cut]]).unwrap().is_none(), "{cut}");
                let reply = decode(&[&bytes[..cut], &bytes[cut..]]).unwrap().unwrap();
                assert_eq!((reply.status, &reply.body[..], reply.keep_alive), (200, &b"{\"a\":1}"[..], true));
                assert_eq!(reply.headers["a"], "1");
            }
        }
        assert_eq!(decode(&[b"HTTP/1.1 204 None\r\n\r\n"]).unwrap().unwrap().body.len(), 0);
        let mut decoder = ReplyDecoder::new(1000);
        decoder.buffer().extend_from_slice(b"HTTP/1.0 200 OK\r\n\r\n{}");
        assert!(decoder.decode().unwrap().is_none());
        let reply = decoder.end().unwrap();
        assert_eq!((&reply.body[..], reply.keep_alive), (&b"{}"[..], false));
    }

    #[test]
    fn a_connection_is_kept_only_if_nothing_says_otherwise() {
        for (head, keep_alive) in [
            ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", true),
            ("HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", false),
            ("HTTP/1.1 200 OK\r\nConnection: x, Close\r\ncontent-length: 0\r\n\r\n", false),
            ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nmore", false),
        ] {
            assert_eq!(decode(&[head.as_bytes()]).unwrap().unwrap().keep_alive, keep_alive, "{head}");
        }
    }

    #[test]
    fn what_is_no_reply_is_an_error() {
        for bytes in [
            &b"garbage\r\n\r\n"[..],
            b"HTTP/1.1 200 OK\r\n\0: x\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\n{}",
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n",
        ] {
            assert!(matches!(decode(&[bytes]), Err(ReplyError::NotHttp(_))), "{}", String::from_utf8_lossy(bytes));
        }
        for bytes in [
            format!("HTTP/1.1 200 OK\r\na: {}", "x".repeat(HEAD)),
            "HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n".to_owned(),
            format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3e8\r\n{}\r\n1\r\n", "x".repeat(1000)),
            format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(1001)),
        ] {
            assert_eq!(decode(&[bytes.as_bytes()]).unwrap_err(), ReplyError::TooLarge);
        }
        let mut decoder = ReplyDecoder::new(1000);
        decoder.buffer().extend_from_slice(&CHUNKED[..CHUNKED.len() - 1]);
        assert!(decoder.decode().unwrap().is_none());
        assert_eq!(decoder.end().unwrap_err(), ReplyError::Incomplete);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(
            start in prop_oneof![Just("".as_bytes()), Just(CHUNKED), Just(&CHUNKED[..60]), Just("HTTP/1.1 200 OK\r\ncontent-length:".as_bytes())],
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..6),
        ) {
            let pieces: Vec<&[u8]> = std::iter::once(start).chain(pieces.iter().map(Vec::as_slice)).collect();
            let _ = decode(&pieces);
        }
    }
}
