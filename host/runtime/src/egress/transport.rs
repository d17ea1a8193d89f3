//! The way out of the host, for requests that may take it.

use super::resolve::{Resolve, SystemResolver};
use crate::budget::Budget;
use http::{Request, Response};
use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use wasmtime_wasi_http::{Error, WasiBody};

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
#[non_exhaustive]
pub enum TransportError {
    /// As the handler is told.
    #[error(transparent)]
    Http(#[from] Error),
    /// As the client puts it.
    #[cfg(feature = "lambda")]
    #[error(transparent)]
    Client(#[from] hyper_util::client::legacy::Error),
}

/// What requests are carried by.
#[derive(Clone, Debug)]
#[non_exhaustive]
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
#[non_exhaustive]
pub struct Asking {
    /// How long it may take to reach the server, look-up and TLS included.
    pub connect: Duration,
    pub(super) budget: Budget,
}

/// Bytes that a connection may read ahead of a handler, or keep of what it sends.
pub(super) const BUFFER: usize = 64 * 1024;

/// A library that was built without the network (feature `lambda`) has this in its place.
#[cfg(not(feature = "lambda"))]
#[derive(Debug)]
pub(super) struct NoNetwork;

#[cfg(not(feature = "lambda"))]
impl Transport for NoNetwork {
    fn send(&self, _: Request<WasiBody>, _: Asking) -> Answering {
        let told = "this build of firstbyte-runtime sends nothing over the network: its feature `lambda` does";
        Box::pin(std::future::ready(Err(Error::InternalError(Some(told.to_owned())).into())))
    }
}
