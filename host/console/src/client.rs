//! A client of each door: sends one request and gives what arrives, when it arrives.

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use bytes::{Bytes, BytesMut};
use firstbyte_emulator::Door;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;

/// So large that h2 lets as many frames of a byte wait as a stream's window has room for.
const CONNECTION_WINDOW: u32 = 16 * 1024 * 1024;

/// The request that is sent.
#[derive(Clone, Debug)]
pub struct Call {
    /// Of no use at the Lambda API, which is always posted to.
    pub method: Method,
    /// With its query. Of no use at the Lambda API.
    pub path: String,
    /// Besides `host`.
    pub headers: HeaderMap,
    /// The body: at the Lambda API, the event.
    pub payload: Bytes,
}

/// Where a request is sent.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The door that the request goes to.
    pub door: Door,
    /// The door's URL.
    pub url: &'a str,
    /// The function that a caller of the Lambda API names.
    pub function: &'a str,
    /// The certificate of a door with TLS, as PEM.
    pub certificate: Option<&'a str>,
    /// How much the system reads ahead of the client. As it decides itself, if absent.
    pub read_ahead: Option<u32>,
}

/// An answer that has begun.
#[derive(Debug)]
pub struct Received {
    /// Its status: at the Lambda API, that of the API.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    body: Incoming,
    reader: Reader,
}

/// A part of the answer.
#[derive(Debug)]
pub enum Arrival {
    /// A piece of the body; at the Lambda API, a frame's payload.
    Chunk(Bytes),
    /// The body's end, at the HTTP doors.
    End,
    /// The Lambda API says how it went: an error's code and details, if it failed.
    Complete(Option<String>),
}

/// Why an answer did not come, or not to its end. It is the connection's failure, not the function's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// There is no such URL.
    #[error("{0} is not a URL that can be called")]
    Url(String),
    /// Nobody listens there.
    #[error("cannot connect to {address}: {reason}")]
    Connect {
        /// The host and the port.
        address: String,
        /// What the system says.
        reason: io::Error,
    },
    /// The certificate cannot be used.
    #[error("cannot use the door's certificate: {0}")]
    Certificate(String),
    /// The connection ended before the answer began.
    #[error("there was no answer: {}", causes(.0))]
    NoAnswer(hyper::Error),
    /// The connection ended within the answer.
    #[error("the response broke off: {}", causes(.0))]
    Broken(hyper::Error),
    /// The Lambda API's answer ended without its last event.
    #[error("the response broke off before InvokeComplete")]
    Incomplete,
    /// The Lambda API's answer is no event stream.
    #[error("the response is not an event stream: {0}")]
    NotEvents(String),
}

