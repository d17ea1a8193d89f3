//! An emulator with a console before the raw runtime, and a browser's requests to it.
#![allow(dead_code, reason = "each test file uses a part")]

use bytes::Bytes;
use firstbyte_console::{Bounds, Console, OpenConsole};
use firstbyte_emulator::{Emulator, Settings};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// Nothing here takes this long, unless it hangs.
const LONG: Duration = Duration::from_secs(30);

pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future).await.unwrap_or_else(|_| panic!("{what} does not come"))
}

/// What is served.
pub(crate) struct Served {
    pub(crate) emulator: Emulator,
    pub(crate) console: OpenConsole,
    /// Where runtimes record.
    pub(crate) records: SocketAddr,
}

/// Settings for the raw runtime of the emulator's examples, with time enough for a busy machine.
pub(crate) fn settings() -> Settings {
    let test = std::env::current_exe().expect("a test has a path");
    let runtime: PathBuf = test.ancestors().nth(2).expect("target/debug/deps/test").join("examples/raw_runtime");
    assert!(runtime.exists(), "{} is missing: cargo build -p firstbyte-emulator --examples", runtime.display());
    let mut settings = Settings::new("raw", vec![runtime.into()]);
    settings.timeout = LONG;
    settings
}

pub(crate) async fn serve() -> Served {
    serve_with(settings(), Bounds::default()).await
}

pub(crate) async fn serve_with(mut settings: Settings, bounds: Bounds) -> Served {
    let console = Console::new(&["X-Shop-Key".to_owned()], bounds).await.expect("a port is free");
    settings.tap = Some(console.tap());
    let records = console.records();
    let allow_hosts = settings.allow_hosts.clone();
    let emulator = firstbyte_emulator::start(settings).await.expect("ports are free");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let console = console.open(listener, &emulator, "raw.wasm".to_owned(), allow_hosts).expect("it listens");
    Served { emulator, console, records }
}

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

impl Served {
    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.ask(Method::GET, path, &[], "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.ask(Method::POST, path, &[], &body.to_string()).await
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let (head, body) = self.begin(method, path, headers, body).await.into_parts();
        let bytes = soon("a reply", body.collect()).await.expect("it is whole").to_bytes();
        Reply { status: head.status, headers: head.headers, text: String::from_utf8(bytes.into()).expect("UTF-8") }
    }

    async fn begin(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> http::Response<Incoming> {
        let uri: Uri = self.console.url().parse().expect("a URL");
        let host = uri.authority().expect("a host").as_str();
        let stream = TcpStream::connect(host).await.expect("the console listens");
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", host);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).expect("a request");
        soon("a reply", sender.send_request(request)).await.expect("it answers")
    }

    /// Has the console send a request. Its number.
    pub(crate) async fn send(&self, order: Value) -> u64 {
        let reply = self.post("/send", &order).await;
        assert_eq!(reply.status, 202, "{}", reply.text);
        reply.json()["sent"].as_u64().expect("a number")
    }

    /// All events from the beginning.
    pub(crate) async fn watch(&self) -> Watch {
        self.watch_from("/events", &[]).await
    }

    pub(crate) async fn watch_from(&self, path: &str, headers: &[(&str, &str)]) -> Watch {
        let reply = self.begin(Method::GET, path, headers, "").await;
        assert_eq!(reply.status(), 200);
        assert_eq!(reply.headers()["content-type"], "text/event-stream");
        Watch { body: reply.into_body(), text: String::new() }
    }
}

/// A reader of `/events`.
pub(crate) struct Watch {
    body: Incoming,
    text: String,
}

impl Watch {
    /// Takes what comes for as long as something does, and looks at none of it.
    pub(crate) async fn drain(mut self) {
        while self.body.frame().await.is_some() {}
    }

    /// The next event.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                let found = field("data").map(|data| {
                    let json: Value = serde_json::from_str(data).expect("JSON");
                    assert_eq!(field("id"), Some(json["seq"].to_string().as_str()));
                    json
                });
                self.text = rest.to_owned();
                match found {
                    Some(event) => return event,
                    None => continue,
                }
            }
            let frame = soon("an event", self.body.frame()).await.expect("it does not end").expect("it does not break");
            self.text.push_str(std::str::from_utf8(frame.data_ref().expect("data")).expect("UTF-8"));
        }
    }

    /// All events until one of this kind, itself last.
    pub(crate) async fn until(&mut self, kind: &str) -> Vec<Value> {
        self.until_it(|event| event["kind"] == kind).await
    }

    pub(crate) async fn until_it(&mut self, is_it: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut seen = Vec::new();
        loop {
            seen.push(self.next().await);
            if seen.last().is_some_and(&is_it) {
                return seen;
            }
        }
    }

    /// All events until a request's invocation has ended and its client has said what it saw. Then that.
    pub(crate) async fn until_over(&mut self) -> (Vec<Value>, Value) {
        let mut seen = self.until_it(|event| ["client_saw", "invocation_ended"].contains(&kind(event))).await;
        let other =
            if seen.last().is_some_and(|event| event["kind"] == "client_saw") { "invocation_ended" } else { "client_saw" };
        seen.extend(self.until(other).await);
        let saw = of_kind(&seen, "client_saw")[0].clone();
        (seen, saw)
    }
}

pub(crate) fn kind(event: &Value) -> &str {
    event["kind"].as_str().expect("a kind")
}

pub(crate) fn of_kind<'a>(events: &'a [Value], wanted: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| kind(event) == wanted).collect()
}
