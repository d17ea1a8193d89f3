//! Traces by OTLP over HTTP, in JSON: one span for each invocation, with its moments as events, and one for each request of its
//! handler's.
//!
//! A request has the spans of all invocations that are told of together. It is given a limited time, and they are lost after that.

use super::emf::door;
use super::{Call, Function, Observed, Observer, Trace, TraceSettings};
use crate::budget::{Allowance, Budget, Shares};
use crate::egress::{Egress, EgressSettings, Outbound, Policy};
use crate::log::{BoxFuture, InvocationLog, Log};
use crate::outcome::{Fault, Outcome};
use crate::path::PathError;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request};
use http_body_util::{BodyExt as _, Full};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// Bytes of a collector's answer that are read: it says what of an export it did not take.
const ANSWER: usize = 64 * 1024;

/// Sends spans.
pub(crate) struct Otlp {
    settings: TraceSettings,
    resource: Vec<Attribute<'static>>,
    egress: Arc<Egress>,
    shares: Shares,
    log: Arc<dyn Log>,
    /// Traces that were not exported.
    lost: AtomicU64,
}

impl Otlp {
    /// # Errors
    /// A file of certificates that is of no use.
    pub(crate) fn new(
        settings: TraceSettings,
        function: &Function,
        egress: &EgressSettings,
        log: Arc<dyn Log>,
    ) -> Result<Self, PathError> {
        let shares = Shares::new(4);
        let is_aws = settings.endpoint.host().is_some_and(|host| host.ends_with(".amazonaws.com"));
        let egress = EgressSettings {
            // The operator names one server, which may well be in a network of the operator's own.
            policy: Policy::only(&settings.endpoint).unwrap_or_default(),
            sign_aws: if is_aws { vec!["xray".to_owned()] } else { Vec::new() },
            ..egress.clone()
        };
        let egress = Egress::new(&egress, &shares)?;
        let resource = resource(function, &settings.resource);
        Ok(Self { settings, resource, egress, shares, log, lost: AtomicU64::new(0) })
    }

    /// The document that tells the collector of these invocations.
    fn document(&self, sampled: &[(&Trace, &Observed)]) -> Result<Bytes, serde_json::Error> {
        let scope = Scope { name: "firstbyte", version: env!("CARGO_PKG_VERSION") };
        let spans = sampled.iter().flat_map(|(trace, observed)| spans(trace, observed)).collect();
        let scope_spans = [ScopeSpans { scope, spans }];
        let resource = Resource { attributes: &self.resource };
        serde_json::to_vec(&Document { resource_spans: [ResourceSpans { resource, scope_spans }] }).map(Bytes::from)
    }

    async fn export(&self, sampled: &[(&Trace, &Observed)]) -> Result<(), String> {
        let document = self.document(sampled).map_err(|error| error.to_string())?;
        let body = Full::new(document).map_err(|never| match never {}).boxed_unsync();
        let mut request = Request::post(self.settings.endpoint.clone()).body(body).map_err(|error| error.to_string())?;
        *request.headers_mut() = self.settings.headers.clone();
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let budget = Budget::new(Allowance::default(), self.shares.clone());
        let log = InvocationLog::new(Arc::clone(&self.log), "-".to_owned(), None);
        let outbound = Outbound::new(Arc::clone(&self.egress), budget, log);
        let response = outbound.send_own(request).await.map_err(|error| error.to_string())?;
        let status = response.status();
        // Read to its end, its connection serves the next one.
        let answer = http_body_util::Limited::new(response.into_body(), ANSWER).collect().await;
        if status.is_success() {
            return Ok(());
        }
        let said = answer.map(|answer| String::from_utf8_lossy(&answer.to_bytes()).into_owned()).unwrap_or_default();
        Err(format!("the collector answered {status}: {}", said.chars().take(200).collect::<String>()))
    }
}

