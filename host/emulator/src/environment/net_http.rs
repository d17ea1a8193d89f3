//! What AWS's Runtime API refuses of a runtime before it looks at the request. Its server is Go's `net/http`, as AWS's Runtime
//! Interface Emulator shows; hyper takes more. What both refuse alike, such as control characters in a header, is left to
//! hyper. Knows nothing of Lambda.

use super::runtime_api::Reply;
use http::header::{CONNECTION, CONTENT_TYPE, EXPECT, HOST, TRAILER, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The largest head in bytes: Go's limit for headers, and the buffer that it reads ahead.
pub(super) const HEAD_LIMIT: usize = 1024 * 1024 + 4096;

/// The longest trailer section in bytes, the empty line at its end included: Go looks for that line within one buffer.
pub(super) const TRAILERS_LIMIT: usize = 4096;

/// The connection is closed without a reply.
#[derive(Debug, thiserror::Error)]
#[error("the connection is dropped")]
pub(super) struct Dropped;

/// Status and reason of a refusal, or none if Go takes the request.
pub(super) fn refusal<B>(request: &Request<B>) -> Option<(StatusCode, &'static str)> {
    let headers = request.headers();
    let all = |name| headers.get_all(name).iter().map(HeaderValue::as_bytes);
    let is_forbidden = |name: &[u8]| {
        ["transfer-encoding", "trailer", "content-length"].iter().any(|no| name.trim_ascii().eq_ignore_ascii_case(no.as_bytes()))
    };
    let is_chunked = headers.contains_key(TRANSFER_ENCODING);
    if !all(TRANSFER_ENCODING).all(|coding| coding.eq_ignore_ascii_case(b"chunked")) || all(TRANSFER_ENCODING).count() > 1 {
        Some((StatusCode::NOT_IMPLEMENTED, "unsupported transfer encoding"))
    } else if all(HOST).count() > 1 {
        Some((StatusCode::BAD_REQUEST, "too many Host headers"))
    } else if request.version() >= Version::HTTP_11 && all(HOST).next().is_none() {
        Some((StatusCode::BAD_REQUEST, "missing required Host header"))
    } else if is_chunked && all(TRAILER).flat_map(|names| names.split(|byte| *byte == b',')).any(is_forbidden) {
        Some((StatusCode::BAD_REQUEST, "bad trailer key"))
    } else if all(EXPECT).any(|expected| !expected.is_empty() && !expected.eq_ignore_ascii_case(b"100-continue")) {
        Some((StatusCode::EXPECTATION_FAILED, "unknown expectation"))
    } else {
        None
    }
}

/// The reply to a request that is refused.
pub(super) fn reply(status: StatusCode, why: &str) -> Reply {
    let mut reply = Response::new(format!("{status}: {why}").into());
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    reply
}

/// How long a trailer section is, written as every known client writes it: with one space after each colon.
pub(super) fn trailers_length(trailers: &HeaderMap) -> usize {
    trailers.iter().map(|(name, value)| name.as_str().len() + ": \r\n".len() + value.len()).sum::<usize>() + "\r\n".len()
}

/// A stream that gives few bytes at a time. hyper buffers as much as a head may have, and of a body that much would be read
/// ahead of its client.
pub(super) struct Sips<S> {
    stream: S,
    sip: usize,
}

impl<S> Sips<S> {
    /// A stream that gives `sip` bytes at a time.
    pub(super) fn of(stream: S, sip: usize) -> Self {
        Self { stream, sip }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Sips<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        if buffer.remaining() <= self.sip {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        }
        let mut sip = ReadBuf::new(buffer.initialize_unfilled_to(self.sip));
        let read = Pin::new(&mut self.stream).poll_read(cx, &mut sip);
        let filled = sip.filled().len();
        buffer.advance(filled);
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Sips<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
