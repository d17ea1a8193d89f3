//! The Lambda Runtime API, version 2018-06-01, as one environment's runtime sees it.
//!
//! Follows "Using the Lambda runtime API for custom runtimes" and the state machine of AWS's Runtime Interface Emulator.

use super::net_http::{self, Dropped, Sips};
use super::turns::NotItsTurn;
use super::{Environment, extensions_api, response};
use crate::feed::EventKind;
use crate::invocation::{Ending, Running};
use bytes::Bytes;
use firstbyte_wire::runtime_api::{self, header};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;

/// The largest error document that is taken.
const ERROR_LIMIT: usize = 1024 * 1024;

/// How much of an unwanted body is read, and for how long.
const UNWANTED: usize = 64 * 1024;
const UNWANTED_TIME: Duration = Duration::from_millis(100);

/// APIs for extensions that are not offered. AWS's Runtime Interface Emulator accepts a subscription and says so.
const NOT_SUPPORTED: [(&str, &str); 2] = [("/2022-07-01/telemetry", "Telemetry"), ("/2020-08-15/logs", "Logs")];

/// How much of a response may be read ahead of its client.
const READ_AHEAD: usize = 64 * 1024;

/// What the runtime gets.
pub(super) type Reply = Response<Full<Bytes>>;

/// Serves one connection of the runtime's, without any limit of time: a poll waits for as long as nobody calls.
pub(super) async fn serve(stream: TcpStream, environment: Arc<Environment>) {
    // Without it, replies would wait for acknowledgements; with it missing, all still works.
    let _ = stream.set_nodelay(true);
    let service = service_fn({
        let environment = environment.clone();
        move |request| reply(environment.clone(), request)
    });
    let served = hyper::server::conn::http1::Builder::new()
        .max_buf_size(net_http::HEAD_LIMIT)
        // Of trailers too, so that how long they are can be said.
        .max_header_size(net_http::HEAD_LIMIT)
        .serve_connection(TokioIo::new(Sips::of(stream, READ_AHEAD)), service)
        .await;
    // A runtime that breaks its connection is known by what is missing in it.
    if let Err(error) = served
        && error.is_parse()
    {
        let status =
            if error.is_parse_too_large() { StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE } else { StatusCode::BAD_REQUEST };
        environment.tell(EventKind::RuntimeRefused { status: Some(status.as_u16()), why: error.to_string() });
    }
}

async fn reply(environment: Arc<Environment>, request: Request<Incoming>) -> Result<Reply, Dropped> {
    if let Some((status, why)) = net_http::refusal(&request) {
        environment.tell(EventKind::RuntimeRefused { status: Some(status.as_u16()), why: why.to_owned() });
        return Ok(net_http::reply(status, why));
    }
    let path = request.uri().path().to_owned();
    if let Some(path) = path.strip_prefix(extensions_api::BASE) {
        return Ok(extensions_api::reply(&environment, path, request).await);
    }
    if let (&Method::PUT, Some((_, api))) = (request.method(), NOT_SUPPORTED.iter().find(|(known, _)| *known == path)) {
        let message = format!("{api} API is not supported");
        return Ok(refusal(StatusCode::ACCEPTED, &format!("{api}.NotSupported"), &message));
    }
    let Some(path) = path.strip_prefix(runtime_api::BASE) else { return Ok(not_found(&path)) };
    let path: Vec<&str> = path.split('/').skip(1).collect();
    Ok(match (request.method(), path.as_slice()) {
        (&Method::GET, ["invocation", "next"]) => match environment.next().await {
            Ok(running) => delivery(&running),
            Err(NotItsTurn) => not_allowed(),
        },
        (&Method::POST, ["invocation", id, "response"]) => match owner(&environment, id, request.headers()) {
            Ok(running) => response::receive(environment, running, request).await?,
            Err(stranger) => refused(request.into_body(), stranger.reply()).await,
        },
        (&Method::POST, ["invocation", id, "error"]) => match owner(&environment, id, request.headers()) {
            Ok(running) => error(&environment, &running, request).await,
            Err(stranger) => refused(request.into_body(), stranger.reply()).await,
        },
        (&Method::POST, ["init", "error"]) => init_error(&environment, request).await,
        // Environments are never restored from a snapshot here.
        (&Method::GET, ["restore", "next"]) | (&Method::POST, ["restore", "error"]) => not_allowed(),
        (_, path) => not_found(&path.join("/")),
    })
}

/// The invocation as `/next` delivers it.
fn delivery(running: &Running) -> Reply {
    let invocation = &running.invocation;
    let mut reply = Response::new(Full::new(invocation.event.clone()));
    let headers = reply.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let deadline = running.deadline_ms.to_string();
    let known = [
        (header::REQUEST_ID, Some(running.id())),
        (header::INVOCATION_ID, Some(running.delivery.as_str())),
        (header::DEADLINE_MS, Some(deadline.as_str())),
        (header::FUNCTION_ARN, Some(invocation.arn.as_str())),
        (header::TRACE_ID, Some(invocation.trace_id.as_str())),
        (header::CLIENT_CONTEXT, invocation.client_context.as_deref()),
        (header::TENANT_ID, invocation.tenant.0.as_deref()),
    ];
    for (name, value) in known {
        if let Some(value) = value.and_then(|value| HeaderValue::from_bytes(value.as_bytes()).ok()) {
            headers.insert(name, value);
        }
    }
    reply
}

