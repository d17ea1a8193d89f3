//! What a contender is asked to do, and what a right answer is.

use crate::runtime_api::Payload;
use std::sync::Arc;
use std::time::Duration;

/// One of the things that every contender's handler does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// One short line.
    Greet,
    /// So many bytes, in writes of `chunk`.
    Bulk { bytes: u64, chunk: u64 },
    /// So many tokens, apart; each is the time when it was due.
    Tokens { count: u64, apart: Duration },
    /// A line, so much computation, another line.
    Compute { span: Duration },
}

impl Work {
    /// The event of a Function URL, with the work as its body: the one that every contender understands, and streams a head,
    /// a prelude and a payload in answer to.
    pub(crate) fn event(self) -> Arc<str> {
        let body = match self {
            Self::Greet => serde_json::json!({ "work": "greet", "name": "Ada" }),
            Self::Bulk { bytes, chunk } => serde_json::json!({ "work": "bulk", "bytes": bytes, "chunk": chunk }),
            Self::Tokens { count, apart } => {
                serde_json::json!({ "work": "tokens", "count": count, "ms": milliseconds(apart) })
            }
            Self::Compute { span } => serde_json::json!({ "work": "compute", "ms": milliseconds(span) }),
        };
        let domain = "abcdefghijklmnopqrstuvwxyz012345.lambda-url.us-east-1.on.aws";
        let event = serde_json::json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": "/",
            "rawQueryString": "",
            "headers": {
                "accept": "*/*",
                "content-type": "application/json",
                "content-length": body.to_string().len().to_string(),
                "host": domain,
                "user-agent": "curl/8.5.0",
                "x-amzn-trace-id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
                "x-forwarded-for": "203.0.113.7",
                "x-forwarded-port": "443",
                "x-forwarded-proto": "https",
            },
            "requestContext": {
                "accountId": "anonymous",
                "apiId": "abcdefghijklmnopqrstuvwxyz012345",
                "domainName": domain,
                "domainPrefix": "abcdefghijklmnopqrstuvwxyz012345",
                "http": {
                    "method": "POST",
                    "path": "/",
                    "protocol": "HTTP/1.1",
                    "sourceIp": "203.0.113.7",
                    "userAgent": "curl/8.5.0",
                },
                "requestId": "e1506fd5-9e7b-434f-bd42-4f8fa224b599",
                "routeKey": "$default",
                "stage": "$default",
                "time": "01/Jan/2026:00:00:00 +0000",
                "timeEpoch": 1_767_225_600_000_u64,
            },
            "body": body.to_string(),
            "isBase64Encoded": false,
        });
        event.to_string().into()
    }

    pub(crate) fn is_answered_by(self, payload: &Payload) -> bool {
        match self {
            Self::Greet => payload.kept == b"Hello, Ada!\n",
            Self::Bulk { bytes, chunk } => payload.length == bytes / chunk * chunk,
            Self::Tokens { count, .. } => payload.kept.split(|byte| *byte == b'\n').count() as u64 == count + 1,
            Self::Compute { .. } => payload.kept == b"before\nafter\n",
        }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
