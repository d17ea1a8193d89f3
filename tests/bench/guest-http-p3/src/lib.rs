//! The bench handler as a component of `wasi:http/service` 0.3, on the bare bindings.

// What it exports has names that only linkers of WebAssembly take.
#![cfg(target_family = "wasm")]

use serde::Deserialize;
use std::hint::black_box;
use std::time::{Duration, Instant, SystemTime};
use wasip3::clocks::monotonic_clock;
use wasip3::exports::http::handler::Guest;
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::wit_bindgen::StreamWriter;
use wasip3::{wit_bindgen, wit_future, wit_stream};

wasip3::http::service::export!(Component);

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
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let (_, result) = wit_future::new(|| Ok(()));
        let (body, _trailers) = Request::consume_body(request, result);
        let payload = body.collect().await;
        let work = serde_json::from_slice(&payload).map_err(|error| ErrorCode::InternalError(Some(error.to_string())))?;
        let fields = Fields::new();
        let _ = fields.append("content-type", b"text/plain");
        let (mut stream, contents) = wit_stream::new();
        let (_, trailers) = wit_future::new(|| Ok(None));
        let (response, _sent) = Response::new(fields, Some(contents), trailers);
        wit_bindgen::spawn_local(async move { answer(work, &mut stream).await });
        Ok(response)
    }
}

async fn write(stream: &mut StreamWriter<u8>, bytes: Vec<u8>) {
    stream.write_all(bytes).await;
}

async fn answer(work: Work, stream: &mut StreamWriter<u8>) {
    match work {
        Work::Greet { name } => write(stream, format!("Hello, {name}!\n").into_bytes()).await,
        Work::Bulk { bytes, chunk } => {
            // What was written comes back, to be written again.
            let mut data = vec![b'x'; chunk];
            for _ in 0..bytes / chunk {
                stream.write_all(data).await;
                data = vec![b'x'; chunk];
            }
        }
        Work::Tokens { count, ms } => {
            let begun = (SystemTime::now(), Instant::now());
            for n in 0..count {
                let after = Duration::from_millis(ms) * n;
                let left = after.saturating_sub(begun.1.elapsed());
                monotonic_clock::wait_for(u64::try_from(left.as_nanos()).unwrap_or(u64::MAX)).await;
                let due = (begun.0 + after).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                write(stream, format!("{}\n", due.as_nanos()).into_bytes()).await;
            }
        }
        Work::Compute { ms } => {
            write(stream, b"before\n".to_vec()).await;
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(ms) {
                // No call to the host for a while: nothing but a clock of the host's own can send what was written.
                for n in 0..100_000 {
                    black_box(n);
                }
            }
            write(stream, b"after\n".to_vec()).await;
        }
    }
}
