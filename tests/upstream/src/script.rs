//! What a model is to do. It travels as the text of a message, so that whatever passes messages on passes it on.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What a model is to do.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Script {
    /// What it says.
    pub tokens: Vec<String>,
    /// How long it waits before each token, and before the end.
    pub gap_ms: u64,
    /// Whether it waits for [`release`](crate::ModelServer::release) before each token.
    pub waits: bool,
    /// What happens after the last token.
    pub end: End,
}

/// How an answer ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// As it should.
    #[default]
    Done,
    /// With an error, in a stream that is otherwise complete.
    Error(String),
    /// The stream ends where more was to come.
    Early,
    /// The connection ends in the middle of the stream.
    Broken,
    /// The connection is reset.
    Reset,
    /// Nothing comes any more.
    Stall,
    /// With the same tokens again, and again.
    Forever,
    /// With a line of so many bytes, then as it should.
    LongLine(usize),
    /// With a line that never ends.
    EndlessLine,
    /// With an event that is no JSON.
    Nonsense,
    /// There is no stream, but this.
    Status(u16, String),
    /// There is no answer at all.
    Silence,
}

impl Script {
    /// These tokens.
    #[must_use]
    pub fn says(tokens: &[&str]) -> Self {
        Self { tokens: tokens.iter().map(ToString::to_string).collect(), ..Self::default() }
    }

    /// With pauses.
    #[must_use]
    pub fn every_ms(self, gap_ms: u64) -> Self {
        Self { gap_ms, ..self }
    }

    /// With an end.
    #[must_use]
    pub fn then(self, end: End) -> Self {
        Self { end, ..self }
    }

    /// One token at a time, each when it is [released](crate::ModelServer::release).
    #[must_use]
    pub fn when_released(self) -> Self {
        Self { waits: true, ..self }
    }

    /// A conversation whose last message is this script.
    ///
    /// # Panics
    /// Never: a script is JSON.
    #[must_use]
    pub fn conversation(&self) -> Value {
        let script = serde_json::to_string(self).expect("a script is JSON");
        json!({ "messages": [{ "role": "system", "content": "Be brief." }, { "role": "user", "content": script }] })
    }

    /// The script in a request's last message. Whoever writes something else gets a few words.
    pub(crate) fn of(request: &Value) -> Self {
        let messages = request["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let last = messages.last().and_then(|message| message["content"].as_str()).unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|_| {
            let words = "Streaming sends each word to you the moment the model has it, and not a moment later.";
            Self::says(&words.split_inclusive(' ').collect::<Vec<_>>()).every_ms(80)
        })
    }
}
