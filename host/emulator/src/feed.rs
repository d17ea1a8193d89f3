//! What happens in an emulator, as it happens, for whoever watches: a terminal, a browser's timeline, a test.
//!
//! Events say what and when; how they look is the watcher's. A watcher that falls behind misses events and is told how many; a
//! [`Tap`] misses none. Serialized, an event is one flat JSON object: `at` in milliseconds since the Unix epoch, `kind`, and the
//! members of that kind, durations in milliseconds under names that end in `_ms`, bytes in base64.

mod json;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::broadcast;

/// How many events may wait for a watcher before it misses the oldest.
const CAPACITY: usize = 4096;

/// One thing that happened.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Event {
    /// The moment it happened.
    #[serde(serialize_with = "json::moment")]
    pub at: SystemTime,
    /// The number of the execution environment it happened in, counted from 1. Absent for what happened at a door.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<u32>,
    /// The request id of the invocation it belongs to. Absent for what belongs to no invocation.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "json::text")]
    pub request_id: Option<Arc<str>>,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// The runtime's process was started.
    EnvironmentStarted {
        /// Its process id.
        pid: u32,
    },
    /// The runtime asked for its first invocation.
    EnvironmentReady {
        /// How long the runtime took from its start to that request.
        #[serde(rename = "init_ms", serialize_with = "json::millis")]
        init: Duration,
    },
    /// The runtime could not start, or said so.
    InitFailed {
        /// The type it gave, or one that Lambda gives.
        error_type: String,
        /// The message that it gave, or one of Lambda's.
        message: String,
    },
    /// The runtime's process is gone.
    EnvironmentExited {
        /// `exit status: 1`, `signal: 9 (SIGKILL)`.
        status: String,
    },
    /// The invocation was handed to the environment.
    InvocationStarted {
        /// The way it came.
        door: Door,
        /// The request's method. Absent at the Lambda API.
        #[serde(skip_serializing_if = "Option::is_none")]
        method: Option<String>,
        /// The request's path and query. Absent at the Lambda API.
        #[serde(skip_serializing_if = "Option::is_none")]
        path: Option<String>,
        /// Whether it is the first invocation of its environment.
        cold: bool,
        /// The event that the runtime gets. Only a [`Tap`] is given it; for others it is empty.
        #[serde(serialize_with = "json::bytes_as_text")]
        event: Bytes,
        /// When the invocation will be ended, in milliseconds since the Unix epoch.
        deadline_ms: u64,
        /// The function's ARN as it was invoked.
        function_arn: String,
        /// X-Ray's trace header as the runtime gets it.
        trace_id: String,
        /// The client context, as JSON.
        #[serde(skip_serializing_if = "Option::is_none")]
        client_context: Option<String>,
        /// For whom the invocation is.
        #[serde(skip_serializing_if = "Option::is_none")]
        tenant_id: Option<String>,
    },
    /// The runtime began its response.
    ResponseStarted {
        /// Its content type.
        content_type: String,
        /// Whether it is streamed.
        streamed: bool,
        /// Since the invocation's start.
        #[serde(rename = "after_ms", serialize_with = "json::millis")]
        after: Duration,
    },
    /// The response has a status and headers: the runtime's prelude says them, or an HTTP door.
    ResponseHead {
        /// The status.
        status: u16,
        /// The names and values of its headers, in their order.
        headers: Vec<(String, String)>,
        /// Since the invocation's start.
        #[serde(rename = "after_ms", serialize_with = "json::millis")]
        after: Duration,
    },
    /// A piece of the response's body went to the client. A prelude is no part of the body.
    Chunk {
        /// Its size.
        bytes: usize,
        /// Since the invocation's start.
        #[serde(rename = "after_ms", serialize_with = "json::millis")]
        after: Duration,
        /// The bytes. Only a [`Tap`] is given them; for others this is empty.
        #[serde(serialize_with = "json::base64")]
        data: Bytes,
        /// How long Lambda's bandwidth held it back. Absent if it did not.
        #[serde(rename = "throttled_ms", serialize_with = "json::maybe_millis", skip_serializing_if = "Option::is_none")]
        throttled: Option<Duration>,
    },
    /// The response is complete, or as complete as it will be. The function may still be at work.
    ResponseEnded {
        /// How the response ended.
        outcome: Verdict,
        /// Since the invocation's start.
        #[serde(rename = "after_ms", serialize_with = "json::millis")]
        after: Duration,
    },
    /// The invocation is over: the environment is free, or gone.
    InvocationEnded(Report),
    /// The client went away before the response's end. The function is not stopped by it.
    ClientLeft,
    /// A line that the runtime printed.
    Log {
        /// Whether it was printed to standard output or to standard error.
        stream: LogStream,
        /// The line, without its end.
        line: String,
    },
    /// A line that Lambda writes to the function's log: `INIT_START`, `START`, `END`, `REPORT`, a timeout.
    Platform {
        /// The line.
        line: String,
    },
    /// Something that the client could not see, as it could not on AWS.
    NotShown {
        /// What happened, in a sentence.
        what: String,
    },
    /// A failure that the client could see, by a status or by the end of its connection. It comes before the client
    /// sees it; if the process ends at once, it may come after `InvocationEnded`.
    FailureShown {
        /// What the client got and what had failed, in a sentence.
        what: String,
    },
    /// A request of the runtime's that the Runtime API refused before it looked at it, as AWS's does.
    RuntimeRefused {
        /// The status that the runtime got. Absent if its connection was dropped without a reply.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// Why, and what comes of it.
        why: String,
    },
    /// A request that did not reach the function.
    Refused {
        /// The door that refused it.
        door: Door,
        /// The status the caller got.
        status: u16,
        /// Why it was refused, in a sentence.
        why: String,
    },
    /// This watcher was too slow.
    Missed {
        /// How many events it did not get.
        events: u64,
    },
}

