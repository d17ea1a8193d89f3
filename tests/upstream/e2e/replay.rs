//! `firstbyte replay`: a recorded failure of the chat, by the command line; and that what the console saves can be replayed.

use firstbyte_tests::{Call, Door, Run, Serve, firstbyte, send, send_to};
use firstbyte_upstream_tests::{End, Guest, ModelServer, Script};
use http::Version;
use serde_json::Value;
use std::path::Path;

/// The model stalled, went on and broke off.
const FAILURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guest/examples/chat/tests/stalls-and-breaks.json");

fn failure() -> Value {
    serde_json::from_str(&std::fs::read_to_string(FAILURE).expect("the fixture")).expect("JSON")
}

/// The events of a kind.
fn events<'a>(recording: &'a mut Value, kind: &'a str) -> impl Iterator<Item = &'a mut Value> {
    let events = recording["events"].as_array_mut().expect("events");
    events.iter_mut().filter(move |event| event["kind"] == kind)
}

/// The server that the chat was told to ask.
fn server(recording: &mut Value) -> String {
    let asked = events(recording, "upstream_asked").next().expect("a request");
    asked["url"].as_str().and_then(|url| url.strip_suffix("/v1/chat/completions")).expect("a URL").to_owned()
}

async fn replay(file: &Path, more: &[&str]) -> Run {
    let component = Guest::Chat.component();
    let paths = [file, &component].map(|path| path.to_str().expect("text"));
    firstbyte(&[&["replay"], &paths[..], more].concat()).await
}

fn assert_ends(run: &Run, status: i32, told: &str) {
    assert_eq!(run.status.code(), Some(status), "{run:#?}");
    assert!(run.stdout.contains(told) || run.stderr.contains(told), "{told} is not in {run:#?}");
}

#[tokio::test]
async fn a_recorded_failure_is_the_same_a_hundred_times() {
    let server = format!("CHAT_BASE_URL={}", server(&mut failure()));
    for _ in 0..100 {
        let run = replay(Path::new(FAILURE), &["-e", &server, "-e", "CHAT_MODEL=small"]).await;
        assert_ends(&run, 0, "the same: ");
        assert_eq!(run.stderr, "", "{run:#?}");
    }
}

#[tokio::test]
async fn the_first_difference_is_told_and_what_may_be_its_cause() {
    let mut recording = failure();
    let server = format!("CHAT_BASE_URL={}", server(&mut recording));
    let right = ["-e", &server, "-e", "CHAT_MODEL=small"];
    let other = replay(Path::new(FAILURE), &["-e", &server, "-e", "CHAT_MODEL=large"]).await;
    assert_ends(&other, 1, "not as it was recorded: what the handler asks another server\n");
    // The key is not in the recording, and makes no difference: it is in a header.
    assert_ends(&other, 1, "the handler saw CHAT_API_KEY when it was recorded, and does not now");
    assert_ends(&replay(Path::new(FAILURE), &[]).await, 1, "CHAT_BASE_URL, CHAT_MODEL when it was recorded");

    // Had the handler said something else, then.
    let chunk = events(&mut recording, "chunk").next().expect("a chunk");
    chunk["data"] = "ZGF0YTogeyJ0b2tlbiI6IkEgIn0KCg==".into();
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let file = folder.path().join("changed.json");
    std::fs::write(&file, recording.to_string()).expect("a file");
    let changed = replay(&file, &right).await;
    assert_ends(&changed, 1, "not as it was recorded: byte 16 of the body, 0.0");
    assert_ends(&changed, 1, "recorded: …: {\"token\":\"A \"}".replace('"', "\\\"").as_str());
    assert_ends(&changed, 1, "replayed: …: {\"token\":\"The \"}".replace('"', "\\\"").as_str());
}

#[tokio::test]
async fn what_cannot_be_replayed_is_no_difference() {
    assert_ends(&replay(Path::new("/nowhere.json"), &[]).await, 2, "error: cannot read /nowhere.json: No such file");
    let unknown = replay(Path::new(FAILURE), &["--request-id", "another"]).await;
    assert_ends(&unknown, 2, "has no invocation another; it has 1:\n  ");
    assert_ends(&unknown, 2, "  POST / function_url  success\n");
    let no_handler = firstbyte(&["replay", FAILURE, "/nowhere.wasm"]).await;
    assert_ends(&no_handler, 2, "error: ");
    assert_ends(&no_handler, 2, "was recorded of chat.wasm: /nowhere.wasm does not exist");
}

/// Reads the console's recording until it has so many invocations that have ended, and gives their ids.
async fn recorded(serve: &Serve, invocations: usize) -> (String, Vec<String>) {
    let line = serve.introduction().iter().find_map(|line| line.strip_prefix("Console")).expect("a console");
    let url = format!("{}recording", line.trim());
    loop {
        let recording = send_to(&url, Call::get("/recording"), Version::HTTP_11).await.text();
        let whole: Value = serde_json::from_str(&recording).expect("JSON");
        let ended = whole["events"].as_array().expect("events").iter().filter(|event| event["kind"] == "invocation_ended");
        let ids: Vec<String> = ended.map(|event| event["request_id"].as_str().expect("an id").to_owned()).collect();
        if ids.len() >= invocations {
            return (recording, ids);
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_the_console_saves_is_replayed_to_the_same_end() {
    let model = ModelServer::start().await;
    let component = Guest::Chat.component();
    let base = format!("CHAT_BASE_URL={}", model.url());
    let allow = format!("FIRSTBYTE_ALLOW_HTTP={}", model.url());
    let component = component.to_str().expect("text");
    let serve = Serve::start(&[component, "-e", &base, "-e", &allow, "-e", "CHAT_TIMEOUT_SECONDS=1"]).await;
    let ends = [End::Done, End::Broken, End::Early, End::Stall, End::Nonsense, End::Status(429, "slow down".to_owned())];
    for (number, end) in ends.iter().enumerate() {
        let door = Door::ALL[number % Door::ALL.len()];
        let script = Script { end: end.clone(), ..Script::says(&["Hel", "lo"]).every_ms(30) };
        send(&serve.doors, door, Call::json(&script.conversation())).await;
    }
    // A caller's mistake, which no model hears of.
    send(&serve.doors, Door::Direct, Call::post("application/json", "{}")).await;
    let (recording, ids) = recorded(&serve, ends.len() + 1).await;
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let file = folder.path().join("session.json");
    std::fs::write(&file, recording).expect("a file");
    for (id, end) in ids.iter().zip(ends.iter().map(Some).chain([None])) {
        for _ in 0..3 {
            let run = replay(&file, &["--request-id", id, "-e", &base, "-e", "CHAT_TIMEOUT_SECONDS=1"]).await;
            assert!(run.status.success(), "{end:?}: {run:#?}");
        }
    }
    let which = replay(&file, &[]).await;
    assert_ends(&which, 2, "--request-id ID says which: ");
    assert_ends(&which, 2, "has 7 invocations, and one is replayed at a time:\n  ");
    let unknown = replay(&file, &["--request-id", "another"]).await;
    for run in [&which, &unknown] {
        for id in &ids {
            assert_ends(run, 2, &format!("\n  {id}  "));
        }
    }
}
