//! Clients and runtimes that are not ours: AWS's SDKs at the Lambda API, AWS's Node and Rust runtimes behind the doors.
//!
//! `tests/clients/install.sh` installs what is needed. What is missing is passed over, and said; with
//! `FIRSTBYTE_REQUIRE_CLIENTS=1` it is a failure, and with `all` the Node runtime is required, too.

use firstbyte_tests::{Call, Chunk, Door, End, Function, Guest, Lambda, Tool, soon, tests_folder};
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader};

const FIRST: &str = "Hello, this is a streamed response!\n";
const SECOND: &str = "Hello, hoge! This is a delayed message.\n";
const HOGE: &str = r#"{"name":"hoge"}"#;

/// An SDK's first request costs it more than the answer takes.
const AT_ONCE: f64 = 1.0;

/// What a client's script tells: one object for each thing that arrived.
async fn told<const N: usize>(client: &Tool, arguments: [&str; N]) -> Vec<Value> {
    let mut child = client.command().args(arguments).stdout(Stdio::piped()).spawn().expect("the client runs");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut told = Vec::new();
    while let Some(line) = soon("the client's next line", lines.next_line()).await.expect("UTF-8") {
        told.push(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")));
    }
    let status = soon("the client's end", child.wait()).await.expect("it ends");
    assert!(status.success(), "{status}: {told:#?}");
    told
}

/// What an SDK sees of the direct door, the same for every SDK.
async fn is_a_client_of_the_direct_door(client: &Tool, unknown_function: &str) {
    let lambda = Function::of(Guest::Greeting).start_warm(2).await;
    let (endpoint, function) = (lambda.doors.lambda.as_str(), lambda.doors.function.as_str());
    let (stream, invoke, unknown, refused) = tokio::join!(
        told(client, [endpoint, function, HOGE]),
        told(client, [endpoint, function, HOGE, "invoke"]),
        told(client, [endpoint, "nobody", HOGE]),
        told(client, [endpoint, function, "{name: hoge}"]),
    );

    let [head, first, second, complete] = &stream[..] else { panic!("not four things: {stream:#?}") };
    assert_eq!((&head["status"], &head["version"]), (&json!(200), &json!("$LATEST")));
    assert_eq!((&first["chunk"], &second["chunk"]), (&json!(FIRST), &json!(SECOND)), "exactly the handler's bytes");
    let at = |what: &Value| what["at"].as_f64().expect("a time");
    assert!(at(first) < AT_ONCE, "the first chunk came after {} s", at(first));
    assert!(at(second) - at(first) > 1.9, "{} s between the chunks", at(second) - at(first));
    assert!(at(complete) - at(second) < AT_ONCE, "the end follows the last chunk");
    let complete = complete["complete"].as_object().expect("InvokeComplete is last");
    assert!(complete.get("ErrorCode").is_none_or(Value::is_null), "{complete:?}");
    assert!(complete.contains_key("LogResult"), "{complete:?}");

    let [head, body] = &invoke[..] else { panic!("not two things: {invoke:#?}") };
    assert!(head["status"] == 200 && head["error"].is_null());
    assert_eq!(body["chunk"], json!(format!("{FIRST}{SECOND}")));

    assert_eq!(unknown[0]["error"], unknown_function, "{unknown:#?}");
    assert_eq!(refused[0]["error"], "InvalidRequestContentException", "{refused:#?}");
}

#[tokio::test]
async fn boto3() {
    let Some(client) = Tool::boto3() else { return };
    is_a_client_of_the_direct_door(&client, "ResourceNotFoundException").await;
}

#[tokio::test]
async fn the_javascript_sdk() {
    let Some(client) = Tool::javascript_sdk() else { return };
    is_a_client_of_the_direct_door(&client, "ResourceNotFoundException").await;
}

fn assert_arrives_in_time(chunks: &[Chunk]) {
    let [first, second] = chunks else { panic!("not two chunks: {chunks:#?}") };
    assert_eq!((&first.bytes[..], &second.bytes[..]), (FIRST.as_bytes(), SECOND.as_bytes()));
    assert!(first.at < Duration::from_millis(500), "the first line came after {:?}", first.at);
    assert!(second.at - first.at > Duration::from_millis(1900), "{:?} between the lines", second.at - first.at);
}

#[tokio::test]
async fn a_native_rust_function_streams_through_the_emulator() {
    let function = Function::of_command("native", vec![env!("CARGO_BIN_EXE_native-greeting").into()]);
    let lambda = function.start_warm(3).await;
    let call = || Call::post("application/json", HOGE);
    // It takes any event, so at the HTTP doors the name is not in it but in the event's body.
    let (direct, url, api) =
        tokio::join!(lambda.send(Door::Direct, call()), lambda.send(Door::Url, call()), lambda.send(Door::Api, call()));
    // This runtime client sends its prelude to direct callers, too.
    assert_eq!(direct.header("x-amzn-remapped-content-type"), Some("application/vnd.awslambda.http-integration-response"));
    assert!(direct.text().ends_with(&format!("\0{FIRST}{SECOND}")), "{:?}", direct.text());
    assert_eq!(direct.end, End::Complete { error: None, log: None });
    for answer in [url, api] {
        assert_eq!((answer.status.as_u16(), &answer.end), (200, &End::Clean));
        let [first, second] = &answer.chunks[..] else { panic!("not two chunks: {:#?}", answer.chunks) };
        assert_eq!(first.bytes, FIRST);
        assert!(first.at < Duration::from_millis(500) && second.at - first.at > Duration::from_millis(1900));
    }
}

async fn node(handler: &str) -> Option<Lambda> {
    let client = Tool::node_runtime()?;
    let mut words = client.words();
    words.push(handler.into());
    let folder = tests_folder().join("clients/node-runtime");
    Some(Function::of_command("node", words).task_root(&folder).handler(handler).start_warm(3).await)
}

#[tokio::test]
async fn nodes_own_runtime_streams_through_the_emulator() {
    let Some(lambda) = node("index.handler").await else { return };
    let call = || Call::post("application/json", HOGE);
    let (url, api) = tokio::join!(lambda.send(Door::Url, call()), lambda.send(Door::Api, call()));
    for answer in [url, api] {
        assert_eq!((answer.status.as_u16(), &answer.end), (200, &End::Clean));
        assert_eq!(answer.header("content-type"), Some("text/plain"));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_arrives_in_time(&answer.chunks);
    }
}
