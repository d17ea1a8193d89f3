//! The chat, with a model that does well and one that fails in every way, at every door.

use firstbyte_tests::{Call, Door, Function, Lambda, Received};
use firstbyte_upstream_tests::{End, Guest, ModelServer, Script};
use serde_json::{Value, json};
use std::time::Duration;

fn chat(model: &ModelServer) -> Function {
    Guest::Chat.function().env("CHAT_BASE_URL", &model.url()).env("FIRSTBYTE_ALLOW_HTTP", &model.url())
}

/// The events of a stream: names and data.
fn events(answer: &Received) -> Vec<(String, Value)> {
    let text = answer.text();
    assert!(text.is_empty() || text.ends_with("\n\n"), "an event is cut off: {text:?}");
    let blocks = text.split_terminator("\n\n").filter(|block| !block.starts_with(':'));
    blocks
        .map(|block| {
            let (name, data) = match block.strip_prefix("event: ").and_then(|rest| rest.split_once('\n')) {
                Some((name, data)) => (name, data),
                None => ("message", block),
            };
            let data = data.strip_prefix("data: ").unwrap_or_else(|| panic!("no data: {block:?}"));
            (name.to_owned(), serde_json::from_str(data).unwrap_or_else(|error| panic!("{error}: {data}")))
        })
        .collect()
}

fn token(token: &str) -> (String, Value) {
    ("message".to_owned(), json!({ "token": token }))
}

fn done(tokens: usize) -> (String, Value) {
    ("done".to_owned(), json!({ "tokens": tokens }))
}

/// The stream is complete in the eyes of HTTP, has these tokens, and then an error with this in its message.
fn assert_fails(answer: &Received, tokens: &[&str], expected: &str, case: &str) {
    let mut events = events(answer);
    let (name, data) = events.pop().unwrap_or_else(|| panic!("{case}: no events"));
    let message = data["message"].as_str().unwrap_or_default();
    assert!(name == "error" && message.contains(expected), "{case}: {name}: {data}");
    assert_eq!(events, tokens.iter().map(|text| token(text)).collect::<Vec<_>>(), "{case}");
    assert!(answer.looks_complete(), "{case}: {:?}", answer.end);
}

async fn talk(lambda: &Lambda, door: Door, script: &Script) -> Received {
    let answer = lambda.send(door, Call::json(&script.conversation()).path("/any/path")).await;
    assert_eq!((answer.status.as_u16(), answer.content_type()), (200, Some("text/event-stream")), "{door}");
    answer
}

#[tokio::test]
async fn tokens_come_one_by_one_and_then_the_end() {
    let model = ModelServer::start().await;
    let lambda = chat(&model).env("CHAT_MODEL", "small").env("CHAT_API_KEY", "secret").start().await;
    let script = Script::says(&["Hel", "lo", " ", "\n\nworld", "é: data: "]).every_ms(60);
    for door in Door::ALL {
        let answer = talk(&lambda, door, &script).await;
        let mut expected: Vec<_> = script.tokens.iter().map(|text| token(text)).collect();
        expected.push(done(5));
        assert_eq!(events(&answer), expected, "{door}");
        assert!(answer.chunks.len() >= 5, "{door}: {:?}", answer.chunks);
        assert!(answer.looks_complete(), "{door}");

        let seen = model.seen().pop().expect("a request");
        assert_eq!(seen.line, "POST /v1/chat/completions");
        assert_eq!(seen.headers["authorization"], "Bearer secret");
        assert_eq!((&seen.body["model"], &seen.body["stream"]), (&json!("small"), &json!(true)));
        assert_eq!(seen.body["messages"], script.conversation()["messages"]);
        assert!(seen.headers.contains_key("content-length"), "a body of a known length: {:?}", seen.headers);
    }
    assert!(model.connections() < 3, "the host keeps connections for the next invocation: {}", model.connections());
}

