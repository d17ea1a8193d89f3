//! `POST …/response`: takes a response from the runtime no faster than the client takes it from the door.

use super::Environment;
use super::runtime_api::{Reply, accepted, not_allowed, refusal, refused, too_large, truncated};
use super::throttle::Throttle;
use crate::invocation::{BodySender, Ending, Failure, Running};
use bytes::Bytes;
use firstbyte_wire::Trailers;
use firstbyte_wire::runtime_api::{BUFFERED_RESPONSE_LIMIT, HTTP_INTEGRATION_RESPONSE, STREAMING, header};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// How long a broken connection may be ahead of the news that its process is gone.
const NEWS: Duration = Duration::from_secs(1);

/// How the runtime sends its response.
enum Mode {
    Buffered,
    Streamed,
    Invalid(String),
}

impl Mode {
    fn of(headers: &HeaderMap) -> Self {
        match headers.get(header::RESPONSE_MODE).map(|value| String::from_utf8_lossy(value.as_bytes())) {
            Some(mode) if mode.eq_ignore_ascii_case(STREAMING) => Self::Streamed,
            Some(mode) => Self::Invalid(mode.into_owned()),
            // Go's runtime client says it by the content type alone.
            None if headers.get(http::header::CONTENT_TYPE).is_some_and(|value| value == HTTP_INTEGRATION_RESPONSE)
                && headers.contains_key(http::header::TRANSFER_ENCODING) =>
            {
                Self::Streamed
            }
            None => Self::Buffered,
        }
    }
}

/// Takes a response to its end, and only then replies.
pub(super) async fn receive(environment: Arc<Environment>, running: Arc<Running>, request: Request<Incoming>) -> Reply {
    let mode = Mode::of(request.headers());
    let content_type =
        request.headers().get(http::header::CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let body = request.into_body();
    // A task of its own: the connection's end, which drops a reply in the making, must not lose the response's.
    let received = tokio::spawn(async move {
        let reply = match mode {
            Mode::Streamed => stream(&environment, &running, content_type, body).await,
            Mode::Buffered => buffer(&environment, &running, content_type, body).await,
            Mode::Invalid(mode) => refused(body, invalid_mode(&running, &mode)).await,
        };
        if running.is_settled() {
            environment.responded(&running).await;
        }
        reply
    });
    received.await.unwrap_or_else(|_| truncated())
}

async fn stream(environment: &Environment, running: &Arc<Running>, content_type: Option<String>, mut body: Incoming) -> Reply {
    let Some(sender) = running.respond(content_type, true) else { return refused(body, not_allowed()).await };
    let mut throttle = Throttle::new(environment.function.settings.throttle);
    let mut cut = pin!(running.settled());
    loop {
        let frame = tokio::select! {
            biased;
            () = &mut cut => return gone(),
            frame = body.frame() => frame,
        };
        match frame.map(|frame| frame.map(hyper::body::Frame::into_data)) {
            Some(Ok(Ok(chunk))) if chunk.is_empty() => {}
            Some(Ok(Ok(chunk))) => tokio::select! {
                biased;
                () = &mut cut => return gone(),
                () = pass(&sender, &mut throttle, chunk) => {}
            },
            Some(Ok(Err(frame))) => {
                if let Some(ending) = frame.trailers_ref().and_then(failed) {
                    running.settle(ending);
                    return accepted();
                }
            }
            None => {
                running.settle(Ending::Complete);
                return accepted();
            }
            Some(Err(_)) => {
                running.fail(broken(environment).await);
                return truncated();
            }
        }
    }
}

async fn pass(sender: &BodySender, throttle: &mut Throttle, chunk: Bytes) {
    throttle.pass(chunk.len()).await;
    sender.send(chunk).await;
}

async fn buffer(environment: &Environment, running: &Arc<Running>, content_type: Option<String>, body: Incoming) -> Reply {
    match Limited::new(body, BUFFERED_RESPONSE_LIMIT).collect().await {
        Ok(body) => {
            let Some(sender) = running.respond(content_type, false) else { return not_allowed() };
            let body = body.to_bytes();
            if !body.is_empty() {
                sender.send(body).await;
            }
            running.settle(Ending::Complete);
            accepted()
        }
        Err(error) if error.is::<LengthLimitError>() => {
            running.fail(Failure::TooLarge);
            too_large(BUFFERED_RESPONSE_LIMIT)
        }
        Err(_) => {
            running.fail(broken(environment).await);
            truncated()
        }
    }
}

fn invalid_mode(running: &Running, mode: &str) -> Reply {
    let message = format!("Invalid function response mode: {mode}");
    let error_type = "Runtime.InvalidResponseModeHeader".to_owned();
    let document = serde_json::json!({"errorType": error_type, "errorMessage": message}).to_string().into();
    running.settle(Ending::Error { error_type, document });
    refusal(StatusCode::BAD_REQUEST, "InvalidFunctionResponseMode", &message)
}

/// The response was ended from here, by a timeout.
fn gone() -> Reply {
    refusal(StatusCode::GONE, "InvokeTimeout", "Invoke timeout")
}

/// The failure in trailers, if they tell one.
fn failed(trailers: &HeaderMap) -> Option<Ending> {
    let text = |name| trailers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let error_type = text(header::ERROR_TYPE)?;
    let trailers = Trailers { error_type, error_body: text(header::ERROR_BODY).unwrap_or_default() };
    let document = trailers.document().unwrap_or_else(|| trailers.error_body.clone().into_bytes());
    Some(Ending::Trailers { error_type: trailers.error_type, document: document.into() })
}

/// Why a connection broke: most often because its process is gone.
async fn broken(environment: &Environment) -> Failure {
    tokio::time::timeout(NEWS, environment.dead()).await.unwrap_or(Failure::Truncated)
}
