//! A runtime that speaks the Runtime API by hand over one socket: what there is below every runtime client, and nothing else.
//!
//! The event says what it does: any JSON with the words below in it (in a direct payload, or in an HTTP request's body or
//! headers). `chunks=N` writes N chunks, `gap=MS` waits between them, `size=B` makes them larger, and `text=` is what they are
//! instead, in hexadecimal; `ending=` is one of `clean trailers odd-trailers error exit exit-early hang hang-early buffered echo
//! event context version empty empty-trailers bad-prelude typeless break refusals bad-mode too-large oddities`. `kind=` is the type
//! of an error, and `section=B` makes the trailers B bytes long, their last empty line included.
//!
//! `status=` and `length=` go into the head; `prelude=` is another head, its JSON in hexadecimal; `metadata=B` is a head that
//! has B bytes together with its eight NULs. With `heads=values` the head has what clients write besides text; with
//! `heads=cookies`, three cookies; with `heads=many`, more headers than an HTTP library holds.
//!
//! This file needs only Rust's standard library: `make raw-runtime` in `deploy` compiles it alone for Lambda.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// `{"errorType":"Function.Broken","errorMessage":"broken"}`
const BROKEN: &str = "eyJlcnJvclR5cGUiOiJGdW5jdGlvbi5Ccm9rZW4iLCJlcnJvck1lc3NhZ2UiOiJicm9rZW4ifQ==";

const NEXT: &[u8] = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: api\r\n\r\n";

type Stream = BufReader<TcpStream>;

struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Reply {
    fn header(&self, name: &str) -> String {
        let header = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        header.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// What was not accepted is printed: tests read it in the log.
    fn print_refusal(&self) {
        if self.status != 202 {
            println!("{} {}", self.status, String::from_utf8_lossy(&self.body));
        }
    }
}

fn main() -> io::Result<()> {
    let api = std::env::var("AWS_LAMBDA_RUNTIME_API").map_err(|_| io::Error::other("AWS_LAMBDA_RUNTIME_API is not set"))?;
    match std::env::var("_HANDLER").as_deref() {
        Ok("init-error") => {
            let mut stream = connect(&api)?;
            let body = r#"{"errorType":"Runtime.NoSuchHandler","errorMessage":"there is no such handler"}"#;
            let headers = [("Lambda-Runtime-Function-Error-Type", "Runtime.NoSuchHandler")];
            post(&mut stream, "/2018-06-01/runtime/init/error", &headers, body)?;
            std::process::exit(1);
        }
        Ok("init-exit") => std::process::exit(3),
        // As AWS's Web Adapter does: an extension that wants no events, in the process of the runtime.
        Ok("adapter") => register(&api)?,
        Ok("init-hang") => loop {
            std::thread::park();
        },
        _ => {}
    }
    let workers: usize = std::env::var("AWS_LAMBDA_MAX_CONCURRENCY").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let threads: Vec<_> = (0..workers)
        .map(|_| {
            let api = api.clone();
            std::thread::spawn(move || work(&api))
        })
        .collect();
    for thread in threads {
        thread.join().map_err(|_| io::Error::other("a worker panicked"))??;
    }
    Ok(())
}

/// Registers an extension and has it wait.
fn register(api: &str) -> io::Result<()> {
    let mut stream = connect(api)?;
    let path = "/2020-01-01/extension";
    let body = r#"{ "events": [] }"#;
    let length = body.len();
    let head = format!("POST {path}/register HTTP/1.1\r\nHost: api\r\nLambda-Extension-Name: adapter\r\n");
    stream.get_mut().write_all(format!("{head}Content-Length: {length}\r\n\r\n{body}").as_bytes())?;
    let reply = read(&mut stream)?;
    if reply.status != 200 {
        return Err(io::Error::other(format!("/register says {}", reply.status)));
    }
    let id = reply.header("Lambda-Extension-Identifier");
    let head = format!("GET {path}/event/next HTTP/1.1\r\nHost: api\r\nLambda-Extension-Identifier: {id}\r\n\r\n");
    stream.get_mut().write_all(head.as_bytes())?;
    std::thread::spawn(move || read(&mut stream));
    Ok(())
}

/// Polls and answers, for ever.
fn work(api: &str) -> io::Result<()> {
    let mut stream = connect(api)?;
    loop {
        stream.get_mut().write_all(NEXT)?;
        let next = read(&mut stream)?;
        if next.status != 200 {
            return Err(io::Error::other(format!("/next says {}", next.status)));
        }
        let call = Call {
            id: next.header("Lambda-Runtime-Aws-Request-Id"),
            nonce: next.header("Lambda-Runtime-Invocation-Id"),
            tenant: next.header("Lambda-Runtime-Aws-Tenant-Id"),
            client: next.header("Lambda-Runtime-Client-Context"),
            arn: next.header("Lambda-Runtime-Invoked-Function-Arn"),
            event: String::from_utf8_lossy(&next.body).into_owned(),
        };
        if !call.answer(api, &mut stream)? {
            stream = connect(api)?;
        }
    }
}

struct Call {
    id: String,
    nonce: String,
    tenant: String,
    client: String,
    arn: String,
    event: String,
}

impl Call {
    /// `key=value` of the event.
    fn word(&self, key: &str) -> Option<&str> {
        let (_, rest) = self.event.split_once(&format!("{key}="))?;
        rest.split(|end: char| !(end.is_ascii_alphanumeric() || "-.".contains(end))).next()
    }

    fn number(&self, key: &str) -> Option<usize> {
        self.word(key)?.parse().ok()
    }

    fn is_http(&self) -> bool {
        self.event.contains("\"requestContext\"")
    }

    /// The members of a head that the event asks for by name.
    fn head(&self) -> Option<String> {
        match self.word("heads")? {
            "values" => {
                let headers = r#"{"x-list":["a","b"],"x-number":7,"x-true":true,"x-null":null}"#;
                Some(format!(r#""statusCode":201,"headers":{headers},"multiValueHeaders":null,"cookies":["c=1"]"#))
            }
            "cookies" => Some(r#""statusCode":201,"cookies":["c=1","d=2","e=3"]"#.to_owned()),
            "many" => {
                let headers: Vec<String> = (0..40_000).map(|number| format!(r#""x-{number}":"""#)).collect();
                Some(format!(r#""statusCode":201,"headers":{{{}}}"#, headers.join(",")))
            }
            _ => None,
        }
    }

    /// Requests that AWS's Runtime API refuses before it looks at them, each on a connection of its own; the last one has
    /// the largest head that is taken. What comes back is printed.
    fn send_oddities(&self, api: &str, response: &str) {
        let long = |bytes: usize| format!("Host: api\r\nX-Long: {}\r\n", "x".repeat(bytes));
        for headers in [
            String::new(),
            "Host: api\r\nHost: ipa\r\n".to_owned(),
            "Host: api\r\nTransfer-Encoding: gzip, chunked\r\n".to_owned(),
            "Host: api\r\nTransfer-Encoding: chunked\r\nTrailer: Content-Length\r\n".to_owned(),
            "Host: api\r\nExpect: a miracle\r\n".to_owned(),
            "Host: api\r\nX-Bad: \u{1}\r\n".to_owned(),
            long(1024 * 1024 + 4096),
            long(1024 * 1024),
        ] {
            let request = format!("POST {response}/nothing HTTP/1.1\r\n{headers}\r\n");
            let status = connect(api).and_then(|mut stream| {
                stream.get_mut().write_all(request.as_bytes())?;
                Ok(read(&mut stream)?.status)
            });
            println!("{}", status.map_or_else(|error| error.to_string(), |status| status.to_string()));
        }
    }

    /// Answers; whether the connection can be used again.
    fn answer(&self, api: &str, stream: &mut Stream) -> io::Result<bool> {
        println!("working on {}", self.id);
        let ending = self.word("ending").unwrap_or("clean");
        let response = format!("/2018-06-01/runtime/invocation/{}/response", self.id);
        let nonce = ("Lambda-Runtime-Invocation-Id", self.nonce.as_str());
        match ending {
            "error" => {
                let path = format!("/2018-06-01/runtime/invocation/{}/error", self.id);
                let kind = self.word("kind").unwrap_or("Function.Refused");
                let body = format!(r#"{{"errorType":"{kind}","errorMessage":"refused","stackTrace":["frame"]}}"#);
                post(stream, &path, &[nonce, ("Lambda-Runtime-Function-Error-Type", kind)], &body)?;
                return Ok(true);
            }
            "buffered" => {
                let head = self.head().unwrap_or_else(|| r#""statusCode":201,"headers":{"x-a":"b"}"#.to_owned());
                let body = format!(r#"{{{head},"body":"hello"}}"#);
                post(stream, &response, &[nonce, ("Content-Type", "application/json")], &body)?;
                return Ok(true);
            }
            "echo" => {
                post(stream, &response, &[nonce, ("Content-Type", "application/json")], &self.event)?;
                return Ok(true);
            }
            "context" => {
                let body = format!(r#"{{"tenant":"{}","client":{}}}"#, self.tenant, self.client);
                post(stream, &response, &[nonce, ("Content-Type", "application/json")], &body)?;
                return Ok(true);
            }
            "version" => {
                let version = std::env::var("AWS_LAMBDA_FUNCTION_VERSION").unwrap_or_default();
                let body = format!(r#"{{"version":"{version}","arn":"{}"}}"#, self.arn);
                post(stream, &response, &[nonce, ("Content-Type", "application/json")], &body)?;
                return Ok(true);
            }
            "refusals" => {
                stream.get_mut().write_all(NEXT)?;
                read(stream)?.print_refusal();
                post(stream, "/2018-06-01/runtime/invocation/nobody/response", &[], "x")?;
                post(stream, &response, &[("Lambda-Runtime-Invocation-Id", "another")], "x")?;
                post(stream, "/2018-06-01/runtime/init/error", &[], "{}")?;
                post(stream, &response, &[nonce], r#""answered""#)?;
                post(stream, &response, &[nonce], "x")?;
                post(stream, &response.replace("/response", "/error"), &[], "{}")?;
                return Ok(true);
            }
            "oddities" => {
                self.send_oddities(api, &response);
                post(stream, &response, &[nonce], r#""answered""#)?;
                return Ok(true);
            }
            "bad-mode" => {
                post(stream, &response, &[("Lambda-Runtime-Function-Response-Mode", "sideways")], "x")?;
                return Ok(true);
            }
            "too-large" => {
                let body = "x".repeat(6 * 1024 * 1024 + 101);
                // The refusal may come before everything is written, and the connection is then closed.
                let _ = post(stream, &response, &[nonce], &body);
                return Ok(false);
            }
            "exit-early" => std::process::exit(1),
            "hang-early" => loop {
                std::thread::park();
            },
            _ => {}
        }
        let with_prelude = self.is_http() && ending != "typeless";
        let content_type = match () {
            () if with_prelude => "application/vnd.awslambda.http-integration-response",
            () => "text/plain",
        };
        let head = format!(
            "POST {response} HTTP/1.1\r\nHost: {api}\r\nTransfer-Encoding: chunked\r\nContent-Type: {content_type}\r\n\
             Lambda-Runtime-Function-Response-Mode: streaming\r\nLambda-Runtime-Invocation-Id: {}\r\n\
             Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n",
            self.nonce
        );
        stream.get_mut().write_all(head.as_bytes())?;
        if ending == "bad-prelude" {
            chunk(stream, b"no prelude at all")?;
        } else if with_prelude && !ending.starts_with("empty") {
            chunk(stream, &[&self.prelude()?[..], &[0; 8]].concat())?;
        }
        if ending == "event" {
            chunk(stream, self.event.as_bytes())?;
        }
        let gap = Duration::from_millis(self.number("gap").unwrap_or(0) as u64);
        let is_empty = ending.starts_with("empty") || ending == "event";
        let chunks = if is_empty { 0 } else { self.number("chunks").unwrap_or(2) };
        for number in 0..chunks {
            if number > 0 {
                std::thread::sleep(gap);
            }
            let mut text = self.word("text").map_or_else(|| Ok(format!("chunk {number}\n").into_bytes()), decode)?;
            text.extend(std::iter::repeat_n(b'x', self.number("size").unwrap_or(0)));
            chunk(stream, &text)?;
        }
        match ending {
            "exit" => std::process::exit(1),
            "hang" => loop {
                std::thread::park();
            },
            "break" => return Ok(false),
            "trailers" | "empty-trailers" | "odd-trailers" => {
                let kind = if ending == "odd-trailers" { "Probe.Explicit" } else { "Function.Broken" };
                let trailers = trailers(self.word("kind").unwrap_or(kind), self.number("section").unwrap_or(0));
                write!(stream.get_mut(), "0\r\n{trailers}")?;
            }
            _ => write!(stream.get_mut(), "0\r\n\r\n")?,
        }
        if self.number("section").is_some() {
            let Ok(reply) = read(stream) else {
                println!("no reply");
                return Ok(false);
            };
            reply.print_refusal();
            return Ok(true);
        }
        read(stream)?.print_refusal();
        Ok(true)
    }

    /// The JSON of the head for an HTTP door.
    fn prelude(&self) -> io::Result<Vec<u8>> {
        if let Some(hexadecimal) = self.word("prelude") {
            return decode(hexadecimal);
        }
        if let Some(size) = self.number("metadata") {
            let (before, after) = (r#"{"statusCode":200,"headers":{"x-filler":""#, r#""}}"#);
            let filler = "x".repeat(size.saturating_sub(before.len() + after.len() + 8));
            return Ok(format!("{before}{filler}{after}").into());
        }
        if let Some(head) = self.head() {
            return Ok(format!("{{{head}}}").into());
        }
        let status = self.number("status").unwrap_or(201);
        let length = self.word("length").map(|length| format!(r#","content-length":"{length}""#)).unwrap_or_default();
        let headers = format!(r#"{{"Content-Type":"text/plain","X-A":"b"{length}}}"#);
        Ok(format!(r#"{{"statusCode":{status},"headers":{headers},"cookies":["c=1","d=2; Path=/"]}}"#).into())
    }
}

/// The trailers of a failure. If they are shorter than `section` bytes, the message becomes longer, and for the last three
/// bytes, which base64 cannot give, the type does.
fn trailers(kind: &str, section: usize) -> String {
    let lines = |kind: &str, body: &str| {
        format!("Lambda-Runtime-Function-Error-Type: {kind}\r\nLambda-Runtime-Function-Error-Body: {body}\r\n\r\n")
    };
    let missing = section.saturating_sub(lines(kind, BROKEN).len());
    // The first 64 characters encode `{"errorType":"Function.Broken","errorMessage":"b`; `eHh4` encodes `xxx`.
    let (before, after) = BROKEN.split_at(64);
    lines(&format!("{kind}{}", "x".repeat(missing % 4)), &format!("{before}{}{after}", "eHh4".repeat(missing / 4)))
}

fn decode(hexadecimal: &str) -> io::Result<Vec<u8>> {
    let digits = hexadecimal.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(&String::from_utf8_lossy(pair), 16).map_err(io::Error::other)).collect()
}

fn connect(api: &str) -> io::Result<Stream> {
    let stream = TcpStream::connect(api)?;
    stream.set_nodelay(true)?;
    Ok(BufReader::new(stream))
}

fn chunk(stream: &mut Stream, bytes: &[u8]) -> io::Result<()> {
    let framed = [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
    stream.get_mut().write_all(&framed)
}

fn post(stream: &mut Stream, path: &str, headers: &[(&str, &str)], body: &str) -> io::Result<()> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let request = format!("POST {path} HTTP/1.1\r\nHost: api\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
    stream.get_mut().write_all(request.as_bytes())?;
    read(stream)?.print_refusal();
    Ok(())
}

/// A reply: status, headers, body. All replies of the Runtime API have a length.
fn read(stream: &mut Stream) -> io::Result<Reply> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::other("the Runtime API is gone"))?;
    let mut headers = Vec::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(Reply { status, headers, body })
}
