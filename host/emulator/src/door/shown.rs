//! What the client of an HTTP door is shown of a response, so that the user can be told what the client knows of its failure.

use super::Reply;
use crate::feed::EventKind;
use crate::invocation::{Ending, Running, message_of};
use http::{HeaderValue, Method, StatusCode};

/// How much of a body is told of, in bytes. A status that tells of a failure comes with few words.
const BEGINNING: usize = 200;

/// A status, and the beginning of the body that comes with it.
#[derive(Debug)]
pub(super) struct Shown {
    status: StatusCode,
    beginning: Vec<u8>,
    /// How many more bytes of the body are noted.
    room: usize,
}

impl Shown {
    /// What the client of such a request is shown: no body, if it asks for none.
    pub(super) fn to(method: &Method) -> Self {
        let room = if method == Method::HEAD { 0 } else { BEGINNING };
        Self { status: StatusCode::OK, beginning: Vec::new(), room }
    }

    /// Notes the status.
    pub(super) fn status(&mut self, status: StatusCode) {
        self.status = status;
    }

    /// Notes the next piece of the body.
    pub(super) fn body(&mut self, chunk: &[u8]) {
        let (noted, _) = chunk.split_at(chunk.len().min(self.room));
        self.beginning.extend_from_slice(noted);
        self.room -= noted.len();
    }

    /// Tells of a response that is over, if it failed: a status below 400 hides that from the client, another one shows it.
    pub(super) fn tell(&self, running: &Running) {
        let Some(failure) = failure(running) else { return };
        if self.status.is_client_error() || self.status.is_server_error() {
            let body = String::from_utf8_lossy(&self.beginning);
            let body = if body.is_empty() { String::new() } else { format!(" and {body:?}") };
            tell(running, format!("the client got {}{body}: the response failed with {failure}", self.status.as_u16()));
        } else {
            running.tell(EventKind::NotShown { what: format!("the response failed with {failure}, and looks complete") });
        }
    }
}

/// Tells of the head that the client of an invocation gets, without what AWS adds to every head.
pub(super) fn tell_head(invocation: Option<&Running>, reply: &Reply) {
    let headers = || {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        reply.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect()
    };
    if let Some(running) = invocation {
        running.tell_head(reply.status().as_u16(), headers);
    }
}

/// Tells that the client gets an answer of Lambda's or API Gateway's in place of the function's, and why.
pub(super) fn tell_in_place(running: &Running, status: StatusCode, why: &str) {
    tell(running, format!("the client got {}: {why}", status.as_u16()));
}

/// Tells that the client's connection is cut, and why.
pub(super) fn tell_cut(running: &Running, why: &str) {
    tell(running, format!("the client's connection was cut: {why}"));
}

fn tell(running: &Running, what: String) {
    running.tell(EventKind::FailureShown { what });
}

/// Type and message of a response's failure; none if it did not fail. Both are the handler's words, and may reach a terminal: no
/// character of them controls it.
pub(super) fn failure(running: &Running) -> Option<String> {
    let (error_type, message) = match running.ending() {
        Ending::Complete => return None,
        Ending::Error { error_type, document } | Ending::Trailers { error_type, document } => (error_type, message_of(&document)),
        Ending::Failed(failure) => (failure.error_type().to_owned(), message_of(&failure.document(running.id()))),
    };
    Some(visible(&format!("{error_type}: {message}")))
}

/// A text whose control characters are written as Rust writes them.
fn visible(text: &str) -> String {
    let character = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(character).collect()
}
