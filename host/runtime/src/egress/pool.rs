//! Connections over the network, kept for other requests to the same host, whoever's invocation these belong to.

use super::code::of_body;
use super::connect::Connector;
use super::transport::{Answering, Asking, BUFFER, Transport};
use http::Request;
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::time::Duration;
use wasmtime_wasi_http::WasiBody;

/// Connections are closed after so long without a request: whatever is between us and them forgets them before long.
const IDLE: Duration = Duration::from_secs(20);

tokio::task_local! {
    /// Who asks, while a request is polled: the pool's interface has no place for it.
    static ASKING: Asking;
}

/// Who asks for the connection that is being made.
pub(super) fn asking() -> Option<Asking> {
    ASKING.try_with(Clone::clone).ok()
}

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