impl Observer for Otlp {
    fn observe<'a>(&'a self, observed: &'a [Observed]) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let sampled: Vec<(&Trace, &Observed)> = observed
                .iter()
                .filter_map(|observed| Some((observed.measured.trace.as_ref().filter(|trace| trace.is_sampled)?, observed)))
                .collect();
            let Some((_, last)) = sampled.last() else { return };
            let failed = match tokio::time::timeout(self.settings.timeout, self.export(&sampled)).await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error,
                Err(_) => format!("the collector took longer than {} ms", self.settings.timeout.as_millis()),
            };
            let now = sampled.len() as u64;
            let before = self.lost.fetch_add(now, Ordering::Relaxed);
            // A collector that is away is away for many invocations: what is told is each doubling.
            if before.checked_ilog2() < (before + now).checked_ilog2() {
                let log = InvocationLog::new(Arc::clone(&self.log), last.context.request_id.clone(), None);
                log.warn(&format!("a trace was not exported ({} so far): {failed}", before + now));
            }
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    resource_spans: [ResourceSpans<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans<'a> {
    resource: Resource<'a>,
    scope_spans: [ScopeSpans<'a>; 1],
}

#[derive(Serialize)]
struct Resource<'a> {
    attributes: &'a [Attribute<'static>],
}

#[derive(Serialize)]
struct ScopeSpans<'a> {
    scope: Scope,
    spans: Vec<Span<'a>>,
}

#[derive(Serialize)]
struct Scope {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Span<'a> {
    trace_id: String,
    span_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_span_id: Option<String>,
    name: Cow<'a, str>,
    kind: u8,
    flags: u8,
    start_time_unix_nano: String,
    end_time_unix_nano: String,
    attributes: Vec<Attribute<'a>>,
    events: Vec<Moment>,
    status: Status<'a>,
}

/// Something that happened at one moment of a span.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Moment {
    name: &'static str,
    time_unix_nano: String,
}

/// Empty, unless the span failed.
#[derive(Default, Serialize)]
struct Status<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Cow<'a, str>>,
}

impl<'a> Status<'a> {
    fn error(message: impl Into<Cow<'a, str>>) -> Self {
        Self { code: Some(2), message: Some(message.into()) }
    }
}

#[derive(Serialize)]
struct Attribute<'a> {
    key: Cow<'a, str>,
    value: AnyValue<'a>,
}

/// A value, by the names that OTLP has for its types.
#[derive(Serialize)]
enum AnyValue<'a> {
    #[serde(rename = "stringValue")]
    Text(Cow<'a, str>),
    /// JSON numbers of other languages do not hold all integers, so OTLP writes text.
    #[serde(rename = "intValue", serialize_with = "digits")]
    Integer(u64),
    #[serde(rename = "boolValue")]
    Flag(bool),
}

fn digits<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

fn text<'a>(key: &'a str, value: impl Into<Cow<'a, str>>) -> Attribute<'a> {
    Attribute { key: key.into(), value: AnyValue::Text(value.into()) }
}

fn integer(key: &str, value: impl Into<u64>) -> Attribute<'_> {
    Attribute { key: key.into(), value: AnyValue::Integer(value.into()) }
}

fn flag(key: &str, value: bool) -> Attribute<'_> {
    Attribute { key: key.into(), value: AnyValue::Flag(value) }
}

/// What the function is, as OpenTelemetry's conventions name it.
fn resource(function: &Function, more: &[(String, String)]) -> Vec<Attribute<'static>> {
    let mut attributes = vec![
        text("cloud.provider", "aws"),
        text("cloud.platform", "aws_lambda"),
        text("cloud.region", function.region.clone()),
        text("faas.name", function.name.clone()),
        text("faas.version", function.version.clone()),
        integer("faas.max_memory", function.memory_mb.saturating_mul(1 << 20)),
        text("telemetry.sdk.name", "firstbyte"),
        text("telemetry.sdk.language", "rust"),
        text("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
    ];
    attributes.push(text("service.name", function.name.clone()));
    // A key must be there once: the operator's last word on it counts.
    for (key, value) in more {
        attributes.retain(|attribute| attribute.key != *key);
        attributes.push(Attribute { key: key.clone().into(), value: AnyValue::Text(value.clone().into()) });
    }
    attributes
}

