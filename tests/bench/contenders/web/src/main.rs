//! The bench handler as a web application on axum, for the Lambda Web Adapter in front of it.

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream::{self, BoxStream, StreamExt};
use serde::Deserialize;
use std::time::{Duration, Instant, SystemTime};

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
async fn main() -> std::io::Result<()> {
    let port = std::env::var("AWS_LWA_PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(8080);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let app = Router::new().route("/ready", get(|| async {})).route("/", post(handle));
    axum::serve(axum::serve::ListenerExt::tap_io(listener, |stream| drop(stream.set_nodelay(true))), app).await
}

async fn handle(Json(work): Json<Work>) -> impl IntoResponse {
    let chunks = match work {
        Work::Greet { name } => stream::iter([Ok(Bytes::from(format!("Hello, {name}!\n")))]).boxed(),
        Work::Bulk { bytes, chunk } => {
            let data = Bytes::from(vec![b'x'; chunk]);
            stream::iter((0..bytes / chunk).map(move |_| Ok(data.clone()))).boxed()
        }
        Work::Tokens { count, ms } => tokens(count, Duration::from_millis(ms)),
        Work::Compute { ms } => stream::iter(0..2).map(move |part| Ok(compute(part, Duration::from_millis(ms)))).boxed(),
    };
    ([(CONTENT_TYPE, "text/plain")], Body::from_stream(chunks))
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
