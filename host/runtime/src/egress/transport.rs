//! The way out of the host, for requests that may take it.

use super::code::of_body;
use super::connect::Connector;
use super::resolve::{Resolve, SystemResolver};
use crate::budget::Budget;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use wasmtime_wasi_http::{Error, WasiBody};

/// Connections are closed after so long without a request: whatever is between us and them forgets them before long.
const IDLE: Duration = Duration::from_secs(20);

/// An answer under way.
pub type Answering = Pin<Box<dyn Future<Output = Result<Response<WasiBody>, TransportError>> + Send>>;

/// Carries requests to where they go. The policy has allowed them before, by scheme, host and port.
pub trait Transport: Debug + Send + Sync {
    /// Carries one request, and completes with the head of its answer. Who asked limits the time: a dropped future is a
    /// request that nobody waits for any more.
    ///
    /// # Errors
    /// [`TransportError`].
    fn send(&self, request: Request<WasiBody>, asking: Asking) -> Answering;
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// As the handler is told.
    #[error(transparent)]
    Http(#[from] Error),
    /// As the client puts it.
    #[error(transparent)]
    Client(#[from] legacy::Error),
}

/// What requests are carried by.
#[derive(Clone, Debug)]
pub enum Route {
    /// The network. Names are looked up by this.
    Network(Arc<dyn Resolve>),
    /// Something else, as in tests: nothing is looked up, and nobody is connected to.
    Instead(Arc<dyn Transport>),
}

impl Default for Route {
    fn default() -> Self {
        Self::Network(Arc::new(SystemResolver))
    }
}

/// On whose behalf a request is sent.
#[derive(Clone, Debug)]
pub struct Asking {
    /// How long it may take to reach the server, look-up and TLS included.
    pub connect: Duration,
    pub(super) budget: Budget,
}

tokio::task_local! {
    /// Who asks, while a request is polled: the pool's interface has no place for it.
    static ASKING: Asking;
}

/// Who asks for the connection that is being made.
pub(super) fn asking() -> Option<Asking> {
    ASKING.try_with(Clone::clone).ok()
}

/// Bytes that a connection may read ahead of a handler, or keep of what it sends.
pub(super) const BUFFER: usize = 64 * 1024;

/// Streams of HTTP/2 share a connection, and together have so many bytes.
const SHARED_BUFFER: u32 = 1024 * 1024;

/// Connections to one host that wait for another request.
const IDLE_CONNECTIONS: usize = 32;

/// Connections over the network, pooled across invocations.
#[derive(Debug)]
pub(super) struct Pool(Client<Connector, WasiBody>);

impl Pool {
    pub(super) fn new(connector: Connector) -> Self {
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE).pool_max_idle_per_host(IDLE_CONNECTIONS);
        builder.http1_max_buf_size(BUFFER);
        let buffer = u32::try_from(BUFFER).unwrap_or(u32::MAX);
        builder.http2_initial_stream_window_size(buffer).http2_initial_connection_window_size(SHARED_BUFFER);
        builder.http2_max_send_buf_size(BUFFER).http2_max_header_list_size(buffer);
        Self(builder.build(connector))
    }
}

impl Transport for Pool {
    fn send(&self, request: Request<WasiBody>, asking: Asking) -> Answering {
        let answer = self.0.request(request);
        Box::pin(ASKING.scope(asking, async move {
            let answer = answer.await?;
            Ok(answer.map(|body| body.map_err(|error| of_body(&error)).boxed_unsync()))
        }))
    }
}
