//! Log records: what a handler prints, and what the host has to say, each line with its invocation's id.
//!
//! Follows Lambda's JSON log format (`timestamp`, `level`, `requestId`, `message`, on failures `errorType`, `errorMessage`,
//! `stackTrace`); the text format is that of Lambda's Node runtime: time, id, level and message between tabs.

mod guest_output;
mod guest_record;
mod stdout;
mod timestamp;

pub(crate) use guest_output::{GuestOutput, LastPanic};
pub use stdout::StdoutLog;

use firstbyte_wire::ErrorReport;
use guest_record::GuestRecord;
use serde_json::{Map, Value};
use std::pin::Pin;
use std::sync::Arc;

/// How bad it is, in Lambda's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

impl Level {
    /// All of them.
    pub(crate) const ALL: [Self; 6] = [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error, Self::Fatal];

    /// Lambda's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }

    /// The level of a name in any case.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name().eq_ignore_ascii_case(name))
    }
}

/// One record.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Record<'a> {
    /// How bad it is.
    pub level: Level,
    /// The invocation it belongs to; none for the host itself.
    pub request_id: Option<&'a str>,
    /// That invocation's tenant.
    pub tenant_id: Option<&'a str>,
    /// One line, or several.
    pub message: &'a str,
    /// What a handler adds: members of its own, none of which is called as one of ours.
    pub members: Option<&'a Map<String, Value>>,
    /// The failure that it is about.
    pub failure: Option<&'a ErrorReport>,
}

/// A future without a name.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Takes records. Never blocks: what cannot be taken is counted, and the count is told later.
pub trait Log: Send + Sync {
    /// Takes a record.
    fn record(&self, record: &Record<'_>);

    /// Takes a line that is no record, as it is: metrics. A log that keeps records leaves it out.
    fn line(&self, _line: &str) {}

    /// Whether a record would be taken now.
    fn has_room(&self) -> bool {
        true
    }

    /// Waits until what was taken so far is written, but not long: once an invocation is over, Lambda may stop the clock for
    /// hours, and a line that is written then is taken for the next one's.
    fn written(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    /// Waits until a record would be taken, but not long: a log that nobody reads must not hold a response up.
    fn room(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// The log, as one invocation writes to it.
#[derive(Clone)]
pub struct InvocationLog {
    log: Arc<dyn Log>,
    ids: Arc<(String, Option<String>)>,
}

impl std::fmt::Debug for InvocationLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InvocationLog").field("request_id", &self.ids.0).finish()
    }
}

impl InvocationLog {
    pub(crate) fn new(log: Arc<dyn Log>, request_id: String, tenant_id: Option<String>) -> Self {
        Self { log, ids: Arc::new((request_id, tenant_id)) }
    }

    fn write(&self, level: Level, message: &str, failure: Option<&ErrorReport>) {
        self.log.record(&Record { failure, ..self.record(level, message) });
    }

    fn record<'a>(&'a self, level: Level, message: &'a str) -> Record<'a> {
        let (request_id, tenant_id) = &*self.ids;
        Record { level, request_id: Some(request_id), tenant_id: tenant_id.as_deref(), message, members: None, failure: None }
    }

    /// A line of the handler's output: a record, if it says to be one, and otherwise the message of one of the stream's level.
    pub(crate) fn line(&self, level: Level, line: &str) {
        match GuestRecord::parse(line) {
            Some(GuestRecord { level: told, message, members }) => {
                self.log.record(&Record { members: Some(&members), ..self.record(told.unwrap_or(level), &message) });
            }
            None => self.write(level, line, None),
        }
    }

    /// Something the operator should know of.
    pub(crate) fn warn(&self, message: &str) {
        self.write(Level::Warn, message, None);
    }

    /// A failed invocation.
    pub(crate) fn failure(&self, report: &ErrorReport) {
        self.report(Level::Error, report);
    }

    /// An invocation that was answered as its caller's mistake.
    pub(crate) fn mistake(&self, report: &ErrorReport) {
        self.report(Level::Warn, report);
    }

    fn report(&self, level: Level, report: &ErrorReport) {
        self.write(level, &format!("{}: {}", report.error_type, report.error_message), Some(report));
    }
}
