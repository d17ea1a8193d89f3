//! API Gateway: a REST API with one stage, whose `{proxy+}` and root integrate the function, with response streaming or without.
//!
//! Follows "Set up a Lambda proxy integration with payload response streaming": metadata and eight NULs within 16 KB, or a
//! 500. A function that times out after its head has its client's connection cut, as AWS's "Troubleshoot issues with response
//! streaming" says. What clients see of other failures after the head is not documented; here it is a clean end, and the feed
//! is told.

mod event;

use super::envelope::{self, collect};
use super::head::head;
use super::shown::{self, Shown};
use super::trace::{self, Trace};
use super::{Cut, EVENT_LIMIT, Entrance, Peer, Reply, Unread, json, read, set, streamed, without_forbidden_body};
use crate::feed::{Door, EventKind};
use crate::function::{Function, VERSION};
use crate::invocation::{Body, Ending, Failure, Invocation, RequestLine, Responded, Running, Tenant};
use crate::settings::Transfer;
use bytes::Bytes;
use firstbyte_wire::PreludeDecoder;
use http::{Request, StatusCode};
use hyper::body::Incoming;
use std::sync::Arc;
use std::time::Duration;

/// The largest request body that API Gateway takes.
const BODY_LIMIT: usize = 10 * 1024 * 1024;

/// The API's id.
const API_ID: &str = "firstbyte0";

/// The door.
pub(crate) struct ApiGateway {
    pub(crate) function: Arc<Function>,
}

/// API Gateway's ids of a request; neither is the invocation's.
struct Ids {
    request: String,
    extended: String,
}

impl Entrance for ApiGateway {
    async fn answer(self: Arc<Self>, request: Request<Incoming>, peer: Peer) -> Reply {
        let ids = Ids { request: uuid::Uuid::new_v4().to_string(), extended: format!("{}=", trace::random(15)) };
        let trace = Trace::of(request.headers());
        let mut reply = self.invoke(request, peer, &ids, &trace).await;
        set(&mut reply, "x-amzn-requestid", &ids.request);
        set(&mut reply, "x-amz-apigw-id", &ids.extended);
        set(&mut reply, trace::HEADER, &trace.root);
        reply
    }
}

impl ApiGateway {
    async fn invoke(&self, request: Request<Incoming>, peer: Peer, ids: &Ids, trace: &Trace) -> Reply {
        let (parts, body) = request.into_parts();
        let refuse = |status: StatusCode, message: &str, why: &str| {
            let kind = EventKind::Refused { door: Door::ApiGateway, status: status.as_u16(), why: why.to_owned() };
            self.function.feed.tell(None, None, kind);
            said(status, message)
        };
        let path = parts.uri.path().to_owned();
        let stage = &self.function.settings.stage;
        let Some(path) = within(&path, stage) else {
            return refuse(StatusCode::FORBIDDEN, "Missing Authentication Token", &format!("paths here begin with /{stage}"));
        };
        let body = match read(body, BODY_LIMIT).await {
            Ok(body) => body,
            Err(Unread::TooLarge) => return refuse(StatusCode::PAYLOAD_TOO_LARGE, "Request Too Long", "more than 10 MB"),
            Err(Unread::Broken) => return refuse(StatusCode::BAD_REQUEST, "Bad Request", "the body broke off"),
        };
        let event = event::build(&self.function, &parts, path, &body, peer, ids, trace);
        if event.len() > EVENT_LIMIT {
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, "Request Too Long", "the event has more than the 6 MB Lambda takes");
        }
        let invocation = Invocation {
            door: Door::ApiGateway,
            line: Some(RequestLine::of(&parts)),
            request_id: uuid::Uuid::new_v4().to_string().into(),
            event: event.into(),
            arn: self.function.arn(),
            version: VERSION.to_owned(),
            trace_id: trace.for_runtime(),
            client_context: None,
            tenant: Tenant::default(),
        };
        let idle = self.function.settings.api_idle_timeout;
        let answer = match within_time(idle, self.function.invoke(invocation)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => return refuse(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error", "throttled by Lambda"),
            Err(Cut) => return refuse(StatusCode::GATEWAY_TIMEOUT, "Endpoint request timed out", "no response in time"),
        };
        let invoked = answer.1.clone();
        let buffered = self.function.settings.api_transfer == Transfer::Buffered;
        let reply = match answer {
            (Responded::Response(mut response), Some(running)) if buffered => {
                match within_time(idle, at_once(&mut response.body, &running, Shown::to(&parts.method))).await {
                    Ok(reply) => reply,
                    Err(Cut) => {
                        super::drain(response.body);
                        said(StatusCode::GATEWAY_TIMEOUT, "Endpoint request timed out")
                    }
                }
            }
            _ if buffered => bad_gateway(),
            (Responded::Response(response), Some(running)) => {
                respond(response.body, running, idle, Shown::to(&parts.method)).await
            }
            (_, running) => {
                if let Some(running) = running {
                    let failure = shown::failure(&running).unwrap_or_default();
                    let why = format!("the function failed before its metadata, with {failure}");
                    shown::tell_in_place(&running, StatusCode::INTERNAL_SERVER_ERROR, &why);
                }
                internal_server_error()
            }
        };
        let reply = without_forbidden_body(&parts.method, reply);
        shown::tell_head(invoked.as_deref(), &reply);
        reply
    }
}

