//! `FIRSTBYTE_RESPONSE=buffered`: for an integration that takes one document, every ending at every door is one.

#[expect(dead_code, reason = "the other tests use the rest")]
mod support;

use serde_json::{Value, json};
use std::time::Duration;
use support::{Bootstrap, Door, Next, Post, Request, deadline_in, start};

const TYPE: &str = "lambda-runtime-function-error-type";

fn started() -> Bootstrap {
    start(&[("FIRSTBYTE_RESPONSE", "buffered"), ("FIRSTBYTE_MEMORY_MB", "48")], vec![], vec![])
}

fn answer(running: &Bootstrap, door: Door, payload: &str) -> Request {
    let deadline = if payload.contains("wait") || payload.contains("spin") { 500 } else { 20_000 };
    let headers = vec![("lambda-runtime-deadline-ms", deadline_in(Duration::from_millis(deadline)))];
    running.deliver(Next::Deliver(door.event(payload), headers), Post::Accept);
    let request = running.request();
    assert!(request.complete && request.trailers.is_empty(), "{request:?}");
    assert_eq!(request.headers.get("lambda-runtime-function-response-mode"), None);
    request
}

#[test]
fn a_success_is_the_bytes_for_a_direct_caller_and_a_document_for_others() {
    let mut running = started();
    let pattern: Vec<u8> = (0..=128).collect();
    let base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn+A";
    let url = |status: u16, headers: Value, body: &str, is_base64: bool| json!({"statusCode": status, "headers": headers, "body": body, "isBase64Encoded": is_base64});
    let elsewhere = json!({"location": "/elsewhere", "etag": "\"1\""});
    let octets = json!({"content-type": "application/octet-stream"});
    for (payload, bytes, document) in [
        // The byte 128 on its own is no text.
        (r#"{"ending":"ok","bytes":129}"#, &pattern[..], url(200, octets, base64, true)),
        (r#"{"ending":"drop-body"}"#, b"dropped\n", url(200, json!({"content-type": "text/plain"}), "dropped\n", false)),
        (r#"{"ending":"head-only"}"#, b"", url(204, elsewhere.clone(), "", false)),
        (r#"{"ending":"head-only","status":302}"#, b"", url(302, elsewhere, "", false)),
        (r#"{"ending":"never-started"}"#, b"", json!({"statusCode": 200, "body": "", "isBase64Encoded": false})),
    ] {
        let direct = answer(&running, Door::Direct, payload);
        assert!(direct.path.ends_with("/response"), "{direct:?}");
        assert_eq!(direct.body, bytes, "{payload}");
        for door in [Door::Url, Door::Rest] {
            let request = answer(&running, door, payload);
            assert!(request.path.ends_with("/response"), "{request:?}");
            assert_eq!(request.headers.get("content-type").map(String::as_str), Some("application/json"));
            let told: Value = serde_json::from_slice(&request.body).expect("a document");
            assert_eq!(told, document, "{payload} at {door:?}");
        }
    }
    let headers = |door| {
        let told: Value = serde_json::from_slice(&answer(&running, door, r#"{"ending":"cookies"}"#).body).expect("a document");
        [&told["headers"]["x-twice"], &told["cookies"], &told["multiValueHeaders"]].map(Clone::clone)
    };
    let cookies = json!(["a=1", "b=2; Path=/; HttpOnly"]);
    assert_eq!(headers(Door::Url), [json!("1, 2"), cookies.clone(), Value::Null]);
    assert_eq!(headers(Door::Rest), [Value::Null, Value::Null, json!({"set-cookie": cookies, "x-twice": ["1", "2"]})]);
    running.assert_alive();
}

#[test]
fn a_failure_is_an_error_document_at_every_door_and_at_any_time() {
    let mut running = started();
    for (payload, told) in [
        (r#"{"ending":"err-before"}"#, "Function.Expected"),
        (r#"{"ending":"err-after"}"#, "Function.Expected"),
        (r#"{"ending":"sse"}"#, "Function.Expected"),
        (r#"{"ending":"bad-head"}"#, "Function.HeadError"),
        (r#"{"ending":"panic-before"}"#, "Runtime.Panic"),
        (r#"{"ending":"panic-after"}"#, "Runtime.Panic"),
        (r#"{"ending":"native-stack","started":true}"#, "Runtime.StackOverflow"),
        (r#"{"ending":"memory","started":true}"#, "Runtime.OutOfMemory"),
        (r#"{"ending":"exit","started":true}"#, "Runtime.Exit"),
        (r#"{"ending":"wait"}"#, "Runtime.DeadlineExceeded"),
        (r#"{"ending":"spin-after"}"#, "Runtime.DeadlineExceeded"),
    ] {
        for door in Door::ALL {
            let request = answer(&running, door, payload);
            assert!(request.path.ends_with("/error"), "{payload} at {door:?}: {request:?}");
            assert_eq!(request.headers.get(TYPE).map(String::as_str), Some(told), "{payload} at {door:?}");
            let document: Value = serde_json::from_slice(&request.body).expect("a document");
            assert_eq!(document["errorType"], told, "{payload} at {door:?}");
        }
    }
    running.assert_alive();
}

#[test]
fn a_callers_mistake_is_an_answer_of_the_http_doors() {
    let mut running = started();
    for door in Door::ALL {
        let request = answer(&running, door, r#"{"ending":"err-before","status":404}"#);
        let document: Value = serde_json::from_slice(&request.body).expect("a document");
        if matches!(door, Door::Direct) {
            assert!(request.path.ends_with("/error") && document["errorType"] == "Function.Expected", "{request:?}");
        } else {
            assert!(request.path.ends_with("/response"), "{request:?}");
            let body = json!({"message": "this was to be expected"}).to_string();
            assert_eq!((&document["statusCode"], &document["body"]), (&json!(404), &json!(body)), "{document}");
        }
    }
    running.assert_alive();
}

#[test]
fn what_lambda_would_not_take_is_not_kept() {
    let running = started();
    assert!(answer(&running, Door::Direct, r#"{"ending":"ok"}"#).complete);
    let before = running.peak_rss();
    let request = answer(&running, Door::Direct, r#"{"ending":"flood","bytes":100000000}"#);
    assert!(String::from_utf8_lossy(&request.body).contains("refused after 6291456 bytes"), "{request:?}");
    let peak = running.peak_rss();
    assert!(peak <= before + 24 * 1024, "from {before} to {peak} KiB");
}

#[test]
fn what_would_be_too_large_as_a_document_is_refused_when_it_is_written() {
    let mut running = started();
    running.discard_log();
    // In base64, 4.7 MB are more than 6 MiB; as they are, they are less.
    let binary = r#"{"ending":"flood","bytes":4718600,"chunk":65536}"#;
    for door in [Door::Url, Door::Rest] {
        let request = answer(&running, door, binary);
        assert!(request.path.ends_with("/error"), "{door:?}: {} bytes by {}", request.body.len(), request.path);
        assert!(String::from_utf8_lossy(&request.body).contains("refused after 4"), "{request:?}");
        let fits = answer(&running, door, &binary.replace("4718600", "4700000"));
        assert!(fits.path.ends_with("/response") && fits.body.len() <= 6 * 1024 * 1024 + 100, "{door:?}: {}", fits.body.len());
    }
    let direct = answer(&running, Door::Direct, &binary.replace("4718600", "6000000"));
    assert_eq!(direct.body.len(), 6_000_000);
    running.assert_alive();
}