#[tokio::test]
async fn every_failure_is_a_final_error_event() {
    let model = ModelServer::start().await;
    let lambda = chat(&model).start().await;
    let url = model.url();
    for (end, expected) in [
        (End::Error("the model is overloaded".to_owned()), "the model is overloaded"),
        (End::Early, "broke off"),
        (End::Broken, url.as_str()),
        (End::Reset, url.as_str()),
        (End::Nonsense, "something else than an answer"),
        (End::EndlessLine, "an event is larger than 1048576 bytes"),
    ] {
        for door in Door::ALL {
            let script = Script::says(&["one", "two"]).every_ms(30).then(end.clone());
            let answer = talk(&lambda, door, &script).await;
            assert_fails(&answer, &["one", "two"], expected, &format!("{door}, {end:?}"));
        }
    }
    // Endless lines were not read to their end.
    model.until_abandoned(3).await;
    for door in Door::ALL {
        let refusal = End::Status(500, r#"{"error":{"message":"out of order"}}"#.to_owned());
        let answer = talk(&lambda, door, &Script::default().then(refusal)).await;
        assert_fails(&answer, &[], "status 500", &door.to_string());
        assert_fails(&answer, &[], "out of order", &door.to_string());
    }
}

#[tokio::test]
async fn a_model_that_stops_is_waited_for_no_longer_than_said() {
    let model = ModelServer::start().await;
    let lambda = chat(&model).env("CHAT_TIMEOUT_SECONDS", "0.5").start().await;
    for door in Door::ALL {
        let answer = talk(&lambda, door, &Script::says(&["one"]).then(End::Stall)).await;
        assert_fails(&answer, &["one"], "stopped in the middle of its answer", &format!("{door}, a stall"));
        let answer = talk(&lambda, door, &Script::default().then(End::Silence)).await;
        assert_fails(&answer, &[], "in time", &format!("{door}, silence"));
    }
    model.until_abandoned(3).await;
}

#[tokio::test]
async fn a_long_line_is_a_long_token() {
    let model = ModelServer::start().await;
    let lambda = chat(&model).start().await;
    for door in Door::ALL {
        let answer = talk(&lambda, door, &Script::says(&["one"]).then(End::LongLine(900_000))).await;
        assert_eq!(events(&answer), [token("one"), token(&"x".repeat(900_000)), done(2)], "{door}");
    }
}

#[tokio::test]
async fn a_model_that_cannot_be_reached_is_an_error_event_too() {
    let gone = ModelServer::start().await;
    let url = gone.url();
    let refused = chat(&gone).start().await;
    drop(gone);
    let denied = Guest::Chat.function().env("CHAT_BASE_URL", &url).start().await;
    for door in Door::ALL {
        let answer = talk(&refused, door, &Script::default()).await;
        assert_fails(&answer, &[], "it was refused", &door.to_string());
        let answer = talk(&denied, door, &Script::default()).await;
        assert_fails(&answer, &[], "FIRSTBYTE_ALLOW_HTTP", &door.to_string());
    }
}

#[tokio::test]
async fn over_https_with_a_root_of_ones_own() {
    for protocols in [&["http/1.1"][..], &["h2", "http/1.1"]] {
        let model = ModelServer::start_tls(protocols).await;
        let lambda = chat(&model).env("FIRSTBYTE_CA_FILE", model.root()).start().await;
        let script = Script::says(&["safe", "ly"]).every_ms(30);
        for door in Door::ALL {
            let answer = talk(&lambda, door, &script).await;
            assert_eq!(events(&answer), [token("safe"), token("ly"), done(2)], "{door}");
        }
        let version = if protocols[0] == "h2" { http::Version::HTTP_2 } else { http::Version::HTTP_11 };
        assert!(model.seen().iter().all(|seen| seen.version == version), "{:?}", model.seen());
        for (end, expected) in [(End::Early, "broke off"), (End::Reset, &*model.url()), (End::Broken, &*model.url())] {
            for door in Door::ALL {
                let answer = talk(&lambda, door, &Script::says(&["one"]).every_ms(30).then(end.clone())).await;
                assert_fails(&answer, &["one"], expected, &format!("{door}, {end:?}, {protocols:?}"));
            }
        }

        let distrustful = chat(&model).start().await;
        let answer = talk(&distrustful, Door::Url, &script).await;
        assert_fails(&answer, &[], "the certificate is not trusted", "without the root");
    }
}

#[tokio::test]
async fn silence_is_filled_with_pings() {
    // The handler pings after 15 seconds: the one test here that takes its time.
    let model = ModelServer::start().await;
    let lambda = chat(&model).start().await;
    let mut stream = lambda.open(Door::Url, Call::json(&Script::says(&["late"]).when_released().conversation())).await;
    let ping = stream.next().await.expect("a ping");
    assert_eq!((&ping.bytes[..], ping.at >= Duration::from_secs(14)), (&b": ping\n\n"[..], true), "{ping:?}");
    model.release(1);
    let answer = stream.rest().await;
    assert_eq!(events(&answer), [token("late"), done(1)]);
}

#[tokio::test]
async fn what_is_no_conversation_is_the_callers_mistake() {
    let model = ModelServer::start().await;
    let lambda = chat(&model).start().await;
    for door in Door::HTTP {
        for (call, status, expected) in [
            (Call::json(&json!({ "messages": [] })), 400, "no messages: send"),
            (Call::json(&json!({ "message": "hi" })), 400, "missing field"),
            (Call::post("application/json", "hi"), 400, "the payload does not fit"),
            (Call::json(&json!({})).method(http::Method::DELETE), 405, "POST messages"),
        ] {
            let answer = lambda.send(door, call).await;
            assert_eq!(answer.status.as_u16(), status, "{door}: {}", answer.text());
            assert!(answer.text().contains(expected), "{door}: {}", answer.text());
        }
        let page = lambda.send(door, Call::get("/")).await;
        assert_eq!((page.status.as_u16(), page.content_type()), (200, Some("text/html; charset=utf-8")), "{door}");
        assert!(page.text().starts_with("<!doctype html>"), "{door}");
    }
    assert_eq!(model.connections(), 0);
}