async fn respond(mut body: Body, running: Arc<Running>, idle: Option<Duration>, mut shown: Shown) -> Reply {
    let mut decoder = PreludeDecoder::new();
    let error = loop {
        let chunk = match within_time(idle, body.next()).await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break decoder.ended().to_string(),
            Err(Cut) => {
                super::drain(body);
                return said(StatusCode::GATEWAY_TIMEOUT, "Endpoint request timed out");
            }
        };
        match decoder.push(chunk) {
            Ok(None) => {}
            Ok(Some((prelude, rest))) => match head(&prelude) {
                Ok((mut reply, left_out)) => {
                    if !left_out.is_empty() {
                        let what = format!("headers of the connection are not passed on: {}", left_out.join(", "));
                        running.tell(EventKind::NotShown { what });
                    }
                    shown.status(reply.status());
                    *reply.body_mut() = streamed(Stream { first: Some(rest), body, running, idle, shown }, Stream::next);
                    return reply;
                }
                Err(error) => break error.to_string(),
            },
            Err(error) => break error.to_string(),
        }
    };
    shown::tell_in_place(&running, StatusCode::INTERNAL_SERVER_ERROR, &format!("the response has bad metadata: {error}"));
    super::drain(body);
    internal_server_error()
}

struct Stream {
    first: Option<Bytes>,
    body: Body,
    running: Arc<Running>,
    idle: Option<Duration>,
    shown: Shown,
}

impl Stream {
    async fn next(mut self) -> Option<(Result<Bytes, Cut>, Self)> {
        let next = match self.first.take().filter(|first| !first.is_empty()) {
            Some(first) => Ok(Some(first)),
            None => within_time(self.idle, self.body.next()).await,
        };
        match next {
            Ok(Some(chunk)) => {
                self.shown.body(&chunk);
                Some((Ok(chunk), self))
            }
            Ok(None) => {
                if let Ending::Failed(Failure::TimedOut(_)) = self.running.ending() {
                    shown::tell_cut(&self.running, &shown::failure(&self.running).unwrap_or_default());
                    return Some((Err(Cut), self));
                }
                self.shown.tell(&self.running);
                None
            }
            Err(Cut) => {
                shown::tell_cut(&self.running, "nothing came within the idle timeout");
                Some((Err(Cut), self))
            }
        }
    }
}

/// A response of an integration that does not stream: the document that the function gave, its base64 undone as with `*/*` among
/// the API's binary media types. Of a stream, the metadata count and the body does not.
async fn at_once(body: &mut Body, running: &Running, mut shown: Shown) -> Reply {
    let Some(bytes) = collect(body).await else {
        shown::tell_in_place(running, StatusCode::BAD_GATEWAY, "the response has more than 6 MB");
        return bad_gateway();
    };
    if let Ending::Failed(_) = running.ending() {
        return bad_gateway();
    }
    let reply = whole_response(&bytes, running);
    shown.status(reply.status());
    shown.tell(running);
    reply
}

fn whole_response(bytes: &Bytes, running: &Running) -> Reply {
    if let Ok(Some((prelude, rest))) = PreludeDecoder::new().push(bytes.clone()) {
        if !rest.is_empty() {
            let what = "a streamed body at a BUFFERED integration is dropped: FIRSTBYTE_RESPONSE=buffered sends it".to_owned();
            running.tell(EventKind::NotShown { what });
        }
        return head(&prelude).map_or_else(|_| bad_gateway(), |(reply, _)| reply);
    }
    let reply = serde_json::from_slice(bytes).ok().and_then(|envelope| envelope::reply(&envelope));
    reply.unwrap_or_else(|| {
        shown::tell_in_place(running, StatusCode::BAD_GATEWAY, "the document is no proxy response");
        bad_gateway()
    })
}

async fn within_time<T>(limit: Option<Duration>, future: impl Future<Output = T>) -> Result<T, Cut> {
    match limit {
        Some(limit) => tokio::time::timeout(limit, future).await.map_err(|_| Cut),
        None => Ok(future.await),
    }
}

/// The path below the stage.
fn within<'a>(path: &'a str, stage: &str) -> Option<&'a str> {
    let path = path.strip_prefix('/')?.strip_prefix(stage)?;
    match path {
        "" => Some("/"),
        path => path.starts_with('/').then_some(path),
    }
}

fn bad_gateway() -> Reply {
    said(StatusCode::BAD_GATEWAY, "Internal server error")
}

fn internal_server_error() -> Reply {
    said(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error")
}

fn said(status: StatusCode, message: &str) -> Reply {
    json(status, serde_json::json!({"message": message}).to_string())
}
