//! Errors of the Lambda API itself, named and shaped as in Lambda's service model, which is in botocore's
//! `data/lambda/2015-03-31/service-2.json`. `Type` is `User` for all that a caller can mend. `Message` is capitalized in
//! `ResourceNotFoundException` alone; `TooManyRequestsException` also has a `Reason`, and the header `Retry-After`.

use super::InvocationType;
use crate::door::{Reply, json, set};
use http::StatusCode;
use serde_json::json;

/// After how many seconds a throttled caller may try again.
const RETRY_AFTER: &str = "1";

/// An error.
#[derive(Debug)]
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    pub(super) kind: &'static str,
    pub(super) message: String,
}

impl ApiError {
    fn new(status: StatusCode, kind: &'static str, message: String) -> Self {
        Self { status, kind, message }
    }

    pub(super) fn into_reply(self) -> Reply {
        let body = match self.kind {
            "ResourceNotFoundException" => json!({"Type": "User", "Message": self.message}),
            // The most environments that there may be are what reserved concurrency is to a function.
            "TooManyRequestsException" => {
                json!({"Type": "User", "message": self.message, "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded"})
            }
            _ => json!({"Type": "User", "message": self.message}),
        };
        let mut reply = json(self.status, body.to_string());
        set(&mut reply, "x-amzn-errortype", self.kind);
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            set(&mut reply, "retry-after", RETRY_AFTER);
        }
        reply
    }
}

pub(super) fn unknown_operation(message: String) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "UnknownOperationException", message)
}

pub(super) fn not_found(arn: &str) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "ResourceNotFoundException", format!("Function not found: {arn}"))
}

pub(super) fn invalid_content(message: String) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "InvalidRequestContentException", message)
}

pub(super) fn invalid_parameter(name: &str, value: &str, allowed: &str) -> ApiError {
    let message = format!(
        "1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: Member must be {allowed}"
    );
    ApiError::new(StatusCode::BAD_REQUEST, "InvalidParameterValueException", message)
}

pub(super) fn too_large(size: usize, kind: InvocationType, limit: usize) -> ApiError {
    let kind = kind.as_str();
    let message = format!("{size} byte payload is too large for the {kind} invocation type (limit {limit} bytes)");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLargeException", message)
}

pub(super) fn throttled() -> ApiError {
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", "Rate Exceeded.".to_owned())
}
