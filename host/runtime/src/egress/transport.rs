//! The way out of the host, for requests that may take it.

use super::code::of_body;
use super::connect::Connector;
use super::resolve::{Resolve, SystemResolver};
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
    /// request that nobody waits for any more. `connect` is how long it may take to reach the server.
    ///
    /// # Errors
    /// [`TransportError`].
    fn send(&self, request: Request<WasiBody>, connect: Duration) -> Answering;
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

tokio::task_local! {
    /// How long the request that is being polled may take to be connected: the pool's interface has no place for it.
    static CONNECT: Duration;
}

/// How long the connection that is being made may take.
pub(super) fn connect_limit() -> Option<Duration> {
    CONNECT.try_with(|limit| *limit).ok()
}

/// Connections over the network, pooled across invocations.
#[derive(Debug)]
pub(super) struct Pool(Client<Connector, WasiBody>);

impl Pool {
    pub(super) fn new(connector: Connector) -> Self {
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE);
        Self(builder.build(connector))
    }
}

impl Transport for Pool {
    fn send(&self, request: Request<WasiBody>, connect: Duration) -> Answering {
        let answer = self.0.request(request);
        Box::pin(CONNECT.scope(connect, async move {
            let answer = answer.await?;
            Ok(answer.map(|body| body.map_err(|error| of_body(&error)).boxed_unsync()))
        }))
    }
}
