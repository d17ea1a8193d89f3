//! The events of a recording, as far as a replay needs them. `host/emulator`'s feed and the runtime's recorder say them.

use crate::message::{Context, base64};
use serde::Deserialize;
use std::time::Duration;

/// One thing that happened.
#[derive(Deserialize)]
pub(super) struct Event {
    /// Milliseconds since the Unix epoch.
    at: f64,
    pub(super) request_id: Option<String>,
    #[serde(flatten)]
    pub(super) kind: Kind,
}

/// The kinds of events that a replay needs.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Kind {
    InvocationStarted(Started),
    ResponseStarted {
        streamed: bool,
    },
    ResponseHead {
        status: u16,
        headers: Vec<(String, String)>,
    },
    Chunk {
        #[serde(with = "base64")]
        data: Vec<u8>,
    },
    ClientLeft,
    InvocationEnded {
        outcome: Verdict,
    },
    Began {
        /// A number of 64 bits, as text.
        seed: String,
        clock_ms: f64,
        #[serde(default)]
        variables: Vec<String>,
        #[serde(default)]
        reused: bool,
    },
    UpstreamAsked {
        call: u64,
        method: String,
        url: String,
    },
    UpstreamSent {
        call: u64,
        #[serde(with = "base64")]
        data: Vec<u8>,
    },
    UpstreamAnswered {
        call: u64,
        status: u16,
        headers: Vec<(String, String)>,
    },
    UpstreamChunk {
        call: u64,
        #[serde(with = "base64")]
        data: Vec<u8>,
    },
    UpstreamEnded {
        call: u64,
        error: Option<String>,
        /// Whether the handler, or the host on its behalf, waited no longer. The other server did nothing.
        #[serde(default)]
        left: bool,
    },
    Missed {},
    #[serde(other)]
    Other,
}

/// The event of an invocation, and what Lambda says about that invocation.
#[derive(Deserialize)]
pub(super) struct Started {
    pub(super) event: String,
    pub(super) deadline_ms: f64,
    pub(super) door: Option<String>,
    pub(super) method: Option<String>,
    pub(super) path: Option<String>,
    function_arn: Option<String>,
    trace_id: Option<String>,
    client_context: Option<String>,
    cognito_identity: Option<String>,
    tenant_id: Option<String>,
}

/// What Lambda counts an invocation as.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(super) enum Verdict {
    #[default]
    Success,
    Error {
        error_type: String,
        message: String,
    },
    Timeout,
}

impl Event {
    /// When it happened, since the Unix epoch.
    pub(super) fn at(&self) -> Duration {
        millis(self.at)
    }
}

impl Started {
    pub(super) fn context(&self, request_id: &str) -> Context {
        Context {
            request_id: Some(request_id.to_owned()),
            function_arn: self.function_arn.clone(),
            trace_id: self.trace_id.clone(),
            tenant_id: self.tenant_id.clone(),
            client_context: self.client_context.clone(),
            cognito_identity: self.cognito_identity.clone(),
        }
    }
}

/// A number of milliseconds, which a file may have any of.
pub(super) fn millis(millis: f64) -> Duration {
    Duration::try_from_secs_f64(millis / 1000.0).unwrap_or_default()
}
