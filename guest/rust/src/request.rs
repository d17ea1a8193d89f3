//! What the caller sent, and what Lambda says about it.

use std::{sync::OnceLock, time::Duration};

use serde::de::DeserializeOwned;

use crate::{__private::invocation as raw, Caller, Error, HttpRequest, Result};

/// One invocation: what the caller sent, and what Lambda says about it.
///
/// ```no_run
/// use firstbyte::{Request, Response, Result, handler};
///
/// #[derive(serde::Deserialize)]
/// struct Order {
///     item: String,
///     count: u32,
/// }
///
/// #[handler]
/// fn order(request: Request, response: Response) -> Result {
///     let Order { item, count } = request.json()?; // a payload that is not an order answers 400
///     let who = request.caller().source_ip().map_or("somebody".to_owned(), |ip| ip.to_string());
///     println!("{who} orders {count} {item}, and has {:?} left", request.remaining());
///     response.status(202).json(&serde_json::json!({ "id": request.request_id() }))
/// }
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct Request {
    raw: raw::Request,
    http: OnceLock<Option<HttpRequest>>,
    #[cfg(feature = "router")]
    routed: Routed,
}

/// What routers and middleware add.
#[cfg(feature = "router")]
#[derive(Debug, Default)]
struct Routed {
    pattern: Option<String>,
    parameters: Vec<(String, String)>,
    extensions: Vec<Box<dyn std::any::Any + Send + Sync>>,
}

/// The way in by which the caller reached the function.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Trigger {
    /// An SDK, the command line or another AWS service invoked the function itself.
    Direct,
    /// The function's own HTTPS endpoint.
    FunctionUrl,
    /// A REST API of Amazon API Gateway.
    ApiGateway,
    /// A way in that the interface has no name for yet, by the name that the host gives it.
    Other(String),
}

impl Request {
    pub(crate) fn new(raw: raw::Request) -> Self {
        Self {
            raw,
            http: OnceLock::new(),
            #[cfg(feature = "router")]
            routed: Routed::default(),
        }
    }

    /// The payload, read as JSON.
    ///
    /// # Errors
    /// A payload that is not JSON, or not the JSON of a `T`, is the caller's mistake: an error of the kind `InvalidPayload` with
    /// the HTTP status 400, which says what was wrong and where.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        from_json(&self.payload())
    }

    /// The payload, read as a form (`application/x-www-form-urlencoded`). Needs the feature `query`, whose
    /// [`query`](HttpRequest::query) reads the same from a URL.
    ///
    /// # Errors
    /// A payload that is not the form of a `T` is the caller's mistake, as with [`json`](Self::json).
    #[cfg(feature = "query")]
    #[track_caller]
    pub fn form<T: DeserializeOwned>(&self) -> Result<T> {
        match crate::http::from_form(&self.payload()) {
            Ok(form) => Ok(form),
            Err(what) => Err(invalid(format!("the form does not fit: {what}"))),
        }
    }

    /// The payload, if it is text.
    ///
    /// # Errors
    /// A payload that is not UTF-8 is the caller's mistake, as with [`json`](Self::json).
    #[track_caller]
    pub fn text(&self) -> Result<String> {
        match String::from_utf8(self.payload()) {
            Ok(text) => Ok(text),
            Err(error) => Err(invalid(format!("the payload is not text: {error}"))),
        }
    }

    /// What the caller sent. Direct: the event's bytes. HTTP: the request's body, as it was before Lambda encoded it; empty if
    /// there was none. Each call copies.
    pub fn payload(&self) -> Vec<u8> {
        self.raw.payload()
    }

    /// The HTTP request, or `None` for a direct invocation.
    pub fn http(&self) -> Option<&HttpRequest> {
        self.http.get_or_init(|| self.raw.http().map(HttpRequest::new)).as_ref()
    }

    /// Who is calling, and by which way through API Gateway: addresses, identities, claims. Of a direct invocation nothing is
    /// known. Reads the event each time.
    #[inline]
    pub fn caller(&self) -> Caller {
        // Whoever may invoke the function directly can write any event.
        self.http().map_or_else(Caller::default, |_| Caller::of(&self.event()))
    }

    /// How the caller reached the function. Handlers seldom need it.
    pub fn trigger(&self) -> Trigger {
        match self.raw.trigger() {
            raw::Trigger::Direct => Trigger::Direct,
            raw::Trigger::FunctionUrl => Trigger::FunctionUrl,
            raw::Trigger::ApiGateway => Trigger::ApiGateway,
            raw::Trigger::Other(name) => Trigger::Other(name),
        }
    }

    /// The event exactly as Lambda delivered it: JSON text.
    pub fn event(&self) -> String {
        self.raw.event()
    }

    /// Lambda's id of this invocation, which is also on every line of the log.
    pub fn request_id(&self) -> String {
        self.raw.request_id()
    }

    /// The ARN by which the function was invoked, with its version or alias.
    pub fn function_arn(&self) -> String {
        self.raw.function_arn()
    }

    /// The time until the host ends this invocation. Asks the clock each time.
    pub fn remaining(&self) -> Duration {
        Duration::from_millis(self.raw.remaining_ms())
    }

    /// The X-Ray trace header (`Root=…;Parent=…;Sampled=…`), if the invocation is traced.
    pub fn trace_id(&self) -> Option<String> {
        self.raw.trace_id()
    }

    /// The tenant on whose behalf the function runs, if it is tenant-isolated.
    pub fn tenant_id(&self) -> Option<String> {
        self.raw.tenant_id()
    }

    /// The client context that an SDK caller passed: JSON text.
    pub fn client_context(&self) -> Option<String> {
        self.raw.client_context()
    }

    /// The Amazon Cognito identity of the caller: JSON text with `cognitoIdentityId` and `cognitoIdentityPoolId`.
    pub fn cognito_identity(&self) -> Option<String> {
        self.raw.cognito_identity()
    }
}

