//! The body of an answer, as a script of what comes when.

use crate::answer::Step;
use bytes::Bytes;
use firstbyte_runtime::egress::{HttpError, WasiBody};
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A body that is sent from now on, whether or not somebody reads.
pub(super) fn send_from_now(steps: Vec<Step>) -> WasiBody {
    let (sender, pieces) = unbounded_channel();
    tokio::spawn(send(steps, sender));
    Pieces(pieces).boxed_unsync()
}

type Piece = Result<Bytes, HttpError>;

async fn send(steps: Vec<Step>, sender: UnboundedSender<Piece>) {
    for step in steps {
        let sent = match step {
            Step::Chunk(bytes) if bytes.is_empty() => Ok(()),
            Step::Chunk(bytes) => sender.send(Ok(bytes.into())),
            Step::BreakOff => {
                // Whoever reads no more needs no end either.
                let _ = sender.send(Err(HttpError::ConnectionTerminated));
                return;
            }
            Step::Pause(duration) => {
                tokio::select! {
                    () = tokio::time::sleep(duration) => {}
                    () = sender.closed() => return,
                }
                Ok(())
            }
        };
        if sent.is_err() {
            return;
        }
    }
}

/// What has been sent and not been read.
struct Pieces(UnboundedReceiver<Piece>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
