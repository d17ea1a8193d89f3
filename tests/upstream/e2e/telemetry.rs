//! What an operator is told of invocations: metrics in the log and traces at a collector, at the moments that the client saw; and
//! comments that keep a silent stream alive. None of it changes what a caller gets.

use firstbyte_emulator::EventKind;
use firstbyte_tests::{Call, Door, Function, Guest as Handler, Invoked, Lambda};
use firstbyte_upstream_tests::{Guest, ModelServer};
use serde_json::{Value, json};
use std::cell::Cell;
use std::time::{Duration, SystemTime};

const TRACES: &str = "POST /v1/traces";

/// The metrics of the last invocation, which its log has when it is over.
async fn metrics(lambda: &mut Lambda, mut invoked: Invoked) -> Value {
    lambda.until_printed(&mut invoked.seen, "_aws").await;
    let printed = invoked.seen.printed();
    let line = printed.iter().rev().find(|line| line.contains("_aws")).expect("a line of metrics");
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// What CloudWatch wants of a line, by its specification of the format; else it drops the line without a word.
fn is_in_the_embedded_metric_format(line: &Value) {
    assert!(line["_aws"]["Timestamp"].is_u64(), "{line}");
    let directives = line["_aws"]["CloudWatchMetrics"].as_array().expect("directives");
    for directive in directives {
        assert!(directive["Namespace"].as_str().is_some_and(|name| (1..=1024).contains(&name.len())), "{directive}");
        for set in directive["Dimensions"].as_array().expect("sets of dimensions") {
            let set = set.as_array().expect("a set");
            assert!(set.len() <= 30, "{set:?}");
            for name in set {
                let value = line[name.as_str().expect("a name")].as_str().expect("a dimension's value is text");
                assert!((1..=1024).contains(&value.len()), "{name}: {value:?}");
            }
        }
        let metrics = directive["Metrics"].as_array().expect("metrics");
        assert!((1..=100).contains(&metrics.len()));
        for metric in metrics {
            assert!(["Milliseconds", "Bytes", "Count"].contains(&metric["Unit"].as_str().expect("a unit")), "{metric}");
            assert!(line[metric["Name"].as_str().expect("a name")].is_number(), "{metric} in {line}");
        }
    }
}

fn near(line: &Value, name: &str, expected: f64) {
    let measured = line[name].as_f64().unwrap_or_else(|| panic!("no {name}: {line}"));
    // The machine may be busy: the bench says how near it is.
    assert!((measured - expected).abs() < 500.0, "{name} is {measured}, and was to be near {expected}");
}

#[tokio::test]
async fn metrics_agree_with_what_the_client_saw() {
    let mut lambda = Function::of(Handler::Greeting)
        .env("FIRSTBYTE_METRICS", "emf")
        .env("FIRSTBYTE_METRICS_NAMESPACE", "Shop/Streams")
        .env("FIRSTBYTE_METRICS_DIMENSIONS", "function, door, Stage=prod")
        .start()
        .await;
    for (door, name) in Door::ALL.into_iter().zip(["Direct", "FunctionUrl", "ApiGateway"]) {
        let invoked = lambda.invoke(door, Call::json(&json!({"name": "hoge"}))).await;
        let answer = invoked.answer.clone();
        let line = metrics(&mut lambda, invoked).await;
        is_in_the_embedded_metric_format(&line);
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Namespace"], "Shop/Streams");
        let dimensions = json!([["FunctionName", "Door", "Stage"]]);
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"], dimensions);
        assert_eq!((&line["Door"], &line["Stage"], &line["Succeeded"]), (&json!(name), &json!("prod"), &json!(1)));
        let ms = |at: Duration| at.as_secs_f64() * 1e3;
        near(&line, "FirstByteTime", ms(answer.chunks[0].at));
        near(&line, "EndTime", ms(answer.end_at));
        near(&line, "LongestSilence", 2000.0);
        let at = |name: &str| line[name].as_f64().expect("a time");
        assert!(at("HeadTime") <= at("FirstByteTime") && at("FirstByteTime") < at("EndTime"), "{line}");
        assert_eq!((&line["Writes"], &line["ResponseBytes"]), (&json!(2), &json!(answer.bytes().len())), "{line}");
        assert!(at("CpuTime") > 0.0 && at("CpuTime") < 1000.0 && at("MemoryUsed") >= 65_536.0, "{line}");
        assert_eq!(line["UpstreamCalls"], 0);
    }
}

#[tokio::test]
async fn each_kind_of_ending_is_counted_as_one() {
    let mut lambda = Function::of(Handler::Endings).env("FIRSTBYTE_METRICS", "emf").timeout(Duration::from_secs(3)).start().await;
    for (ending, kind) in [
        (json!({"ending": "ok"}), "Succeeded"),
        (json!({"ending": "err-before", "status": 422}), "ClientErrors"),
        (json!({"ending": "err-after"}), "FunctionErrors"),
        (json!({"ending": "panic-before"}), "Traps"),
        (json!({"ending": "memory"}), "LimitsMet"),
        (json!({"ending": "wait", "started": true}), "Deadlines"),
    ] {
        let invoked = lambda.invoke(Door::Url, Call::json(&ending)).await;
        let line = metrics(&mut lambda, invoked).await;
        is_in_the_embedded_metric_format(&line);
        let counted: Vec<&str> = ["Succeeded", "ClientErrors", "FunctionErrors", "Traps", "Deadlines", "LimitsMet"]
            .into_iter()
            .filter(|name| line[name] == 1)
            .collect();
        assert_eq!(counted, [kind], "{line}");
        assert_eq!(line["errorType"].is_string(), kind != "Succeeded", "{line}");
    }
}

fn attribute<'a>(span: &'a Value, key: &str) -> Option<&'a str> {
    let found = span["attributes"].as_array()?.iter().find(|attribute| attribute["key"] == key)?;
    found["value"]["stringValue"].as_str().or_else(|| found["value"]["intValue"].as_str())
}

