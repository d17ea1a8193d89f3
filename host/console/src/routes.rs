//! What is answered at which path.

use crate::listener::{Reply, Shared};
use crate::order::{Kill, Switches};
use crate::{events, page, recording};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Body, Incoming};
use serde::de::DeserializeOwned;
use std::convert::Infallible;
use std::sync::Arc;

/// The largest order: a body of 6 MB in base64, or as JSON text, and what is around it.
const ORDER: usize = 16 * 1024 * 1024;

const JSON: &str = "application/json";

pub(crate) async fn answer(request: Request<Incoming>, shared: &Arc<Shared>) -> Reply {
    let query = |name: &str| value(request.uri().query().unwrap_or_default(), name);
    let path = request.uri().path();
    let mut reply = match (request.method(), path) {
        (&Method::GET, "/events") => {
            let since = query("since").or_else(|| last_event_id(request.headers()));
            match since.map_or(Ok(0), |since| since.parse()) {
                Ok(since) => streamed("text/event-stream", events::body(shared.history.clone(), since)),
                Err(_) => refused(StatusCode::BAD_REQUEST, "since and Last-Event-ID are the number of an event"),
            }
        }
        (&Method::GET, "/about") => json(StatusCode::OK, &shared.about.json()),
        (&Method::GET, "/recording") => {
            let request_id = query("request_id");
            match recording::body(&shared.history, &shared.about.handler, request_id.as_deref()) {
                Some(body) => {
                    let mut reply = streamed(JSON, body);
                    let name = HeaderValue::from_static("attachment; filename=\"recording.json\"");
                    reply.headers_mut().insert(header::CONTENT_DISPOSITION, name);
                    reply
                }
                None => refused(
                    StatusCode::NOT_FOUND,
                    "nothing is kept of that invocation: this session did not see it, or it was too long ago",
                ),
            }
        }
        (&Method::POST, "/send" | "/switches" | "/kill") => order(request, shared).await,
        (&Method::GET, path) => match page::file(path) {
            Some(file) => {
                let mut reply = streamed(file.content_type, Full::new(Bytes::from_static(file.text.as_bytes())));
                reply.headers_mut().insert(header::CONTENT_SECURITY_POLICY, page::POLICY);
                reply
            }
            None => refused(StatusCode::NOT_FOUND, &format!("there is no {path} here")),
        },
        (method, path) => refused(StatusCode::NOT_FOUND, &format!("there is no {method} {path} here")),
    };
    let headers = reply.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    reply
}

/// Does what a page asks for.
async fn order(request: Request<Incoming>, shared: &Shared) -> Reply {
    let path = request.uri().path().to_owned();
    let Ok(body) = Limited::new(request.into_body(), ORDER).collect().await else {
        return refused(StatusCode::PAYLOAD_TOO_LARGE, "the request has more than 16 MB, or broke off");
    };
    let body = body.to_bytes();
    let done = match path.as_str() {
        "/send" => parsed(&body).and_then(|order| {
            let sent = shared.sender.send(&order, &shared.about, &shared.history).map_err(|error| invalid(&error))?;
            Ok(json(StatusCode::ACCEPTED, &serde_json::json!({"sent": sent})))
        }),
        "/switches" => parsed(&body).and_then(|order: Switches| {
            let timeout = order.timeout().map_err(|error| invalid(&error))?;
            let controls = &shared.about.controls;
            timeout.into_iter().for_each(|timeout| controls.set_timeout(timeout));
            order.bandwidth.into_iter().for_each(|bandwidth| controls.set_throttle(bandwidth));
            Ok(json(StatusCode::OK, &shared.about.switches()))
        }),
        _ => parsed(&body).map(|Kill { environment }| match shared.about.controls.kill(environment) {
            true => json(StatusCode::ACCEPTED, &serde_json::json!({"killed": environment})),
            false => refused(StatusCode::NOT_FOUND, &format!("there is no environment {environment} any more")),
        }),
    };
    done.unwrap_or_else(|refusal| *refusal)
}

fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, Box<Reply>> {
    serde_json::from_slice(body).map_err(|error| invalid(&error))
}

fn invalid(why: &dyn std::fmt::Display) -> Box<Reply> {
    Box::new(refused(StatusCode::BAD_REQUEST, &why.to_string()))
}

/// The value of a name in a query.
fn value(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.filter(|(known, _)| *known == name).map(|(_, value)| value.to_owned()).next()
}

/// Where a browser that lost its connection goes on.
fn last_event_id(headers: &HeaderMap) -> Option<String> {
    headers.get("last-event-id").map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn streamed(content_type: &'static str, body: impl Body<Data = Bytes, Error = Infallible> + Send + 'static) -> Reply {
    let mut reply = Response::new(body.boxed_unsync());
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

/// A reply of JSON.
pub(crate) fn json(status: StatusCode, json: &serde_json::Value) -> Reply {
    let mut reply = streamed(JSON, Full::new(Bytes::from(json.to_string())));
    *reply.status_mut() = status;
    reply
}

/// A reply that says why there is no other.
pub(crate) fn refused(status: StatusCode, why: &str) -> Reply {
    json(status, &serde_json::json!({"message": why}))
}