/// A way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Door {
    /// The Lambda API: `Invoke` and `InvokeWithResponseStream`.
    Lambda,
    /// The Function URL.
    FunctionUrl,
    /// API Gateway.
    ApiGateway,
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lambda => "Lambda API",
            Self::FunctionUrl => "Function URL",
            Self::ApiGateway => "API Gateway",
        })
    }
}

/// Where a line was printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How a response or an invocation ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Verdict {
    /// As the function meant it to.
    Success,
    /// With an error that the runtime told, or that Lambda saw.
    Error {
        /// `Runtime.…` or `Function.…`.
        error_type: String,
        /// What went wrong.
        message: String,
    },
    /// It took too long.
    Timeout,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Success => f.write_str("success"),
            Self::Error { error_type, message } => write!(f, "{error_type}: {message}"),
            Self::Timeout => f.write_str("timeout"),
        }
    }
}

/// What Lambda's `REPORT` line says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// How the invocation ended.
    pub outcome: Verdict,
    /// From its start to the runtime's next poll.
    #[serde(rename = "duration_ms", serialize_with = "json::millis")]
    pub duration: Duration,
    /// The environment's start, in its first invocation.
    #[serde(rename = "init_ms", serialize_with = "json::maybe_millis", skip_serializing_if = "Option::is_none")]
    pub init: Option<Duration>,
    /// The most memory that the runtime's process has had, where the system tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_memory_mb: Option<u64>,
    /// How many bytes the response had.
    pub bytes: u64,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use EventKind as Kind;
        match &self.kind {
            Kind::EnvironmentStarted { pid } => write!(f, "environment started (pid {pid})"),
            Kind::EnvironmentReady { init } => write!(f, "environment ready after {:.1} ms", millis(*init)),
            Kind::InitFailed { error_type, message } => write!(f, "the runtime could not start: {error_type}: {message}"),
            Kind::EnvironmentExited { status } => write!(f, "environment gone ({status})"),
            Kind::InvocationStarted { door, .. } => write!(f, "invocation by {door}"),
            Kind::ResponseStarted { content_type, streamed, after } => {
                let mode = if *streamed { "streamed" } else { "buffered" };
                write!(f, "{mode} response of {content_type} after {:.1} ms", millis(*after))
            }
            Kind::ResponseHead { status, after, .. } => write!(f, "status {status} after {:.1} ms", millis(*after)),
            Kind::Chunk { bytes, after, .. } => write!(f, "{bytes} bytes after {:.1} ms", millis(*after)),
            Kind::ResponseEnded { outcome, after } => write!(f, "response ended after {:.1} ms: {outcome}", millis(*after)),
            Kind::InvocationEnded(report) => write!(f, "invocation ended: {}", report.outcome),
            Kind::ClientLeft => f.write_str("the client left before the end; the function is not stopped by it"),
            Kind::Log { line: text, .. } | Kind::Platform { line: text } | Kind::FailureShown { what: text } => f.write_str(text),
            Kind::NotShown { what } => write!(f, "the client cannot see it: {what}"),
            Kind::RuntimeRefused { status: Some(status), why } => {
                write!(f, "the Runtime API refused a request of the runtime's with {status}, as AWS's does: {why}")
            }
            Kind::RuntimeRefused { status: None, why } => {
                write!(f, "the Runtime API dropped the runtime's connection, as AWS's does: {why}")
            }
            Kind::Refused { door, status, why } => write!(f, "{door} refused a request with {status}: {why}"),
            Kind::Missed { events } => write!(f, "{events} events were missed here"),
        }
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// Is told of every event at the moment it happens, with the bytes that were sent, before anybody else is.
///
/// It runs within whatever makes the event, the way of a stream's bytes included: it must not wait for anything.
#[derive(Clone)]
pub struct Tap(Arc<dyn Fn(&Event) + Send + Sync>);

