//! Header names as AWS spells them on HTTP/1.1: `x-amzn-RequestId`, not `x-amzn-requestid`. Names compare without regard to
//! case, but people read `curl -v` and scripts grep it.
//!
//! hyper writes a name as it was spelled in a message that it has parsed, and has no other way of being told. So one message
//! with all of these names is parsed at the start, and what hyper noted is attached to every response. It notes a spelling
//! for each value; of these names, only `Set-Cookie` can come with several.

use http::header::SET_COOKIE;
use http::{Extensions, Request, Response};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::AsyncWriteExt as _;

/// The names in which AWS uses capitals.
const MESSAGE: &[u8] = b"GET / HTTP/1.1\r\n\
    Connection: close\r\n\
    Content-Length: 0\r\n\
    Content-Type: -\r\n\
    Date: -\r\n\
    Transfer-Encoding: chunked\r\n\
    X-Amz-Executed-Version: -\r\n\
    X-Amz-Function-Error: -\r\n\
    X-Amz-Log-Result: -\r\n\
    X-Amzn-Trace-Id: -\r\n\
    x-amzn-ErrorType: -\r\n\
    x-amzn-Remapped-Content-Length: -\r\n\
    x-amzn-Remapped-Content-Type: -\r\n\
    x-amzn-RequestId: -\r\n";

const COOKIE: &[u8] = b"Set-Cookie: -\r\n";

const END: &[u8] = b"\r\n0\r\n\r\n";

/// How many headers the message has besides cookies, or more.
const OTHERS: usize = 32;

/// What hyper noted of the spelling. Empty if it noted nothing: then names are in lower case.
#[derive(Clone, Default)]
pub(super) struct HeaderCase(Arc<Extensions>);

impl HeaderCase {
    /// Parses the message.
    pub(super) async fn learn() -> Self {
        Self(Arc::new(noted(1).await))
    }

    /// Has a response's names spelled so.
    pub(super) async fn apply<B>(&self, response: &mut Response<B>) {
        let cookies = response.headers().get_all(SET_COOKIE).iter().count();
        let noted = if cookies > 1 { noted(cookies).await } else { (*self.0).clone() };
        response.extensions_mut().extend(noted);
    }
}

/// What hyper notes of a message with so many cookies.
async fn noted(cookies: usize) -> Extensions {
    let message = [MESSAGE, &COOKIE.repeat(cookies), END].concat();
    // Large enough for the answer, too, so that nobody has to read while the other writes.
    let (mut client, server) = tokio::io::duplex(message.len() + 4096);
    let noted = Arc::new(Mutex::new(Extensions::new()));
    let service = service_fn(|request: Request<Incoming>| {
        let noted = Arc::clone(&noted);
        async move {
            *noted.lock().unwrap_or_else(PoisonError::into_inner) = request.extensions().clone();
            Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
        }
    });
    if client.write_all(&message).await.is_ok() {
        let mut http = hyper::server::conn::http1::Builder::new();
        http.preserve_header_case(true).max_headers(cookies + OTHERS);
        let _ = http.serve_connection(TokioIo::new(server), service).await;
    }
    std::mem::take(&mut *noted.lock().unwrap_or_else(PoisonError::into_inner))
}
