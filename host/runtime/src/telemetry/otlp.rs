//! Traces by OTLP over HTTP, in JSON: one span for each invocation, with its moments as events, and one for each request of its
//! handler's.
//!
//! A span leaves when its invocation is settled, before the next one is asked for: then Lambda has not stopped the process, and the
//! caller has everything. It is given a limited time, and is lost after that.

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
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// Bytes of a collector's answer that are read: it says what of an export it did not take.
const ANSWER: usize = 64 * 1024;

/// Sends spans.
pub(crate) struct Otlp {
    settings: TraceSettings,
    resource: Value,
    egress: Arc<Egress>,
    shares: Shares,
    log: Arc<dyn Log>,
    /// Exports that failed.
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

    async fn export(&self, spans: Vec<Value>) -> Result<(), String> {
        let document = json!({ "resourceSpans": [{
            "resource": { "attributes": self.resource },
            "scopeSpans": [{ "scope": { "name": "firstbyte", "version": env!("CARGO_PKG_VERSION") }, "spans": spans }],
        }] });
        let body = Full::new(Bytes::from(document.to_string())).map_err(|never| match never {}).boxed_unsync();
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
    fn observe<'a>(&'a self, observed: &'a Observed<'a>) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let Some(trace) = observed.measured.trace.as_ref().filter(|trace| trace.is_sampled) else { return };
            let spans = spans(trace, observed);
            let failed = match tokio::time::timeout(self.settings.timeout, self.export(spans)).await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error,
                Err(_) => format!("the collector took longer than {} ms", self.settings.timeout.as_millis()),
            };
            let lost = self.lost.fetch_add(1, Ordering::Relaxed) + 1;
            // A collector that is away is away for many invocations.
            if lost.is_power_of_two() {
                let log = InvocationLog::new(Arc::clone(&self.log), observed.context.request_id.clone(), None);
                log.warn(&format!("a trace was not exported ({lost} so far): {failed}"));
            }
        })
    }
}

fn text(key: &str, value: impl Into<String>) -> Value {
    json!({ "key": key, "value": { "stringValue": value.into() } })
}

/// An integer: JSON numbers of other languages do not hold all of them, so OTLP writes text.
fn integer(key: &str, value: impl Into<u64>) -> Value {
    json!({ "key": key, "value": { "intValue": value.into().to_string() } })
}

fn flag(key: &str, value: bool) -> Value {
    json!({ "key": key, "value": { "boolValue": value } })
}

/// What the function is, as OpenTelemetry's conventions name it.
fn resource(function: &Function, more: &[(String, String)]) -> Value {
    let mut attributes = vec![
        text("cloud.provider", "aws"),
        text("cloud.platform", "aws_lambda"),
        text("cloud.region", &function.region),
        text("faas.name", &function.name),
        text("faas.version", &function.version),
        integer("faas.max_memory", function.memory_mb.saturating_mul(1 << 20)),
        text("telemetry.sdk.name", "firstbyte"),
        text("telemetry.sdk.language", "rust"),
        text("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
    ];
    if !more.iter().any(|(name, _)| name == "service.name") {
        attributes.push(text("service.name", &function.name));
    }
    attributes.extend(more.iter().map(|(name, value)| text(name, value)));
    Value::Array(attributes)
}

fn spans(trace: &Trace, observed: &Observed<'_>) -> Vec<Value> {
    let Observed { context, settled, measured, is_cold } = observed;
    let at = |after: Duration| nanoseconds(measured.delivered, after);
    let mut attributes = vec![
        text("faas.invocation_id", &context.request_id),
        text("faas.trigger", if measured.trigger.is_http() { "http" } else { "other" }),
        flag("faas.coldstart", *is_cold),
        text("cloud.resource_id", &context.function_arn),
        text("firstbyte.door", door(measured.trigger)),
        integer("firstbyte.response.bytes", settled.written),
        integer("firstbyte.response.writes", measured.writes),
    ];
    if let Some((method, path)) = &measured.request {
        attributes.extend([text("http.request.method", method), text("url.path", path)]);
    }
    if let Some(status) = measured.status {
        attributes.push(integer("http.response.status_code", status));
    }
    let mut status = json!({});
    if let Outcome::Failed(failed) = &settled.outcome {
        attributes.push(text("error.type", &failed.report.error_type));
        // A caller's mistake is not the server's error.
        if failed.fault == Fault::Function {
            status = json!({ "code": 2, "message": failed.report.error_message });
        }
    }
    let moments = [("head", measured.head), ("first byte", measured.first_byte), ("last byte", measured.last_byte)];
    let events: Vec<Value> =
        moments.iter().filter_map(|(name, after)| Some(json!({ "name": name, "timeUnixNano": at((*after)?) }))).collect();
    let mut invocation = span(trace, trace.span, trace.parent, &name_of(&context.function_arn), 2);
    invocation["startTimeUnixNano"] = at(Duration::ZERO).into();
    invocation["endTimeUnixNano"] = at(measured.end).into();
    invocation["attributes"] = attributes.into();
    invocation["events"] = events.into();
    invocation["status"] = status;
    let calls = measured.calls.iter().map(|call| call_span(trace, call, measured.end, &at));
    std::iter::once(invocation).chain(calls).collect()
}

fn call_span(trace: &Trace, call: &Call, settled: Duration, at: &dyn Fn(Duration) -> String) -> Value {
    let mut attributes =
        vec![text("http.request.method", &call.method), text("server.address", &call.host), text("url.scheme", &call.scheme)];
    attributes.push(text("url.path", &call.path));
    let port = call.port.unwrap_or(if call.scheme == "http" { 80 } else { 443 });
    attributes.push(integer("server.port", port));
    let mut status = json!({});
    if let Some(code) = call.status {
        attributes.push(integer("http.response.status_code", code));
    }
    let error = call.error.clone().or_else(|| call.status.filter(|code| *code >= 400).map(|code| code.to_string()));
    if let Some(error) = error {
        attributes.push(text("error.type", &error));
        status = json!({ "code": 2, "message": error });
    }
    let mut name = call.method.clone();
    if let Some((operation, model)) = bedrock(call) {
        name = format!("{operation} {model}");
        attributes.extend([
            text("gen_ai.provider.name", "aws.bedrock"),
            text("gen_ai.operation.name", operation),
            text("gen_ai.request.model", model),
        ]);
    }
    let events: Vec<Value> =
        call.first_byte.iter().map(|after| json!({ "name": "first byte", "timeUnixNano": at(*after) })).collect();
    let mut span = span(trace, call.span, Some(trace.span), &name, 3);
    span["startTimeUnixNano"] = at(call.begun).into();
    span["endTimeUnixNano"] = at(call.end.unwrap_or(settled)).into();
    span["attributes"] = attributes.into();
    span["events"] = events.into();
    span["status"] = status;
    span
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

fn span(trace: &Trace, id: u64, parent: Option<u64>, name: &str, kind: u8) -> Value {
    let mut span = json!({
        "traceId": format!("{:032x}", trace.id),
        "spanId": format!("{id:016x}"),
        "name": name,
        "kind": kind,
        "flags": 1,
    });
    if let Some(parent) = parent {
        span["parentSpanId"] = format!("{parent:016x}").into();
    }
    span
}

/// The function's name, from its ARN.
fn name_of(arn: &str) -> String {
    arn.split(':').nth(6).unwrap_or(arn).to_owned()
}

fn nanoseconds(delivered: SystemTime, after: Duration) -> String {
    let since = delivered.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default() + after;
    since.as_nanos().to_string()
}
