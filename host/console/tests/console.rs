//! The console as its page meets it: what is told of a stream, what can be chosen to fail, what is kept, saved and hidden.

mod browser;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use browser::{Served, of_kind, serve, serve_with, settings, soon};
use firstbyte_console::Bounds;
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const DOORS: [&str; 3] = ["lambda", "function_url", "api_gateway"];

/// A request that does what the words say, at any door.
fn order(door: &str, words: &str) -> Value {
    json!({"door": door, "path": "/shop?q=1", "headers": [["content-type", "text/plain"]], "body": format!("{words:?}")})
}

fn with(mut order: Value, member: &str, value: impl Into<Value>) -> Value {
    order[member] = value.into();
    order
}

fn text(event: &Value) -> String {
    String::from_utf8(STANDARD.decode(event["data"].as_str().expect("base64")).expect("base64")).expect("UTF-8")
}

#[tokio::test]
async fn a_stream_is_told_from_its_start_to_its_end_at_every_door() {
    let served = serve().await;
    let mut watch = served.watch().await;
    for (number, door) in DOORS.into_iter().enumerate() {
        let send = served.send(order(door, "chunks=2 gap=300")).await;
        let (seen, saw) = watch.until_over().await;
        let sent = of_kind(&seen, "sent")[0];
        assert_eq!((&sent["send"], &sent["door"]), (&json!(send), &json!(door)));

        let started = of_kind(&seen, "invocation_started")[0];
        let request_id = started["request_id"].as_str().expect("an id");
        assert!(started["trace_id"].as_str().expect("a trace").starts_with(sent["trace"].as_str().expect("a root")));
        assert_eq!((&started["door"], &started["cold"], &started["environment"]), (&json!(door), &json!(number == 0), &json!(1)));
        let event: Value = serde_json::from_str(started["event"].as_str().expect("text")).expect("JSON");
        let line = (&started["method"], &started["path"]);
        match door {
            "lambda" => assert_eq!((line, event), ((&Value::Null, &Value::Null), json!("chunks=2 gap=300"))),
            "function_url" => assert_eq!((line, &event["rawPath"]), ((&json!("POST"), &json!("/shop?q=1")), &json!("/shop"))),
            _ => assert_eq!((line, &event["path"]), ((&json!("POST"), &json!("/dev/shop?q=1")), &json!("/shop"))),
        }
        let at = started["at"].as_f64().expect("a time");
        let left = started["deadline_ms"].as_f64().expect("a time") - at;
        assert!((29_000.0..=30_000.0).contains(&left), "{left}");

        let heads = of_kind(&seen, "response_head");
        if door == "lambda" {
            assert!(heads.is_empty(), "{heads:?}");
        } else {
            assert_eq!(heads.len(), 1, "{heads:?}");
            assert_eq!(heads[0]["status"], 201);
            let headers = heads[0]["headers"].as_array().expect("headers");
            assert!(
                headers.contains(&json!(["X-A", "b"])) && headers.contains(&json!(["set-cookie", "(redacted)"])),
                "{headers:?}"
            );
        }
        let chunks = of_kind(&seen, "chunk");
        assert_eq!(chunks.iter().map(|chunk| text(chunk)).collect::<Vec<_>>(), ["chunk 0\n", "chunk 1\n"]);
        let after = |event: &Value| event["after_ms"].as_f64().expect("a time");
        assert!(after(chunks[0]) <= after(chunks[1]) && after(chunks[1]) >= 299.0, "{chunks:?}");
        let moved = chunks[1]["at"].as_f64().expect("a time") - at - after(chunks[1]);
        assert!(moved.abs() < 20.0, "its two clocks differ by {moved} ms");

        let of_it = |kind| of_kind(&seen, kind)[0];
        assert!(of_it("log")["line"].as_str().expect("a line").starts_with("working on"));
        assert_eq!(of_it("response_ended")["outcome"], json!({"is": "success"}));
        let ended = of_it("invocation_ended");
        assert_eq!((&ended["outcome"], ended["init_ms"].is_number()), (&json!({"is": "success"}), number == 0));
        let status = if door == "lambda" { 200 } else { 201 };
        assert_eq!(
            [&saw["send"], &saw["request_id"], &saw["status"], &saw["bytes"], &saw["what"]],
            [&json!(send), &json!(request_id), &json!(status), &json!(16), &json!("complete")]
        );
    }
}