fn nanoseconds(value: &Value) -> Duration {
    Duration::from_nanos(value.as_str().expect("text").parse().expect("nanoseconds"))
}

fn moment(span: &Value, name: &str) -> Duration {
    let events = span["events"].as_array().expect("events");
    let event = events.iter().find(|event| event["name"] == name).unwrap_or_else(|| panic!("no {name}: {span:#}"));
    nanoseconds(&event["timeUnixNano"])
}

fn spans(export: &Value) -> &[Value] {
    export["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().expect("spans")
}

#[tokio::test]
async fn a_trace_has_the_invocation_and_what_it_asked() {
    let (collector, upstream) = (ModelServer::start().await, ModelServer::start().await);
    let function = Guest::Fetch.function();
    let mut lambda = function
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())
        .env("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=secret")
        .env("OTEL_TRACES_SAMPLER", "always_on")
        .env("FIRSTBYTE_ALLOW_HTTP", &upstream.url())
        .env("FIRSTBYTE_TRACE_HOSTS", &upstream.url())
        .start()
        .await;
    let url = format!("{}/echo?secret", upstream.url());
    let before = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let Invoked { answer, .. } = lambda.invoke(Door::Url, Call::json(&json!({ "url": url })).path("/ask?me")).await;
    let after = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    assert!(answer.text().contains("\"status\":200"), "{}", answer.text());

    let exported = collector.until_asked(TRACES, 1).await;
    assert_eq!((exported.len(), &exported[0].headers["x-api-key"]), (1, &"secret".parse().expect("a value")));
    assert_eq!(exported[0].headers["content-type"], "application/json");
    let [invocation, call] = spans(&exported[0].body) else { panic!("{:#}", exported[0].body) };
    assert_eq!((&invocation["kind"], &call["kind"], &call["parentSpanId"]), (&json!(2), &json!(3), &invocation["spanId"]));
    assert_eq!((attribute(invocation, "faas.trigger"), attribute(invocation, "url.path")), (Some("http"), Some("/ask")));
    assert_eq!((attribute(call, "url.path"), attribute(call, "http.response.status_code")), (Some("/echo"), Some("200")));
    assert!(!exported[0].body.to_string().contains("secret"), "queries stay where they are");
    let (start, end) = (nanoseconds(&invocation["startTimeUnixNano"]), nanoseconds(&invocation["endTimeUnixNano"]));
    let order = [
        before,
        start,
        nanoseconds(&call["startTimeUnixNano"]),
        moment(call, "first byte"),
        moment(invocation, "head"),
        moment(invocation, "first byte"),
        moment(invocation, "last byte"),
        end,
        after + Duration::from_millis(500),
    ];
    assert!(order.is_sorted(), "{order:?}: {invocation:#} {call:#}");

    let asked = upstream.until_asked("GET /echo", 1).await;
    let text = |span: &Value, key: &str| span[key].as_str().expect("text").to_owned();
    let (id, span) = (text(invocation, "traceId"), text(call, "spanId"));
    assert_eq!(asked[0].headers["traceparent"], format!("00-{id}-{span}-01").as_str());
    let xray = format!("Root=1-{}-{};Parent={span};Sampled=1", &id[..8], &id[8..]);
    assert_eq!(asked[0].headers["x-amzn-trace-id"], xray.as_str());
}

#[tokio::test]
async fn the_moments_of_a_stream_are_in_its_span() {
    let collector = ModelServer::start().await;
    let mut lambda = Function::of(Handler::Greeting)
        .env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &format!("{}/v1/traces", collector.url()))
        .env("OTEL_TRACES_SAMPLER", "always_on")
        .start()
        .await;
    lambda.invoke(Door::Api, Call::json(&json!({"name": "hoge"}))).await;
    let exported = collector.until_asked(TRACES, 1).await;
    let [span] = spans(&exported[0].body) else { panic!("{:#}", exported[0].body) };
    let (first, last) = (moment(span, "first byte"), moment(span, "last byte"));
    let between = last - first;
    assert!((Duration::from_millis(1990)..Duration::from_millis(2500)).contains(&between), "{between:?}");
    assert_eq!(attribute(span, "firstbyte.response.writes"), Some("2"));
}