/// What hyper says, and what it says was the cause.
fn causes(error: &hyper::Error) -> String {
    let chain = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// How a body is read.
#[derive(Debug)]
enum Reader {
    Bytes,
    /// `application/vnd.amazon.eventstream`
    Events {
        decoder: Box<MessageFrameDecoder>,
        buffer: BytesMut,
    },
    /// There is no more.
    Ended,
}

/// Sends a request and waits for the head of its answer. Dropped, the answer's connection is closed.
///
/// # Errors
/// [`ClientError`].
pub async fn send(target: Target<'_>, call: Call) -> Result<Received, ClientError> {
    let base = target.url.trim_end_matches('/');
    let path = match target.door {
        Door::Lambda => format!("/2021-11-15/functions/{}/response-streaming-invocations", target.function),
        _ => call.path,
    };
    let invalid = || ClientError::Url(format!("{base}{path}"));
    let uri: Uri = format!("{base}{path}").parse().map_err(|_| invalid())?;
    let authority = uri.authority().ok_or_else(invalid)?.clone();
    let mut request = Request::new(Full::new(call.payload));
    *request.method_mut() = if target.door == Door::Lambda { Method::POST } else { call.method };
    *request.headers_mut() = call.headers;
    let connecting = connect(authority.as_str(), target.read_ahead);
    let stream = connecting.await.map_err(|reason| ClientError::Connect { address: authority.to_string(), reason })?;
    let response = if target.door == Door::ApiGateway {
        *request.uri_mut() = uri;
        match target.certificate {
            Some(certificate) => over_http2(encrypted(stream, authority.host(), certificate).await?, request, target).await,
            None => over_http2(stream, request, target).await,
        }
    } else {
        request.headers_mut().insert(http::header::HOST, authority.as_str().parse().map_err(|_| invalid())?);
        *request.uri_mut() = uri.path_and_query().ok_or_else(invalid)?.as_str().parse().map_err(|_| invalid())?;
        over_http1(stream, request, target).await
    };
    let (head, body) = response.map_err(ClientError::NoAnswer)?.into_parts();
    let has_events = target.door == Door::Lambda && head.status.is_success();
    let events = || Reader::Events { decoder: Box::new(MessageFrameDecoder::new()), buffer: BytesMut::new() };
    let reader = if has_events { events() } else { Reader::Bytes };
    Ok(Received { status: head.status, headers: head.headers, body, reader })
}

async fn connect(authority: &str, read_ahead: Option<u32>) -> io::Result<TcpStream> {
    let mut failure = io::ErrorKind::NotFound.into();
    for address in tokio::net::lookup_host(authority).await? {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if let Some(bytes) = read_ahead {
            socket.set_recv_buffer_size(bytes)?;
        }
        match connected(socket, address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

async fn connected(socket: TcpSocket, address: SocketAddr) -> io::Result<TcpStream> {
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn encrypted(
    stream: TcpStream,
    host: &str,
    pem: &str,
) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + use<>, ClientError> {
    let config = || -> Result<ClientConfig, rustls::Error> {
        let certificate =
            CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| rustls::Error::General(error.to_string()))?;
        let mut roots = RootCertStore::empty();
        roots.add(certificate)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(config)
    };
    let config = config().map_err(|error| ClientError::Certificate(error.to_string()))?;
    let name = ServerName::try_from(host.to_owned()).map_err(|error| ClientError::Certificate(error.to_string()))?;
    let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream);
    connecting.await.map_err(|reason| ClientError::Connect { address: host.to_owned(), reason })
}

async fn over_http1(stream: TcpStream, request: Request<Full<Bytes>>, target: Target<'_>) -> hyper::Result<Response<Incoming>> {
    let mut builder = http1::Builder::new();
    if let Some(bytes) = target.read_ahead {
        // hyper takes no less.
        builder.max_buf_size(usize::try_from(bytes).unwrap_or_default().max(8192));
    }
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    sender.send_request(request).await
}

async fn over_http2(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
    target: Target<'_>,
) -> hyper::Result<Response<Incoming>> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    if target.read_ahead.is_some() {
        // The stream's window is what holds the door back. The connection's is for its half: h2 gives up a connection on which
        // small frames are left unread that make up half of it, 256 bytes each.
        builder.initial_stream_window_size(target.read_ahead).initial_connection_window_size(CONNECTION_WINDOW);
    }
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    sender.send_request(request).await
}

impl Received {
    /// The next part. `None` after the last.
    ///
    /// # Errors
    /// If the connection breaks off before the answer's end.
    pub async fn next(&mut self) -> Result<Option<Arrival>, ClientError> {
        loop {
            match &mut self.reader {
                Reader::Ended => return Ok(None),
                Reader::Bytes => {}
                Reader::Events { decoder, buffer } => {
                    if let Some(arrival) = event(decoder, buffer)? {
                        if matches!(arrival, Arrival::Complete(_)) {
                            self.reader = Reader::Ended;
                        }
                        return Ok(Some(arrival));
                    }
                }
            }
            let frame = self.body.frame().await.transpose().map_err(ClientError::Broken)?;
            match (frame.map(hyper::body::Frame::into_data), &mut self.reader) {
                (Some(Ok(data)), Reader::Events { buffer, .. }) => buffer.extend_from_slice(&data),
                (Some(Ok(data)), _) if !data.is_empty() => return Ok(Some(Arrival::Chunk(data))),
                (Some(_), _) => {}
                (None, Reader::Events { .. }) => return Err(ClientError::Incomplete),
                (None, _) => {
                    self.reader = Reader::Ended;
                    return Ok(Some(Arrival::End));
                }
            }
        }
    }
}

/// The next event, if it is whole.
fn event(decoder: &mut MessageFrameDecoder, buffer: &mut BytesMut) -> Result<Option<Arrival>, ClientError> {
    let not_events = |error: &dyn std::fmt::Display| ClientError::NotEvents(error.to_string());
    let frame = decoder.decode_frame(&mut *buffer).map_err(|error| not_events(&error))?;
    let DecodedFrame::Complete(message) = frame else { return Ok(None) };
    let kind = message.headers().iter().find(|header| header.name().as_str() == ":event-type");
    match kind.and_then(|header| header.value().as_string().ok()).map(aws_smithy_types::str_bytes::StrBytes::as_str) {
        Some("PayloadChunk") => Ok(Some(Arrival::Chunk(message.payload().clone()))),
        Some("InvokeComplete") => {
            let complete: serde_json::Value = serde_json::from_slice(message.payload()).map_err(|error| not_events(&error))?;
            let text = |name: &str| complete.get(name).and_then(serde_json::Value::as_str);
            let failure = text("ErrorCode").map(|code| format!("{code} {}", text("ErrorDetails").unwrap_or_default()));
            Ok(Some(Arrival::Complete(failure)))
        }
        other => Err(not_events(&format!("it has an unknown event {other:?}"))),
    }
}
