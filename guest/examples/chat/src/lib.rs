//! Passes a model's answer on, token by token, as server-sent events.
//!
//! A `POST` of `{"messages": [{"role": "user", "content": "…"}]}` is answered with one event a token, `{"token": "…"}`, and at
//! last with the event `done`, or with the event `error` and a message. A `GET` is answered with a page that shows all this.

mod model;

use std::time::Duration;

use firstbyte::{Error, HttpRequest, Request, Response, Result, handler, sse::Sse};
use model::{Message, Model, ModelError};
use serde::Deserialize;
use serde_json::json;

/// What lies between here and the caller may end a connection on which nothing comes for 30 seconds.
const PING_EVERY: Duration = Duration::from_secs(15);

#[derive(Deserialize)]
struct Input {
    messages: Vec<Message>,
}

#[handler]
async fn chat(request: Request, response: Response) -> Result {
    match request.http().map(HttpRequest::method) {
        Some("GET" | "HEAD") => response.html(include_str!("page.html")),
        Some("POST") | None => converse(&request, response).await,
        Some(_) => Err(Error::new("MethodNotAllowed", "POST messages, or GET the page").status(405)),
    }
}

async fn converse(request: &Request, response: Response) -> Result {
    let Input { messages } = request.json()?;
    if messages.is_empty() {
        return Err(Error::bad_request(r#"no messages: send {"messages": [{"role": "user", "content": "…"}]}"#));
    }
    let model = Model::from_environment()?;
    let mut sse = Sse::start(response)?;
    match relay(&model, &messages, &mut sse).await? {
        Ok(tokens) => sse.event("done", json!({ "tokens": tokens }).to_string())?,
        Err(error) => {
            eprintln!("the model failed: {error}");
            sse.event("error", json!({ "message": error.to_string() }).to_string())?;
        }
    }
    Ok(())
}

/// Sends tokens on as they come, and gives their number. A write that is refused ends it, and the model with it: whatever is
/// not read any more is dropped.
async fn relay(model: &Model, messages: &[Message], sse: &mut Sse) -> Result<Result<usize, ModelError>> {
    let mut answer = match sse.keep_alive(PING_EVERY, model.answer(messages)).await? {
        Ok(answer) => answer,
        Err(error) => return Ok(Err(error)),
    };
    let mut tokens = 0;
    loop {
        match sse.keep_alive(PING_EVERY, answer.token()).await? {
            Ok(Some(token)) => sse.json(&json!({ "token": token }))?,
            Ok(None) => return Ok(Ok(tokens)),
            Err(error) => return Ok(Err(error)),
        }
        tokens += 1;
    }
}
