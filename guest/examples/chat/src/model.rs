//! A model behind an API like OpenAI's: `/v1/chat/completions`, streamed. Knows nothing of who asks.

use std::{env, fmt, time::Duration};

use firstbyte::{
    Error, Result,
    fetch::{self, Client, Events},
    time,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// How long the stream's end may take after the answer's.
const END: Duration = Duration::from_millis(100);

/// Where the model is, and how long it may be silent.
pub(crate) struct Model {
    url: String,
    name: String,
    key: Option<String>,
    client: Client,
}

/// A message of a conversation, passed on as it is.
#[derive(Serialize, Deserialize)]
pub(crate) struct Message {
    role: String,
    content: String,
}

/// A model's answer, while it comes.
pub(crate) struct Answer(Events);

/// Why there is no answer, or not all of it.
pub(crate) enum ModelError {
    Fetch(fetch::Error),
    /// In the model's own words.
    Refused(String),
    /// What it sent does not follow its API.
    Unexpected(serde_json::Error),
    /// The stream ended without saying that it is complete.
    Incomplete,
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Delta,
}

#[derive(Default, Deserialize)]
struct Delta {
    content: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    message: String,
}

impl Model {
    /// `CHAT_BASE_URL`, `CHAT_MODEL`, and `CHAT_API_KEY` if the model wants one. `CHAT_TIMEOUT_SECONDS` is how long the model
    /// may be silent; 60 if it is not set.
    pub(crate) fn from_environment() -> Result<Self> {
        let base = env::var("CHAT_BASE_URL").map_err(|_| Error::new("Configuration", "CHAT_BASE_URL is not set"))?;
        let silence = Duration::from_secs_f64(match env::var("CHAT_TIMEOUT_SECONDS") {
            Ok(seconds) => seconds.parse::<f64>().ok().filter(|seconds| (0.001..=900.0).contains(seconds)).ok_or_else(|| {
                Error::new("Configuration", format!("CHAT_TIMEOUT_SECONDS is {seconds:?}, and has to be 0.001 to 900"))
            })?,
            Err(_) => 60.0,
        });
        Ok(Self {
            url: format!("{}/v1/chat/completions", base.trim_end_matches('/')),
            name: env::var("CHAT_MODEL").unwrap_or_else(|_| "default".to_owned()),
            key: env::var("CHAT_API_KEY").ok().filter(|key| !key.is_empty()),
            client: Client::new()
                .connect_timeout(Duration::from_secs(5))
                .first_byte_timeout(silence)
                .between_bytes_timeout(silence),
        })
    }

    /// Asks the model, and completes when it begins to answer.
    pub(crate) async fn answer(&self, messages: &[Message]) -> Result<Answer, ModelError> {
        let body = json!({ "model": self.name, "messages": messages, "stream": true });
        let mut request = self.client.post(&self.url).header("accept", "text/event-stream").json(&body);
        if let Some(key) = &self.key {
            request = request.bearer(key);
        }
        Ok(Answer(request.send().await?.success().await?.events()))
    }
}

impl Answer {
    /// The next token; none at the end of the answer.
    pub(crate) async fn token(&mut self) -> Result<Option<String>, ModelError> {
        loop {
            let event = self.0.next().await?.ok_or(ModelError::Incomplete)?;
            if event.data == "[DONE]" {
                // What was read to its end leaves a connection that the next conversation can use.
                let _ = time::timeout(END, self.0.next()).await;
                return Ok(None);
            }
            let chunk: Chunk = serde_json::from_str(&event.data).map_err(ModelError::Unexpected)?;
            if let Some(Refusal { message }) = chunk.error {
                return Err(ModelError::Refused(message));
            }
            // The first chunk only tells the role, and the last one only the reason.
            let content = chunk.choices.into_iter().next().and_then(|choice| choice.delta.content);
            if let Some(token) = content.filter(|token| !token.is_empty()) {
                return Ok(Some(token));
            }
        }
    }
}

impl From<fetch::Error> for ModelError {
    fn from(error: fetch::Error) -> Self {
        Self::Fetch(error)
    }
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fetch(error) => error.fmt(f),
            Self::Refused(message) => f.write_str(message),
            Self::Unexpected(error) => write!(f, "the model sent something else than an answer: {error}"),
            Self::Incomplete => f.write_str("the model's answer broke off"),
        }
    }
}