#[tokio::test]
async fn a_response_that_breaks_is_told_though_its_client_sees_a_whole_one() {
    let served = serve().await;
    let mut watch = served.watch().await;
    served.send(order("function_url", "ending=trailers")).await;
    let (mut seen, saw) = watch.until_over().await;
    assert_eq!(saw["what"], "complete");
    let failed = json!({"is": "error", "error_type": "Function.Broken", "message": "broken"});
    assert_eq!(of_kind(&seen, "invocation_ended")[0]["outcome"], failed);
    if of_kind(&seen, "not_shown").is_empty() {
        seen = watch.until("not_shown").await;
    }
    assert!(of_kind(&seen, "not_shown")[0]["what"].as_str().expect("a sentence").contains("looks complete"));

    served.send(order("lambda", "ending=trailers")).await;
    let (_, saw) = watch.until_over().await;
    assert_eq!(
        (&saw["what"], saw["detail"].as_str()),
        (&json!("complete"), Some(r#"InvokeComplete: Function.Broken {"errorType":"Function.Broken","errorMessage":"broken"}"#))
    );
}

#[tokio::test]
async fn a_client_can_leave_and_can_read_slowly() {
    let served = serve().await;
    let mut watch = served.watch().await;
    for door in DOORS {
        served.send(with(order(door, "chunks=200 gap=50"), "cut_after_bytes", 12)).await;
        let seen = watch.until("client_left").await;
        let saw = if let [saw] = of_kind(&seen, "client_saw")[..] {
            saw.clone()
        } else {
            watch.until("client_saw").await.pop().expect("it")
        };
        assert_eq!((&saw["what"], &saw["bytes"]), (&json!("cut"), &json!(12)), "{door}");
    }
    // 2 MB are more than the sockets on the way hold, and take half a second at 4 MB per second.
    for door in DOORS {
        served.send(with(order(door, "chunks=2000 size=1000"), "read_kbps", 4000)).await;
        let (_, saw) = watch.until_over().await;
        assert_eq!(saw["what"], "complete", "{door}: {saw}");
        let bytes = saw["bytes"].as_f64().expect("a number");
        let least = bytes / 4000.0;
        assert!(bytes > 2e6 && saw["after_ms"].as_f64().expect("a time") >= least, "{door}: {saw}");
    }
}

#[tokio::test]
async fn a_door_with_tls_is_sent_to_as_the_others() {
    let mut settings = settings();
    settings.tls = true;
    let served = serve_with(settings, Bounds::default()).await;
    let mut watch = served.watch().await;
    served.send(order("api_gateway", "chunks=1")).await;
    let (_, saw) = watch.until_over().await;
    assert_eq!((&saw["what"], &saw["status"]), (&json!("complete"), &json!(201)), "{saw}");
}

#[tokio::test]
async fn limits_are_switched_for_invocations_from_now_on() {
    let served = serve().await;
    let mut watch = served.watch().await;
    let about = served.get("/about").await.json();
    assert_eq!(about["switches"], json!({"bandwidth": false, "timeout_ms": 30000.0}));
    assert_eq!((&about["function"], &about["handler"]), (&json!("raw"), &json!("raw.wasm")));
    assert_eq!(about["doors"]["function_url"], json!(served.emulator.function_url()));

    let switched = served.post("/switches", &json!({"timeout_ms": 250})).await.json();
    assert_eq!(switched, json!({"bandwidth": false, "timeout_ms": 250.0}));
    served.send(order("api_gateway", "ending=hang")).await;
    let (seen, saw) = watch.until_over().await;
    assert_eq!(of_kind(&seen, "invocation_ended")[0]["outcome"], json!({"is": "timeout"}));
    assert_eq!((&saw["what"], &saw["bytes"]), (&json!("broken"), &json!(16)), "{saw}");

    let switched = served.post("/switches", &json!({"timeout_ms": null, "bandwidth": true})).await.json();
    assert_eq!(switched, json!({"bandwidth": true, "timeout_ms": 30000.0}));
    // Of 10 MiB, 4 wait: for two seconds, less what the rest takes on a slow machine.
    served.send(order("function_url", "chunks=1 size=10485760")).await;
    let (seen, _) = watch.until_over().await;
    let throttled: f64 = of_kind(&seen, "chunk").iter().filter_map(|chunk| chunk["throttled_ms"].as_f64()).sum();
    assert!(throttled > 10.0, "{throttled}");

    let refused = served.post("/switches", &json!({"timeout_ms": 0})).await;
    assert_eq!(refused.status, 400);
    assert_eq!(served.get("/about").await.json()["switches"]["timeout_ms"], json!(30000.0));
}

#[tokio::test]
async fn an_environment_that_is_killed_dies_as_of_a_crash() {
    let served = serve().await;
    let mut watch = served.watch().await;
    served.send(order("lambda", "ending=hang")).await;
    watch.until("chunk").await;
    assert_eq!(served.post("/kill", &json!({"environment": 1})).await.status, 202);
    let (seen, saw) = watch.until_over().await;
    let outcome = &of_kind(&seen, "invocation_ended")[0]["outcome"];
    assert_eq!(outcome["error_type"], "Runtime.ExitError", "{outcome}");
    assert!(outcome["message"].as_str().expect("words").ends_with("signal: killed"), "{outcome}");
    assert!(saw["detail"].as_str().expect("words").contains("Runtime.ExitError"), "{saw}");
    assert_eq!(served.post("/kill", &json!({"environment": 1})).await.status, 404);
}

#[tokio::test]
async fn a_reader_goes_on_where_it_was_and_is_told_what_it_missed() {
    let served = serve_with(settings(), Bounds { events: 40, ..Bounds::default() }).await;
    let mut watch = served.watch().await;
    served.send(order("lambda", "chunks=2")).await;
    let (seen, _) = watch.until_over().await;
    let numbers: Vec<u64> = seen.iter().map(|event| event["seq"].as_u64().expect("a number")).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    let last = *numbers.last().expect("some");

    let third = seen[3].clone();
    assert_eq!(served.watch_from("/events?since=3", &[]).await.next().await, third);
    assert_eq!(served.watch_from("/events", &[("last-event-id", "3")]).await.next().await, third);
    // A number of another console's.
    assert_eq!(served.watch_from("/events?since=1000000", &[]).await.next().await, seen[0]);
    assert_eq!(served.get("/events?since=x").await.status, 400);

    served.send(order("lambda", "chunks=100")).await;
    let (more, _) = watch.until_over().await;
    let latest = more.last().expect("some")["seq"].as_u64().expect("a number");
    assert!(latest - last > 100);
    let mut late = served.watch_from("/events?since=3", &[]).await;
    let missed = late.next().await;
    let first = late.next().await["seq"].as_u64().expect("a number");
    assert_eq!((&missed["kind"], missed["events"].as_u64()), (&json!("missed"), Some(first - 4)), "{missed}");
    assert!(first >= latest - 40, "{first} of {latest}");
}

#[tokio::test]
async fn a_recording_says_whether_it_is_complete() {
    let served = serve_with(settings(), Bounds { events: 100, ..Bounds::default() }).await;
    let mut watch = served.watch().await;
    let id = |seen: &[Value]| of_kind(seen, "invocation_started")[0]["request_id"].as_str().expect("an id").to_owned();
    served.send(order("function_url", "chunks=3")).await;
    let (seen, _) = watch.until_over().await;
    let first = id(&seen);
    let session = served.get("/recording").await;
    assert!(session.headers["content-disposition"].to_str().expect("ASCII").starts_with("attachment"));
    let session = session.json();
    assert_eq!(
        (&session["firstbyte_recording"], &session["handler"], &session["complete"]),
        (&json!(1), &json!("raw.wasm"), &json!(true))
    );
    assert_eq!(session["events"].as_array().expect("events")[..seen.len()], seen[..]);
    let of_first = served.get(&format!("/recording?request_id={first}")).await.json();
    assert_eq!(of_first["complete"], true);
    let events = of_first["events"].as_array().expect("events");
    assert!(events.len() > 6 && events.iter().all(|event| event["request_id"] == first.as_str()), "{events:#?}");

    served.send(order("lambda", "chunks=80")).await;
    let (seen, _) = watch.until_over().await;
    let second = id(&seen);
    served.send(order("lambda", "chunks=60")).await;
    let (seen, _) = watch.until_over().await;
    assert_eq!(served.get("/recording").await.json()["complete"], false);
    // Nothing is left of the first one, and another one was never here.
    for gone in [first.as_str(), "unknown"] {
        assert_eq!(served.get(&format!("/recording?request_id={gone}")).await.status, 404, "{gone}");
    }
    for (request_id, complete) in [(&second, false), (&id(&seen), true)] {
        let recording = served.get(&format!("/recording?request_id={request_id}")).await.json();
        assert_eq!(recording["complete"], complete, "{recording}");
    }
}

#[tokio::test]
async fn credentials_are_neither_shown_nor_saved() {
    let served = serve().await;
    let mut watch = served.watch().await;
    let headers = json!([
        ["content-type", "text/plain"],
        ["Authorization", "SECRET-1"],
        ["Cookie", "SECRET-2"],
        ["X-Api-Key", "SECRET-3"],
        ["x-shop-key", "SECRET-4"],
        ["x-other", "plain"]
    ]);
    for door in ["function_url", "api_gateway"] {
        served.send(with(order(door, "chunks=1"), "headers", headers.clone())).await;
        let (seen, _) = watch.until_over().await;
        let event: Value =
            serde_json::from_str(of_kind(&seen, "invocation_started")[0]["event"].as_str().expect("text")).expect("JSON");
        let sent: serde_json::Map<String, Value> = event["headers"]
            .as_object()
            .expect("headers")
            .iter()
            .map(|(name, value)| (name.to_lowercase(), value.clone()))
            .collect();
        for name in ["authorization", "cookie", "x-api-key", "x-shop-key"] {
            assert!(sent.get(name).is_none_or(|value| value == "(redacted)"), "{door}: {name} is {:?}", sent[name]);
        }
        assert_eq!((&sent["authorization"], &sent["x-other"]), (&json!("(redacted)"), &json!("plain")), "{door}");
    }
    let recording = served.get("/recording").await.text;
    assert!(!recording.contains("SECRET") && recording.contains("plain"), "{recording}");
}

#[tokio::test]
async fn what_a_runtime_records_is_kept_with_the_rest() {
    let served = serve().await;
    let mut watch = served.watch().await;
    let mut runtime = TcpStream::connect(served.records).await.expect("the console listens");
    let asked = json!({"kind": "upstream_asked", "at": 1.5, "request_id": "a", "call": 1, "method": "GET", "url": "http://u/", "headers": [["authorization", "SECRET"], ["accept", "*/*"]], "seq": 99});
    let ended = json!({"kind": "upstream_ended", "at": 2.5, "request_id": "a", "call": 1});
    runtime.write_all(format!("{asked}\n{ended}\n").as_bytes()).await.expect("it reads");
    let mut expected = asked;
    expected["seq"] = json!(1);
    expected["headers"][0][1] = json!("(redacted)");
    assert_eq!(watch.next().await, expected);
    assert_eq!(watch.next().await["kind"], "upstream_ended");
    for other in
        [r#"{"kind":"invocation_ended","at":1,"request_id":"a"}"#, r#"{"kind":"began","request_id":"a"}"#, "[]", "no JSON"]
    {
        let mut stranger = TcpStream::connect(served.records).await.expect("the console listens");
        stranger.write_all(format!("{other}\n").as_bytes()).await.expect("it reads");
        let mut rest = Vec::new();
        // Closed with something unread, the connection may also be reset.
        let _ = soon("the connection's end", stranger.read_to_end(&mut rest)).await;
    }
    assert_eq!(served.get("/recording?request_id=a").await.json()["events"].as_array().expect("events").len(), 2);
    assert_eq!(served.get("/recording").await.json()["complete"], true);
    runtime.write_all(b"{\"kind\":\"missed\",\"at\":3,\"request_id\":\"a\",\"events\":1}\n").await.expect("it reads");
    watch.until("missed").await;
    assert_eq!(served.get("/recording").await.json()["complete"], false);
}

async fn status(served: &Served, method: Method, path: &str, headers: &[(&str, &str)]) -> u16 {
    served.ask(method, path, headers, r#"{"door":"lambda"}"#).await.status.as_u16()
}

#[tokio::test]
async fn only_the_consoles_own_page_is_answered() {
    let mut settings = settings();
    settings.allow_hosts = vec!["laptop.example".to_owned()];
    let served = serve_with(settings, Bounds::default()).await;
    let own = served.console.url();
    let own = own.trim_end_matches('/');
    for headers in [
        &[][..],
        &[("origin", own)],
        &[("host", "localhost:1"), ("origin", "http://localhost:1")],
        &[("host", "laptop.example")],
        &[("origin", "https://laptop.example")],
    ] {
        assert_eq!(status(&served, Method::POST, "/send", headers).await, 202, "{headers:?}");
    }
    for headers in [
        &[("host", "evil.example")][..],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site")],
        // Other servers of this machine, whose pages run other people's code.
        &[("origin", "http://localhost:3000")],
        &[("origin", "http://127.0.0.1:3000")],
    ] {
        for (method, path) in [(Method::POST, "/send"), (Method::GET, "/events"), (Method::GET, "/recording"), (Method::GET, "/")]
        {
            assert_eq!(status(&served, method.clone(), path, headers).await, 403, "{method} {path} {headers:?}");
        }
    }
}

#[tokio::test]
async fn the_page_is_small_and_loads_nothing_from_elsewhere() {
    let served = serve().await;
    let page = served.get("/").await;
    assert_eq!(
        (page.status.as_u16(), &page.headers["content-type"]),
        (200, &"text/html; charset=utf-8".parse().expect("a value"))
    );
    let policy = page.headers["content-security-policy"].to_str().expect("ASCII");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    let mut bytes = page.text.len();
    let mut waiting = vec![page.text];
    let mut seen = std::collections::BTreeSet::new();
    while let Some(text) = waiting.pop() {
        // Attributes of the page, and imports of its scripts.
        for part in text.split(['"', '\'']).filter(|part| part.ends_with(".js") || part.ends_with(".css")) {
            let name = part.trim_start_matches(['.', '/']);
            let name = if name.starts_with("page") { name.to_owned() } else { format!("page/{name}") };
            if seen.insert(name.clone()) {
                let file = served.get(&format!("/{name}")).await;
                assert_eq!(file.status, 200, "{name}");
                bytes += file.text.len();
                waiting.push(file.text);
            }
        }
    }
    assert!(seen.len() >= 2 && bytes < 150_000, "{bytes} bytes: {seen:?}");
    assert_eq!(served.get("/nothing").await.status, 404);
    assert_eq!(served.post("/events", &json!({})).await.status, 404);
}

/// Whoever looks and does not read holds nothing up.
#[tokio::test]
async fn a_page_that_does_not_read_costs_a_stream_nothing() {
    let served = serve_with(settings(), Bounds { bytes: 1024 * 1024, ..Bounds::default() }).await;
    let stalled = served.watch().await;
    let words = order("function_url", "chunks=20000 size=1000");
    served.send(words).await;
    let over = async {
        loop {
            let recording = served.get("/recording").await.json();
            if recording["events"].as_array().expect("events").iter().any(|event| event["kind"] == "invocation_ended") {
                return recording;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let recording = soon("the stream's end", over).await;
    assert_eq!(recording["complete"], false);
    // 20 MB went by, and what was kept of them is within the bound.
    assert!(recording.to_string().len() < 3 * 1024 * 1024);
    drop(stalled);
}
