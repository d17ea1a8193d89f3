//! Asks a language model and passes its answer on, token by token, as server-sent events.
//!
//! The model is one with an API like OpenAI's, at `MODEL_URL`; `MODEL_KEY` is its key, if it wants one. The function's operator
//! has to allow its host (`FIRSTBYTE_ALLOW_HTTP`). A model on this machine is asked with
//! `-e MODEL_URL=http://localhost:11434/v1/chat/completions -e FIRSTBYTE_ALLOW_HTTP=http://localhost:11434 -e MODEL_NAME=its-name`.

use std::{env, time::Duration};

use firstbyte::{
    Error, Request, Response, Result,
    fetch::{self, Client, Events},
    handler,
};
use serde::Deserialize;
use serde_json::json;

/// What lies between here and the caller may end a connection on which nothing comes for 30 seconds.
const PING_EVERY: Duration = Duration::from_secs(15);

#[derive(Deserialize)]
struct Input {
    prompt: String,
}

/// What the model sends, as far as it matters here.
#[derive(Deserialize)]
struct Piece {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Delta,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
}

#[handler]
async fn answer(request: Request, response: Response) -> Result {
    let Input { prompt } = request.json()?;
    let mut sse = response.sse()?;
    // While the model thinks, a comment now and then keeps the connection open.
    let mut events = sse.keep_alive(PING_EVERY, ask(&prompt)).await??;
    while let Some(event) = sse.keep_alive(PING_EVERY, events.next()).await?? {
        if event.data == "[DONE]" {
            sse.event("done", "")?;
            return Ok(());
        }
        let piece: Piece = serde_json::from_str(&event.data)?;
        let tokens = piece.choices.into_iter().filter_map(|choice| choice.delta.content);
        for token in tokens.filter(|token| !token.is_empty()) {
            sse.json(&json!({ "token": token }))?;
        }
    }
    // The caller is told by an event of the name `error`, which the host sends.
    Err(Error::new("Incomplete", "the model's answer broke off"))
}

async fn ask(prompt: &str) -> Result<Events, fetch::Error> {
    let setting = |name: &str, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
    let client = Client::new().connect_timeout(Duration::from_secs(5)).between_bytes_timeout(Duration::from_secs(60));
    let request = client.post(setting("MODEL_URL", "https://api.openai.com/v1/chat/completions")).json(&json!({
        "model": setting("MODEL_NAME", "gpt-4o-mini"),
        "messages": [{ "role": "user", "content": prompt }],
        "stream": true,
    }));
    let request = match env::var("MODEL_KEY") {
        Ok(key) => request.bearer(key),
        Err(_) => request,
    };
    Ok(request.send().await?.success().await?.events())
}
