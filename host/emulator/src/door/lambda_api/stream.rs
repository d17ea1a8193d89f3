//! `InvokeWithResponseStream`: what the runtime sends becomes events, as it comes; `InvokeComplete` is always the last.

use super::frames::{self, Complete};
use super::{ApiError, Call, invoked, throttled};
use crate::door::{Cut, JSON, Reply, set, streamed};
use crate::feed::EventKind;
use crate::function::Function;
use crate::invocation::{Body, Ending, Failure, Responded, Running};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use firstbyte_wire::runtime_api::OCTET_STREAM;
use http::Response;
use std::sync::Arc;

pub(super) async fn answer(function: &Arc<Function>, call: Call) -> Result<Reply, ApiError> {
    let version = call.invocation.version.clone();
    let (answer, running) = function.invoke(call.invocation).await.map_err(|_| throttled())?;
    let (content_type, payload) = match answer {
        Responded::Response(response) => {
            (response.content_type.unwrap_or_else(|| OCTET_STREAM.to_owned()), Payload::Body(response.body))
        }
        // An error before the first byte is the payload, and nothing else says that it is one.
        Responded::Error(document) => (JSON.to_owned(), Payload::Document(document)),
    };
    let events = Events { payload, running, log_tail: call.log_tail };
    let mut reply = Response::new(streamed(events, Events::next));
    set(&mut reply, "content-type", frames::CONTENT_TYPE);
    set(&mut reply, "x-amzn-remapped-content-type", &content_type);
    invoked(&mut reply, &version);
    Ok(reply)
}

/// What is yet to be sent.
enum Payload {
    Body(Body),
    Document(Bytes),
    /// Only `InvokeComplete`.
    None,
    /// Nothing at all.
    Sent,
}

struct Events {
    payload: Payload,
    running: Option<Arc<Running>>,
    log_tail: bool,
}

impl Events {
    async fn next(mut self) -> Option<(Result<Bytes, Cut>, Self)> {
        let chunk = match &mut self.payload {
            Payload::Body(body) => body.next().await,
            Payload::Document(document) => Some(std::mem::take(document)).filter(|document| !document.is_empty()),
            Payload::None => None,
            Payload::Sent => return None,
        };
        if let Some(chunk) = chunk {
            if matches!(self.payload, Payload::Document(_)) {
                self.payload = Payload::None;
            }
            return Some((Ok(frames::payload(chunk)), self));
        }
        self.payload = Payload::Sent;
        let complete = self.complete().await;
        Some((Ok(frames::complete(complete)), self))
    }

    async fn complete(&self) -> Complete {
        let Some(running) = &self.running else { return Complete { log: self.log_tail.then(String::new), error: None } };
        let log = if self.log_tail {
            running.over().await;
            Some(STANDARD.encode(running.tail()))
        } else {
            None
        };
        Complete { error: error(running), log }
    }
}

/// What the last event says of a failure. By Lambda's model it has code and details; a timeout, and types other than
/// `Runtime.…` and `Function.…`, were seen to end a stream without either.
fn error(running: &Running) -> Option<(String, String)> {
    let text = |document: &[u8]| String::from_utf8_lossy(document).into_owned();
    match running.ending() {
        Ending::Complete | Ending::Error { .. } => None,
        Ending::Trailers { error_type, document } if crate::environment::is_error_type(&error_type) => {
            Some((error_type, text(&document)))
        }
        Ending::Trailers { error_type, document } => {
            let what = format!(
                "the stream failed with {error_type:?}, which is not of the form Runtime.Reason or Function.Reason: \
                 InvokeComplete has no ErrorCode. {}",
                text(&document)
            );
            running.tell(EventKind::NotShown { what });
            None
        }
        // The document was the payload.
        Ending::Failed(_) if !running.was_responding() => None,
        Ending::Failed(Failure::TimedOut(_)) => {
            let what = "the function timed out: InvokeComplete says nothing of it".to_owned();
            running.tell(EventKind::NotShown { what });
            None
        }
        // What AWS sends when a process dies amid its response is not documented; its model says that errors are told.
        Ending::Failed(failure) => Some((failure.error_type().to_owned(), text(&failure.document(running.id())))),
    }
}
