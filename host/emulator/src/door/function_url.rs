//! A Function URL in either `InvokeMode`, without authentication.
//!
//! Follows what real URLs were seen to send, the unhelpful included: a failed stream looks complete, an error before the
//! first byte is a 200 with the stack in it, a stream without a byte hangs. What a client cannot see is told to the feed.

mod cors;
mod event;

use super::envelope::{self, collect, prelude_of};
use super::head::head;
use super::shown::{self, Shown};
use super::trace::{self, Trace};
use super::{Cut, EVENT_LIMIT, Entrance, JSON, Peer, Reply, Unread, json, read, set, streamed, whole, without_forbidden_body};
use crate::feed::{Door, EventKind};
use crate::function::{Function, VERSION};
use crate::invocation::{Body, Ending, Invocation, RequestLine, Responded, Running, RuntimeResponse, Tenant};
use crate::settings::Transfer;
use bytes::Bytes;
use firstbyte_wire::runtime_api::{HTTP_INTEGRATION_RESPONSE, OCTET_STREAM};
use firstbyte_wire::{Prelude, PreludeDecoder};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use std::sync::Arc;
use std::time::Duration;

/// The door.
pub(crate) struct FunctionUrl {
    pub(crate) function: Arc<Function>,
}

impl Entrance for FunctionUrl {
    async fn answer(self: Arc<Self>, request: Request<Incoming>, peer: Peer) -> Reply {
        let request_id: Arc<str> = uuid::Uuid::new_v4().to_string().into();
        let trace = Trace::of(request.headers());
        let origin = cors::Origin::of(request.headers());
        let settings = self.function.settings.cors.as_ref();
        let mut reply = match settings.and_then(|settings| cors::preflight(settings, &request)) {
            Some(reply) => reply,
            None => {
                let mut reply = self.invoke(request, peer, request_id.clone(), &trace).await;
                if let Some(settings) = settings {
                    origin.grant(settings, reply.headers_mut());
                }
                reply
            }
        };
        set(&mut reply, "x-amzn-requestid", &request_id);
        set(&mut reply, trace::HEADER, &trace.root);
        reply
    }
}

