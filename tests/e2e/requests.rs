//! What a caller sends reaches the handler, and what the handler answers with reaches the caller, whatever the door does to
//! it in between.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use firstbyte_emulator::EventKind;
use firstbyte_tests::{Call, Door, Function, Guest, Lambda, Received, send_to};
use http::{Method, Version};
use serde_json::{Value, json};

/// What the echo says of a request, and the payload that it saw.
fn echoed(answer: &Received) -> (Value, Vec<u8>) {
    let bytes = answer.bytes();
    let line = bytes.iter().position(|byte| *byte == b'\n').unwrap_or_else(|| panic!("no echo: {}", answer.text()));
    (serde_json::from_slice(&bytes[..line]).expect("JSON"), bytes[line + 1..].to_vec())
}

/// The event that Lambda delivered.
fn event(echo: &Value) -> Value {
    serde_json::from_str(echo["event"].as_str().expect("the event is text")).expect("JSON")
}

async fn echo() -> Lambda {
    Function::of(Guest::Echo).start().await
}

async fn endings() -> Lambda {
    Function::of(Guest::Endings).start().await
}

/// A call of buffered `Invoke`.
async fn invoke(lambda: &Lambda, call: Call) -> Received {
    send_to(&lambda.doors.buffered_invoke(), call, Version::HTTP_11).await
}

