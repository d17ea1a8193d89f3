//! What the caller sent, and what Lambda says about it.

use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::{__private::invocation as raw, Error, HttpRequest, Result};

/// One invocation: what the caller sent, and what Lambda says about it.
#[derive(Debug)]
pub struct Request(raw::Request);

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
        Self(raw)
    }

    /// The payload, read as JSON.
    ///
    /// # Errors
    /// A payload that is not JSON, or not the JSON of a `T`, is the caller's mistake: an error of the kind `InvalidPayload` with
    /// the HTTP status 400, which says what was wrong and where.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        from_json(&self.payload())
    }

    /// The payload, if it is text.
    ///
    /// # Errors
    /// A payload that is not UTF-8 is the caller's mistake, as with [`json`](Self::json).
    pub fn text(&self) -> Result<String> {
        String::from_utf8(self.payload()).map_err(|error| invalid(format!("the payload is not text: {error}")))
    }

    /// What the caller sent. Direct: the event's bytes. HTTP: the request's body, as it was before Lambda encoded it; empty if
    /// there was none. Each call copies.
    pub fn payload(&self) -> Vec<u8> {
        self.0.payload()
    }

    /// The HTTP request, or `None` for a direct invocation.
    pub fn http(&self) -> Option<HttpRequest> {
        self.0.http().map(HttpRequest::new)
    }

    /// How the caller reached the function. Handlers seldom need it.
    pub fn trigger(&self) -> Trigger {
        match self.0.trigger() {
            raw::Trigger::Direct => Trigger::Direct,
            raw::Trigger::FunctionUrl => Trigger::FunctionUrl,
            raw::Trigger::ApiGateway => Trigger::ApiGateway,
            raw::Trigger::Other(name) => Trigger::Other(name),
        }
    }

    /// The event exactly as Lambda delivered it: JSON text.
    pub fn event(&self) -> String {
        self.0.event()
    }

    /// Lambda's id of this invocation, which is also on every line of the log.
    pub fn request_id(&self) -> String {
        self.0.request_id()
    }

    /// The ARN by which the function was invoked, with its version or alias.
    pub fn function_arn(&self) -> String {
        self.0.function_arn()
    }

    /// The time until the host ends this invocation. Asks the clock each time.
    pub fn remaining(&self) -> Duration {
        Duration::from_millis(self.0.remaining_ms())
    }

    /// The X-Ray trace header (`Root=…;Parent=…;Sampled=…`), if the invocation is traced.
    pub fn trace_id(&self) -> Option<String> {
        self.0.trace_id()
    }

    /// The tenant on whose behalf the function runs, if it is tenant-isolated.
    pub fn tenant_id(&self) -> Option<String> {
        self.0.tenant_id()
    }

    /// The client context that an SDK caller passed: JSON text.
    pub fn client_context(&self) -> Option<String> {
        self.0.client_context()
    }

    /// The Amazon Cognito identity of the caller: JSON text with `cognitoIdentityId` and `cognitoIdentityPoolId`.
    pub fn cognito_identity(&self) -> Option<String> {
        self.0.cognito_identity()
    }
}

fn from_json<T: DeserializeOwned>(payload: &[u8]) -> Result<T> {
    if payload.is_empty() {
        return Err(invalid("the payload is empty, and has to be JSON".to_owned()));
    }
    serde_json::from_slice(payload).map_err(|error| invalid(format!("the payload does not fit: {error}")))
}

fn invalid(message: String) -> Error {
    Error::new("InvalidPayload", message).status(400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_of_another_shape_is_the_callers_mistake() {
        let error = from_json::<Vec<u8>>(b"{}").expect_err("an object is not a list");
        assert_eq!(error.kind(), "InvalidPayload");
        assert_eq!(error.to_string(), "the payload does not fit: invalid type: map, expected a sequence at line 1 column 0");
        assert_eq!(raw::Failure::from(error).status, Some(400));
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
