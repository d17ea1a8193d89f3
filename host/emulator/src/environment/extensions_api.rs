//! The Lambda Extensions API, version 2020-01-01, as the extensions of one environment see it. Statuses, types and words of
//! refusals are those of AWS's Runtime Interface Emulator.
//!
//! Of extensions that Lambda would start itself, only the API is here: the emulator starts none, and does not see one crash.

use super::Environment;
use super::extensions::{Subscriptions, Unknown, Unregistered};
use super::runtime_api::{Reply, accepted, document, json, not_found, refusal};
use crate::function::ACCOUNT;
use crate::invocation::{Running, message_of};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use serde_json::json;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What every path begins with.
pub(super) const BASE: &str = "/2020-01-01/extension";

const NAME: &str = "lambda-extension-name";
const IDENTIFIER: &str = "lambda-extension-identifier";
const FEATURES: &str = "lambda-extension-accept-feature";
const EVENT_IDENTIFIER: &str = "lambda-extension-event-identifier";
const ERROR_TYPE: &str = "lambda-extension-function-error-type";

/// When an extension's failure was reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reported {
    /// Before its first poll.
    AtStart,
    /// At any time.
    OnExit,
}

impl Reported {
    /// The type that Lambda gives the failure.
    pub(super) fn error_type(self) -> &'static str {
        match self {
            Self::AtStart => "Extension.InitError",
            Self::OnExit => "Extension.ExitError",
        }
    }
}

/// Replies to a request whose path goes on so behind [`BASE`].
pub(super) async fn reply(environment: &Environment, path: &str, request: Request<Incoming>) -> Reply {
    match (request.method(), path) {
        (&Method::POST, "/register") => register(environment, request).await,
        (&Method::GET, "/event/next") => match identifier(request.headers()) {
            Ok(id) => match environment.next_event(&id).await {
                Ok(event) => told(event),
                Err(Unknown) => forbidden("Extension.UnknownExtensionIdentifier", &format!("Unknown extension {id}")),
            },
            Err(refusal) => refusal.into(),
        },
        (&Method::POST, "/init/error") => error(environment, request, Reported::AtStart).await,
        (&Method::POST, "/exit/error") => error(environment, request, Reported::OnExit).await,
        (_, path) => not_found(&format!("{BASE}{path}")),
    }
}

/// Type and words of a refusal.
struct Forbidden(&'static str, String);

impl From<Forbidden> for Reply {
    fn from(Forbidden(error_type, message): Forbidden) -> Self {
        forbidden(error_type, &message)
    }
}

async fn register(environment: &Environment, request: Request<Incoming>) -> Reply {
    let name = text(request.headers(), NAME);
    if name.is_empty() {
        return forbidden("Extension.InvalidExtensionName", "Empty extension name");
    }
    let wants_account = text(request.headers(), FEATURES).split(',').any(|feature| feature.trim() == "accountId");
    let body = match document(request.into_body()).await {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let subscriptions = match subscriptions(&body, environment.function.is_concurrent()) {
        Ok(subscriptions) => subscriptions,
        Err(refusal) => return refusal.into(),
    };
    let id = match environment.register(&name, subscriptions) {
        Ok(id) => id,
        Err(Unregistered::TooLate) => {
            return forbidden("Extension.RegistrationClosed", "Extension registration closed already");
        }
        Err(Unregistered::Known) => {
            return forbidden("Extension.InvalidExtensionState", "Extension with this name already registered");
        }
        Err(Unregistered::TooMany) => {
            let message = format!("Extension limit ({}) reached", Unregistered::LIMIT);
            return forbidden("Extension.TooManyExtensions", &message);
        }
    };
    let settings = &environment.function.settings;
    let mut registered = json!({
        "functionName": settings.function_name,
        "functionVersion": environment.version,
        "handler": settings.handler,
    });
    if wants_account {
        registered["accountId"] = ACCOUNT.into();
    }
    with_header(json(StatusCode::OK, &registered), IDENTIFIER, &id)
}

/// The events that a registration asks for. Managed instances, which serve several invocations at once, tell of none.
fn subscriptions(body: &[u8], is_concurrent: bool) -> Result<Subscriptions, Forbidden> {
    #[derive(serde::Deserialize)]
    struct Registration {
        events: Option<Vec<String>>,
    }
    let registration: Registration =
        serde_json::from_slice(body).map_err(|error| Forbidden("InvalidRequestFormat", error.to_string()))?;
    let mut subscriptions = Subscriptions::default();
    for event in registration.events.unwrap_or_default() {
        match event.as_str() {
            "INVOKE" if !is_concurrent => subscriptions.invoke = true,
            "SHUTDOWN" => subscriptions.shutdown = true,
            other => return Err(Forbidden("Extension.InvalidEventType", format!("{other}: ErrorInvalidEventType"))),
        }
    }
    Ok(subscriptions)
}

async fn error(environment: &Environment, request: Request<Incoming>, reported: Reported) -> Reply {
    let id = match identifier(request.headers()) {
        Ok(id) => id,
        Err(refusal) => return refusal.into(),
    };
    let error_type = text(request.headers(), ERROR_TYPE);
    if error_type.is_empty() {
        return forbidden("Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found");
    }
    let document = match document(request.into_body()).await {
        Ok(document) => document,
        Err(refusal) => return refusal,
    };
    match environment.extension_failed(&id, reported, &error_type, &message_of(&document)) {
        Ok(true) => accepted(),
        Ok(false) => forbidden("Extension.InvalidExtensionState", "State transition is not allowed"),
        Err(Unknown) => forbidden("Extension.UnknownExtensionIdentifier", "Unknown Lambda-Extension-Identifier"),
    }
}

/// What an extension is told of an invocation.
pub(super) fn invoke_event(running: &Running) -> Bytes {
    let invocation = &running.invocation;
    let event = json!({
        "eventType": "INVOKE",
        "deadlineMs": running.deadline_ms,
        "requestId": running.id(),
        "invokedFunctionArn": invocation.arn,
        "tracing": {"type": "X-Amzn-Trace-Id", "value": invocation.trace_id},
    });
    event.to_string().into()
}

/// What an extension is told of the environment's end.
pub(super) fn shutdown_event(reason: &str, grace: Duration) -> Bytes {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let deadline = u64::try_from((now + grace).as_millis()).unwrap_or(u64::MAX);
    json!({"eventType": "SHUTDOWN", "shutdownReason": reason, "deadlineMs": deadline}).to_string().into()
}

fn told(event: Bytes) -> Reply {
    let mut reply = Response::new(Full::new(event));
    reply.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    with_header(reply, EVENT_IDENTIFIER, &uuid::Uuid::new_v4().to_string())
}

fn identifier(headers: &HeaderMap) -> Result<String, Forbidden> {
    let id = text(headers, IDENTIFIER);
    if id.is_empty() {
        let message = "Missing Lambda-Extension-Identifier header".to_owned();
        return Err(Forbidden("Extension.MissingExtensionIdentifier", message));
    }
    match uuid::Uuid::parse_str(&id) {
        Ok(id) => Ok(id.to_string()),
        Err(_) => Err(Forbidden("Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier".to_owned())),
    }
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
}

fn with_header(mut reply: Reply, name: &'static str, value: &str) -> Reply {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(name, value);
    }
    reply
}

fn forbidden(error_type: &str, message: &str) -> Reply {
    refusal(StatusCode::FORBIDDEN, error_type, message)
}
