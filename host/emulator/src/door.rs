//! What the three doors have in common: requests in, answers out, each chunk at once.

pub(crate) mod api_gateway;
mod envelope;
mod event_body;
pub(crate) mod function_url;
pub(crate) mod guard;
mod head;
mod header_case;
pub(crate) mod lambda_api;
pub(crate) mod listener;
mod presence;
mod shown;
pub(crate) mod tls;
mod trace;

use crate::invocation::Body;
use bytes::Bytes;
use futures_util::{TryStreamExt as _, stream};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use std::net::SocketAddr;
use std::sync::Arc;

/// The largest event that Lambda takes.
const EVENT_LIMIT: usize = 6 * 1024 * 1024;

/// The content type of most that is said here.
const JSON: &str = "application/json";

/// A response's connection is cut, as a client of AWS would see it.
#[derive(Debug, thiserror::Error)]
#[error("the response is cut")]
pub(crate) struct Cut;

/// The body of an answer.
type ReplyBody = UnsyncBoxBody<Bytes, Cut>;

/// What a client gets.
pub(crate) type Reply = Response<ReplyBody>;

/// Who asks, and over what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    address: SocketAddr,
    /// The door's own address, as the client reached it.
    local: SocketAddr,
    secure: bool,
}

/// What stands at a door, and answers who comes.
pub(crate) trait Entrance: Send + Sync + 'static {
    /// Answers one request. Dropped if the client leaves.
    fn answer(self: Arc<Self>, request: Request<Incoming>, peer: Peer) -> impl Future<Output = Reply> + Send;
}

/// A body that is known.
fn whole(bytes: impl Into<Bytes>) -> ReplyBody {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// A body of what `next` gives, as it gives it, until it gives none.
fn streamed<S, F, Next>(state: S, next: F) -> ReplyBody
where
    S: Send + 'static,
    F: FnMut(S) -> Next + Send + 'static,
    Next: Future<Output = Option<(Result<Bytes, Cut>, S)>> + Send + 'static,
{
    StreamBody::new(stream::unfold(state, next).map_ok(Frame::data)).boxed_unsync()
}

/// A reply of JSON.
fn json(status: StatusCode, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(whole(body));
    *reply.status_mut() = status;
    reply.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    reply
}

/// Sets a header whose value we made ourselves, or leaves it out if it cannot be one.
fn set(reply: &mut Reply, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        reply.headers_mut().insert(name, value);
    }
}

/// Why a request's body was not read.
enum Unread {
    TooLarge,
    /// The client broke off; nobody is there to read why.
    Broken,
}

/// Reads a request's body of at most `limit` bytes.
async fn read(body: Incoming, limit: usize) -> Result<Bytes, Unread> {
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Unread::TooLarge),
        Err(_) => Err(Unread::Broken),
    }
}

/// Takes what is left of a response that no client gets. The function is not stopped by it.
fn drain(mut body: Body) {
    tokio::spawn(async move { while body.next().await.is_some() {} });
}

/// An answer as HTTP allows it: to `HEAD`, and with 204 or 304, there is no body. The function runs to its end all the same.
fn without_forbidden_body(method: &Method, reply: Reply) -> Reply {
    let status = reply.status();
    if *method != Method::HEAD && status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED {
        return reply;
    }
    let (parts, mut body) = reply.into_parts();
    tokio::spawn(async move { while let Some(Ok(_)) = body.frame().await {} });
    Response::from_parts(parts, whole(""))
}