/// What a [`Router`](crate::Router) and its middleware add. Needs the feature `router`.
#[cfg(feature = "router")]
impl Request {
    pub(crate) fn routed(&mut self, pattern: String, parameters: Vec<(String, String)>) {
        self.routed.pattern = Some(pattern);
        self.routed.parameters = parameters;
    }

    /// The path of the route that answers, as it was written: `/items/{id}`. `None` if none does.
    pub fn route(&self) -> Option<&str> {
        self.routed.pattern.as_deref()
    }

    /// What a parameter of the route stands for, decoded: of `/items/{id}`, the `id`.
    ///
    /// # Errors
    /// What is not a `T` is the caller's mistake: an error of the kind `InvalidPath` with the HTTP status 400. A parameter that the
    /// route does not have is the program's: an error without a status.
    #[track_caller]
    pub fn param<T: std::str::FromStr<Err: std::fmt::Display>>(&self, name: &str) -> Result<T> {
        let Some((_, value)) = self.routed.parameters.iter().find(|(candidate, _)| candidate == name) else {
            return Err(Error::new("NoParameter", format!("the route {:?} has no {name:?}", self.route().unwrap_or_default())));
        };
        match value.parse() {
            Ok(value) => Ok(value),
            Err(error) => Err(Error::new("InvalidPath", format!("{name} is {value:?}: {error}")).status(400)),
        }
    }

    /// The request with a value for whoever comes after, such as the user whom a middleware has found. One of each type: another
    /// one takes its place.
    #[must_use]
    pub fn with<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.routed.extensions.retain(|other| !other.is::<T>());
        self.routed.extensions.push(Box::new(value));
        self
    }

    /// The value of this type that somebody added by [`with`](Self::with).
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.routed.extensions.iter().find_map(|value| value.downcast_ref())
    }
}

#[track_caller]
fn from_json<T: DeserializeOwned>(payload: &[u8]) -> Result<T> {
    if payload.is_empty() {
        return Err(invalid("the payload is empty, and has to be JSON".to_owned()));
    }
    match serde_json::from_slice(payload) {
        Ok(value) => Ok(value),
        Err(error) => Err(invalid(format!("the payload does not fit: {error}"))),
    }
}

#[track_caller]
fn invalid(message: String) -> Error {
    Error::new("InvalidPayload", message).status(400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_of_another_shape_is_the_callers_mistake() {
        let (error, line) = (from_json::<Vec<u8>>(b"{}").expect_err("an object is not a list"), line!());
        assert_eq!(error.kind(), "InvalidPayload");
        assert_eq!(error.to_string(), "the payload does not fit: invalid type: map, expected a sequence at line 1 column 0");
        let failure = raw::Failure::from(error);
        assert_eq!(failure.status, Some(400));
        assert!(failure.stack[0].contains(&format!("request.rs:{line}:")), "{:?}", failure.stack);
    }

    #[test]
    fn an_empty_payload_is_said_to_be_empty() {
        let error = from_json::<Vec<u8>>(b"").expect_err("nothing is not a list");
        assert_eq!(error.to_string(), "the payload is empty, and has to be JSON");
    }

    #[test]
    fn json_that_fits_is_read() {
        assert_eq!(from_json::<Vec<u8>>(b" [1, 2] ").expect("a list"), [1, 2]);
    }
}
