//! A stand-in for other servers: the test answers what a handler asks of them. There is no socket.

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

    /// Who signed the request for AWS (Signature Version 4); none if nobody did.
    ///
    /// What a signature says is read here, not verified: that the host's signatures are what AWS expects is for its own tests.
    #[must_use]
    pub fn signed(&self) -> Option<Signed> {
        let (_, credential) = self.header("authorization")?.strip_prefix("AWS4-HMAC-SHA256 ")?.split_once("Credential=")?;
        let mut scope = credential.split([',', ' ']).next()?.rsplitn(5, '/');
        let (Some("aws4_request"), Some(service), Some(region), Some(_day), Some(key_id)) =
            (scope.next(), scope.next(), scope.next(), scope.next(), scope.next())
        else {
            return None;
        };
        Some(Signed { key_id: key_id.to_owned(), region: region.to_owned(), service: service.to_owned() })
    }
}

/// Whose key signed a request, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Signed {
    /// The id of the access key.
    pub key_id: String,
    /// The region that the signature is for.
    pub region: String,
    /// The service that the signature is for, such as `dynamodb`.
    pub service: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_tells_whose_it_is() {
        let signed = |authorization: &str| {
            let headers = vec![("authorization".to_owned(), authorization.to_owned())];
            let (method, origin, path) = (String::new(), String::new(), String::new());
            UpstreamRequest { method, origin, path, headers, body: Vec::new() }.signed()
        };
        let scope = "AKID/20150830/us-east-1/service/aws4_request";
        let rest = "SignedHeaders=host;x-amz-date, Signature=5fa0";
        let by = signed(&format!("AWS4-HMAC-SHA256 Credential={scope}, {rest}"));
        let expected = Signed { key_id: "AKID".to_owned(), region: "us-east-1".to_owned(), service: "service".to_owned() };
        assert_eq!(by, Some(expected));
        for other in ["Bearer Credential=a/b/c/d/aws4_request", "AWS4-HMAC-SHA256 Credential=a/b/c", "AWS4-HMAC-SHA256 x"] {
            assert_eq!(signed(other), None, "{other}");
        }
    }
}
