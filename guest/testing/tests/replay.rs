//! Recordings that are replayed: what is the same, what differs, and what cannot be replayed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use firstbyte_testing::{Component, Difference, Recording, RecordingError, Replay};
use serde_json::{Value, json};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// When recordings begin, in milliseconds since the Unix epoch.
const BEGUN: f64 = 1_795_000_000_000.0;

fn guest(name: &str) -> Component {
    let folder = format!("{}/../../tests/guests/{name}", env!("CARGO_MANIFEST_DIR"));
    let environment = [("FIRSTBYTE_ALLOW_HTTP", "https://other.example")];
    let wasm = firstbyte_toolchain::build(folder.as_ref()).unwrap_or_else(|error| panic!("{error}"));
    Component::load_with(wasm, environment).unwrap_or_else(|error| panic!("{error}"))
}

static TASKS: LazyLock<Component> = LazyLock::new(|| guest("tasks"));
static FETCH: LazyLock<Component> = LazyLock::new(|| guest("fetch"));

fn data(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

/// A recording, as the console saves it: events with their milliseconds after its beginning.
fn file(events: Value) -> Value {
    let Value::Array(mut events) = events else { panic!("events are a list") };
    for event in &mut events {
        event["at"] = (BEGUN + event["at"].as_f64().expect("a time")).into();
        if event["request_id"].is_null() {
            event["request_id"] = "one".into();
        }
    }
    json!({ "firstbyte_recording": 1, "handler": "guest.wasm", "saved_ms": BEGUN, "complete": true, "events": events })
}

/// The recording of a direct invocation.
fn recorded(event: &Value, seed: &str, more: Value, body: &str, outcome: &Value) -> Value {
    let mut events = vec![
        json!({ "at": -1, "kind": "invocation_started", "door": "lambda", "cold": true, "event": event.to_string(),
                "deadline_ms": BEGUN + 60_000.0, "function_arn": "arn:aws:lambda:us-east-1:012345678901:function:guest" }),
        json!({ "at": 0, "kind": "began", "seed": seed, "clock_ms": BEGUN, "variables": ["TABLE"] }),
        json!({ "at": 1, "kind": "something_new", "that": "this version does not know" }),
        json!({ "at": 2, "kind": "response_started", "content_type": "text/plain", "streamed": true, "after_ms": 3 }),
    ];
    let Value::Array(more) = more else { panic!("events are a list") };
    events.extend(more);
    events.push(json!({ "at": 59_000, "kind": "chunk", "bytes": body.len(), "data": data(body), "after_ms": 59_000 }));
    events.push(
        json!({ "at": 59_001, "kind": "invocation_ended", "outcome": outcome, "duration_ms": 59_001, "bytes": body.len() }),
    );
    file(events.into())
}

fn success() -> Value {
    json!({ "is": "success" })
}

fn open(file: &Value) -> Result<Recording, RecordingError> {
    static FILES: AtomicU32 = AtomicU32::new(0);
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("recording-{number}.json"));
    std::fs::write(&path, file.to_string()).expect("the folder is ours");
    Recording::open(path)
}

fn replay(component: &Component, file: &Value) -> Replay {
    open(file).unwrap_or_else(|error| panic!("{error}")).replay(component)
}

#[test]
fn chance_and_time_are_those_of_the_recording() {
    let told = |seed: &str| {
        let replay = replay(&TASKS, &recorded(&json!("chance"), seed, json!([]), "", &success()));
        replay.response().text()
    };
    let first = told("18446744073709551615");
    let [line, later] = first.lines().collect::<Vec<_>>()[..] else { panic!("{first}") };
    let [one, other, time] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
    assert_ne!(one, other);
    // Computing takes no time, and waiting takes what was waited for.
    assert_eq!((time, later), ("1795000000000000", "1795000001000000"));
    for _ in 0..20 {
        assert_eq!(told("18446744073709551615"), first);
    }
    assert_ne!(told("1"), first);
    replay(&TASKS, &recorded(&json!("chance"), "18446744073709551615", json!([]), &first, &success())).assert_same();
}

#[test]
fn the_first_difference_is_told() {
    let difference = |event: &str, body: &str, outcome: &Value| {
        let replay = replay(&TASKS, &recorded(&json!(event), "1", json!([]), body, outcome));
        replay.difference().cloned()
    };
    assert_eq!(difference("join", "one two three\n", &success()), None);

    let Some(byte) = difference("join", "one two four\n", &success()) else { panic!("they differ") };
    let expected = "byte 8 of the body, 59.000 s after the beginning\n  recorded: one two four\\n (the end)\n  replayed: one two three\\n (the end)";
    assert_eq!(byte.to_string(), expected);
    let Some(Difference::Body { offset, after, .. }) = difference("join", "one two three\nand more", &success()) else {
        panic!("the replay ends early")
    };
    assert_eq!((offset, after.map(|after| after.as_secs())), (14, Some(59)));
    assert!(matches!(difference("join", "one two", &success()), Some(Difference::Body { offset: 7, after: None, .. })));

    let failed = json!({ "is": "error", "error_type": "Function.Handler", "message": "no" });
    let Some(outcome) = difference("join", "one two three\n", &failed) else { panic!("they differ") };
    assert_eq!(outcome.to_string(), "the outcome\n  recorded: Function.Handler: no\n  replayed: success");
}

