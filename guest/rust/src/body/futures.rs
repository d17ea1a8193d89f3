//! A body for whatever writes to an `AsyncWrite` or a `Sink`.

use std::{
    future::Future as _,
    io,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use futures_io::AsyncWrite;
use futures_sink::Sink;

use super::{Body, WriteError};
use crate::executor::{Pollable, Ready};

/// What the host takes of a body without waiting, once it has said that it is ready.
const PIECE: usize = 64 * 1024;

/// A body as an [`AsyncWrite`] and as a [`Sink`] of bytes or text. Other tasks go on while the caller is behind. Needs the
/// feature `futures`.
///
/// There is nothing to flush or to close: bytes are on their way when a write completes, and the response ends when the handler
/// returns.
///
/// ```no_run
/// # async fn f(response: firstbyte::Response) -> firstbyte::Result {
/// use futures_util::{AsyncWriteExt, SinkExt, StreamExt, io::copy, stream};
///
/// let mut body = response.content_type("text/plain").start()?.into_async();
/// copy("from an `AsyncRead`\n".as_bytes(), &mut body).await?;
/// stream::iter(["from ", "a ", "stream\n"]).map(Ok).forward(&mut body).await?;
/// body.write_all(b"or by hand\n").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct AsyncBody {
    body: Body,
    ready: Pollable,
    /// A wait that is under way.
    waiting: Option<Ready>,
}

impl Body {
    /// The body as an [`AsyncWrite`] and a [`Sink`]. Needs the feature `futures`.
    pub fn into_async(self) -> AsyncBody {
        AsyncBody { ready: Pollable::new(self.raw().subscribe()), body: self, waiting: None }
    }
}

impl AsyncBody {
    /// The body itself.
    pub fn into_inner(self) -> Body {
        self.body
    }

    fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut waiting = self.waiting.take().unwrap_or_else(|| self.ready.ready());
        let is_ready = pin!(&mut waiting).poll(context);
        if is_ready.is_pending() {
            self.waiting = Some(waiting);
        }
        is_ready
    }
}

impl AsyncWrite for AsyncBody {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_room(context));
        let piece = &bytes[..bytes.len().min(PIECE)];
        self.body.write(piece)?;
        Poll::Ready(Ok(piece.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl<B: AsRef<[u8]>> Sink<B> for AsyncBody {
    type Error = WriteError;

    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), WriteError>> {
        self.poll_room(context).map(Ok)
    }

    fn start_send(mut self: Pin<&mut Self>, bytes: B) -> Result<(), WriteError> {
        self.body.write(bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), WriteError>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), WriteError>> {
        Poll::Ready(Ok(()))
    }
}
