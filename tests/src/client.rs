//! A client of any door, on a connection of its own: reads an answer piece by piece and notes when each arrived.

use crate::call::Call;
use crate::door::{Door, Doors};
use crate::event_stream::{self, Decoder, Event};
use crate::received::{Chunk, End, Received};
use crate::soon;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, Uri, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// An answer that is still arriving.
pub struct Stream {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    version: Version,
    begun: Instant,
    head_at: Duration,
    chunks: Vec<Chunk>,
    body: Incoming,
    /// At the direct door.
    events: Option<Decoder>,
    end: Option<(End, Duration)>,
}

/// Sends a call to a door and takes the whole answer.
pub async fn send(doors: &Doors, door: Door, call: Call) -> Received {
    open(doors, door, call).await.rest().await
}

/// Sends a call to a door, over the HTTP version that the door is known for, and waits for the head.
///
/// # Panics
/// If nobody answers.
pub async fn open(doors: &Doors, door: Door, call: Call) -> Stream {
    let url = doors.url_of(door, &call.path);
    let version = if door == Door::Api { Version::HTTP_2 } else { Version::HTTP_11 };
    open_url(&url, call, version).await
}

/// Sends a call to any URL and takes the whole answer.
///
/// # Panics
/// If nobody answers.
pub async fn send_to(url: &str, call: Call, version: Version) -> Received {
    open_url(url, call, version).await.rest().await
}

impl Stream {
    /// The next piece of the body; none at its end.
    pub async fn next(&mut self) -> Option<Chunk> {
        let bytes = soon("the next chunk", self.piece()).await?;
        let chunk = Chunk { at: self.begun.elapsed(), bytes };
        self.chunks.push(chunk.clone());
        Some(chunk)
    }

    /// Everything, those pieces included that were taken before.
    ///
    /// # Panics
    /// If it hangs.
    pub async fn rest(mut self) -> Received {
        while self.next().await.is_some() {}
        let (end, end_at) = self.end.expect("the last piece was taken");
        let Self { status, version, headers, head_at, chunks, .. } = self;
        Received { status, version, headers, head_at, chunks, end, end_at }
    }

    async fn piece(&mut self) -> Option<Bytes> {
        loop {
            if self.end.is_some() {
                return None;
            }
            if let Some(event) = self.events.as_mut().and_then(Decoder::next) {
                match event {
                    Event::PayloadChunk(bytes) => return Some(bytes),
                    Event::InvokeComplete(end) => {
                        let decoder = self.events.as_ref().is_some_and(Decoder::is_empty);
                        let more = self.data().await.is_ok_and(|data| data.is_some());
                        assert!(decoder && !more, "InvokeComplete is the last event");
                        self.ended(end);
                        return None;
                    }
                }
            }
            match (self.data().await, &mut self.events) {
                (Ok(Some(bytes)), Some(events)) => events.push(&bytes),
                (Ok(Some(bytes)), None) => return Some(bytes),
                (Ok(None), None) => self.ended(End::Clean),
                // Without InvokeComplete, an event stream is not complete.
                (Ok(None), Some(_)) | (Err(_), _) => self.ended(End::Cut),
            }
        }
    }

    fn ended(&mut self, end: End) {
        self.end = Some((end, self.begun.elapsed()));
    }

    async fn data(&mut self) -> Result<Option<Bytes>, hyper::Error> {
        loop {
            match self.body.frame().await.transpose()?.map(hyper::body::Frame::into_data) {
                None => return Ok(None),
                Some(Ok(data)) if !data.is_empty() => return Ok(Some(data)),
                Some(_) => {}
            }
        }
    }
}

async fn open_url(url: &str, call: Call, version: Version) -> Stream {
    let begun = Instant::now();
    let response = soon("an answer", request(url, call, version)).await;
    let head_at = begun.elapsed();
    let (head, body) = response.into_parts();
    let is_event_stream = head.headers.get("content-type").is_some_and(|value| value == event_stream::CONTENT_TYPE);
    Stream {
        status: head.status,
        version: head.version,
        headers: head.headers,
        begun,
        head_at,
        chunks: Vec::new(),
        body,
        events: is_event_stream.then(Decoder::default),
        end: None,
    }
}

async fn request(url: &str, call: Call, version: Version) -> Response<Incoming> {
    let uri: Uri = url.parse().expect("a URL");
    let authority = uri.authority().expect("a host").clone();
    let stream = TcpStream::connect(authority.as_str()).await.expect("the door is open");
    stream.set_nodelay(true).expect("a TCP stream");
    let mut request = Request::new(Full::new(call.body));
    *request.method_mut() = call.method;
    *request.headers_mut() = call.headers;
    *request.version_mut() = version;
    if version == Version::HTTP_2 {
        *request.uri_mut() = uri;
        let io = TokioIo::new(stream);
        let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
        tokio::spawn(connection);
        sender.send_request(request).await.expect("an answer")
    } else {
        request.headers_mut().insert("host", authority.as_str().parse().expect("a host"));
        *request.uri_mut() = uri.path_and_query().expect("a path").as_str().parse().expect("a path");
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
        tokio::spawn(connection);
        sender.send_request(request).await.expect("an answer")
    }
}
