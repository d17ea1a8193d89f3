//! Lambda's Runtime API as this process uses it: connections, and the requests that go over them.
//!
//! Responses are written by hand, because the first byte's way to the socket is what this project is about. What is here knows
//! HTTP/1.1 and Lambda's paths, and nothing of components.

mod buffered;
mod connection;
mod exchange;
mod next;
mod streamed;

pub(crate) use next::Answered;

use crate::outlet::{DeliveryError, Outlet};
use crate::settings::ResponseMode;
use buffered::Buffered;
use connection::{Connection, is_idle};
use exchange::Exchange;
use firstbyte_wire::ErrorReport;
use firstbyte_wire::error::DOCUMENT_LIMIT;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use streamed::Streamed;
use tokio::net::TcpStream;

/// How we introduce ourselves.
const USER_AGENT: &str = concat!("firstbyte/", env!("CARGO_PKG_VERSION"));

/// How long an error document may take to be taken.
const PATIENCE: Duration = Duration::from_secs(5);

/// The Runtime API of this execution environment.
#[derive(Debug)]
pub struct RuntimeApi {
    /// `host:port`.
    authority: String,
    /// Connections between two requests. As many as there were invocations at once.
    idle: Mutex<Vec<TcpStream>>,
}

impl RuntimeApi {
    /// The API at `authority` (`host:port`), as `AWS_LAMBDA_RUNTIME_API` has it.
    #[must_use]
    pub fn new(authority: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { authority: authority.into(), idle: Mutex::default() })
    }

    /// Posts an error document, as to `/runtime/init/error`. Waits a few seconds at most.
    ///
    /// # Errors
    /// [`DeliveryError`]: Lambda was not told; it will notice when the process exits.
    pub async fn post_error(self: &Arc<Self>, path: &str, report: &ErrorReport) -> Result<(), DeliveryError> {
        let mut exchange = Exchange::new(Arc::clone(self), self.connection());
        exchange.queue_error(path, None, report, DOCUMENT_LIMIT);
        let post = std::future::poll_fn(|cx| exchange.poll_answer(cx));
        let late = || io::Error::new(io::ErrorKind::TimedOut, "no answer").into();
        tokio::time::timeout(PATIENCE, post).await.unwrap_or_else(|_| Err(late()))
    }

    /// Forgets connections that were open before a snapshot.
    pub fn forget_connections(&self) {
        self.lock_idle().clear();
    }

    /// What answers an invocation, over the connection that it came on.
    pub(crate) fn outlet(self: &Arc<Self>, invocation: Answered, target: Target, mode: ResponseMode) -> Box<dyn Outlet> {
        let (api, connection) = (Arc::clone(self), invocation.connection);
        match mode {
            ResponseMode::Stream => Box::new(Streamed::new(api, connection, target)),
            ResponseMode::Buffered => Box::new(Buffered::new(api, connection, target)),
        }
    }

    /// A connection for one request: an idle one that is still open, else a new one.
    fn connection(&self) -> Connection {
        while let Some(stream) = self.pop_idle() {
            if is_idle(&stream) {
                return Connection::Open(stream);
            }
        }
        Connection::to(&self.authority)
    }

    fn pop_idle(&self) -> Option<TcpStream> {
        self.lock_idle().pop()
    }

    fn keep(&self, stream: TcpStream) {
        self.lock_idle().push(stream);
    }

    fn lock_idle(&self) -> std::sync::MutexGuard<'_, Vec<TcpStream>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The invocation that a request is about.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Lambda's id of the invocation, fit for a path.
    pub(crate) request_id: String,
    /// The nonce of this delivery, to be echoed, if there was one.
    pub(crate) invocation_id: Option<String>,
}
