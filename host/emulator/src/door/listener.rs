//! Accepts a door's clients and speaks HTTP with them. Knows nothing of Lambda.

use super::header_case::HeaderCase;
use super::presence::Presence;
use super::{Entrance, Peer, ReplyBody};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// How much of an answer may wait in one connection: a slow client is felt by the runtime behind it.
const BUFFER: usize = 64 * 1024;

/// How large a request's head may be.
const HEAD: usize = 64 * 1024;

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// What a door speaks.
#[derive(Clone)]
pub(crate) enum Wire {
    /// HTTP/1.1 alone, as the Lambda API and Function URLs do to most clients.
    Http1,
    /// HTTP/1.1 or HTTP/2, known by its preface.
    Http1And2,
    /// The same within TLS, chosen by ALPN.
    Tls(TlsAcceptor),
}

/// Serves clients until it is dropped, and all of them with it.
pub(crate) async fn serve<D: Entrance>(listener: TcpListener, door: Arc<D>, wire: Wire) {
    let mut connections = JoinSet::new();
    let case = HeaderCase::learn().await;
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, address)) => {
                    connections.spawn(connection(stream, address, door.clone(), wire.clone(), case.clone()));
                }
                // Out of descriptors: what is there must be served before more is taken.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection<D: Entrance>(stream: TcpStream, address: SocketAddr, door: Arc<D>, wire: Wire, case: HeaderCase) {
    // Without it, each chunk would wait for the one before it to be acknowledged.
    let _ = stream.set_nodelay(true);
    // A client that is gone already is not served.
    let (Ok(local), Ok(presence)) = (stream.local_addr(), Presence::of(&stream)) else { return };
    let peer = Peer { address, local, secure: matches!(wire, Wire::Tls(_)) };
    tokio::select! {
        () = converse(stream, peer, door, wire, case) => {}
        () = presence.gone() => {}
    }
}

async fn converse<D: Entrance>(stream: TcpStream, peer: Peer, door: Arc<D>, wire: Wire, case: HeaderCase) {
    match wire {
        Wire::Http1 => speak(stream, peer, door, case, true).await,
        Wire::Http1And2 => speak(stream, peer, door, case, false).await,
        Wire::Tls(acceptor) => {
            if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                speak(stream, peer, door, case, false).await;
            }
        }
    }
}

async fn speak<D: Entrance>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    door: Arc<D>,
    case: HeaderCase,
    only_http1: bool,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let (door, case) = (door.clone(), case.clone());
        async move {
            let mut response: Response<ReplyBody> = door.answer(request, peer).await;
            case.apply(&mut response).await;
            Ok::<_, Infallible>(response)
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    if only_http1 {
        builder = builder.http1_only();
    }
    // A client may end its side behind its request and still read; whether it does is watched by `Presence`.
    builder.http1().half_close(true).preserve_header_case(true).timer(TokioTimer::new()).max_buf_size(BUFFER.max(HEAD));
    builder.http2().timer(TokioTimer::new()).max_send_buf_size(BUFFER).max_header_list_size(HEAD as u32);
    // A client that breaks off is told to the feed by the body it drops.
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}