#[test]
fn a_client_that_left_saw_no_more() {
    let left = json!([{ "at": 59_000.5, "kind": "client_left" }]);
    replay(&TASKS, &recorded(&json!("join"), "1", left, "one t", &success())).assert_same();
}

/// A handler that passes on what it asked for, and the recording of what it was answered.
fn asked(more: &Value, body: &str, outcome: &Value) -> Value {
    asked_with(
        &json!({ "url": "https://other.example/path?query", "method": "PUT", "body": "to it", "pause_ms": 30_000 }),
        more,
        body,
        outcome,
    )
}

fn asked_with(event: &Value, more: &Value, body: &str, outcome: &Value) -> Value {
    let mut events = vec![
        json!({ "at": 5, "kind": "upstream_asked", "call": 1, "method": "PUT", "url": "https://other.example/path?query", "headers": [] }),
        json!({ "at": 6, "kind": "upstream_sent", "call": 1, "data": data("to ") }),
        json!({ "at": 7, "kind": "upstream_sent", "call": 1, "data": data("it") }),
    ];
    events.extend(more.as_array().expect("events").iter().cloned());
    recorded(event, "1", events.into(), body, outcome)
}

#[test]
fn other_servers_answer_as_they_did() {
    let head =
        json!({ "at": 2000, "kind": "upstream_answered", "call": 1, "status": 203, "headers": [["content-type", "text/plain"]] });
    let chunk = |at, text: &str| json!({ "at": at, "kind": "upstream_chunk", "call": 1, "data": data(text) });
    let end = |at| json!({ "at": at, "kind": "upstream_ended", "call": 1 });
    let broken = |at| json!({ "at": at, "kind": "upstream_ended", "call": 1, "error": "HttpResponseIncomplete" });
    let refused = |at| json!({ "at": at, "kind": "upstream_ended", "call": 1, "error": "ConnectionRefused" });
    let left = |at| json!({ "at": at, "kind": "upstream_ended", "call": 1, "error": "ConnectionReadTimeout", "left": true });
    for (case, events, expected) in [
        ("whole", json!([head, chunk(2100, "Hel"), chunk(20_000, "lo"), end(20_001)]), json!({ "status": 203, "body": "Hello" })),
        (
            "broken off",
            json!([head, chunk(2100, "Hel"), broken(3000)]),
            json!({ "error": "connection", "message": "the connection to https://other.example failed: the answer broke off" }),
        ),
        (
            "refused",
            json!([refused(3000)]),
            json!({ "error": "connection", "message": "the connection to https://other.example failed: it was refused" }),
        ),
        (
            "given up, after a silence",
            json!([head, chunk(2100, "Hel"), left(32_100)]),
            json!({ "error": "timeout", "message": "https://other.example stopped in the middle of its answer" }),
        ),
        (
            "a silence that lasts",
            json!([head, chunk(2100, "Hel")]),
            json!({ "error": "timeout", "message": "https://other.example stopped in the middle of its answer" }),
        ),
    ] {
        let replay = replay(&FETCH, &asked(&events, &format!("{expected}\n"), &success()));
        assert_eq!(replay.difference().map(ToString::to_string), None, "{case}");
        replay.assert_same();
    }
    // Passed on as it comes, each piece has the time that it had, counted from the request.
    let piped = json!({ "url": "https://other.example/path?query", "method": "PUT", "body": "to it", "pipe": true });
    let events = json!([head, chunk(2100, "Hel"), chunk(20_000, "lo"), end(20_001)]);
    let replay = replay(&FETCH, &asked_with(&piped, &events, "Hello", &success()));
    replay.assert_same();
    let came: Vec<u128> = replay.response().chunks().iter().map(|chunk| chunk.at.as_millis()).collect();
    let [first, second] = came[..] else { panic!("{came:?}") };
    assert!((2093..=2095).contains(&first) && (19_993..=19_995).contains(&second), "{came:?}");
}