/// A response to something that is not the runtime's.
enum Stranger {
    /// A delivery that is past, or was never made.
    Delivery,
    /// An id that nothing has.
    Id,
}

impl Stranger {
    fn reply(&self) -> Reply {
        match self {
            Self::Delivery => refusal(StatusCode::GONE, "InvokeTimeout", "Invoke timeout"),
            Self::Id => refusal(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID"),
        }
    }
}

/// Whose response this is. A delivery's nonce must be the right one; without it, the request id is enough.
fn owner(environment: &Environment, id: &str, headers: &HeaderMap) -> Result<Arc<Running>, Stranger> {
    let running = environment.running(id);
    match headers.get(header::INVOCATION_ID) {
        Some(nonce) => running.filter(|running| running.delivery.as_bytes() == nonce.as_bytes()).ok_or(Stranger::Delivery),
        None => running.ok_or(Stranger::Id),
    }
}

async fn error(environment: &Arc<Environment>, running: &Arc<Running>, request: Request<Incoming>) -> Reply {
    if !running.is_unanswered() {
        return refused(request.into_body(), not_allowed()).await;
    }
    let error_type = error_type(request.headers());
    let document = match document(request.into_body()).await {
        Ok(document) => document,
        Err(refusal) => return refusal,
    };
    if !running.settle(Ending::Error { error_type, document }) {
        return not_allowed();
    }
    environment.responded(running).await;
    accepted()
}

async fn init_error(environment: &Environment, request: Request<Incoming>) -> Reply {
    let error_type = error_type(request.headers());
    match document(request.into_body()).await {
        Ok(document) => {
            if environment.init_error(error_type, document) {
                accepted()
            } else {
                not_allowed()
            }
        }
        Err(refusal) => refusal,
    }
}

/// The type that a header or trailer gives, as Lambda keeps it: others than `Runtime.Reason` and `Function.Reason` are unknown.
fn error_type(headers: &HeaderMap) -> String {
    let given = headers.get(header::ERROR_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if is_error_type(given) {
        given.to_owned()
    } else if given.starts_with("Function.") {
        "Function.Unknown".to_owned()
    } else {
        "Runtime.Unknown".to_owned()
    }
}

/// `(Runtime|Function)\.[A-Z][a-zA-Z]+`
pub(crate) fn is_error_type(text: &str) -> bool {
    let reason = text.strip_prefix("Runtime.").or_else(|| text.strip_prefix("Function.")).unwrap_or_default();
    reason.len() > 1
        && reason.starts_with(|first: char| first.is_ascii_uppercase())
        && reason.bytes().all(|b| b.is_ascii_alphabetic())
}

pub(super) async fn document(body: Incoming) -> Result<Bytes, Reply> {
    match Limited::new(body, ERROR_LIMIT).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(too_large(ERROR_LIMIT)),
        Err(_) => Err(truncated()),
    }
}

/// A refusal of a request whose body is not wanted. It is read if it is short: the connection can then be used again.
pub(super) async fn refused(body: Incoming, reply: Reply) -> Reply {
    let _ = tokio::time::timeout(UNWANTED_TIME, Limited::new(body, UNWANTED).collect()).await;
    reply
}

pub(super) fn accepted() -> Reply {
    json(StatusCode::ACCEPTED, &serde_json::json!({"status": "OK"}))
}

pub(super) fn not_allowed() -> Reply {
    refusal(StatusCode::FORBIDDEN, "InvalidStateTransition", "State transition is not allowed")
}

pub(super) fn truncated() -> Reply {
    refusal(StatusCode::BAD_REQUEST, "TruncatedHTTPRequest", "HTTP request detected as truncated")
}

pub(super) fn too_large(limit: usize) -> Reply {
    let message = format!("Exceeded maximum allowed payload size ({limit} bytes).");
    refusal(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", &message)
}

pub(super) fn not_found(path: &str) -> Reply {
    refusal(StatusCode::NOT_FOUND, "NotFound", &format!("there is no {path} in the Runtime API"))
}

pub(super) fn refusal(status: StatusCode, error_type: &str, message: &str) -> Reply {
    json(status, &serde_json::json!({"errorMessage": message, "errorType": error_type}))
}

pub(super) fn json(status: StatusCode, json: &serde_json::Value) -> Reply {
    let mut reply = Response::new(Full::from(json.to_string()));
    *reply.status_mut() = status;
    reply.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}

#[cfg(test)]
mod tests {
    use super::is_error_type;

    #[test]
    fn error_types_that_lambda_keeps() {
        for kept in ["Runtime.Unknown", "Function.ValidationError"] {
            assert!(is_error_type(kept), "{kept}");
        }
        for other in ["", "Runtime.", "Runtime.X", "Runtime.x", "Function.a1", "Function.A1", "Probe.Explicit", "Error"] {
            assert!(!is_error_type(other), "{other}");
        }
    }
}
