//! The half of Lambda's Runtime API that answers invocations: connections, and the requests that go over them.
//!
//! `/next` is asked in `polling`, by `lambda_runtime`'s client; responses are ours, because the first byte's way to the socket
//! is what this project is about. What is here knows HTTP/1.1 and Lambda's paths, and nothing of components.

mod buffered;
mod exchange;
mod streamed;

pub(crate) use buffered::Buffered;
pub(crate) use streamed::Streamed;

use crate::outlet::DeliveryError;
use exchange::Exchange;
use firstbyte_wire::ErrorReport;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
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
    idle: Mutex<Vec<Arc<TcpStream>>>,
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
        let post = async {
            let mut exchange = self.exchange().await?;
            exchange.queue_error(path, None, report);
            std::future::poll_fn(|cx| exchange.poll_answer(cx)).await
        };
        let late = || io::Error::new(io::ErrorKind::TimedOut, "no answer").into();
        tokio::time::timeout(PATIENCE, post).await.unwrap_or_else(|_| Err(late()))
    }

    /// Forgets connections that were open before a snapshot.
    pub fn forget_connections(&self) {
        self.lock_idle().clear();
    }

    /// A connection for one request: an idle one that is still open, else a new one.
    async fn exchange(self: &Arc<Self>) -> io::Result<Exchange> {
        while let Some(stream) = self.pop_idle() {
            if is_idle(&stream) {
                return Ok(Exchange::new(Arc::clone(self), stream));
            }
        }
        let stream = self.connect().await?;
        Ok(Exchange::new(Arc::clone(self), stream))
    }

    async fn connect(&self) -> io::Result<Arc<TcpStream>> {
        let stream = TcpStream::connect(&self.authority).await?;
        // Small writes leave at once instead of waiting for the acknowledgement of the one before (Nagle).
        stream.set_nodelay(true)?;
        Ok(Arc::new(stream))
    }

    fn pop_idle(&self) -> Option<Arc<TcpStream>> {
        self.lock_idle().pop()
    }

    fn keep(&self, stream: Arc<TcpStream>) {
        self.lock_idle().push(stream);
    }

    fn lock_idle(&self) -> std::sync::MutexGuard<'_, Vec<Arc<TcpStream>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a connection that carries no request is fit for one: it has nothing to read. If it has, that is its end.
fn is_idle(stream: &TcpStream) -> bool {
    matches!(stream.try_read(&mut [0; 1]), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

/// The invocation that a request is about.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Lambda's id of the invocation, fit for a path.
    pub(crate) request_id: String,
    /// The nonce of this delivery, to be echoed, if there was one.
    pub(crate) invocation_id: Option<String>,
}
