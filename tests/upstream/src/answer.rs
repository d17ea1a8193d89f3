//! A model's answer, written as its script says.

use crate::script::{End, Script};
use crate::server::State;
use bytes::Bytes;
use http_body::Frame;
use serde_json::json;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// A body that is written elsewhere.
pub(crate) struct Body(mpsc::Receiver<Result<Bytes, Broken>>);

/// The connection is to end here.
#[derive(Debug)]
pub(crate) struct Broken;

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("as the script says")
    }
}

impl std::error::Error for Broken {}

/// The one who asked does not read any more.
struct Gone;

pub(crate) fn body(script: Script, socket: socket2::Socket, state: Arc<State>) -> Body {
    let (sender, receiver) = mpsc::channel(1);
    let writer = Writer { sender, socket, state };
    tokio::spawn(async move {
        if writer.write(script).await.is_err() {
            writer.state.abandoned();
        }
    });
    Body(receiver)
}

struct Writer {
    sender: mpsc::Sender<Result<Bytes, Broken>>,
    socket: socket2::Socket,
    state: Arc<State>,
}

impl Writer {
    async fn write(&self, script: Script) -> Result<(), Gone> {
        let gap = Duration::from_millis(script.gap_ms);
        self.event(r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#).await?;
        for token in &script.tokens {
            if script.waits {
                let permit = self.unless_gone(self.state.released.acquire()).await?;
                permit.expect("nobody closes it").forget();
            }
            self.unless_gone(tokio::time::sleep(gap)).await?;
            self.token(token).await?;
        }
        self.unless_gone(tokio::time::sleep(gap)).await?;
        match script.end {
            End::Done => self.event("[DONE]").await,
            End::Error(message) => self.event(&json!({ "error": { "message": message } }).to_string()).await,
            End::Nonsense => self.event("{ this is no JSON").await,
            End::Early | End::Status(..) | End::Silence => Ok(()),
            End::Broken => self.send(Err(Broken)).await,
            End::Reset => {
                self.socket.set_linger(Some(Duration::ZERO)).expect("a TCP socket");
                self.send(Err(Broken)).await
            }
            End::Stall => self.unless_gone(std::future::pending()).await,
            End::Forever => loop {
                for token in &script.tokens {
                    self.unless_gone(tokio::time::sleep(gap)).await?;
                    self.token(token).await?;
                }
            },
            End::LongLine(length) => {
                self.token(&"x".repeat(length)).await?;
                self.event("[DONE]").await
            }
            End::EndlessLine => {
                self.send(Ok(Bytes::from_static(b"data: "))).await?;
                let piece = Bytes::from(vec![b'x'; 32 * 1024]);
                loop {
                    self.send(Ok(piece.clone())).await?;
                }
            }
        }
    }

    async fn token(&self, token: &str) -> Result<(), Gone> {
        let chunk = json!({ "object": "chat.completion.chunk", "choices": [{ "index": 0, "delta": { "content": token } }] });
        self.state.sent(token, Instant::now());
        self.event(&chunk.to_string()).await
    }

    async fn event(&self, data: &str) -> Result<(), Gone> {
        self.send(Ok(format!("data: {data}\n\n").into())).await
    }

    async fn send(&self, piece: Result<Bytes, Broken>) -> Result<(), Gone> {
        self.sender.send(piece).await.map_err(|_| Gone)
    }

    async fn unless_gone<T>(&self, future: impl Future<Output = T>) -> Result<T, Gone> {
        tokio::select! {
            done = future => Ok(done),
            () = self.sender.closed() => Err(Gone),
        }
    }
}
