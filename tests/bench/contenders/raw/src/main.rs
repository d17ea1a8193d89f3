//! The bench handler as a program that speaks the Runtime API by hand: what there is below every runtime client, and nothing
//! else. One thread and one connection per concurrent invocation, one system call per write, nothing merged.

use std::io::{self, IoSlice, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant, SystemTime};

const PRELUDE: &[u8] = b"{\"statusCode\":200,\"headers\":{\"content-type\":\"text/plain\"},\"cookies\":[]}\0\0\0\0\0\0\0\0";

fn main() -> io::Result<()> {
    let var = |name: &str| std::env::var(name).map_err(io::Error::other);
    let api = var("AWS_LAMBDA_RUNTIME_API")?;
    let workers = var("AWS_LAMBDA_MAX_CONCURRENCY").ok().and_then(|count| count.parse().ok()).unwrap_or(1);
    for _ in 1..workers {
        let api = api.clone();
        std::thread::Builder::new().stack_size(64 * 1024).spawn(move || work(&api))?;
    }
    work(&api)
}

/// Takes invocations and answers them, for ever.
fn work(api: &str) -> io::Result<()> {
    let mut connection = Connection::open(api)?;
    let next = format!("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nhost: {api}\r\n\r\n");
    loop {
        connection.stream.write_all(next.as_bytes())?;
        let event = connection.read_message()?;
        let id = between(&event, "lambda-runtime-aws-request-id: ", "\r\n").unwrap_or_default();
        let head = format!(
            "POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\r\nhost: {api}\r\n\
             content-type: application/vnd.awslambda.http-integration-response\r\n\
             lambda-runtime-function-response-mode: streaming\r\ntransfer-encoding: chunked\r\n\
             trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n"
        );
        answer(&event, &mut Body { stream: &mut connection.stream, head: Some(head) })?;
        connection.read_message()?;
    }
}

fn answer(event: &str, body: &mut Body<'_>) -> io::Result<()> {
    let text = |name: &str| between(event, &format!("\\\"{name}\\\":\\\""), "\\\"");
    let number = |name: &str| -> u32 {
        let digits = event.split_once(&format!("\\\"{name}\\\":")).map_or("", |(_, rest)| rest);
        digits.split(|end: char| !end.is_ascii_digit()).next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
    };
    match text("work").unwrap_or_default() {
        "greet" => body.write(format!("Hello, {}!\n", text("name").unwrap_or_default()).as_bytes())?,
        "bulk" => {
            let data = vec![b'x'; number("chunk") as usize];
            for _ in 0..number("bytes") / number("chunk").max(1) {
                body.write(&data)?;
            }
        }
        "tokens" => {
            let begun = (SystemTime::now(), Instant::now());
            for n in 0..number("count") {
                let after = Duration::from_millis(number("ms").into()) * n;
                std::thread::sleep(after.saturating_sub(begun.1.elapsed()));
                let due = (begun.0 + after).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                body.write(format!("{}\n", due.as_nanos()).as_bytes())?;
            }
        }
        _ => {
            body.write(b"before\n")?;
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(number("ms").into()) {}
            body.write(b"after\n")?;
        }
    }
    body.end()
}

/// A response that is being written. Its head, the prelude and the first chunk leave together.
struct Body<'a> {
    stream: &'a mut TcpStream,
    head: Option<String>,
}

impl Body<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<()> {
        let opening = self.head.take().map(|head| {
            let prelude = [format!("{:x}\r\n", PRELUDE.len()).as_bytes(), PRELUDE, b"\r\n"].concat();
            [head.into_bytes(), prelude].concat()
        });
        let size = format!("{:x}\r\n", data.len());
        let parts = [opening.as_deref().unwrap_or_default(), size.as_bytes(), data, b"\r\n"];
        let total: usize = parts.iter().map(|part| part.len()).sum();
        let mut sent = 0;
        while sent < total {
            let mut skip = sent;
            let rest = parts.map(|part| {
                let (gone, rest) = part.split_at(skip.min(part.len()));
                skip -= gone.len();
                IoSlice::new(rest)
            });
            sent += self.stream.write_vectored(&rest)?;
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        self.stream.write_all(b"0\r\n\r\n")
    }
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    fn open(api: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(api)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; 16 * 1024] })
    }

    /// Reads one HTTP message with a length; nothing follows it before the next request.
    fn read_message(&mut self) -> io::Result<String> {
        let mut length = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[length..])?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            length += read;
            let message = std::str::from_utf8(&self.buffer[..length]).map_err(io::Error::other)?;
            if let Some((head, body)) = message.split_once("\r\n\r\n") {
                let expected = between(head, "content-length: ", "\r\n").and_then(|length| length.parse().ok()).unwrap_or(0);
                if body.len() >= expected {
                    return Ok(message.to_owned());
                }
            }
        }
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(after).map_or(rest, |(found, _)| found))
}