impl FunctionUrl {
    async fn invoke(&self, request: Request<Incoming>, peer: Peer, request_id: Arc<str>, trace: &Trace) -> Reply {
        let (parts, body) = request.into_parts();
        let refuse = |status: StatusCode, message: &str| {
            let kind = EventKind::Refused { door: Door::FunctionUrl, status: status.as_u16(), why: message.to_owned() };
            self.function.feed.tell(None, Some(request_id.clone()), kind);
            json(status, serde_json::json!({"Message": message}).to_string())
        };
        let body = match read(body, EVENT_LIMIT).await {
            Ok(body) => body,
            Err(Unread::TooLarge) => return refuse(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
            Err(Unread::Broken) => return refuse(StatusCode::BAD_REQUEST, "Bad Request"),
        };
        let event = event::build(&self.function, &parts, &body, peer, &request_id, trace);
        if event.len() > EVENT_LIMIT {
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
        }
        let invocation = Invocation {
            door: Door::FunctionUrl,
            line: Some(RequestLine::of(&parts)),
            request_id: request_id.clone(),
            event: event.into(),
            arn: self.function.arn(),
            version: VERSION.to_owned(),
            trace_id: trace.for_runtime(),
            client_context: None,
            tenant: Tenant::default(),
        };
        let buffered = self.function.settings.url_transfer == Transfer::Buffered;
        let answered = self.function.invoke(invocation).await;
        let invoked = answered.as_ref().ok().and_then(|(_, running)| running.clone());
        let reply = match answered {
            Ok((Responded::Response(response), Some(running))) if buffered => {
                at_once(response, &running, Shown::to(&parts.method)).await
            }
            Ok((Responded::Error(_), _)) if buffered => bad_gateway(),
            Ok((Responded::Response(response), Some(running))) => self.respond(response, running, Shown::to(&parts.method)).await,
            Ok((Responded::Error(document), running)) => {
                if let Some(running) = running {
                    let what = "the function failed before it responded: the client gets 200 and the error".to_owned();
                    running.tell(EventKind::NotShown { what });
                }
                json(StatusCode::OK, document)
            }
            Ok((Responded::Response(_), None)) => bad_gateway(),
            Err(_) => refuse(StatusCode::TOO_MANY_REQUESTS, "Rate Exceeded."),
        };
        let is_head = parts.method == Method::HEAD;
        let mut reply = without_forbidden_body(&parts.method, reply);
        if is_head {
            set(&mut reply, "content-length", "0");
        }
        shown::tell_head(invoked.as_deref(), &reply);
        reply
    }

    async fn respond(&self, mut response: RuntimeResponse, running: Arc<Running>, shown: Shown) -> Reply {
        let content_type = response.content_type.take();
        if content_type.as_deref() == Some(HTTP_INTEGRATION_RESPONSE) {
            return self.with_prelude(response.body, running, shown).await;
        }
        if !response.streamed {
            return buffered(response.body, &running).await;
        }
        let mut reply = Response::new(self.stream(None, response.body, running, shown));
        set(&mut reply, "content-type", content_type.as_deref().unwrap_or(OCTET_STREAM));
        reply
    }

    async fn with_prelude(&self, mut body: Body, running: Arc<Running>, shown: Shown) -> Reply {
        let mut decoder = PreludeDecoder::new();
        let mut is_empty = true;
        let error = loop {
            let Some(chunk) = body.next().await else { break decoder.ended().to_string() };
            is_empty = false;
            match decoder.push(chunk) {
                Ok(None) => {}
                Ok(Some((prelude, rest))) => match head(&prelude) {
                    Ok((reply, left_out)) => {
                        tell_of_headers(&running, &left_out, &prelude);
                        return self.begin(reply, rest, body, running, shown);
                    }
                    Err(error) => break error.to_string(),
                },
                Err(error) => break error.to_string(),
            }
        };
        if is_empty {
            let mut reply = Response::new(self.stream(None, body, running, shown));
            set(&mut reply, "content-type", OCTET_STREAM);
            return reply;
        }
        shown::tell_in_place(&running, StatusCode::BAD_GATEWAY, &format!("the response has a bad prelude: {error}"));
        super::drain(body);
        bad_gateway()
    }

    fn begin(&self, mut reply: Reply, rest: Bytes, body: Body, running: Arc<Running>, mut shown: Shown) -> Reply {
        shown.status(reply.status());
        // A stream's length is not known to Lambda, whatever its head says.
        reply.headers_mut().remove(http::header::CONTENT_LENGTH);
        *reply.body_mut() = self.stream(Some(rest), body, running, shown);
        reply
    }

    /// The body as it comes. Without a first chunk (a prelude counts as one), a body that ends without a byte hangs.
    fn stream(&self, first: Option<Bytes>, body: Body, running: Arc<Running>, shown: Shown) -> super::ReplyBody {
        let hang = first.is_none().then_some(self.function.settings.url_hang);
        let first = first.filter(|first| !first.is_empty());
        streamed(Stream { first, body, running, hang, shown }, Stream::next)
    }
}

fn tell_of_headers(running: &Running, left_out: &[String], prelude: &Prelude) {
    if !left_out.is_empty() {
        let what = format!("headers of the connection are not passed on: {}", left_out.join(", "));
        running.tell(EventKind::NotShown { what });
    }
    if !prelude.multi_value_headers.is_empty() {
        let what =
            "a header has several values, in multiValueHeaders or in a list: what a Function URL makes of them is not known; \
                    here the client gets each"
                .to_owned();
        running.tell(EventKind::NotShown { what });
    }
}

struct Stream {
    first: Option<Bytes>,
    body: Body,
    running: Arc<Running>,
    /// How long to hang if no byte comes at all.
    hang: Option<Duration>,
    shown: Shown,
}

impl Stream {
    async fn next(mut self) -> Option<(Result<Bytes, Cut>, Self)> {
        let chunk = match self.first.take() {
            Some(first) => Some(first),
            None => self.body.next().await,
        };
        if let Some(chunk) = chunk {
            self.hang = None;
            self.shown.body(&chunk);
            return Some((Ok(chunk), self));
        }
        self.shown.tell(&self.running);
        let hang = self.hang.take()?;
        let what = "the response has neither a prelude nor a byte: on AWS the client now waits until it gives up. \
                    Here its connection is cut soon"
            .to_owned();
        self.running.tell(EventKind::NotShown { what });
        self.running.over().await;
        tokio::time::sleep(hang).await;
        Some((Err(Cut), self))
    }
}

/// A buffered response: of an envelope, the head is applied and the body is the envelope itself.
async fn buffered(mut body: Body, running: &Running) -> Reply {
    let whole_body = body.next().await.unwrap_or_default();
    // To its end, which comes at once: a body that is left before looks like a client that left.
    while body.next().await.is_some() {}
    let envelope: Option<serde_json::Map<String, serde_json::Value>> = serde_json::from_slice(&whole_body).ok();
    let Some(envelope) = envelope.filter(|envelope| envelope.contains_key("statusCode")) else {
        return json(StatusCode::OK, whole_body);
    };
    let what = "a buffered envelope at a streaming URL: status and headers apply, the body is the envelope".to_owned();
    running.tell(EventKind::NotShown { what });
    let Some(Ok((mut reply, _))) = prelude_of(&envelope).map(|prelude| head(&prelude)) else { return bad_gateway() };
    reply.headers_mut().remove(http::header::CONTENT_LENGTH);
    if !reply.headers().contains_key(http::header::CONTENT_TYPE) {
        set(&mut reply, "content-type", JSON);
    }
    *reply.body_mut() = whole(whole_body);
    reply
}

/// A response at a `BUFFERED` URL: a stream's prelude counts and its body does not; an envelope is what it says.
async fn at_once(mut response: RuntimeResponse, running: &Running, mut shown: Shown) -> Reply {
    let Some(bytes) = collect(&mut response.body).await else {
        shown::tell_in_place(running, StatusCode::BAD_GATEWAY, "the response has more than 6 MB");
        return bad_gateway();
    };
    if let Ending::Failed(_) = running.ending() {
        return bad_gateway();
    }
    let reply = whole_response(&response, bytes, running);
    shown.status(reply.status());
    shown.tell(running);
    reply
}

fn whole_response(response: &RuntimeResponse, bytes: Bytes, running: &Running) -> Reply {
    if response.content_type.as_deref() == Some(HTTP_INTEGRATION_RESPONSE) && !bytes.is_empty() {
        let Ok(Some((prelude, rest))) = PreludeDecoder::new().push(bytes) else { return bad_gateway() };
        if !rest.is_empty() {
            let what = "a streamed body at a BUFFERED URL is dropped: FIRSTBYTE_RESPONSE=buffered sends it".to_owned();
            running.tell(EventKind::NotShown { what });
        }
        let Ok((mut reply, _)) = head(&prelude) else { return bad_gateway() };
        reply.headers_mut().remove(http::header::CONTENT_LENGTH);
        return reply;
    }
    match serde_json::from_slice(&bytes) {
        _ if bytes.is_empty() => json(StatusCode::OK, bytes),
        _ if response.streamed => {
            let mut reply = json(StatusCode::OK, bytes);
            set(&mut reply, "content-type", OCTET_STREAM);
            reply
        }
        Ok(serde_json::Value::Object(envelope)) if envelope.contains_key("statusCode") => {
            envelope::reply(&envelope).unwrap_or_else(bad_gateway)
        }
        Ok(serde_json::Value::String(text)) => json(StatusCode::OK, text),
        _ => json(StatusCode::OK, bytes),
    }
}

fn bad_gateway() -> Reply {
    json(StatusCode::BAD_GATEWAY, "Internal Server Error")
}
