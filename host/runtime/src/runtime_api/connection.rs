//! A connection to the Runtime API, and how another one takes its place.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::net::TcpStream;

/// How often a connection is tried before it is given up; the pause doubles from 10 ms, so this is about 5 seconds.
const ATTEMPTS: u32 = 10;

/// A connection that is there, or is being made.
pub(super) enum Connection {
    Open(TcpStream),
    Opening(Opening),
    /// There is no connection: it could not be made, or somebody has taken it.
    None(io::Error),
}

type Opening = Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>;

impl Connection {
    /// Makes a connection to `authority`. A process that has no descriptor left gets one soon: an invocation that was taken is
    /// not given up for that.
    pub(super) fn to(authority: &str) -> Self {
        let authority = authority.to_owned();
        Self::Opening(Box::pin(async move {
            let mut attempt = 1;
            loop {
                match connect(&authority).await {
                    Err(_) if attempt < ATTEMPTS => tokio::time::sleep(Duration::from_millis(5) * 2_u32.pow(attempt)).await,
                    connected => return connected,
                }
                attempt += 1;
            }
        }))
    }

    /// The stream, taken away.
    pub(super) fn take(&mut self) -> Option<TcpStream> {
        match std::mem::replace(self, Self::None(io::ErrorKind::NotConnected.into())) {
            Self::Open(stream) => Some(stream),
            Self::Opening(_) | Self::None(_) => None,
        }
    }

    /// The stream, if it is there.
    pub(super) fn stream(&self) -> Option<&TcpStream> {
        match self {
            Self::Open(stream) => Some(stream),
            Self::Opening(_) | Self::None(_) => None,
        }
    }

    /// Waits for the stream.
    pub(super) fn poll_stream(&mut self, cx: &mut Context<'_>) -> Poll<Option<&TcpStream>> {
        if let Self::Opening(opening) = self {
            *self = ready!(opening.as_mut().poll(cx)).map_or_else(Self::None, Self::Open);
        }
        Poll::Ready(self.stream())
    }

    /// Waits for the stream, and takes it.
    pub(super) async fn into_stream(mut self) -> io::Result<TcpStream> {
        let _ = poll_fn(|cx| self.poll_stream(cx).map(|stream| stream.is_some())).await;
        match self {
            Self::Open(stream) => Ok(stream),
            Self::Opening(_) => Err(io::ErrorKind::NotConnected.into()),
            Self::None(error) => Err(error),
        }
    }
}

/// Connects once.
pub(super) async fn connect(authority: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(authority).await?;
    // Small writes leave at once instead of waiting for the acknowledgement of the one before (Nagle).
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Whether a connection that carries no request is fit for one: it has nothing to read. If it has, that is its end.
pub(super) fn is_idle(stream: &TcpStream) -> bool {
    matches!(stream.try_read(&mut [0; 1]), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}
