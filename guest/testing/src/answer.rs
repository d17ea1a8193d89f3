//! What a test answers in another server's place: a script of what comes when.

use bytes::Bytes;
use firstbyte_runtime::egress::{HttpError, WasiBody};
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What a request is answered: a head, then pieces of a body and pauses between them, in the order in which they are given here.
#[derive(Clone, Debug)]
pub struct Answer {
    /// How long the head takes.
    pub(crate) delay: Duration,
    pub(crate) head: Option<Head>,
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
enum Step {
    Chunk(Bytes),
    Pause(Duration),
    BreakOff,
}

impl Answer {
    /// An answer with a status, and an empty body.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self { delay: Duration::ZERO, head: Some(Head { status, headers: Vec::new() }), steps: Vec::new() }
    }

    /// No answer: the connection is refused.
    #[must_use]
    pub fn refused() -> Self {
        Self { delay: Duration::ZERO, head: None, steps: Vec::new() }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Some(head) = &mut self.head {
            head.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Begins only after a time.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Then sends a piece of the body.
    #[must_use]
    pub fn chunk(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.then(Step::Chunk(bytes.into().into()))
    }

    /// Then waits.
    #[must_use]
    pub fn pause(self, duration: Duration) -> Self {
        self.then(Step::Pause(duration))
    }

    /// Then ends the connection, in the middle of the body.
    #[must_use]
    pub fn break_off(self) -> Self {
        self.then(Step::BreakOff)
    }

    fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// The body, which is sent from now on, whether or not somebody reads.
    pub(crate) fn into_body(self) -> WasiBody {
        let (sender, pieces) = unbounded_channel();
        tokio::spawn(send(self.steps, sender));
        Pieces(pieces).boxed_unsync()
    }
}

type Piece = Result<Bytes, HttpError>;

async fn send(steps: Vec<Step>, sender: UnboundedSender<Piece>) {
    for step in steps {
        let sent = match step {
            Step::Chunk(bytes) if bytes.is_empty() => Ok(()),
            Step::Chunk(bytes) => sender.send(Ok(bytes)),
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
