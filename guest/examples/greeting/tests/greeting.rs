//! The greeting, as its author tests it: on wasmtime, in this process, without AWS.

use firstbyte_testing::{Component, Event, Response};
use serde_json::json;
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Nobody waits for the two seconds.
static GREETING: LazyLock<Component> = LazyLock::new(|| Component::of_this_crate().paused());

fn assert_greets(response: &Response) {
    assert_eq!(response.status(), 200);
    assert_eq!(response.header("content-type"), Some("text/plain"));
    assert_eq!(response.header("access-control-allow-origin"), Some("*"));
    let [first, second] = response.chunks() else { panic!("not two chunks: {:?}", response.chunks()) };
    assert_eq!(first.text(), "Hello, this is a streamed response!\n");
    assert_eq!(second.text(), "Hello, hoge! This is a delayed message.\n");
    assert!(second.at - first.at >= Duration::from_secs(2), "{:?} and {:?}", first.at, second.at);
    assert!(response.outcome().is_success());
}

#[test]
fn greets_at_every_door() {
    for event in Event::at_every_door(&json!({ "name": "hoge" })) {
        assert_greets(&GREETING.invoke(event));
    }
}

#[test]
fn the_second_line_comes_after_two_seconds_that_take_none() {
    let (begun, greeting) = (Instant::now(), &*GREETING);
    let loaded = begun.elapsed();
    for _ in 0..100 {
        assert_greets(&greeting.invoke(Event::direct(&json!({ "name": "hoge" }))));
    }
    let taken = begun.elapsed() - loaded;
    assert!(taken < Duration::from_secs(20), "200 seconds took {taken:?}");
}

#[test]
fn a_deadline_passes_as_quickly() {
    let greeting = Component::of_this_crate().paused().timeout(Duration::from_secs(1));
    let response = greeting.invoke(Event::function_url().json(&json!({ "name": "hoge" })));
    assert_eq!(response.text(), "Hello, this is a streamed response!\n");
    assert_eq!(response.outcome().failure().map(|failure| failure.error_type.as_str()), Some("Runtime.DeadlineExceeded"));
}

#[test]
fn a_body_sent_as_base64_is_the_same_to_the_handler() {
    // 0xFF is no UTF-8, so this body travels as base64; its JSON is broken all the same, which the answer must say.
    let response = GREETING.invoke(Event::function_url().body(b"{\"name\": \"\xff\"}".to_vec()));
    assert_eq!(response.status(), 400);
    let response = GREETING.invoke(Event::api_gateway().header("content-type", "text/plain").body(r#"{"name":"hoge"}"#));
    assert_greets(&response);
}

#[test]
fn says_what_is_wrong_with_a_name() {
    for payload in [json!({}), json!({ "name": "" }), json!({ "name": 7 }), json!(null)] {
        let response = GREETING.invoke(Event::function_url().json(&payload));
        assert_eq!(response.status(), 400, "{payload}");
        assert!(response.text().contains(r#"send a JSON object like {\"name\": \"hoge\"}"#), "{}", response.text());

        let direct = GREETING.invoke(Event::direct(&payload));
        assert!(!direct.is_started());
        assert_eq!(direct.outcome().failure().map(|failure| failure.error_type.as_str()), Some("Function.BadRequest"));
    }
}

#[test]
fn cargo_component_builds_it_too() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let component = |arguments: &[&str]| Command::new(&cargo).arg("component").args(arguments).output();
    if !component(&["--version"]).is_ok_and(|output| output.status.success()) {
        assert!(std::env::var_os("FIRSTBYTE_REQUIRE_CLIENTS").is_none(), "cargo-component is required and not installed");
        eprintln!("skipped: cargo-component is not installed (cargo install --locked cargo-component)");
        return;
    }
    // A folder of its own, so that nobody's build waits for this one.
    let target = concat!(env!("CARGO_TARGET_TMPDIR"), "/component");
    let built = component(&["build", "--release", "--target-dir", target]).expect("it was there a moment ago");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let greeting = Component::load(format!("{target}/wasm32-wasip1/release/greeting.wasm")).expect("a handler");
    assert_greets(&greeting.paused().invoke(Event::function_url().json(&json!({ "name": "hoge" }))));
}