/// `cargo test --profile dist --test telemetry -- --ignored --nocapture`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "wants a machine of its own, and --profile dist"]
async fn spans_are_within_two_milliseconds_of_what_the_client_saw() {
    const TIMES: usize = 100;
    let collector = ModelServer::start().await;
    let mut lambda = Function::of(Handler::Endings)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())
        .env("OTEL_TRACES_SAMPLER", "always_on")
        .start()
        .await;
    // The first pays for the environment's start, which no span has.
    lambda.invoke(Door::Url, Call::json(&json!({"ending": "ok"}))).await;
    let mut off: [Vec<f64>; 2] = Default::default();
    for n in 0..TIMES {
        let before = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
        let tokens = json!({"ending": "tokens", "count": 2, "ms": 50});
        let Invoked { answer, .. } = lambda.invoke(Door::Url, Call::json(&tokens)).await;
        let exported = collector.until_asked(TRACES, n + 2).await;
        let [span] = spans(&exported[n + 1].body) else { panic!("{:#}", exported[n + 1].body) };
        let [first, .., last] = &*answer.chunks else { panic!("{:?}", answer.chunks) };
        for ((name, chunk), off) in [("first byte", first), ("last byte", last)].into_iter().zip(&mut off) {
            off.push(((before + chunk.at).as_secs_f64() - moment(span, name).as_secs_f64()).abs() * 1e3);
        }
    }
    for (name, off) in ["first byte", "last byte"].into_iter().zip(&mut off) {
        off.sort_by(f64::total_cmp);
        println!("{name}: off by {:.2} ms in the median of {TIMES}, p90 {:.2} ms", off[TIMES / 2], off[TIMES * 9 / 10]);
        assert!(off[TIMES / 2] <= 2.0, "{name}: {off:?}");
    }
}

#[tokio::test]
async fn invocations_that_end_soon_after_each_other_are_told_of_together() {
    let collector = ModelServer::start().await;
    let mut lambda = Function::of(Handler::Endings)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())
        .env("OTEL_TRACES_SAMPLER", "always_on")
        .env("FIRSTBYTE_METRICS", "emf")
        .env("FIRSTBYTE_TELEMETRY_GATHER_MS", "50000")
        .start()
        .await;
    for n in 0..256 {
        let invoked = lambda.invoke(Door::Url, Call::json(&json!({"ending": "ok"}))).await;
        assert_eq!(invoked.answer.status, 200);
        assert_eq!(collector.until_asked(TRACES, 1).await.len(), 1, "{n}");
    }
    // With one more, there are too many to wait.
    let last = lambda.invoke(Door::Url, Call::json(&json!({"ending": "ok"}))).await;
    let exported = collector.until_asked(TRACES, 2).await;
    let told: Vec<usize> = exported.iter().map(|export| spans(&export.body).len()).collect();
    assert_eq!(told, [1, 256]);
    // So many lines are more than the log holds at once: none is left out.
    let is_told = |line: &str| line.contains("_aws");
    let left = Cell::new(256 - last.seen.printed().iter().filter(|line| is_told(line)).count());
    let is_last = |kind: &EventKind| {
        left.set(left.get() - usize::from(matches!(kind, EventKind::Log { line, .. } if is_told(line))));
        left.get() == 0
    };
    if left.get() > 0 {
        lambda.until("a line of metrics for each", is_last).await;
    }
}

#[tokio::test]
async fn a_collector_that_is_away_costs_a_caller_nothing() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let mut lambda = Function::of(Handler::Endings)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://{nobody}"))
        .env("OTEL_TRACES_SAMPLER", "always_on")
        .start()
        .await;
    for n in 0..3 {
        let mut invoked = lambda.invoke(Door::Url, Call::json(&json!({"ending": "ok"}))).await;
        assert_eq!(invoked.answer.status, 200);
        if n == 0 {
            lambda.until_printed(&mut invoked.seen, "a trace was not exported (1 so far)").await;
        }
    }
}

#[tokio::test]
async fn a_silent_event_stream_is_kept_alive_between_its_events() {
    let mut lambda = Function::of(Handler::Endings).env("FIRSTBYTE_KEEPALIVE_MS", "200").start().await;
    let events = json!({"ending": "sse", "events": 3, "ms": 700, "then": "complete"});
    for door in Door::ALL {
        let Invoked { answer, .. } = lambda.invoke(door, Call::json(&events)).await;
        let text = answer.text();
        let pings = text.matches(": ping\n\n").count();
        assert!((3..=12).contains(&pings), "{door}: {text:?}");
        // Without its comments it is what the handler wrote: none is inside of an event.
        assert_eq!(text.replace(": ping\n\n", ""), "data: 0\n\ndata: 1\n\ndata: 2\n\n", "{door}");
        assert!(answer.looks_complete(), "{door}: {answer:?}");
    }
    let tokens = json!({"ending": "tokens", "count": 2, "ms": 600});
    let Invoked { answer, .. } = lambda.invoke(Door::Url, Call::json(&tokens)).await;
    assert_eq!(answer.text(), "token 0\ntoken 1\n", "no event stream, no comments");
}
