//! One invocation: what the caller sent, and what Lambda says about it.

use crate::conditions::Conditions;
use crate::log::InvocationLog;
use crate::record::Recording;
use crate::telemetry::Measures;
use bytes::Bytes;
use firstbyte_wire::{HttpRequest, Trigger};
use std::time::SystemTime;
use tokio::time::Instant;

/// What Lambda says of an invocation, besides its event.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct InvocationContext {
    /// Lambda's id.
    pub request_id: String,
    /// The ARN as invoked.
    pub function_arn: String,
    /// The X-Ray header.
    pub trace_id: Option<String>,
    /// The tenant of a tenant-isolated function.
    pub tenant_id: Option<String>,
    /// JSON, from an SDK caller.
    pub client_context: Option<String>,
    /// JSON, from Amazon Cognito.
    pub cognito_identity: Option<String>,
}

/// What a handler can ask for about its invocation.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) event: Bytes,
    pub(crate) trigger: Trigger,
    pub(crate) http: Option<HttpRequest>,
    pub(crate) payload: Bytes,
    pub(crate) context: InvocationContext,
    /// When the handler is ended.
    pub(crate) deadline: Instant,
    pub(crate) log: InvocationLog,
    /// What is measured of it, if anything is.
    pub(crate) measures: Option<Measures>,
    /// When it began.
    pub(crate) begun: Instant,
    pub(crate) conditions: Conditions,
    /// What is told of it to be replayed, if anybody listens.
    pub(crate) recording: Option<Recording>,
}

impl Invocation {
    /// What stands for an invocation that has not come.
    pub(crate) fn absent(deadline: Instant, log: InvocationLog) -> Self {
        Self {
            event: Bytes::new(),
            trigger: Trigger::Direct,
            http: None,
            payload: Bytes::new(),
            context: InvocationContext::default(),
            deadline,
            log,
            measures: None,
            begun: Instant::now(),
            conditions: Conditions::default(),
            recording: None,
        }
    }

    /// When the handler is ended, in milliseconds since the Unix epoch.
    pub(crate) fn deadline_ms(&self) -> u128 {
        let (now, moment) = match self.conditions.clock {
            Some(clock) => (clock, self.begun),
            None => (SystemTime::now(), Instant::now()),
        };
        let left = self.deadline.saturating_duration_since(moment);
        (now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default() + left).as_millis()
    }
}
