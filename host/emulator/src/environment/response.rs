//! `POST …/response`: takes a response from the runtime no faster than the client takes it from the door.

use super::Environment;
use super::net_http::{self, Dropped};
use super::runtime_api::{Reply, accepted, not_allowed, refusal, refused, too_large, truncated};
use super::throttle::Throttle;
use crate::feed::EventKind;
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

/// When a runtime's process dies, its connection breaks first, and the process's end is noticed later. For this long a broken
/// response waits for that notice, so that it can be told as a crash and not as a connection that broke.
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
///
/// # Errors
/// [`Dropped`], if AWS would drop the connection. The invocation then has no ending yet.
pub(super) async fn receive(
    environment: Arc<Environment>,
    running: Arc<Running>,
    request: Request<Incoming>,
) -> Result<Reply, Dropped> {
    let mode = Mode::of(request.headers());
    let content_type =
        request.headers().get(http::header::CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let body = request.into_body();
    // A task of its own: the connection's end, which drops a reply in the making, must not lose the response's.
    let received = tokio::spawn(async move {
        let reply = match mode {
            Mode::Streamed => stream(&environment, &running, content_type, body).await,
            Mode::Buffered => Ok(buffer(&environment, &running, content_type, body).await),
            Mode::Invalid(mode) => Ok(refused(body, invalid_mode(&running, &mode)).await),
        };
        if running.is_settled() {
            environment.responded(&running).await;
        }
        reply
    });
    received.await.unwrap_or_else(|_| Ok(truncated()))
}

async fn stream(
    environment: &Environment,
    running: &Arc<Running>,
    content_type: Option<String>,
    mut body: Incoming,
) -> Result<Reply, Dropped> {
    let Some(mut sender) = running.respond(content_type, true) else { return Ok(refused(body, not_allowed()).await) };
    let mut throttle = Throttle::new(running.limits.throttle);
    let mut cut = pin!(running.settled());
    loop {
        let frame = tokio::select! {
            biased;
            () = &mut cut => return Ok(gone()),
            frame = body.frame() => frame,
        };
        match frame.map(|frame| frame.map(hyper::body::Frame::into_data)) {
            Some(Ok(Ok(chunk))) if chunk.is_empty() => {}
            Some(Ok(Ok(chunk))) => tokio::select! {
                biased;
                () = &mut cut => return Ok(gone()),
                () = pass(&mut sender, &mut throttle, chunk) => {}
            },
            Some(Ok(Err(frame))) => {
                let Some(trailers) = frame.trailers_ref() else { continue };
                let length = net_http::trailers_length(trailers);
                if length > net_http::TRAILERS_LIMIT {
                    return Err(drop_for_trailers(running, sender, length));
                }
                if let Some(ending) = failed(trailers) {
                    running.settle(ending);
                    return Ok(accepted());
                }
            }
            None => {
                running.settle(Ending::Complete);
                return Ok(accepted());
            }
            Some(Err(_)) => {
                running.fail(broken(environment).await);
                return Ok(truncated());
            }
        }
    }
}

/// Trailers that are too long for AWS end nothing: the response stays open until the invocation ends otherwise.
fn drop_for_trailers(running: &Arc<Running>, sender: BodySender, length: usize) -> Dropped {
    let why = format!(
        "the trailer section after the response has {length} bytes, and {} are taken: the response does not end, and the \
         invocation runs into its timeout",
        net_http::TRAILERS_LIMIT
    );
    running.tell(EventKind::RuntimeRefused { status: None, why });
    let running = running.clone();
    tokio::spawn(async move {
        running.settled().await;
        drop(sender);
    });
    Dropped
}

async fn pass(sender: &mut BodySender, throttle: &mut Throttle, chunk: Bytes) {
    let throttled = throttle.pass(chunk.len()).await;
    sender.send(chunk, throttled).await;
}

async fn buffer(environment: &Environment, running: &Arc<Running>, content_type: Option<String>, body: Incoming) -> Reply {
    match Limited::new(body, BUFFERED_RESPONSE_LIMIT).collect().await {
        Ok(body) => {
            let Some(mut sender) = running.respond(content_type, false) else { return not_allowed() };
            let body = body.to_bytes();
            if !body.is_empty() {
                sender.send(body, None).await;
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