impl Tap {
    /// Calls `tell` with each event.
    pub fn new(tell: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tap")
    }
}

/// Where events are told.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    tap: Option<Tap>,
    sender: broadcast::Sender<Event>,
}

impl Feed {
    pub(crate) fn new(tap: Option<Tap>) -> Self {
        Self { tap, sender: broadcast::Sender::new(CAPACITY) }
    }

    pub(crate) fn watch(&self) -> Events {
        Events { receiver: self.sender.subscribe() }
    }

    pub(crate) fn tell(&self, environment: Option<u32>, request_id: Option<Arc<str>>, kind: EventKind) {
        let event = Event { at: SystemTime::now(), environment, request_id, kind };
        if let Some(Tap(tap)) = &self.tap {
            tap(&event);
        }
        // Nobody watching is no failure.
        let _ = self.sender.send(event.without_bytes());
    }
}

impl Event {
    /// Events wait for slow watchers, and would hold what was sent in memory meanwhile.
    fn without_bytes(mut self) -> Self {
        if let EventKind::Chunk { data: bytes, .. } | EventKind::InvocationStarted { event: bytes, .. } = &mut self.kind {
            *bytes = Bytes::new();
        }
        self
    }
}

/// The events from the moment of subscription on.
#[derive(Debug)]
pub struct Events {
    receiver: broadcast::Receiver<Event>,
}

impl Events {
    /// The next event; none after the emulator's end. May be dropped while it waits without losing an event.
    pub async fn next(&mut self) -> Option<Event> {
        match self.receiver.recv().await {
            Ok(event) => Some(event),
            Err(broadcast::error::RecvError::Lagged(events)) => Some(missed(events)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }

    /// The next event if there is one already.
    pub fn try_next(&mut self) -> Option<Event> {
        match self.receiver.try_recv() {
            Ok(event) => Some(event),
            Err(broadcast::error::TryRecvError::Lagged(events)) => Some(missed(events)),
            Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed) => None,
        }
    }
}

fn missed(events: u64) -> Event {
    Event { at: SystemTime::now(), environment: None, request_id: None, kind: EventKind::Missed { events } }
}