#[tokio::test]
async fn a_body_is_the_same_to_the_handler_whether_it_travels_as_text_or_as_base64() {
    let lambda = echo().await;
    let binary: Vec<u8> = (0..=255).collect();
    for (content_type, body, is_base64) in [
        ("text/plain; charset=utf-8", "grüße\r\n\0".as_bytes(), false),
        ("application/json", br#"{"name": "hoge"}"#, false),
        ("application/x-www-form-urlencoded", b"a=1&b=%20", false),
        ("application/octet-stream", b"text that says it is none", true),
        ("image/png", &binary, true),
        ("text/plain", &binary, true),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n--x--", true),
    ] {
        for door in Door::HTTP {
            let answer = lambda.send(door, Call::post(content_type, body.to_vec())).await;
            let (echo, payload) = echoed(&answer);
            assert_eq!(payload, body, "{door}, {content_type}");
            assert_eq!(event(&echo)["isBase64Encoded"], is_base64, "{door}, {content_type}");
            assert_eq!(answer.content_type(), Some(content_type), "{door}");
        }
    }
    for door in Door::HTTP {
        let (_, payload) = echoed(&lambda.send(door, Call::get("/")).await);
        assert!(payload.is_empty(), "{door}: {payload:?}");
    }
}

#[tokio::test]
async fn a_direct_payload_is_the_event() {
    let lambda = echo().await;
    for payload in [r#"{"name":"hoge"}"#, "[1, 2]", r#""text""#, "null", " 7 ", r#"{"version":"2.0"}"#] {
        let answer = lambda.send(Door::Direct, Call::post("application/json", payload)).await;
        let (echo, seen) = echoed(&answer);
        assert_eq!(String::from_utf8_lossy(&seen), payload);
        assert_eq!((&echo["trigger"], &echo["http"], &echo["event"]), (&json!("Direct"), &Value::Null, &json!(payload)));
        assert_eq!(echo["requestId"].as_str(), answer.header("x-amzn-requestid"));
        assert_eq!(echo["functionArn"].as_str(), Some(&*lambda.emulator.function_arn()));
        let left = echo["remainingMs"].as_u64().expect("a number");
        assert!((20_000..=30_000).contains(&left), "{left} ms of 30 s less the reserve");
    }
}

#[tokio::test]
async fn method_path_query_headers_and_cookies_arrive() {
    let lambda = echo().await;
    for (door, trigger) in [(Door::Url, "FunctionUrl"), (Door::Api, "ApiGateway")] {
        let call = Call::post("text/plain", "body").method(Method::PUT).path("/a/b%20c?x=1&x=2&y=%C3%BC");
        let call = call.header("x-one", "1").header("x-two", "a").header("x-two", "b").header("cookie", "c=1; d=2");
        let answer = lambda.send(door, call).await;
        let (echo, payload) = echoed(&answer);
        assert_eq!((&echo["trigger"], &payload[..]), (&json!(trigger), &b"body"[..]));
        let http = &echo["http"];
        assert_eq!(http["method"], "PUT", "{door}");
        let path = http["path"].as_str().expect("a path");
        assert!(path == "/a/b%20c" || path == "/a/b c", "{door}: {path}");
        let query = http["query"].as_str().expect("a query");
        assert!(query.contains("x=1") && query.contains("x=2") && query.contains("y=%C3%BC"), "{door}: {query}");
        let headers = http["headers"].as_array().expect("headers").clone();
        let values = |name: &str| -> String {
            let of_name = headers.iter().filter(|header| header[0].as_str().is_some_and(|n| n.eq_ignore_ascii_case(name)));
            of_name.filter_map(|header| header[1].as_str()).collect::<Vec<_>>().join(",")
        };
        assert_eq!((values("x-one").as_str(), values("x-two").as_str()), ("1", "a,b"), "{door}: {headers:?}");
        assert_eq!(http["cookies"], json!([["c", "1"], ["d", "2"]]), "{door}");
    }
}

#[tokio::test]
async fn several_cookies_and_values_reach_the_client() {
    let lambda = endings().await;
    let call = || Call::json(&json!({"ending": "cookies"}));
    for door in Door::HTTP {
        let answer = lambda.send(door, call()).await;
        assert_eq!(answer.header_values("set-cookie"), ["a=1", "b=2; Path=/; HttpOnly"], "{door}");
        assert_eq!(answer.header_values("x-twice").join(", "), "1, 2", "{door}");
        assert_eq!(answer.text(), "cookies\n", "{door}");
    }
    let direct = lambda.send(Door::Direct, call()).await;
    assert_eq!((direct.text().as_str(), direct.content_type()), ("cookies\n", Some("text/plain")));
}

#[tokio::test]
async fn a_status_is_the_handlers() {
    let lambda = endings().await;
    for status in [200, 201, 299, 301, 400, 404, 418, 500, 503, 599] {
        for door in Door::HTTP {
            let ending = json!({"ending": "bad-head", "name": "X-Fine", "value": "as it is", "status": status});
            let answer = lambda.send(door, Call::json(&ending)).await;
            assert_eq!((answer.status.as_u16(), answer.header("x-fine")), (status, Some("as it is")), "{door}");
            assert_eq!(answer.text(), "accepted\n", "{door}, {status}");
        }
    }
}

#[tokio::test]
async fn head_runs_the_handler_and_gets_no_body() {
    let mut lambda = echo().await;
    for door in Door::HTTP {
        let call = Call::get("/some/where").method(Method::HEAD).header("content-type", "text/plain");
        let invoked = lambda.invoke(door, call).await;
        assert_eq!((invoked.answer.status.as_u16(), invoked.answer.bytes().len()), (200, 0), "{door}");
        assert_eq!(invoked.answer.header("content-type"), Some("text/plain"), "{door}");
        let report = invoked.seen.report().expect("it is over");
        assert!(invoked.seen.error_type().is_none() && report.bytes > 0, "{door}: {report:?}");
    }
}

#[tokio::test]
async fn tenant_context_and_trace_reach_the_handler() {
    let lambda = echo().await;
    let context = json!({"client": {"app_title": "ü"}, "custom": {"a": "1"}});
    let call = || {
        Call::json(&json!({}))
            .header("x-amz-tenant-id", "blue team")
            .header("x-amz-client-context", &STANDARD.encode(context.to_string()))
            .header("x-amzn-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")
    };
    for answer in [lambda.send(Door::Direct, call()).await, invoke(&lambda, call()).await] {
        let (echo, _) = echoed(&answer);
        assert_eq!(echo["tenantId"], "blue team");
        let seen: Value = serde_json::from_str(echo["clientContext"].as_str().expect("text")).expect("JSON");
        assert_eq!(seen, context);
        let trace = echo["traceId"].as_str().expect("a trace id");
        assert!(trace.starts_with("Root=1-5759e988-bd862e3fe1be46a994272793;"), "{trace}");
    }
    let (echo, _) = echoed(&lambda.send(Door::Direct, Call::json(&json!({}))).await);
    assert!(echo["tenantId"].is_null() && echo["clientContext"].is_null() && echo["cognitoIdentity"].is_null(), "{echo}");
}

#[tokio::test]
async fn buffered_invoke_gets_the_whole_answer() {
    let mut lambda = endings().await;
    let answer = invoke(&lambda, Call::json(&json!({"ending": "tokens", "count": 3, "ms": 10})).log_tail()).await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "token 0\ntoken 1\ntoken 2\n"));
    assert_eq!(answer.content_type(), Some("text/plain"));
    let log = STANDARD.decode(answer.header("x-amz-log-result").expect("it was asked for")).expect("base64");
    assert!(String::from_utf8_lossy(&log).contains("REPORT RequestId: "));

    let answer = invoke(&lambda, Call::json(&json!({"ending": "err-before"}))).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-amz-function-error")), (200, Some("Unhandled")));
    assert_eq!(answer.json()["errorType"], "Function.Expected");

    // As on AWS: what came before the failure, and nothing that says so.
    lambda.until_over().await;
    let answer = invoke(&lambda, Call::json(&json!({"ending": "panic-after"}))).await;
    assert_eq!((answer.header("x-amz-function-error"), answer.text().as_str()), (None, "started\n"));
}

#[tokio::test]
async fn dry_runs_do_not_run_and_events_run_later() {
    let mut lambda = endings().await;
    let call = |kind| Call::json(&json!({"ending": "ok"})).header("x-amz-invocation-type", kind);
    let dry = invoke(&lambda, call("DryRun")).await;
    assert_eq!((dry.status.as_u16(), dry.bytes().len()), (204, 0));
    let event = invoke(&lambda, call("Event")).await;
    assert_eq!((event.status.as_u16(), event.bytes().len()), (202, 0));
    let seen = lambda.until_over().await;
    let started = seen.0.iter().filter(|event| matches!(event.kind, EventKind::InvocationStarted { .. })).count();
    assert_eq!((started, seen.report().expect("it is over").bytes), (1, 1000), "the event's, and not the dry run's");
}

