//! The Lambda API: `InvokeWithResponseStream` and `Invoke`, as the AWS SDKs call them. Signatures are not checked.

mod error;
mod frames;
mod invoke;
mod name;
mod stream;

use super::trace::{self, Trace};
use super::{EVENT_LIMIT, Entrance, Peer, Reply, Unread, read, set};
use crate::feed::{Door, EventKind};
use crate::function::Function;
use crate::invocation::{Invocation, Tenant};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use error::{ApiError, invalid_content, invalid_parameter, not_found, throttled, too_large, unknown_operation};
use http::{HeaderMap, Method, Request};
use hyper::body::Incoming;
use std::sync::Arc;

/// The largest client context, in base64.
const CLIENT_CONTEXT_LIMIT: usize = 3583;

/// The largest payload of an asynchronous invocation.
const ASYNC_LIMIT: usize = 1024 * 1024;

/// The door.
pub(crate) struct LambdaApi {
    pub(crate) function: Arc<Function>,
}

/// Which of the two operations.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Invoke,
    InvokeWithResponseStream,
}

/// How the caller wants it invoked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum InvocationType {
    RequestResponse,
    Event,
    DryRun,
}

impl InvocationType {
    fn as_str(self) -> &'static str {
        match self {
            Self::RequestResponse => "RequestResponse",
            Self::Event => "Event",
            Self::DryRun => "DryRun",
        }
    }
}

/// What a caller asks for.
struct Call {
    invocation: Invocation,
    kind: InvocationType,
    log_tail: bool,
}

impl Entrance for LambdaApi {
    async fn answer(self: Arc<Self>, request: Request<Incoming>, _: Peer) -> Reply {
        let request_id: Arc<str> = uuid::Uuid::new_v4().to_string().into();
        let trace = Trace::of(request.headers());
        let mut reply = match self.call(request, request_id.clone(), &trace).await {
            Ok(reply) => reply,
            Err(error) => {
                let (status, why) = (error.status.as_u16(), format!("{}: {}", error.kind, error.message));
                let kind = EventKind::Refused { door: Door::Lambda, status, why };
                self.function.feed.tell(None, Some(request_id.clone()), kind);
                error.into_reply()
            }
        };
        set(&mut reply, "x-amzn-requestid", &request_id);
        set(&mut reply, trace::HEADER, &trace.root);
        reply
    }
}

impl LambdaApi {
    async fn call(&self, request: Request<Incoming>, request_id: Arc<str>, trace: &Trace) -> Result<Reply, ApiError> {
        let (parts, body) = request.into_parts();
        let path: Vec<&str> = parts.uri.path().split('/').skip(1).collect();
        let (operation, name) = match (&parts.method, path.as_slice()) {
            (&Method::POST, ["2021-11-15", "functions", name, "response-streaming-invocations"]) => {
                (Operation::InvokeWithResponseStream, *name)
            }
            (&Method::POST, ["2015-03-31", "functions", name, "invocations"]) => (Operation::Invoke, *name),
            (method, _) => {
                let message = format!("{method} {} is not offered here", parts.uri.path());
                return Err(unknown_operation(message));
            }
        };
        let name = name::Name::parse(name, parts.uri.query())?;
        let arn = name.arn(&self.function);
        let known = name.is_of(&self.function).then(|| self.function.version_of(name.qualifier.as_deref())).flatten();
        let Some(version) = known else { return Err(not_found(&arn)) };
        let kind = invocation_type(&parts.headers)?;
        // InvokeWithResponseStream was seen to wait for the function whatever type it is asked for.
        let kind = if operation == Operation::Invoke { kind } else { InvocationType::RequestResponse };
        let payload = payload(&parts.headers, body, kind).await?;
        let call = Call {
            invocation: Invocation {
                door: Door::Lambda,
                line: None,
                request_id,
                event: payload,
                arn,
                version: version.to_owned(),
                trace_id: trace.for_runtime(),
                client_context: client_context(&parts.headers)?,
                tenant: tenant(&parts.headers)?,
            },
            kind,
            log_tail: log_tail(&parts.headers)?,
        };
        match operation {
            Operation::Invoke => invoke::answer(&self.function, call).await,
            Operation::InvokeWithResponseStream => stream::answer(&self.function, call).await,
        }
    }
}

/// The event, which is the whole of the request's body.
async fn payload(headers: &HeaderMap, body: Incoming, kind: InvocationType) -> Result<Bytes, ApiError> {
    let limit = if kind == InvocationType::Event { ASYNC_LIMIT } else { EVENT_LIMIT };
    let payload = match read(body, limit).await {
        Ok(payload) if payload.is_empty() => Bytes::from_static(b"{}"),
        Ok(payload) => payload,
        Err(Unread::TooLarge) => {
            let announced = text(headers, "content-length").and_then(|length| length.parse().ok());
            return Err(too_large(announced.unwrap_or(limit + 1), kind, limit));
        }
        Err(Unread::Broken) => return Err(invalid_content("the request ended before its body did".to_owned())),
    };
    match serde_json::from_slice::<serde::de::IgnoredAny>(&payload) {
        Ok(_) => Ok(payload),
        Err(error) => Err(invalid_content(format!("Could not parse request body into json: {error}"))),
    }
}

fn invocation_type(headers: &HeaderMap) -> Result<InvocationType, ApiError> {
    match text(headers, "x-amz-invocation-type").as_deref() {
        None | Some("RequestResponse") => Ok(InvocationType::RequestResponse),
        Some("Event") => Ok(InvocationType::Event),
        Some("DryRun") => Ok(InvocationType::DryRun),
        Some(other) => Err(invalid_parameter("invocationType", other, "one of Event, RequestResponse, DryRun")),
    }
}

fn log_tail(headers: &HeaderMap) -> Result<bool, ApiError> {
    match text(headers, "x-amz-log-type").as_deref() {
        None | Some("None") => Ok(false),
        Some("Tail") => Ok(true),
        Some(other) => Err(invalid_parameter("logType", other, "one of None, Tail")),
    }
}

/// The client context as the runtime gets it: JSON on one line.
fn client_context(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(context) = text(headers, "x-amz-client-context") else { return Ok(None) };
    let json = (context.len() <= CLIENT_CONTEXT_LIMIT)
        .then(|| STANDARD.decode(&context).ok())
        .flatten()
        .and_then(|context| serde_json::from_slice::<serde_json::Value>(&context).ok());
    match json {
        Some(json) => Ok(Some(json.to_string())),
        None => Err(invalid_content("Client context must be a valid Base64-encoded JSON object.".to_owned())),
    }
}

fn tenant(headers: &HeaderMap) -> Result<Tenant, ApiError> {
    let Some(tenant) = text(headers, "x-amz-tenant-id") else { return Ok(Tenant(None)) };
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/=+-@ ".contains(&byte);
    if (1..=256).contains(&tenant.len()) && tenant.bytes().all(valid) {
        Ok(Tenant(Some(tenant)))
    } else {
        Err(invalid_parameter("tenantId", &tenant, "1 to 256 of [a-zA-Z0-9._:/=+-@ ]"))
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// What every answer of an invoked function has: the version that ran.
fn invoked(reply: &mut Reply, version: &str) {
    set(reply, "x-amz-executed-version", version);
}
