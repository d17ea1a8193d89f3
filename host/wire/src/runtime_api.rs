//! Paths and header names of the Lambda Runtime API, version 2018-06-01.
//!
//! Follows AWS's "Using the Lambda runtime API for custom runtimes" and "Building a custom runtime".

/// What every path begins with.
pub const BASE: &str = "/2018-06-01/runtime";

/// `GET`: waits for the next invocation.
pub const NEXT: &str = "/2018-06-01/runtime/invocation/next";

/// `POST`: the runtime could not start.
pub const INIT_ERROR: &str = "/2018-06-01/runtime/init/error";

/// `GET`: waits across a snapshot.
pub const RESTORE_NEXT: &str = "/2018-06-01/runtime/restore/next";

/// `POST`: the runtime could not go on after a restore.
pub const RESTORE_ERROR: &str = "/2018-06-01/runtime/restore/error";

/// `POST /runtime/invocation/{request_id}/response`: an invocation's response, buffered or streamed.
#[must_use]
pub fn response_path(request_id: &str) -> String {
    format!("{BASE}/invocation/{request_id}/response")
}

/// `POST /runtime/invocation/{request_id}/error`: an invocation's failure, if its response was not begun.
#[must_use]
pub fn error_path(request_id: &str) -> String {
    format!("{BASE}/invocation/{request_id}/error")
}

/// Whether a request id can stand in a path as it is: 1 to 128 of `A-Z a-z 0-9 - _ .`.
#[must_use]
pub fn is_request_id(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// Names of headers and trailers, in lower case.
pub mod header {
    /// The invocation's id, on `/next`.
    pub const REQUEST_ID: &str = "lambda-runtime-aws-request-id";
    /// When Lambda ends the invocation, in milliseconds since the epoch.
    pub const DEADLINE_MS: &str = "lambda-runtime-deadline-ms";
    /// The ARN as invoked, with its qualifier.
    pub const FUNCTION_ARN: &str = "lambda-runtime-invoked-function-arn";
    /// The X-Ray header.
    pub const TRACE_ID: &str = "lambda-runtime-trace-id";
    /// JSON that an SDK caller passed on.
    pub const CLIENT_CONTEXT: &str = "lambda-runtime-client-context";
    /// JSON about the Amazon Cognito identity of the caller.
    pub const COGNITO_IDENTITY: &str = "lambda-runtime-cognito-identity";
    /// The tenant of a tenant-isolated function.
    pub const TENANT_ID: &str = "lambda-runtime-aws-tenant-id";
    /// One delivery of an invocation; to be echoed on its response if `/next` carried it.
    pub const INVOCATION_ID: &str = "lambda-runtime-invocation-id";
    /// `streaming` on a streamed `POST …/response`; absent on a buffered one.
    pub const RESPONSE_MODE: &str = "lambda-runtime-function-response-mode";
    /// Header on `POST …/error`, trailer after a streamed response that failed.
    pub const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
    /// Trailer after a streamed response that failed: the error document in base64.
    pub const ERROR_BODY: &str = "lambda-runtime-function-error-body";
}

/// The value of [`header::RESPONSE_MODE`] that streams.
pub const STREAMING: &str = "streaming";

/// The content type that says: a prelude precedes the body.
pub const HTTP_INTEGRATION_RESPONSE: &str = "application/vnd.awslambda.http-integration-response";

/// The content type that Lambda assumes for a streamed response without one.
pub const OCTET_STREAM: &str = "application/octet-stream";

/// The largest buffered response that Lambda takes, in bytes: 6 MiB and 100 bytes.
pub const BUFFERED_RESPONSE_LIMIT: usize = 6 * 1024 * 1024 + 100;
