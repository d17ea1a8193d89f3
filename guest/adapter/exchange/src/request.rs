//! What a handler is given of a request of `wasi:http`.

use crate::bindings::exports::firstbyte::lambda::invocation::{GuestRequest, HttpRequest, Trigger};
use crate::bindings::wasi::clocks::monotonic_clock;
use crate::bindings::wasi::http::types::{IncomingRequest, Method};
use crate::bindings::wasi::io::streams::StreamError;
use crate::bindings::wasi::random::random::get_random_u64;
use crate::event;
use std::cell::OnceCell;

/// Lambda's limit for what a caller sends, in bytes.
const BODY_LIMIT: usize = 6 << 20;

/// What the handler is told to have left when it begins, as nothing ends it: Lambda's longest timeout, in milliseconds.
const LONGEST_MS: u64 = 900_000;

pub(crate) struct Request {
    pub(crate) http: HttpRequest,
    pub(crate) payload: Vec<u8>,
    pub(crate) id: String,
    began: u64,
    event: OnceCell<String>,
}

/// Why the handler is not called.
pub(crate) enum Refused {
    TooLarge,
    Broken,
}

impl Refused {
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::TooLarge => 413,
            Self::Broken => 400,
        }
    }

    pub(crate) fn shown(&self) -> &'static str {
        match self {
            Self::TooLarge => "Request Too Long",
            Self::Broken => "Bad Request",
        }
    }
}

impl Request {
    pub(crate) fn read(request: &IncomingRequest) -> Result<Self, Refused> {
        let payload = body(request)?;
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let mut headers = Vec::new();
        let mut cookies = Vec::new();
        for (name, value) in request.headers().entries() {
            let name = name.to_ascii_lowercase();
            let value = String::from_utf8_lossy(&value).into_owned();
            if name == "cookie" {
                cookies.extend(value.split(';').map(str::trim).filter(|cookie| !cookie.is_empty()).map(str::to_owned));
            } else {
                headers.push((name, value));
            }
        }
        if let Some(authority) = request.authority()
            && !headers.iter().any(|(name, _)| name == "host")
        {
            headers.push(("host".to_owned(), authority));
        }
        let path = if path.is_empty() { "/" } else { path };
        Ok(Self {
            http: HttpRequest {
                method: method(request.method()),
                path: path.to_owned(),
                query: query.to_owned(),
                headers,
                cookies,
            },
            payload,
            id: uuid(get_random_u64(), get_random_u64()),
            began: monotonic_clock::now(),
            event: OnceCell::new(),
        })
    }
}

impl GuestRequest for Request {
    fn event(&self) -> String {
        self.event.get_or_init(|| event::of(self)).clone()
    }

    fn payload(&self) -> Vec<u8> {
        self.payload.clone()
    }

    fn http(&self) -> Option<HttpRequest> {
        Some(self.http.clone())
    }

    fn trigger(&self) -> Trigger {
        Trigger::Other("wasi:http".to_owned())
    }

    fn request_id(&self) -> String {
        self.id.clone()
    }

    fn function_arn(&self) -> String {
        String::new()
    }

    fn remaining_ms(&self) -> u64 {
        LONGEST_MS.saturating_sub(monotonic_clock::now().saturating_sub(self.began) / 1_000_000)
    }

    fn trace_id(&self) -> Option<String> {
        None
    }

    fn tenant_id(&self) -> Option<String> {
        None
    }

    fn client_context(&self) -> Option<String> {
        None
    }

    fn cognito_identity(&self) -> Option<String> {
        None
    }
}

fn body(request: &IncomingRequest) -> Result<Vec<u8>, Refused> {
    let body = request.consume().map_err(|()| Refused::Broken)?;
    let stream = body.stream().map_err(|()| Refused::Broken)?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(piece) if bytes.len() + piece.len() > BODY_LIMIT => return Err(Refused::TooLarge),
            Ok(piece) => bytes.extend(piece),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(_)) => return Err(Refused::Broken),
        }
    }
}

fn method(method: Method) -> String {
    match method {
        Method::Get => "GET".to_owned(),
        Method::Head => "HEAD".to_owned(),
        Method::Post => "POST".to_owned(),
        Method::Put => "PUT".to_owned(),
        Method::Delete => "DELETE".to_owned(),
        Method::Connect => "CONNECT".to_owned(),
        Method::Options => "OPTIONS".to_owned(),
        Method::Trace => "TRACE".to_owned(),
        Method::Patch => "PATCH".to_owned(),
        Method::Other(name) => name,
    }
}

/// A random UUID (RFC 9562, version 4), which is the form that Lambda's ids have.
fn uuid(high: u64, low: u64) -> String {
    let high = high & !0xf000 | 0x4000;
    let low = low & !(0b11 << 62) | 0b10 << 62;
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}
