//! A handler of our own world is not locked in: adapted, it streams from another host of `wasi:http`, and from this one.

use firstbyte_tests::{Call, Door, End, Function, Guest, Invoked, Received, Tool, firstbyte, send_to, soon};
use http::{Method, Version};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

const FIRST: &str = "Hello, this is a streamed response!\n";
const SECOND: &str = "Hello, hoge! This is a delayed message.\n";

async fn adapted(guest: Guest, folder: &TempDir) -> PathBuf {
    let adapted = folder.path().join("adapted.wasm");
    let (from, to) = (guest.component().to_str().expect("UTF-8"), adapted.to_str().expect("UTF-8"));
    let run = firstbyte(&["adapt", from, "-o", to]).await;
    assert!(run.status.success() && run.stdout.ends_with(": a component of wasi:http 0.2\n"), "{run:?}");
    adapted
}

/// `wasmtime serve`, and where it listens.
struct Wasmtime {
    _process: Child,
    url: String,
}

impl Wasmtime {
    async fn serve(tool: &Tool, component: &PathBuf) -> Self {
        let mut command = tool.command();
        command.args(["serve", "-S", "cli", "--addr", "127.0.0.1:0"]).arg(component);
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("wasmtime runs");
        let mut lines = BufReader::new(process.stderr.take().expect("a pipe")).lines();
        let url = loop {
            let line = soon("where wasmtime listens", lines.next_line()).await.expect("UTF-8").expect("it does not end");
            if let Some(url) = line.strip_prefix("Serving HTTP on ") {
                break url.trim_end_matches('/').to_owned();
            }
        };
        // It would stop where nobody reads.
        tokio::spawn(async move { while lines.next_line().await.is_ok_and(|line| line.is_some()) {} });
        Self { _process: process, url }
    }

    async fn answer(&self, call: Call) -> Received {
        self.answer_at("/", call).await
    }

    async fn answer_at(&self, path: &str, call: Call) -> Received {
        send_to(&format!("{}{path}", self.url), call, Version::HTTP_11).await
    }
}

fn assert_streams(answer: &Received, place: &str) {
    let texts: Vec<&[u8]> = answer.chunks.iter().map(|chunk| &*chunk.bytes).collect();
    assert_eq!(texts, [FIRST.as_bytes(), SECOND.as_bytes()], "{place}");
    let pause = answer.chunks[1].at - answer.chunks[0].at;
    assert!((Duration::from_millis(1900)..Duration::from_millis(2700)).contains(&pause), "{place}: {pause:?}");
}

#[tokio::test]
async fn the_greeting_streams_from_another_host_and_from_this_one() {
    let folder = TempDir::new().expect("a temporary folder");
    let component = adapted(Guest::Greeting, &folder).await;
    let call = || Call::json(&json!({"name": "hoge"}));

    let mut lambda = Function::of_file(&component).start().await;
    for door in Door::ALL {
        let Invoked { answer, .. } = lambda.invoke(door, call()).await;
        assert_streams(&answer, &format!("adapted at {door}"));
    }

    let Some(tool) = Tool::wasmtime() else { return };
    let wasmtime = Wasmtime::serve(&tool, &component).await;
    let answer = wasmtime.answer(call()).await;
    assert_streams(&answer, "under wasmtime serve");
    // As our own host says of the handler itself.
    let mut lambda = Function::of(Guest::Greeting).start().await;
    let Invoked { answer: own, .. } = lambda.invoke(Door::Url, call()).await;
    assert_eq!((answer.status, &answer.end), (own.status, &End::Clean));
    for name in ["content-type", "access-control-allow-origin"] {
        assert!(answer.header(name).is_some() && answer.header(name) == own.header(name), "{name}: {answer:?}");
    }

    let refused = wasmtime.answer(Call::json(&json!({"nome": "hoge"}))).await;
    let Invoked { answer: own, .. } = lambda.invoke(Door::Url, Call::json(&json!({"nome": "hoge"}))).await;
    assert_eq!((refused.status.as_u16(), refused.text()), (400, own.text()));
}

