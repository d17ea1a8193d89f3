//! The bench handler as a component of `wasi:http/proxy` 0.2, on the bare bindings.

// What it exports has names that only linkers of WebAssembly take.
#![cfg(target_family = "wasm")]

use serde::Deserialize;
use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{ErrorCode, Fields, IncomingRequest, OutgoingBody, OutgoingResponse, OutputStream, ResponseOutparam};
use wasip2::io::streams::StreamError;

wasip2::http::proxy::export!(Component);

struct Component;

#[derive(Deserialize)]
#[serde(tag = "work", rename_all = "kebab-case")]
enum Work {
    /// One short line.
    Greet { name: String },
    /// `bytes` bytes in writes of `chunk`.
    Bulk { bytes: usize, chunk: usize },
    /// `count` tokens, `ms` apart; each is the time when it was due.
    Tokens { count: u32, ms: u64 },
    /// A line, `ms` of computing, another line.
    Compute { ms: u64 },
}

impl Guest for Component {
    fn handle(request: IncomingRequest, right: ResponseOutparam) {
        let Ok(work) = serde_json::from_slice(&payload(&request)) else {
            return ResponseOutparam::set(right, Err(ErrorCode::InternalError(Some("this is no work".to_owned()))));
        };
        let fields = Fields::new();
        let _ = fields.append("content-type", b"text/plain");
        let response = OutgoingResponse::new(fields);
        let Ok(body) = response.body() else { return };
        ResponseOutparam::set(right, Ok(response));
        let Ok(stream) = body.write() else { return };
        let done = answer(work, &stream);
        drop(stream);
        if done.is_ok() {
            let _ = OutgoingBody::finish(body, None);
        }
    }
}

fn payload(request: &IncomingRequest) -> Vec<u8> {
    let mut whole = Vec::new();
    let Ok(body) = request.consume() else { return whole };
    let Ok(stream) = body.stream() else { return whole };
    while let Ok(piece) = stream.blocking_read(64 * 1024) {
        whole.extend(piece);
    }
    whole
}

/// Writes all of it, as much at once as the stream takes.
fn write(stream: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
    while !bytes.is_empty() {
        let room = usize::try_from(stream.check_write()?).unwrap_or(usize::MAX);
        if room == 0 {
            stream.subscribe().block();
            continue;
        }
        let (piece, rest) = bytes.split_at(bytes.len().min(room));
        stream.write(piece)?;
        bytes = rest;
    }
    Ok(())
}

fn answer(work: Work, stream: &OutputStream) -> Result<(), StreamError> {
    match work {
        Work::Greet { name } => write(stream, format!("Hello, {name}!\n").as_bytes()),
        Work::Bulk { bytes, chunk } => {
            let data = vec![b'x'; chunk];
            (0..bytes / chunk).try_for_each(|_| write(stream, &data))
        }
        Work::Tokens { count, ms } => {
            let begun = (SystemTime::now(), Instant::now());
            (0..count).try_for_each(|n| {
                let after = Duration::from_millis(ms) * n;
                thread::sleep(after.saturating_sub(begun.1.elapsed()));
                let due = (begun.0 + after).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                write(stream, format!("{}\n", due.as_nanos()).as_bytes())
            })
        }
        Work::Compute { ms } => {
            write(stream, b"before\n")?;
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(ms) {
                // No call to the host for a while: nothing but a clock of the host's own can send what was written.
                for n in 0..100_000 {
                    black_box(n);
                }
            }
            write(stream, b"after\n")
        }
    }
}
