//! A model server on this machine, over HTTP or HTTPS: `/v1/chat/completions` as OpenAI's API has it, and a few paths more.

use crate::answer::{self, Body};
use crate::aws;
use crate::script::{End, Script};
use crate::tls;
use bytes::Bytes;
use firstbyte_tests::soon;
use http::{HeaderMap, Method, Request, Response, Version};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A model server. It ends when it is dropped.
pub struct ModelServer {
    address: SocketAddr,
    root: Option<tempfile::NamedTempFile>,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

/// A request that a server got.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Method and path.
    pub line: String,
    /// The method.
    pub method: Method,
    /// Path and query, as they came.
    pub target: String,
    /// The HTTP version.
    pub version: Version,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub bytes: Bytes,
    /// Its body, if that is JSON.
    pub body: Value,
}

/// What a server's connections and answers share.
pub(crate) struct State {
    pub(crate) released: Semaphore,
    counted: watch::Sender<Counted>,
    seen: Mutex<Vec<Seen>>,
    sent: Mutex<HashMap<String, Instant>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    connections: usize,
    requests: usize,
    abandoned: usize,
}

impl ModelServer {
    /// Over HTTP.
    pub async fn start() -> Self {
        Self::listen(None, None).await
    }

    /// Over HTTPS with these protocols, such as `h2`, and a certificate of the tests' own authority.
    ///
    /// # Panics
    /// If there is nowhere to write the authority's certificate.
    pub async fn start_tls(protocols: &[&str]) -> Self {
        let (acceptor, root) = tls::acceptor(protocols);
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), root).expect("a temporary file");
        Self::listen(Some(acceptor), Some(file)).await
    }

    async fn listen(acceptor: Option<TlsAcceptor>, root: Option<tempfile::NamedTempFile>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
        let address = listener.local_addr().expect("it listens");
        let state = Arc::new(State {
            released: Semaphore::new(0),
            counted: watch::channel(Counted::default()).0,
            seen: Mutex::default(),
            sent: Mutex::default(),
        });
        let accepting = tokio::spawn(accept(listener, acceptor, Arc::clone(&state)));
        Self { address, root, state, accepting }
    }

    /// Its URL, by its address: `http://127.0.0.1:1234`.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_as("127.0.0.1")
    }

    /// Its URL, with another name.
    #[must_use]
    pub fn url_as(&self, host: &str) -> String {
        format!("{}://{host}:{}", if self.root.is_some() { "https" } else { "http" }, self.port())
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The file with its authority's certificate.
    ///
    /// # Panics
    /// If it is not one over HTTPS.
    #[must_use]
    pub fn root(&self) -> &str {
        self.root.as_ref().and_then(|root| root.path().to_str()).expect("a server over HTTPS")
    }

    /// Lets scripts that wait go on by so many tokens.
    pub fn release(&self, tokens: usize) {
        self.state.released.add_permits(tokens);
    }

    /// All requests so far.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.state.seen).clone()
    }

    /// Waits until it was asked `line` so many times, and gives those requests.
    ///
    /// # Panics
    /// If that does not happen.
    pub async fn until_asked(&self, line: &str, times: usize) -> Vec<Seen> {
        let asked = || self.seen().into_iter().filter(|seen| seen.line == line).collect::<Vec<_>>();
        let mut counted = self.state.counted.subscribe();
        let enough = counted.wait_for(|_| asked().len() >= times);
        soon(&format!("{times} times {line}"), enough).await.expect("the server lives");
        asked()
    }

    /// When a token was handed to the network.
    ///
    /// # Panics
    /// If it was not.
    #[must_use]
    pub fn sent_at(&self, token: &str) -> Instant {
        lock(&self.state.sent).get(token).copied().unwrap_or_else(|| panic!("{token} was not sent"))
    }

    /// How many connections were made so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.state.counted.borrow().connections
    }

    /// Waits until so many answers in all were not read to their ends.
    ///
    /// # Panics
    /// If that does not happen.
    pub async fn until_abandoned(&self, answers: usize) {
        let mut counted = self.state.counted.subscribe();
        let abandoned = counted.wait_for(|counted| counted.abandoned >= answers);
        soon("an answer that is read no further", abandoned).await.expect("the server lives");
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl State {
    pub(crate) fn abandoned(&self) {
        self.counted.send_modify(|counted| counted.abandoned += 1);
    }

    pub(crate) fn sent(&self, token: &str, at: Instant) {
        lock(&self.sent).insert(token.to_owned(), at);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, acceptor: Option<TlsAcceptor>, state: Arc<State>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        state.counted.send_modify(|counted| counted.connections += 1);
        stream.set_nodelay(true).expect("a TCP socket");
        let socket = socket2::SockRef::from(&stream).try_clone().expect("one more descriptor");
        let (acceptor, state) = (acceptor.clone(), Arc::clone(&state));
        connections.spawn(async move {
            match acceptor {
                Some(acceptor) => {
                    // A client that does not trust the certificate ends here.
                    if let Ok(stream) = acceptor.accept(stream).await {
                        serve(stream, socket, state).await;
                    }
                }
                None => serve(stream, socket, state).await,
            }
        });
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, socket: socket2::Socket, state: Arc<State>) {
    let service = service_fn(|request| {
        let socket = socket.try_clone().expect("one more descriptor");
        let state = Arc::clone(&state);
        async move { Ok::<_, Infallible>(answer(request, socket, state).await) }
    });
    // Scripts break connections, and clients leave.
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

type AnyBody = BoxBody<Bytes, answer::Broken>;

async fn answer(request: Request<Incoming>, socket: socket2::Socket, state: Arc<State>) -> Response<AnyBody> {
    let (head, body) = request.into_parts();
    let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    let line = format!("{} {}", head.method, head.uri.path());
    let target = head.uri.path_and_query().map_or_else(String::new, ToString::to_string);
    let mut headers = head.headers;
    if let Some(authority) = head.uri.authority().filter(|_| head.version == Version::HTTP_2) {
        // HTTP/2 has another place for it.
        headers.insert("host", authority.as_str().parse().expect("an authority is a header's value"));
    }
    let (method, version) = (head.method, head.version);
    let seen = Seen { line, method, target, version, headers, bytes: bytes.clone(), body };
    lock(&state.seen).push(seen.clone());
    state.counted.send_modify(|counted| counted.requests += 1);
    match head.uri.path() {
        "/v1/chat/completions" => {
            let script = Script::of(&seen.body);
            match script.end {
                End::Status(status, said) => text(status, said),
                End::Silence => std::future::pending().await,
                _ => stream(answer::body(script, socket, state)),
            }
        }
        "/redirect" => {
            let mut response = text(302, "this way");
            if let Some(to) = head.uri.query().and_then(|query| query.strip_prefix("to=")) {
                response.headers_mut().insert("location", to.parse().expect("a URL"));
            }
            response
        }
        "/credentials" => match seen.headers.get("authorization") {
            Some(token) if token == aws::ENDPOINT_TOKEN => text(200, aws::document()),
            _ => text(403, "no"),
        },
        "/echo" => text(200, json!({ "line": seen.line, "length": bytes.len() }).to_string()),
        "/bytes" => {
            let length = head.uri.query().and_then(|query| query.parse().ok()).unwrap_or(0);
            text(200, (0..=250).cycle().take(length).collect::<Vec<u8>>())
        }
        _ if seen.headers.get("x-amz-target").is_some_and(|target| target == "DynamoDB_20120810.Query") => {
            text(200, aws::page(&seen.body))
        }
        _ => text(200, "hello"),
    }
}

fn stream(body: Body) -> Response<AnyBody> {
    let mut response = Response::new(body.boxed());
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("text/event-stream"));
    response
}

fn text(status: u16, text: impl Into<Bytes>) -> Response<AnyBody> {
    let mut response = Response::new(Full::new(text.into()).map_err(|never| match never {}).boxed());
    *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
    response
}
