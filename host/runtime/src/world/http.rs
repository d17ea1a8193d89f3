//! What the standard worlds of `wasi:http` share: the request that an invocation becomes, and the way of their response into the
//! invocation's own. It knows no generated type: each generation's file converts its own.

use crate::invocation::Invocation;
use crate::log::InvocationLog;
use crate::outcome::{Failed, Failure};
use crate::response::{SharedResponse, WriteError};
use crate::settings::HttpSettings;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use firstbyte_wire::{Head, HttpRequest, Trigger};
use http::header::{CONTENT_TYPE, COOKIE, HOST};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use tokio::sync::oneshot;
use wasmtime_wasi_http::{Error, WasiBody};

/// Names of headers that begin with this are the host's: what a caller sends under them is removed.
const PREFIX: &str = "x-firstbyte-";

/// Bytes of the largest event that is passed on in a header. Guests copy headers more than once.
const EVENT_LIMIT: usize = 64 * 1024;

/// The authority of a request that has none.
const NOWHERE: &str = "localhost";

/// The request that an invocation is to a component of the standard worlds.
///
/// # Errors
/// The event has what no HTTP request may have.
pub(super) fn request(invocation: &Invocation, settings: &HttpSettings) -> Result<Request<WasiBody>, Failed> {
    let (mut parts, ()) = match &invocation.http {
        Some(http) => of_http(http)?,
        None => of_direct(settings)?,
    }
    .into_parts();
    say_what_lambda_knows(&mut parts.headers, invocation, settings);
    let body = Full::new(invocation.payload.clone()).map_err(|never| match never {}).boxed_unsync();
    Ok(Request::from_parts(parts, body))
}

fn of_direct(settings: &HttpSettings) -> Result<Request<()>, Failed> {
    let uri = uri(Scheme::HTTPS, Authority::from_static(NOWHERE), settings.direct_path.clone())?;
    let mut request = Request::new(());
    *request.method_mut() = settings.direct_method.clone();
    *request.uri_mut() = uri;
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(request)
}

fn of_http(http: &HttpRequest) -> Result<Request<()>, Failed> {
    let mut headers = HeaderMap::with_capacity(http.headers.len() + 8);
    for (name, value) in &http.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unusable("header", name))?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| unusable("header", name.as_str()))?;
        headers.append(name, value);
    }
    if !http.cookies.is_empty() {
        let cookie = HeaderValue::try_from(http.cookies.join("; ")).map_err(|_| unusable("header", COOKIE.as_str()))?;
        headers.insert(COOKIE, cookie);
    }
    let method = Method::from_bytes(http.method.as_bytes()).map_err(|_| unusable("method", &http.method))?;
    let target = if http.query.is_empty() { http.path.clone() } else { format!("{}?{}", http.path, http.query) };
    let target = PathAndQuery::try_from(target).map_err(|_| unusable("path", &http.path))?;
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let authority = text(HOST.as_str()).and_then(|host| host.parse().ok());
    let scheme = if text("x-forwarded-proto") == Some("http") { Scheme::HTTP } else { Scheme::HTTPS };
    let uri = uri(scheme, authority.unwrap_or_else(|| Authority::from_static(NOWHERE)), target)?;
    let mut request = Request::new(());
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Ok(request)
}

fn uri(scheme: Scheme, authority: Authority, path_and_query: PathAndQuery) -> Result<Uri, Failed> {
    let uri = Uri::builder().scheme(scheme).authority(authority).path_and_query(path_and_query);
    uri.build().map_err(|error| Failed::from_request(&format!("the event's request has no usable URL: {error}")))
}

fn unusable(what: &str, name: &str) -> Failed {
    Failed::from_request(&format!("the event's request has a {what} that HTTP does not allow: {name:?}"))
}

/// Adds headers that only the host can set.
fn say_what_lambda_knows(headers: &mut HeaderMap, invocation: &Invocation, settings: &HttpSettings) {
    let forged: Vec<HeaderName> = headers.keys().filter(|name| name.as_str().starts_with(PREFIX)).cloned().collect();
    for name in forged {
        headers.remove(name);
    }
    let context = &invocation.context;
    let mut say = |name: &'static str, value: Option<&str>| {
        if let Some(Ok(value)) = value.map(|value| HeaderValue::from_bytes(value.as_bytes())) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    say("x-firstbyte-request-id", Some(&context.request_id));
    say("x-firstbyte-function-arn", Some(&context.function_arn));
    say("x-firstbyte-deadline-ms", Some(&invocation.deadline_ms().to_string()));
    say("x-firstbyte-tenant-id", context.tenant_id.as_deref());
    say("x-firstbyte-trace-id", context.trace_id.as_deref());
    if settings.event_header {
        if invocation.event.len() <= EVENT_LIMIT {
            say("x-firstbyte-event", Some(&STANDARD.encode(&invocation.event)));
        } else {
            let size = invocation.event.len();
            invocation.log.warn(&format!(
                "the event has {size} bytes, and is not in the request's headers: x-firstbyte-event takes {EVENT_LIMIT} at most"
            ));
        }
    }
}

/// What a guest answers with: a response, or an error in its place.
pub(super) type Produced = Result<Response<WasiBody>, Error>;

/// The way of a guest's response into that of its invocation. Bytes wait in it only while the reader is behind, and no more than
/// one piece of the body.
pub(super) struct Passage {
    to: SharedResponse,
    trigger: Trigger,
    log: InvocationLog,
    state: State,
    /// Whether the last poll took something from the guest, which may have waited for that.
    moved: bool,
}

