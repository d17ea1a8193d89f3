//! Metrics as lines of the log in CloudWatch's embedded metric format: CloudWatch makes metrics of them, and nothing is sent.

use super::{Dimension, Function, Measured, MetricsSettings, Observed, Observer};
use crate::log::{BoxFuture, Log};
use crate::outcome::{Failed, Fault, Outcome};
use firstbyte_wire::Trigger;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Writes a line for each invocation.
pub(crate) struct Emf {
    settings: MetricsSettings,
    function: Function,
    log: Arc<dyn Log>,
}

impl Emf {
    pub(crate) fn new(settings: MetricsSettings, function: Function, log: Arc<dyn Log>) -> Self {
        Self { settings, function, log }
    }

    fn line(&self, observed: &Observed<'_>) -> String {
        let Observed { context, settled, measured, is_cold } = observed;
        let dimensions: Vec<(&str, &str)> =
            self.settings.dimensions.iter().map(|dimension| self.value(dimension, measured)).collect();
        let figures = figures(&settled.outcome, settled.written, measured);
        let names = dimensions.iter().map(|(name, _)| *name).collect();
        let metrics = figures.iter().map(|(name, unit, _)| Metric { name, unit }).collect();
        let directive = Directive { namespace: &self.settings.namespace, dimensions: [names], metrics };
        let timestamp = measured.delivered.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
        let mut members = Map::new();
        for (name, value) in dimensions {
            members.insert(name.to_owned(), value.into());
        }
        for (name, _, figure) in figures {
            members.insert(name.to_owned(), figure);
        }
        members.insert("requestId".to_owned(), context.request_id.as_str().into());
        members.insert("coldStart".to_owned(), (*is_cold).into());
        if let Some(tenant) = &context.tenant_id {
            members.insert("tenantId".to_owned(), tenant.as_str().into());
        }
        if let Some(status) = measured.status {
            members.insert("status".to_owned(), status.into());
        }
        if let Outcome::Failed(failed) = &settled.outcome {
            // Handlers choose the names of kinds: as a dimension, each would be a metric to pay for.
            members.insert("errorType".to_owned(), failed.report.error_type.as_str().into());
        }
        let aws = json!({ "Timestamp": u64::try_from(timestamp).unwrap_or(u64::MAX), "CloudWatchMetrics": [directive] });
        members.insert("_aws".to_owned(), aws);
        Value::Object(members).to_string()
    }

    fn value<'a>(&'a self, dimension: &'a Dimension, measured: &Measured) -> (&'a str, &'a str) {
        match dimension {
            Dimension::Function => ("FunctionName", &self.function.name),
            Dimension::Version => ("FunctionVersion", &self.function.version),
            Dimension::Door => ("Door", door(measured.trigger)),
            Dimension::Fixed(name, value) => (name, value),
        }
    }
}

impl Observer for Emf {
    fn observe<'a>(&'a self, observed: &'a Observed<'a>) -> BoxFuture<'a, ()> {
        self.log.line(&self.line(observed));
        Box::pin(std::future::ready(()))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive<'a> {
    namespace: &'a str,
    dimensions: [Vec<&'a str>; 1],
    metrics: Vec<Metric<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metric<'a> {
    name: &'a str,
    unit: &'a str,
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
fn figures(outcome: &Outcome, written: u64, measured: &Measured) -> Vec<(&'static str, &'static str, Value)> {
    let milliseconds = |duration: Duration| json!((duration.as_secs_f64() * 1e6).round() / 1e3);
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
    figures.push(("ResponseBytes", "Bytes", written.into()));
    figures.push(("Writes", "Count", measured.writes.into()));
    figures.push(("MemoryUsed", "Bytes", measured.memory.into()));
    let calls = u64::try_from(measured.calls.len()).unwrap_or(u64::MAX).saturating_add(measured.more_calls);
    figures.push(("UpstreamCalls", "Count", calls.into()));
    let ending = ending(outcome);
    for name in ENDINGS {
        figures.push((name, "Count", u64::from(name == ending).into()));
    }
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
