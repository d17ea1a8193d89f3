//! The body of an answer, as a script of what comes when.

use crate::answer::Step;
use bytes::Bytes;
use firstbyte_runtime::egress::{HttpError, WasiBody, error_named};
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

/// When something comes; none for never. What follows counts from it and not from when a timer rang for it, which is late.
#[derive(Clone, Copy)]
pub(super) struct Moment(Option<Instant>);

impl Moment {
    pub(super) fn now() -> Self {
        Self(Some(Instant::now()))
    }

    pub(super) fn after(self, duration: Duration) -> Self {
        Self(self.0.and_then(|moment| moment.checked_add(duration)))
    }

    /// Waits for it.
    pub(super) async fn come(self) {
        match self.0 {
            Some(moment) => tokio::time::sleep_until(moment).await,
            None => std::future::pending().await,
        }
    }
}

/// A body that is sent from a moment on, which is there, whether or not somebody reads.
pub(super) fn send_from(moment: Moment, steps: Vec<Step>) -> WasiBody {
    let (sender, pieces) = unbounded_channel();
    tokio::spawn(send(moment, steps, sender));
    Pieces(pieces).boxed_unsync()
}

type Piece = Result<Bytes, HttpError>;

async fn send(mut moment: Moment, steps: Vec<Step>, sender: UnboundedSender<Piece>) {
    for step in steps {
        let sent = match step {
            Step::Chunk(bytes) if bytes.is_empty() => Ok(()),
            Step::Chunk(bytes) => sender.send(Ok(bytes.into())),
            Step::BreakOff => return fail(&sender, HttpError::ConnectionTerminated),
            Step::Fail(name) => return fail(&sender, error_named(&name)),
            Step::Silence => return sender.closed().await,
            Step::Pause(duration) => {
                moment = moment.after(duration);
                tokio::select! {
                    () = moment.come() => {}
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

fn fail(sender: &UnboundedSender<Piece>, error: HttpError) {
    // Whoever reads no more needs no end either.
    let _ = sender.send(Err(error));
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
