//! An axum application: routes, JSON, and a stream of server-sent events. Nothing in it knows of Lambda.

use axum::extract::{Path, Query};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{Html, IntoResponse};
use axum::routing::{get, post};
use axum::{Json, Router, body::Body};
use futures_util::stream::{self, Stream, StreamExt as _};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use wstd::time::{Duration, Timer};

#[wstd_axum::http_server]
fn main() -> Router {
    Router::new()
        .route("/", get(hello).post(greet))
        .route("/items/{id}", get(item))
        .route("/sum", post(sum))
        .route("/ticks", get(ticks))
        .route("/whoami", get(whoami))
}

async fn hello() -> Html<&'static str> {
    Html("<h1>Hello from axum</h1>")
}

#[derive(Deserialize)]
struct Input {
    name: String,
}

/// The article's handler: two lines, two seconds apart.
async fn greet(Json(input): Json<Input>) -> impl IntoResponse {
    let lines = stream::once(async { "Hello, this is a streamed response!\n".to_owned() }).chain(stream::once(async move {
        Timer::after(Duration::from_secs(2)).wait().await;
        format!("Hello, {}! This is a delayed message.\n", input.name)
    }));
    ([("content-type", "text/plain")], Body::from_stream(lines.map(Ok::<_, Infallible>)))
}

#[derive(Serialize)]
struct Item {
    id: u32,
    name: String,
}

async fn item(Path(id): Path<u32>) -> Result<Json<Item>, (StatusCode, String)> {
    if id == 0 {
        Err((StatusCode::NOT_FOUND, "there is no item 0\n".to_owned()))
    } else {
        Ok(Json(Item { id, name: format!("item {id}") }))
    }
}

async fn sum(Json(numbers): Json<Vec<i64>>) -> Json<i64> {
    Json(numbers.iter().sum())
}

#[derive(Deserialize)]
struct Ticks {
    count: u32,
}

/// Server-sent events, 100 ms apart.
async fn ticks(Query(Ticks { count }): Query<Ticks>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    Sse::new(stream::iter(0..count).then(|n| async move {
        Timer::after(Duration::from_millis(100)).wait().await;
        Ok(Event::default().event("tick").data(n.to_string()))
    }))
}

/// What Lambda knows of the invocation comes as headers.
async fn whoami(headers: HeaderMap) -> String {
    let id = headers.get("x-firstbyte-request-id").and_then(|id| id.to_str().ok());
    format!("{}\n", id.unwrap_or("not in Lambda"))
}