#[tokio::test]
async fn what_was_sent_arrives_in_another_host() {
    let folder = TempDir::new().expect("a temporary folder");
    let component = adapted(Guest::Echo, &folder).await;
    let Some(tool) = Tool::wasmtime() else { return };
    let wasmtime = Wasmtime::serve(&tool, &component).await;

    let call = Call::json(&json!({"text": "grüße"})).method(Method::PUT);
    let call = call.header("cookie", "session=a=b; theme=dark").header("x-twice", "one");
    let answer = wasmtime.answer_at("/a%20b/c?x=1&y=%26", call).await;
    let text = answer.text();
    let (told, payload) = text.split_once('\n').expect("a line");
    assert_eq!(payload, r#"{"text":"grüße"}"#);
    let told: Value = serde_json::from_str(told).expect("JSON");
    let http = &told["http"];
    let target = ["method", "path", "query"].map(|part| http[part].as_str());
    assert_eq!(target, [Some("PUT"), Some("/a%20b/c"), Some("x=1&y=%26")], "{told:#}");
    assert_eq!(http["cookies"], json!([["session", "a=b"], ["theme", "dark"]]));
    assert!(http["headers"].as_array().is_some_and(|all| all.contains(&json!(["x-twice", "one"]))), "{told:#}");
    assert_eq!(
        (&told["trigger"], &told["functionArn"], &told["traceId"]),
        (&json!("Other(\"wasi:http\")"), &json!(""), &Value::Null)
    );
    assert!(
        told["remainingMs"].as_u64().is_some_and(|ms| ms > 800_000)
            && told["requestId"].as_str().is_some_and(|id| id.len() == 36)
    );
    let event: Value = serde_json::from_str(told["event"].as_str().expect("an event")).expect("JSON");
    assert_eq!((&event["version"], &event["rawPath"], &event["body"]), (&json!("2.0"), &json!("/a%20b/c"), &json!(payload)));
    assert_eq!((&event["cookies"], &event["headers"]["x-twice"]), (&json!(["session=a=b", "theme=dark"]), &json!("one")));

    let large = wasmtime.answer(Call::post("text/plain", vec![b'a'; (6 << 20) + 1])).await;
    assert_eq!((large.status.as_u16(), large.text().as_str()), (413, r#"{"message":"Request Too Long"}"#));
}

#[tokio::test]
async fn endings_are_as_other_hosts_can_tell_them() {
    let folder = TempDir::new().expect("a temporary folder");
    let component = adapted(Guest::Endings, &folder).await;
    let Some(tool) = Tool::wasmtime() else { return };
    let wasmtime = Wasmtime::serve(&tool, &component).await;
    let ending = async |ending| wasmtime.answer(Call::json(&ending)).await;

    for (status, shown) in [(422, "this was to be expected"), (503, "Internal Server Error")] {
        let answer = ending(json!({"ending": "err-before", "status": status})).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (status, json!({"message": shown})));
    }
    let empty = ending(json!({"ending": "never-started"})).await;
    assert_eq!((empty.status.as_u16(), empty.text(), &empty.end), (200, String::new(), &End::Clean));
    let finished = ending(json!({"ending": "finish-then-work"})).await;
    assert_eq!((finished.text().as_str(), &finished.end), ("finished\n", &End::Clean));
    let large = ending(json!({"ending": "ok", "bytes": 9_000_000, "writes": 3})).await;
    assert_eq!((large.bytes().len(), &large.end), (9_000_000, &End::Clean));
    // More than what is on its way, so that the head is, too.
    let broken = ending(json!({"ending": "err-after", "bytes": 4_000_000})).await;
    assert_eq!((broken.status.as_u16(), &broken.end), (200, &End::Cut));
}

#[tokio::test]
async fn what_needs_no_adapter_is_told_so() {
    let folder = TempDir::new().expect("a temporary folder");
    let out = folder.path().join("never.wasm");
    let out = out.to_str().expect("UTF-8");
    for (file, why) in [
        (Guest::HttpP2.component(), "is a component of wasi:http/proxy 0.2 already, which other hosts run as it is"),
        (Guest::Greeting.compiled(), "is machine code; adapt the .wasm that it was compiled from"),
    ] {
        let run = firstbyte(&["adapt", file.to_str().expect("UTF-8"), "-o", out]).await;
        assert!(!run.status.success() && run.only_line().contains(why), "{run:?}");
    }
    assert!(!folder.path().join("never.wasm").exists());
}
