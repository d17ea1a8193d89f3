//! Buffered `Invoke`: the whole response at once. It drops what a stream says after its bytes, as Lambda does.

use super::{ApiError, Call, InvocationType, invoked, throttled};
use crate::door::{JSON, Reply, envelope, json, set, whole};
use crate::feed::EventKind;
use crate::function::Function;
use crate::invocation::{Ending, Failure, Responded, Running, RuntimeResponse};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use firstbyte_wire::runtime_api::OCTET_STREAM;
use http::{Response, StatusCode};
use std::sync::Arc;

pub(super) async fn answer(function: &Arc<Function>, call: Call) -> Result<Reply, ApiError> {
    let version = call.invocation.version.clone();
    match call.kind {
        InvocationType::RequestResponse => wait(function, call).await,
        InvocationType::Event => {
            let function = function.clone();
            tokio::spawn(async move {
                if let Ok((Responded::Response(mut response), _)) = function.invoke(call.invocation).await {
                    while response.body.next().await.is_some() {}
                }
            });
            Ok(empty(StatusCode::ACCEPTED, &version))
        }
        InvocationType::DryRun => Ok(empty(StatusCode::NO_CONTENT, &version)),
    }
}

fn empty(status: StatusCode, version: &str) -> Reply {
    let mut reply = Response::new(whole(""));
    *reply.status_mut() = status;
    invoked(&mut reply, version);
    reply
}

async fn wait(function: &Arc<Function>, call: Call) -> Result<Reply, ApiError> {
    let version = call.invocation.version.clone();
    let (answer, running) = function.invoke(call.invocation).await.map_err(|_| throttled())?;
    let mut reply = match (answer, &running) {
        (Responded::Response(response), Some(running)) => collect(response, running).await,
        (Responded::Response(_), None) => error(Bytes::new()),
        (Responded::Error(document), _) => error(document),
    };
    if let (true, Some(running)) = (call.log_tail, &running) {
        running.over().await;
        set(&mut reply, "x-amz-log-result", &STANDARD.encode(running.tail()));
    }
    invoked(&mut reply, &version);
    Ok(reply)
}

async fn collect(mut response: RuntimeResponse, running: &Running) -> Reply {
    let Some(bytes) = envelope::collect(&mut response.body).await else {
        return error(Failure::TooLarge.document(running.id()));
    };
    match running.ending() {
        Ending::Complete | Ending::Error { .. } => {}
        Ending::Trailers { error_type, document } => {
            let document = String::from_utf8_lossy(&document);
            let what = format!("the stream failed with {error_type} after {} bytes: {document}", bytes.len());
            running.tell(EventKind::NotShown { what });
        }
        Ending::Failed(failure) => return error(failure.document(running.id())),
    }
    let content_type = response.content_type.unwrap_or_else(|| OCTET_STREAM.to_owned());
    let mut reply = Response::new(whole(bytes));
    if response.streamed {
        set(&mut reply, "content-type", OCTET_STREAM);
        set(&mut reply, "x-amzn-remapped-content-type", &content_type);
        set(&mut reply, "x-amzn-remapped-content-length", "0");
    } else {
        set(&mut reply, "content-type", JSON);
    }
    reply
}

/// A function's error, which is a success of the API.
fn error(document: Bytes) -> Reply {
    let mut reply = json(StatusCode::OK, document);
    set(&mut reply, "x-amz-function-error", "Unhandled");
    reply
}
