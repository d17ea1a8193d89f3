//! What an operator learns of invocations from outside of the handler, in whatever language that is: metrics and traces.
//!
//! `Measures` are taken while an invocation goes on, by those who carry it. `Observers` are shown what came of it after it was
//! settled, when its caller has everything. Nothing here can change how an invocation ends.

#[cfg(feature = "lambda")]
mod emf;
mod measures;
#[cfg(feature = "lambda")]
mod observers;
#[cfg(feature = "lambda")]
mod otlp;
mod trace;

pub use measures::{Call, Measured};
pub(crate) use measures::{CallMeasure, Measures};
#[cfg(feature = "lambda")]
pub(crate) use observers::{Observed, Observer, Observers};
#[cfg(feature = "compiler")]
pub(crate) use trace::random;
pub use trace::{Sampler, SamplerError};
pub(crate) use trace::{Trace, new_span};

use http::{HeaderMap, Uri};
use std::time::Duration;

/// What of invocations is told, and to whom. Nothing, unless it is asked for.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct TelemetrySettings {
    /// Metrics in the log, in CloudWatch's embedded format.
    pub metrics: Option<MetricsSettings>,
    /// Traces by OTLP.
    pub traces: Option<TraceSettings>,
    /// For how long after a report the next one may be held back, so that several invocations are reported together.
    pub gather: Duration,
}

/// How metrics are told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricsSettings {
    /// CloudWatch's namespace.
    pub namespace: String,
    /// What they are told by, in this order.
    pub dimensions: Vec<Dimension>,
}

/// What metrics are told by. Each combination of values is a metric of its own, and is billed as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// `FunctionName`.
    Function,
    /// `FunctionVersion`.
    Version,
    /// `Door`: `Direct`, `FunctionUrl` or `ApiGateway`.
    Door,
    /// A name and a value of the operator's own.
    Fixed(String, String),
}

/// Members that a line of metrics has by itself, so that no dimension can have their name.
const TAKEN: [&str; 26] = [
    "BlockedTime",
    "ClientErrors",
    "CpuTime",
    "Deadlines",
    "Door",
    "EndTime",
    "FirstByteTime",
    "FunctionErrors",
    "FunctionName",
    "FunctionVersion",
    "HeadTime",
    "InstantiationTime",
    "LimitsMet",
    "LongestSilence",
    "MemoryUsed",
    "ResponseBytes",
    "Succeeded",
    "Traps",
    "UpstreamCalls",
    "UpstreamFirstByteTime",
    "Writes",
    "coldStart",
    "errorType",
    "requestId",
    "status",
    "tenantId",
];

impl Dimension {
    /// What it is told by.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Function => "FunctionName",
            Self::Version => "FunctionVersion",
            Self::Door => "Door",
            Self::Fixed(name, _) => name,
        }
    }

    /// `function`, `version`, `door`, or `Name=value`. None for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "function" => Some(Self::Function),
            "version" => Some(Self::Version),
            "door" => Some(Self::Door),
            _ => {
                let (name, value) = text.split_once('=')?;
                let is_text =
                    |text: &str, most| (1..=most).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
                let fits = is_text(name, 250) && is_text(value, 1024) && !name.starts_with([':', '_']);
                (fits && !TAKEN.contains(&name)).then(|| Self::Fixed(name.to_owned(), value.to_owned()))
            }
        }
    }
}

/// Where traces go.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TraceSettings {
    /// The collector's address for traces: `http://collector:4318/v1/traces`.
    pub endpoint: Uri,
    /// Headers of each request.
    pub headers: HeaderMap,
    /// How long an export may take.
    pub timeout: Duration,
    /// Which invocations are told.
    pub sampler: Sampler,
    /// Attributes of the function itself, besides those that Lambda says.
    pub resource: Vec<(String, String)>,
}

/// The function, as Lambda says it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its memory size, in MB.
    pub memory_mb: u64,
    /// The region it runs in.
    pub region: String,
}
