//! A server that a test answers for: what a handler asks of others, the test says, piece by piece.
//!
//! It is a real server on this machine, one connection a request. It knows no TLS and no HTTP/2: those are the host's matter.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A server that a test answers for, for as long as the test's process lives.
///
/// A handler reaches it where its own settings say so:
///
/// ```no_run
/// use firstbyte_testing::{Answer, Component, Event, Upstream};
///
/// let model = Upstream::start(|_| Answer::new(200).chunk("data: [DONE]\n\n"));
/// let chat = Component::of_this_crate_with([("CHAT_BASE_URL", model.url()), ("FIRSTBYTE_ALLOW_HTTP", model.url())]);
/// let response = chat.invoke(Event::function_url().body("{}"));
/// assert_eq!(model.requests()[0].path, "/v1/chat/completions");
/// ```
#[derive(Debug)]
pub struct Upstream {
    url: String,
    requests: Arc<Mutex<Vec<UpstreamRequest>>>,
}

/// What a handler asked.
#[derive(Clone, Debug)]
pub struct UpstreamRequest {
    /// `GET`, `POST`, ….
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What it is answered.
#[derive(Clone, Debug)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
enum Step {
    Chunk(Vec<u8>),
    Pause(Duration),
    BreakOff,
}

type Answers = dyn Fn(&UpstreamRequest) -> Answer + Send + Sync;

impl Upstream {
    /// Starts a server that answers each request as `answer` says.
    ///
    /// # Panics
    /// If there is no port for it.
    #[must_use]
    pub fn start(answer: impl Fn(&UpstreamRequest) -> Answer + Send + Sync + 'static) -> Self {
        let listen = || TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let listener = listen().unwrap_or_else(|error| panic!("no port for a server: {error}"));
        let address = listener.local_addr().unwrap_or_else(|error| panic!("no port for a server: {error}"));
        let requests = Arc::<Mutex<Vec<UpstreamRequest>>>::default();
        let (answer, kept): (Arc<Answers>, _) = (Arc::new(answer), Arc::clone(&requests));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, kept) = (Arc::clone(&answer), Arc::clone(&kept));
                // A handler that goes away is no failure of the server's.
                std::thread::spawn(move || serve(&stream, &*answer, &kept));
            }
        });
        Self { url: format!("http://{address}"), requests }
    }

    /// `http://127.0.0.1:…`, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// All requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<UpstreamRequest> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl UpstreamRequest {
    /// The first header of this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(candidate, _)| candidate.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl Answer {
    /// An answer with a status, and an empty body.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), steps: Vec::new() }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Then sends a piece of the body.
    #[must_use]
    pub fn chunk(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.then(Step::Chunk(bytes.into()))
    }

    /// Then waits.
    #[must_use]
    pub fn pause(self, duration: Duration) -> Self {
        self.then(Step::Pause(duration))
    }

    /// Then ends the connection, in the middle of the body.
    #[must_use]
    pub fn break_off(self) -> Self {
        self.then(Step::BreakOff)
    }

    fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

fn serve(stream: &TcpStream, answer: &Answers, requests: &Mutex<Vec<UpstreamRequest>>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let Some(request) = read(stream)? else { return Ok(()) };
    let answer = answer(&request);
    requests.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    write(stream, answer)
}

/// A request, or none if the connection ends before one.
fn read(stream: &TcpStream) -> io::Result<Option<UpstreamRequest>> {
    let mut lines = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        lines.read_line(&mut line).map(|_| line.trim_end().to_owned())
    };
    let first = line()?;
    let mut words = first.split(' ').map(ToOwned::to_owned);
    let (Some(method), Some(path)) = (words.next(), words.next()) else { return Ok(None) };
    let mut headers = Vec::new();
    while let Some((name, value)) = line()?.split_once(':') {
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = UpstreamRequest { method, path, headers, body: Vec::new() };
    let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    lines.take(length).read_to_end(&mut request.body)?;
    Ok(Some(request))
}

fn write(mut stream: &TcpStream, answer: Answer) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {} .\r\nconnection: close\r\ntransfer-encoding: chunked\r\n", answer.status);
    for (name, value) in answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    for step in answer.steps {
        match step {
            Step::Chunk(bytes) if bytes.is_empty() => {}
            Step::Chunk(bytes) => {
                let piece = [format!("{:x}\r\n", bytes.len()).as_bytes(), &bytes, b"\r\n"].concat();
                stream.write_all(&piece)?;
            }
            Step::Pause(duration) => std::thread::sleep(duration),
            Step::BreakOff => return Ok(()),
        }
    }
    stream.write_all(b"0\r\n\r\n")
}