#[test]
fn a_request_that_is_another_one_is_a_difference() {
    let answered = json!([{ "at": 8, "kind": "upstream_answered", "call": 1, "status": 200, "headers": [] }, { "at": 9, "kind": "upstream_ended", "call": 1 }]);
    let told = |event: Value| {
        let replay = replay(&FETCH, &asked_with(&event, &answered, "{\"body\":\"\",\"status\":200}\n", &success()));
        replay.difference().map(ToString::to_string)
    };
    let url = "https://other.example/path?query";
    assert_eq!(told(json!({ "url": url, "method": "PUT", "body": "to it" })), None);
    let other_body = told(json!({ "url": url, "method": "PUT", "body": "to them" })).expect("a difference");
    let recorded = format!("what the handler asks another server\n  recorded: PUT {url} to it\n  replayed: ");
    assert_eq!(other_body, format!("{recorded}PUT {url} to them"));
    let other_url =
        told(json!({ "url": "https://other.example/other", "method": "PUT", "body": "to it" })).expect("a difference");
    assert_eq!(
        other_url,
        "what the handler asks another server\n  recorded: nothing\n  replayed: PUT https://other.example/other to it"
    );
    // The handler that refuses to ask has another body; one that asks no longer and says the same differs in that alone.
    let silent = recorded_of_nobody(&answered);
    assert_eq!(
        silent.difference().map(ToString::to_string),
        Some(format!("what the handler asks another server\n  recorded: PUT {url}\n  replayed: nothing"))
    );
}

/// A handler that asks nobody, with a recording in which it did.
fn recorded_of_nobody(answered: &Value) -> Replay {
    let asked = json!({ "at": 5, "kind": "upstream_asked", "call": 1, "method": "PUT", "url": "https://other.example/path?query", "headers": [] });
    let mut events = vec![asked];
    events.extend(answered.as_array().expect("events").iter().cloned());
    replay(&TASKS, &recorded(&json!("join"), "1", events.into(), "one two three\n", &success()))
}

#[test]
fn a_recording_says_what_it_needs() {
    let recording = open(&asked(&json!([]), "", &success())).expect("a recording");
    assert_eq!((recording.handler(), recording.request_id()), (Some("guest.wasm"), "one"));
    assert_eq!(recording.servers(), ["https://other.example"]);
    assert_eq!(recording.variables(), ["TABLE"]);
    assert_eq!(recording.clock().as_millis(), 1_795_000_000_000);
}

#[test]
fn what_cannot_be_replayed_is_told() {
    let whole = || recorded(&json!("join"), "1", json!([]), "one two three\n", &success());
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut file = whole();
        change(&mut file);
        open(&file).err().unwrap_or_else(|| panic!("it is replayed: {file}")).to_string()
    };
    let without = |kind: &'static str| {
        move |file: &mut Value| file["events"].as_array_mut().expect("events").retain(|event| event["kind"] != kind)
    };
    let with = |event: Value| {
        move |file: &mut Value| {
            let mut event = event.clone();
            (event["at"], event["request_id"]) = (BEGUN.into(), event.get("request_id").cloned().unwrap_or("one".into()));
            file["events"].as_array_mut().expect("events").insert(2, event);
        }
    };
    for (told, change) in [
        (
            "is a recording of version 2, and this library reads version 1",
            &(|file: &mut Value| file["firstbyte_recording"] = 2.into()) as &dyn Fn(&mut Value),
        ),
        ("is not a recording of Firstbyte's console", &|file| *file = json!({ "events": [] })),
        ("is not a recording of Firstbyte's console", &|file| file["events"] = "none".into()),
        ("not all of what happened is in it", &|file| file["complete"] = false.into()),
        ("has 0 invocations", &without("invocation_started")),
        ("FIRSTBYTE_RECORD", &without("began")),
        ("the invocation's end is not in it", &without("invocation_ended")),
        ("more than the console could take", &with(json!({ "kind": "missed", "events": 3 }))),
        ("a request to another server is missing", &with(json!({ "kind": "upstream_chunk", "call": 1, "data": "" }))),
        (
            "requests to other servers are missing",
            &with(json!({ "kind": "upstream_asked", "call": 2, "method": "GET", "url": "https://a.example/" })),
        ),
        (
            "has 2 invocations, and one is replayed at a time:\n  other  POST /a function_url  its end is not recorded\n  one  ",
            &|file| {
                let other = json!({
                    "at": BEGUN, "kind": "invocation_started", "request_id": "other", "event": "{}", "deadline_ms": BEGUN,
                    "door": "function_url", "method": "POST", "path": "/a"
                });
                file["events"].as_array_mut().expect("events").insert(0, other);
            },
        ),
        ("FIRSTBYTE_REUSE", &|file| file["events"][1]["reused"] = true.into()),
        ("its response was not streamed", &|file| file["events"][3]["streamed"] = false.into()),
    ] {
        let message = refused(change);
        assert!(message.contains(told), "{told} is not in {message}");
    }
    let (path, marked) = (format!("{}/recording-marked.json", env!("CARGO_TARGET_TMPDIR")), format!("\u{feff}{}", whole()));
    std::fs::write(&path, marked).expect("a file");
    Recording::open(&path).expect("a mark of the byte order changes nothing");
    let nowhere = Recording::open("/nowhere/failure.json").expect_err("it is not there").to_string();
    assert!(nowhere.starts_with("cannot read /nowhere/failure.json: No such file"), "{nowhere}");
}
