//! Metrics as lines of the log in CloudWatch's embedded metric format: CloudWatch makes metrics of them, and nothing is sent.

use super::{Dimension, Function, Measured, MetricsSettings, Observed, Observer};
use crate::log::{BoxFuture, Log};
use crate::outcome::{Failed, Fault, Outcome};
use firstbyte_wire::Trigger;
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// Writes a line for each invocation.
pub(crate) struct Emf {
    settings: MetricsSettings,
    function: Function,
    log: Arc<dyn Log>,
    /// The memory of a line: the next invocation may begin at once, and should find the allocator as it was.
    line: Mutex<Vec<u8>>,
}

impl Emf {
    pub(crate) fn new(settings: MetricsSettings, function: Function, log: Arc<dyn Log>) -> Self {
        Self { settings, function, log, line: Mutex::default() }
    }

    fn line(&self) -> MutexGuard<'_, Vec<u8>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn value<'a>(&'a self, dimension: &'a Dimension, measured: &Measured) -> &'a str {
        match dimension {
            Dimension::Function => &self.function.name,
            Dimension::Version => &self.function.version,
            Dimension::Door => door(measured.trigger),
            Dimension::Fixed(_, value) => value,
        }
    }
}

impl Observer for Emf {
    fn observe<'a>(&'a self, observed: &'a [Observed]) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let mut line = std::mem::take(&mut *self.line());
            for observed in observed {
                // Many lines are more than may wait to be written.
                if !self.log.has_room() {
                    self.log.room().await;
                }
                line.clear();
                // Nothing in it can fail: its keys are text, and it is written to memory.
                if serde_json::to_writer(&mut line, &Line { emf: self, observed }).is_ok() {
                    self.log.line(&String::from_utf8_lossy(&line));
                }
            }
            *self.line() = line;
        })
    }
}

/// The line of one invocation.
struct Line<'a> {
    emf: &'a Emf,
    observed: &'a Observed,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Observed { context, outcome, written, measured, is_cold } = self.observed;
        let MetricsSettings { namespace, dimensions } = &self.emf.settings;
        let figures = figures(outcome, *written, measured);
        let timestamp = measured.delivered.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
        let directive = Directive {
            namespace,
            dimensions: [dimensions.iter().map(Dimension::name).collect()],
            metrics: figures.iter().map(|(name, unit, _)| Metric { name, unit }).collect(),
        };
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry(
            "_aws",
            &Directives { timestamp: u64::try_from(timestamp).unwrap_or(u64::MAX), cloud_watch_metrics: [directive] },
        )?;
        for dimension in dimensions {
            members.serialize_entry(dimension.name(), self.emf.value(dimension, measured))?;
        }
        for (name, _, figure) in figures {
            members.serialize_entry(name, &figure)?;
        }
        members.serialize_entry("requestId", &context.request_id)?;
        members.serialize_entry("coldStart", is_cold)?;
        if let Some(tenant) = &context.tenant_id {
            members.serialize_entry("tenantId", tenant)?;
        }
        if let Some(status) = measured.status {
            members.serialize_entry("status", &status)?;
        }
        if let Outcome::Failed(failed) = outcome {
            // Handlers choose the names of kinds: as a dimension, each would be a metric to pay for.
            members.serialize_entry("errorType", &failed.report.error_type)?;
        }
        members.end()
    }
}

#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directives<'a> {
    timestamp: u64,
    cloud_watch_metrics: [Directive<'a>; 1],
}

#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive<'a> {
    namespace: &'a str,
    dimensions: [Vec<&'a str>; 1],
    metrics: Vec<Metric<'a>>,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metric<'a> {
    name: &'a str,
    unit: &'a str,
}

/// A metric's value.
#[derive(serde::Serialize)]
#[serde(untagged)]
enum Number {
    Whole(u64),
    Fraction(f64),
}

/// The door's name, as the value of a dimension.
pub(super) fn door(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Direct => "Direct",
        Trigger::FunctionUrl => "FunctionUrl",
        Trigger::ApiGateway => "ApiGateway",
        _ => "Other",
    }
}

/// Names, units and figures of one invocation. What did not happen is left out, but for counts, which are 0 then.
fn figures(outcome: &Outcome, written: u64, measured: &Measured) -> Vec<(&'static str, &'static str, Number)> {
    let milliseconds = |duration: Duration| Number::Fraction((duration.as_secs_f64() * 1e6).round() / 1e3);
    let mut figures = Vec::with_capacity(24);
    let mut time = |name, duration: Option<Duration>| {
        figures.extend(duration.map(|duration| (name, "Milliseconds", milliseconds(duration))));
    };
    time("HeadTime", measured.head);
    time("FirstByteTime", measured.first_byte);
    time("EndTime", Some(measured.end));
    time("LongestSilence", measured.first_byte.map(|_| measured.longest_silence));
    time("BlockedTime", Some(measured.blocked));
    time("CpuTime", Some(measured.cpu));
    time("InstantiationTime", measured.instantiation);
    let first_bytes = measured.calls.iter().filter_map(|call| call.first_byte.map(|at| at.saturating_sub(call.begun)));
    time("UpstreamFirstByteTime", first_bytes.max());
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let ending = ending(outcome);
    let whole = [
        ("ResponseBytes", "Bytes", written),
        ("Writes", "Count", measured.writes),
        ("MemoryUsed", "Bytes", count(measured.memory)),
        ("UpstreamCalls", "Count", count(measured.calls.len()).saturating_add(measured.more_calls)),
    ];
    let endings = ENDINGS.map(|name| (name, "Count", u64::from(name == ending)));
    figures.extend(whole.into_iter().chain(endings).map(|(name, unit, number)| (name, unit, Number::Whole(number))));
    figures
}

/// How an invocation can have ended: one of these is 1.
const ENDINGS: [&str; 6] = ["Succeeded", "ClientErrors", "FunctionErrors", "Traps", "Deadlines", "LimitsMet"];

fn ending(outcome: &Outcome) -> &'static str {
    let Outcome::Failed(Failed { report, fault, .. }) = outcome else { return "Succeeded" };
    match report.error_type.split_once('.') {
        _ if *fault == Fault::Caller => "ClientErrors",
        Some(("Runtime", "DeadlineExceeded")) => "Deadlines",
        Some(("Runtime", "OutOfMemory" | "OutOfHostMemory" | "CallTooLarge")) => "LimitsMet",
        Some(("Runtime", _)) => "Traps",
        _ => "FunctionErrors",
    }
}
