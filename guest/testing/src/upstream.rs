//! A server that is none: what a handler asks of others, the test answers in their place.

use crate::answer::Answer;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};

/// Answers what a handler asks of another server, and keeps what was asked.
///
/// A component is told [for which servers](crate::Component::answering); there is no port, no certificate and no network:
///
/// ```no_run
/// use firstbyte_testing::{Answer, Component, Event, Upstream};
///
/// let model = Upstream::new(|_| Answer::new(200).chunk("data: [DONE]\n\n"));
/// let chat = Component::of_this_crate_with([("FIRSTBYTE_ALLOW_HTTP", "https://api.openai.com")]);
/// let chat = chat.answering("https://api.openai.com", &model);
/// let response = chat.invoke(Event::function_url().body("{}"));
/// assert_eq!(model.requests()[0].path, "/v1/chat/completions");
/// ```
#[derive(Clone)]
pub struct Upstream {
    answers: Arc<Answers>,
    requests: Arc<Mutex<Vec<UpstreamRequest>>>,
}

type Answers = dyn Fn(&UpstreamRequest) -> Answer + Send + Sync;

/// What a handler asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UpstreamRequest {
    /// `GET`, `POST`, ….
    pub method: String,
    /// Scheme, host and port: `https://api.openai.com`.
    pub origin: String,
    /// Path and query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    #[serde(with = "crate::message::base64")]
    pub body: Vec<u8>,
}

impl Upstream {
    /// Answers each request as `answer` says.
    #[must_use]
    pub fn new(answer: impl Fn(&UpstreamRequest) -> Answer + Send + Sync + 'static) -> Self {
        Self { answers: Arc::new(answer), requests: Arc::default() }
    }

    /// All requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<UpstreamRequest> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn answer(&self, request: UpstreamRequest) -> Answer {
        let answer = (self.answers)(&request);
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        answer
    }
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upstream").field("requests", &self.requests).finish_non_exhaustive()
    }
}

impl UpstreamRequest {
    /// The first header of this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(candidate, _)| candidate.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}
