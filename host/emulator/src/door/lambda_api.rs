//! The Lambda API: `InvokeWithResponseStream` and `Invoke`, as the AWS SDKs call them. Signatures are not checked.

mod frames;
mod invoke;
mod name;
mod stream;

use super::trace::{self, Trace};
use super::{Door, EVENT_LIMIT, Peer, Reply, Unread, json, read, set};
use crate::feed::{self, EventKind};
use crate::function::{Function, VERSION};
use crate::invocation::Invocation;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
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

/// What a caller asks for.
struct Call {
    invocation: Invocation,
    kind: InvocationType,
    log_tail: bool,
}

impl Door for LambdaApi {
    async fn answer(self: Arc<Self>, request: Request<Incoming>, _: Peer) -> Reply {
        let request_id: Arc<str> = uuid::Uuid::new_v4().to_string().into();
        let trace = Trace::of(request.headers());
        let mut reply = match self.call(request, request_id.clone(), &trace).await {
            Ok(reply) => reply,
            Err(error) => {
                let (status, why) = (error.status.as_u16(), format!("{}: {}", error.kind, error.message));
                let kind = EventKind::Refused { door: feed::Door::Lambda, status, why };
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
                return Err(ApiError::new(StatusCode::NOT_FOUND, "UnknownOperationException", message));
            }
        };
        let name = name::Name::parse(name, parts.uri.query())?;
        let arn = match &name.qualifier {
            Some(qualifier) => format!("{}:{qualifier}", self.function.arn_of(&name.name)),
            None => self.function.arn_of(&name.name),
        };
        if name.name != self.function.settings.function_name {
            let message = format!("Function not found: {arn}");
            return Err(ApiError::new(StatusCode::NOT_FOUND, "ResourceNotFoundException", message));
        }
        let payload = self.payload(body).await?;
        let kind = invocation_type(&parts.headers)?;
        if operation == Operation::Invoke && kind == InvocationType::Event && payload.len() > ASYNC_LIMIT {
            return Err(too_large(payload.len(), ASYNC_LIMIT));
        }
        let call = Call {
            invocation: Invocation {
                door: feed::Door::Lambda,
                request_id,
                event: payload,
                arn,
                trace_id: trace.for_runtime(),
                client_context: client_context(&parts.headers)?,
                tenant_id: tenant_id(&parts.headers)?,
            },
            kind,
            log_tail: log_tail(&parts.headers)?,
        };
        match operation {
            Operation::Invoke => invoke::answer(&self.function, call).await,
            // It was seen to run the function and to wait for it whatever type it is asked for.
            Operation::InvokeWithResponseStream => stream::answer(&self.function, call).await,
        }
    }

    async fn payload(&self, body: Incoming) -> Result<Bytes, ApiError> {
        let payload = match read(body, EVENT_LIMIT).await {
            Ok(payload) if payload.is_empty() => Bytes::from_static(b"{}"),
            Ok(payload) => payload,
            Err(Unread::TooLarge) => return Err(too_large(EVENT_LIMIT + 1, EVENT_LIMIT)),
            Err(Unread::Broken) => return Err(invalid_content("the request ended before its body did".to_owned())),
        };
        match serde_json::from_slice::<serde::de::IgnoredAny>(&payload) {
            Ok(_) => Ok(payload),
            Err(error) => Err(invalid_content(format!("Could not parse request body into json: {error}"))),
        }
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

fn tenant_id(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(tenant) = text(headers, "x-amz-tenant-id") else { return Ok(None) };
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/=+-@ ".contains(&byte);
    if (1..=256).contains(&tenant.len()) && tenant.bytes().all(valid) {
        Ok(Some(tenant))
    } else {
        Err(invalid_parameter("tenantId", &tenant, "1 to 256 of [a-zA-Z0-9._:/=+-@ ]"))
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// An error of the API itself, named as in Lambda's service model.
#[derive(Debug)]
struct ApiError {
    status: StatusCode,
    kind: &'static str,
    message: String,
}

impl ApiError {
    fn new(status: StatusCode, kind: &'static str, message: String) -> Self {
        Self { status, kind, message }
    }

    fn into_reply(self) -> Reply {
        let message = if self.kind == "ResourceNotFoundException" { "Message" } else { "message" };
        let body = serde_json::json!({"Type": "User", message: self.message}).to_string();
        let mut reply = json(self.status, body);
        set(&mut reply, "x-amzn-errortype", self.kind);
        reply
    }
}

fn invalid_content(message: String) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "InvalidRequestContentException", message)
}

fn invalid_parameter(name: &str, value: &str, allowed: &str) -> ApiError {
    let message = format!(
        "1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: Member must be {allowed}"
    );
    ApiError::new(StatusCode::BAD_REQUEST, "InvalidParameterValueException", message)
}

fn too_large(size: usize, limit: usize) -> ApiError {
    let message = format!("{size} byte payload is too large for the invocation type (limit {limit} bytes)");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLargeException", message)
}

fn throttled() -> ApiError {
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", "Rate Exceeded.".to_owned())
}

/// What every answer of an invoked function has.
fn invoked(reply: &mut Reply) {
    set(reply, "x-amz-executed-version", VERSION);
}