fn spans<'a>(trace: &Trace, observed: &'a Observed) -> Vec<Span<'a>> {
    let Observed { context, outcome, written, measured, is_cold } = observed;
    let at = |after: Duration| nanoseconds(measured.delivered, after);
    let mut attributes = vec![
        text("faas.invocation_id", &context.request_id),
        text("faas.trigger", if measured.trigger.is_http() { "http" } else { "other" }),
        flag("faas.coldstart", *is_cold),
        text("cloud.resource_id", &context.function_arn),
        text("firstbyte.door", door(measured.trigger)),
        integer("firstbyte.response.bytes", *written),
        integer("firstbyte.response.writes", measured.writes),
    ];
    if let Some((method, path)) = &measured.request {
        attributes.extend([text("http.request.method", method), text("url.path", path)]);
    }
    if let Some(status) = measured.status {
        attributes.push(integer("http.response.status_code", status));
    }
    let mut status = Status::default();
    if let Outcome::Failed(failed) = outcome {
        attributes.push(text("error.type", &failed.report.error_type));
        // A caller's mistake is not the server's error.
        if failed.fault == Fault::Function {
            status = Status::error(&failed.report.error_message);
        }
    }
    let moments = [("head", measured.head), ("first byte", measured.first_byte), ("last byte", measured.last_byte)];
    let moments = moments.into_iter().filter_map(|(name, after)| Some(Moment { name, time_unix_nano: at(after?) }));
    let invocation = Span {
        trace_id: trace_id(trace),
        span_id: span_id(trace.span),
        parent_span_id: trace.parent.map(span_id),
        name: name_of(&context.function_arn).into(),
        kind: 2,
        flags: 1,
        start_time_unix_nano: at(Duration::ZERO),
        end_time_unix_nano: at(measured.end),
        attributes,
        events: moments.collect(),
        status,
    };
    let calls = measured.calls.iter().map(|call| call_span(trace, call, measured.end, &at));
    std::iter::once(invocation).chain(calls).collect()
}

fn call_span<'a>(trace: &Trace, call: &'a Call, settled: Duration, at: &dyn Fn(Duration) -> String) -> Span<'a> {
    let mut attributes =
        vec![text("http.request.method", &call.method), text("server.address", &call.host), text("url.scheme", &call.scheme)];
    attributes.push(text("url.path", &call.path));
    let port = call.port.unwrap_or(if call.scheme == "http" { 80 } else { 443 });
    attributes.push(integer("server.port", port));
    let mut status = Status::default();
    if let Some(code) = call.status {
        attributes.push(integer("http.response.status_code", code));
    }
    let error = call.error.clone().or_else(|| call.status.filter(|code| *code >= 400).map(|code| code.to_string()));
    if let Some(error) = error {
        attributes.push(text("error.type", error.clone()));
        status = Status::error(error);
    }
    let mut name = Cow::from(&call.method);
    if let Some((operation, model)) = bedrock(call) {
        name = format!("{operation} {model}").into();
        attributes.extend([
            text("gen_ai.provider.name", "aws.bedrock"),
            text("gen_ai.operation.name", operation),
            text("gen_ai.request.model", model),
        ]);
    }
    Span {
        trace_id: trace_id(trace),
        span_id: span_id(call.span),
        parent_span_id: Some(span_id(trace.span)),
        name,
        kind: 3,
        flags: 1,
        start_time_unix_nano: at(call.begun),
        end_time_unix_nano: at(call.end.unwrap_or(settled)),
        attributes,
        events: call.first_byte.iter().map(|after| Moment { name: "first byte", time_unix_nano: at(*after) }).collect(),
        status,
    }
}

/// What a request to Amazon Bedrock asks of which model, as its path says.
fn bedrock(call: &Call) -> Option<(&'static str, String)> {
    let (service, rest) = call.host.split_once('.')?;
    if !matches!(service, "bedrock-runtime" | "bedrock-runtime-fips") || !rest.contains("amazonaws.com") {
        return None;
    }
    let (model, operation) = call.path.strip_prefix("/model/")?.split_once('/')?;
    let operation = match operation {
        "converse" | "converse-stream" => "chat",
        "invoke" | "invoke-with-response-stream" => "generate_content",
        _ => return None,
    };
    Some((operation, percent_encoding::percent_decode_str(model).decode_utf8_lossy().into_owned()))
}

fn trace_id(trace: &Trace) -> String {
    format!("{:032x}", trace.id)
}

fn span_id(id: u64) -> String {
    format!("{id:016x}")
}

/// The function's name, from its ARN.
fn name_of(arn: &str) -> &str {
    arn.split(':').nth(6).unwrap_or(arn)
}

fn nanoseconds(delivered: SystemTime, after: Duration) -> String {
    let since = delivered.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default() + after;
    since.as_nanos().to_string()
}
