//! A client for the doors that shows each piece of a body as it comes, and an emulator in front of the raw runtime.
#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod lambda;
pub(crate) mod played;

use bytes::Bytes;
use firstbyte_emulator::{Emulator, Event, EventKind, Events, Settings};
use http::{HeaderMap, Request, Response, StatusCode, Uri, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Nothing here takes this long, unless it hangs.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// Settings for the raw runtime, with time enough for a busy machine.
pub(crate) fn settings() -> Settings {
    let mut settings = Settings::new("raw", vec![raw_runtime().into()]);
    settings.timeout = LONG;
    settings
}

/// `examples/raw_runtime.rs`, which `cargo test` builds.
fn raw_runtime() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let target = test.ancestors().nth(2).expect("target/debug/deps/test");
    let runtime = target.join("examples/raw_runtime");
    assert!(runtime.exists(), "{} is missing: cargo build -p firstbyte-emulator --examples", runtime.display());
    runtime
}

pub(crate) async fn start(settings: Settings) -> (Emulator, Events) {
    let emulator = firstbyte_emulator::start(settings).await.expect("ports are free");
    let events = emulator.events();
    (emulator, events)
}

/// A client's view of an answer.
pub(crate) struct Received {
    pub(crate) status: StatusCode,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    body: Incoming,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }

    /// All values of a header.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers.get_all(name).iter().map(|value| value.to_str().expect("ASCII")).collect()
    }

    /// The next piece; none at a clean end.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, hyper::Error>> {
        loop {
            let frame = tokio::time::timeout(LONG, self.body.frame()).await.expect("it does not hang")?;
            match frame.map(hyper::body::Frame::into_data) {
                Ok(Ok(data)) if data.is_empty() => {}
                Ok(Ok(data)) => return Some(Ok(data)),
                Ok(Err(_trailers)) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// All that is left, and whether it ended as it should.
    pub(crate) async fn rest(&mut self) -> (Vec<u8>, bool) {
        let mut bytes = Vec::new();
        while let Some(piece) = self.next().await {
            match piece {
                Ok(piece) => bytes.extend_from_slice(&piece),
                Err(_) => return (bytes, false),
            }
        }
        (bytes, true)
    }

    /// All that is left of a body that ends cleanly.
    pub(crate) async fn text(&mut self) -> String {
        let (bytes, clean) = self.rest().await;
        assert!(clean, "the body was cut after {:?}", String::from_utf8_lossy(&bytes));
        String::from_utf8(bytes).expect("UTF-8")
    }
}

/// A `POST` of text.
pub(crate) async fn post(url: &str, body: &str) -> Received {
    send(Request::post(url).header("content-type", "text/plain"), body, Version::HTTP_11).await
}

pub(crate) async fn send(request: http::request::Builder, body: &str, version: Version) -> Received {
    let request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).expect("a request");
    let stream = connect(request.uri()).await;
    tokio::time::timeout(LONG, over(stream, request, version)).await.expect("it answers")
}

pub(crate) async fn connect(uri: &Uri) -> TcpStream {
    TcpStream::connect(uri.authority().expect("a host").as_str()).await.expect("the door is open")
}

pub(crate) async fn over<S>(stream: S, request: Request<Full<Bytes>>, version: Version) -> Received
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    attempt(stream, request, version).await.expect("an answer")
}

/// The same for an answer that may be none.
pub(crate) async fn attempt<S>(stream: S, mut request: Request<Full<Bytes>>, version: Version) -> hyper::Result<Received>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    *request.version_mut() = version;
    let response: Response<Incoming> = if version == Version::HTTP_2 {
        let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        sender.send_request(request).await?
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let host = request.uri().authority().expect("a host").to_string();
        request.headers_mut().insert("host", host.parse().expect("a value"));
        *request.uri_mut() = request.uri().path_and_query().expect("a path").as_str().parse().expect("a path");
        sender.send_request(request).await?
    };
    let (parts, body) = response.into_parts();
    Ok(Received { status: parts.status, version: parts.version, headers: parts.headers, body })
}

/// Sends a request whose head begins as `head` says, and gives all that comes back until the door closes the connection.
pub(crate) async fn raw(url: &str, head: &str, body: &str) -> String {
    let uri: Uri = url.parse().expect("a URL");
    let mut stream = connect(&uri).await;
    stream.write_all(request(&uri, head, body).as_bytes()).await.expect("the door reads");
    rest(&mut stream).await
}

/// A request whose head begins as `head` says.
pub(crate) fn request(uri: &Uri, head: &str, body: &str) -> String {
    let host = uri.authority().expect("a host");
    format!("{head}Host: {host}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// All that comes until the door closes the connection.
pub(crate) async fn rest(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut answer = Vec::new();
    tokio::time::timeout(LONG, stream.read_to_end(&mut answer)).await.expect("the door closes").expect("it answers");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Waits for an event, and gives all until it, itself last.
pub(crate) async fn until(events: &mut Events, mut is_it: impl FnMut(&EventKind) -> bool) -> Vec<Event> {
    let mut seen = Vec::new();
    loop {
        let event = tokio::time::timeout(LONG, events.next()).await;
        let event = event.unwrap_or_else(|_| panic!("it happens; so far: {seen:#?}")).expect("the emulator lives");
        let found = is_it(&event.kind);
        seen.push(event);
        if found {
            return seen;
        }
    }
}

/// Waits for an invocation's end, and gives all until then. Only for an invocation whose client has its answer.
pub(crate) async fn until_over(events: &mut Events) -> Vec<Event> {
    let mut seen = until(events, |kind| matches!(kind, EventKind::InvocationEnded(_))).await;
    seen.extend(std::iter::from_fn(|| events.try_next()));
    seen
}

/// The texts of what clients were not shown.
pub(crate) fn not_shown(events: &[Event]) -> Vec<&str> {
    events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::NotShown { what } => Some(what.as_str()),
            _ => None,
        })
        .collect()
}

/// The texts of failures that clients were shown.
pub(crate) fn shown(events: &[Event]) -> Vec<&str> {
    events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::FailureShown { what } => Some(what.as_str()),
            _ => None,
        })
        .collect()
}

/// Asserts that the emulator's user was told of what the client got or did not get, in words with `told` in them, or of nothing.
pub(crate) fn assert_told(events: &[Event], told: &str, ending: &str) {
    let said = [not_shown(events), shown(events)].concat();
    assert_eq!(said.is_empty(), told.is_empty(), "{ending}: {said:?}");
    assert!(told.is_empty() || said.iter().any(|said| said.contains(told)), "{ending}: {said:?}");
}

/// The numbers of the environments in which something happened.
pub(crate) fn environments(events: &[Event]) -> Vec<u32> {
    let mut numbers: Vec<u32> = events.iter().filter_map(|event| event.environment).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// Lines that the runtime printed.
pub(crate) fn printed(events: &[Event]) -> Vec<&str> {
    events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Log { line, .. } => Some(line.as_str()),
            _ => None,
        })
        .collect()
}
