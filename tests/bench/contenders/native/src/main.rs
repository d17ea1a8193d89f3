//! The bench handler as a function on AWS's Rust runtime client.
//!
//! Its stream is the client's best case: chunks that are already there are handed over without a copy or a channel.

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use lambda_runtime::streaming::Response;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::Deserialize;
use std::time::{Duration, Instant, SystemTime};

#[derive(Deserialize)]
struct Event {
    body: String,
}

#[derive(Deserialize)]
#[serde(tag = "work", rename_all = "kebab-case")]
enum Work {
    Greet { name: String },
    Bulk { bytes: usize, chunk: usize },
    Tokens { count: u32, ms: u64 },
    Compute { ms: u64 },
}

type Chunks = BoxStream<'static, Result<Bytes, std::convert::Infallible>>;

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda_runtime::run_concurrent(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Event>) -> Result<Response<Chunks>, Error> {
    Ok(Response::from(match serde_json::from_str(&event.payload.body)? {
        Work::Greet { name } => stream::iter([Ok(Bytes::from(format!("Hello, {name}!\n")))]).boxed(),
        Work::Bulk { bytes, chunk } => {
            let data = Bytes::from(vec![b'x'; chunk]);
            stream::iter((0..bytes / chunk).map(move |_| Ok(data.clone()))).boxed()
        }
        Work::Tokens { count, ms } => tokens(count, Duration::from_millis(ms)),
        Work::Compute { ms } => stream::iter(0..2).map(move |part| Ok(compute(part, Duration::from_millis(ms)))).boxed(),
    }))
}

/// Each token is the time when it was due.
fn tokens(count: u32, gap: Duration) -> Chunks {
    let begun = (SystemTime::now(), tokio::time::Instant::now());
    let token = move |n| async move {
        tokio::time::sleep_until(begun.1 + gap * n).await;
        let due = begun.0 + gap * n;
        Ok(Bytes::from(format!("{}\n", due.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos())))
    };
    stream::iter(0..count).then(token).boxed()
}

fn compute(part: u8, span: Duration) -> Bytes {
    if part == 0 {
        return Bytes::from_static(b"before\n");
    }
    let begun = Instant::now();
    while begun.elapsed() < span {}
    Bytes::from_static(b"after\n")
}
