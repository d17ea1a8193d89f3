//! A client of each door, for `invoke`: sends one request and tells what arrives, when it arrives.

use crate::terminal::Closed;
use anyhow::{Context, Result, bail};
use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

/// A door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    Direct,
    Url,
    Api,
}

/// The request that is sent.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Bytes,
}

/// A part of the response, as it arrives.
pub(crate) enum Arrival {
    /// Status and headers.
    Head(StatusCode, HeaderMap),
    /// A piece of the body; at the direct door a frame's payload.
    Chunk(Bytes),
    /// The body's end, at the HTTP doors.
    End,
    /// The direct door says how it went: an error's code and details, if it failed.
    Complete(Option<String>),
}

/// Calls a door at `base` and tells what arrives. An error is a connection's failure, not the function's.
pub(crate) async fn call(
    door: Door,
    base: &str,
    function: &str,
    call: Call,
    mut tell: impl AsyncFnMut(Arrival) -> Result<(), Closed>,
) -> Result<()> {
    let path = match door {
        Door::Direct => format!("/2021-11-15/functions/{function}/response-streaming-invocations"),
        Door::Url | Door::Api => call.path.clone(),
    };
    let uri: Uri =
        format!("{}{path}", base.trim_end_matches('/')).parse().with_context(|| format!("{base}{path} is not a URL"))?;
    let authority = uri.authority().with_context(|| format!("{base} names no host"))?.clone();
    let stream = TcpStream::connect(authority.as_str()).await.with_context(|| format!("cannot connect to {authority}"))?;
    stream.set_nodelay(true)?;
    let mut request = Request::new(Full::new(call.payload));
    *request.method_mut() = call.method;
    *request.headers_mut() = call.headers;
    let response = if door == Door::Api {
        *request.uri_mut() = uri;
        let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        sender.send_request(request).await?
    } else {
        request.headers_mut().insert(http::header::HOST, authority.as_str().parse()?);
        *request.uri_mut() = uri.path_and_query().context("the URL has no path")?.as_str().parse()?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        sender.send_request(request).await?
    };
    let (head, body) = response.into_parts();
    let events = door == Door::Direct && head.status.is_success();
    tell(Arrival::Head(head.status, head.headers)).await?;
    if events { read_events(body, tell).await } else { read_body(body, tell).await }
}

async fn read_body(mut body: Incoming, mut tell: impl AsyncFnMut(Arrival) -> Result<(), Closed>) -> Result<()> {
    while let Some(frame) = body.frame().await {
        match frame.context("the response broke off")?.into_data() {
            Ok(chunk) if !chunk.is_empty() => tell(Arrival::Chunk(chunk)).await?,
            _ => {}
        }
    }
    tell(Arrival::End).await?;
    Ok(())
}

/// Undoes `application/vnd.amazon.eventstream`.
async fn read_events(mut body: Incoming, mut tell: impl AsyncFnMut(Arrival) -> Result<(), Closed>) -> Result<()> {
    let mut decoder = MessageFrameDecoder::new();
    let mut buffer = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(bytes) = frame.context("the response broke off")?.into_data() else { continue };
        buffer.extend_from_slice(&bytes);
        while let DecodedFrame::Complete(message) =
            decoder.decode_frame(&mut buffer).context("the response is not an event stream")?
        {
            let header = |name: &str| {
                let found = message.headers().iter().find(|header| header.name().as_str() == name)?;
                Some(found.value().as_string().ok()?.as_str().to_owned())
            };
            match header(":event-type").as_deref() {
                Some("PayloadChunk") => tell(Arrival::Chunk(message.payload().clone())).await?,
                Some("InvokeComplete") => {
                    let complete: serde_json::Value = serde_json::from_slice(message.payload())?;
                    let text = |name: &str| complete.get(name).and_then(|value| value.as_str());
                    let failure = text("ErrorCode").map(|code| format!("{code} {}", text("ErrorDetails").unwrap_or_default()));
                    tell(Arrival::Complete(failure)).await?;
                    return Ok(());
                }
                other => bail!("the response has an unknown event: {other:?}"),
            }
        }
    }
    bail!("the response broke off before InvokeComplete")
}