enum State {
    /// The guest has not answered.
    Awaited(oneshot::Receiver<Produced>),
    /// The response was started, and its body is on its way.
    Open {
        body: WasiBody,
        /// What the reader has not taken yet: the piece, and how much of it is taken.
        piece: (Bytes, usize),
    },
    /// It is over.
    Over(Option<Failed>),
}

/// What is left of a passage when the guest is done.
pub(super) enum Rest {
    /// Bytes, for which the reader has no room yet.
    Bytes,
    /// Nothing: the guest has ended its response, or never will.
    Nothing,
}

impl Passage {
    pub(super) fn new(invocation: &Invocation, to: SharedResponse, answer: oneshot::Receiver<Produced>) -> Self {
        Self { to, trigger: invocation.trigger, log: invocation.log.clone(), state: State::Awaited(answer), moved: false }
    }

    /// Passes on what there is. Ready once the response is over; pending while the guest or the reader has to do something first.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.moved = false;
        // That it is pending has to say that there is nothing, and not that the task has had its share of the executor's time.
        pin!(tokio::task::unconstrained(poll_fn(|cx| self.pass(cx)))).poll(cx)
    }

    fn pass(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match &mut self.state {
                State::Awaited(answer) => {
                    let answer = ready!(Pin::new(answer).poll(cx));
                    self.moved = true;
                    self.state = match answer {
                        Ok(Ok(response)) => self.open(response),
                        Ok(Err(error)) => State::Over(Some(Failed::from_http_error(&error))),
                        // The guest dropped its right to answer.
                        Err(_) => State::Over(Some(no_response())),
                    };
                }
                State::Open { body, piece } => {
                    let (bytes, taken) = &mut *piece;
                    if *taken < bytes.len() {
                        if ready!(self.to.poll_write_all(cx, bytes, taken)).is_err() {
                            self.state = State::Over(None);
                        }
                        continue;
                    }
                    let frame = ready!(Pin::new(&mut *body).poll_frame(cx));
                    self.moved = true;
                    match frame.map(|frame| frame.map(http_body::Frame::into_data)) {
                        None => {
                            // That the reader is gone is told where the response is settled.
                            let _ = self.to.finish();
                            self.state = State::Over(None);
                        }
                        Some(Ok(Ok(bytes))) => match self.to.admit(&bytes) {
                            Ok(()) => *piece = (bytes, 0),
                            Err(refused) => self.state = State::Over(refusal(refused)),
                        },
                        Some(Ok(Err(_))) => self.log.warn("the response's trailers were dropped: Lambda passes none on"),
                        Some(Err(error)) => self.state = State::Over(Some(broken(&error))),
                    }
                }
                State::Over(_) => return Poll::Ready(()),
            }
        }
    }

    fn open(&self, response: Response<WasiBody>) -> State {
        let (parts, body) = response.into_parts();
        if !self.trigger.is_http() && parts.status.as_u16() >= 400 {
            // A direct caller has no status to look at.
            return State::Over(Some(Failed::from_handler(Failure {
                kind: "HttpStatus".to_owned(),
                message: format!("the handler answered with status {}", parts.status),
                status: None,
                stack: Vec::new(),
            })));
        }
        let value = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        // What belongs to the connection is left out without a word: components of these worlds are written for any host.
        let headers = parts.headers.iter().map(|(name, text)| (name.as_str().to_owned(), value(text)));
        let started = Head::new(parts.status.as_u16(), headers).map(|head| self.to.start(head));
        match started {
            Ok(Some(Ok(()))) => State::Open { body, piece: (Bytes::new(), 0) },
            // It was ended meanwhile, by its deadline.
            Ok(None) => State::Over(None),
            Ok(Some(Err(error))) | Err(error) => State::Over(Some(Failed::from_head(&error))),
        }
    }

    /// Whether the last poll took something from the guest: polled again at once, it writes on.
    pub(super) fn has_moved(&self) -> bool {
        self.moved
    }

    /// What is left when the guest does nothing any more.
    pub(super) fn rest(&self) -> Rest {
        match &self.state {
            State::Open { piece: (bytes, taken), .. } if *taken < bytes.len() => Rest::Bytes,
            _ => Rest::Nothing,
        }
    }

    /// How the response went, once the guest does nothing any more.
    pub(super) fn into_result(self) -> Result<(), Failed> {
        match self.state {
            State::Awaited(_) => Err(no_response()),
            State::Open { .. } => Err(unfinished()),
            State::Over(failed) => failed.map_or(Ok(()), Err),
        }
    }
}

fn failure(kind: &str, message: String) -> Failed {
    Failed::from_handler(Failure { kind: kind.to_owned(), message, status: None, stack: Vec::new() })
}

fn no_response() -> Failed {
    failure("NoResponse", "the handler returned without a response: it has to set one, or an error, before it returns".to_owned())
}

fn unfinished() -> Failed {
    failure(
        "BodyNotFinished",
        "the handler did not finish its response's body, so that nobody can know whether it is whole".to_owned(),
    )
}

/// A body that ended with an error. wasmtime-wasi-http tells one that was dropped by this error.
fn broken(error: &Error) -> Failed {
    match error {
        Error::HttpProtocolError => unfinished(),
        error => Failed::from_http_error(error),
    }
}

/// None if nobody reads any more: that is told where the response is settled.
fn refusal(error: WriteError) -> Option<Failed> {
    match error {
        WriteError::Closed(_) => None,
        WriteError::TooLarge => Some(failure(
            "ResponseTooLarge",
            "the response would exceed the size that FIRSTBYTE_RESPONSE_LIMIT_MB, or Lambda, allows".to_owned(),
        )),
        WriteError::Spent(spent) => Some(failure("ResponseTooLarge", spent.to_string())),
    }
}