#[tokio::test]
async fn what_lambda_refuses_does_not_reach_the_handler() {
    let mut lambda = echo().await;
    let mut doors = lambda.doors.clone();
    doors.function = "nobody".to_owned();
    let urls = |doors: &firstbyte_tests::Doors| [doors.url_of(Door::Direct, "/"), doors.buffered_invoke()];
    for url in urls(&doors) {
        let answer = send_to(&url, Call::json(&json!({})), Version::HTTP_11).await;
        let error = (answer.status.as_u16(), answer.header("x-amzn-errortype"));
        assert_eq!(error, (404, Some("ResourceNotFoundException")), "{url}");
        let message = answer.json()["Message"].as_str().expect("a message").to_owned();
        assert!(message.starts_with("Function not found: arn:aws:lambda:") && message.contains(":nobody"), "{message}");
    }
    for url in urls(&lambda.doors) {
        let answer = send_to(&url, Call::post("application/json", "{name: hoge}"), Version::HTTP_11).await;
        let error = (answer.status.as_u16(), answer.header("x-amzn-errortype"));
        assert_eq!(error, (400, Some("InvalidRequestContentException")), "{url}");
        let message = answer.json()["message"].as_str().expect("a message").to_owned();
        assert!(message.starts_with("Could not parse request body into json"), "{message}");
    }
    let refused = lambda.until("the last refusal", |kind| matches!(kind, EventKind::Refused { .. })).await;
    assert!(!refused.0.iter().any(|event| matches!(event.kind, EventKind::InvocationStarted { .. })));
}

#[tokio::test]
async fn the_tail_has_what_the_handler_printed_every_time() {
    let lambda = endings().await;
    for n in 0..30 {
        let call = Call::json(&json!({"ending": "log-flood", "lines": 3, "stderr": n % 2 == 1})).log_tail();
        let answer = lambda.send(Door::Direct, call).await;
        let log = answer.log().expect("it was asked for");
        assert!((0..3).all(|line| log.contains(&format!("line {line}\n"))), "invocation {n}: {log}");
    }
    for n in 0..10 {
        let answer = lambda.send(Door::Direct, Call::json(&json!({"ending": "panic-after"})).log_tail()).await;
        let log = answer.log().expect("it was asked for");
        assert!(log.contains("Runtime.Panic: ") && log.contains("this panic was to be expected"), "invocation {n}: {log}");
    }
}

#[tokio::test]
async fn a_buffered_integration_gets_one_document() {
    let lambda = Function::of(Guest::Endings).env("FIRSTBYTE_RESPONSE", "buffered").start().await;
    let direct = lambda.send(Door::Direct, Call::json(&json!({"ending": "ok", "bytes": 300}))).await;
    let pattern: Vec<u8> = (0..=250).cycle().take(300).collect();
    assert_eq!((direct.bytes(), direct.looks_complete()), (pattern.clone(), true));
    // A streaming URL shows the document of a buffered function as its body.
    let text = lambda.send(Door::Url, Call::json(&json!({"ending": "cookies"}))).await.json();
    assert_eq!((&text["statusCode"], &text["body"], &text["isBase64Encoded"]), (&json!(200), &json!("cookies\n"), &json!(false)));
    assert_eq!(text["cookies"], json!(["a=1", "b=2; Path=/; HttpOnly"]));
    let binary = lambda.send(Door::Url, Call::json(&json!({"ending": "ok", "bytes": 300}))).await.json();
    assert_eq!((&binary["body"], &binary["isBase64Encoded"]), (&json!(STANDARD.encode(&pattern)), &json!(true)));
}

#[tokio::test]
async fn one_process_serves_several_streams_at_once() {
    let mut lambda = Function::of(Guest::Endings).concurrency(8).start().await;
    let tokens = || Call::json(&json!({"ending": "tokens", "count": 4, "ms": 100}));
    let panic = || Call::json(&json!({"ending": "panic-after"}));
    let (a, b, c, d, e, f) = tokio::join!(
        lambda.send(Door::Direct, tokens()),
        lambda.send(Door::Url, tokens()),
        lambda.send(Door::Api, tokens()),
        lambda.send(Door::Direct, panic()),
        lambda.send(Door::Url, tokens()),
        lambda.send(Door::Api, panic()),
    );
    for answer in [&a, &b, &c, &e] {
        assert_eq!(answer.text(), "token 0\ntoken 1\ntoken 2\ntoken 3\n");
        assert!(answer.chunks.len() == 4 && answer.looks_complete(), "{:#?}", answer.chunks);
    }
    assert_eq!((d.error_code(), d.text().as_str(), f.text().as_str()), (Some("Runtime.Panic"), "started\n", "started\n"));
    assert_eq!(lambda.processes().len(), 1);
}
