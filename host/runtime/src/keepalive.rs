//! Comments in an event stream that is silent, so that nothing between its sender and its reader takes it for dead.
//!
//! API Gateway cuts a response after 30 seconds (edge-optimized) or 5 minutes (regional) without a byte; proxies and browsers have
//! limits of their own. A comment goes only between two events: inside of one it would be part of it.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// What is sent: a comment, which no reader of event streams shows to anybody.
pub(crate) const PING: &[u8] = b": ping\n\n";

/// Knows when the next comment is due.
#[derive(Debug)]
pub(crate) struct KeepAlive {
    every: Duration,
    /// The last bytes of the stream.
    tail: [u8; 4],
    due: Pin<Box<Sleep>>,
}

impl KeepAlive {
    /// A stream that has just begun.
    pub(crate) fn new(every: Duration) -> Self {
        Self { every, tail: *b"\0\0\n\n", due: Box::pin(sleep_until(Instant::now() + every)) }
    }

    /// Bytes were sent.
    pub(crate) fn sent(&mut self, bytes: &[u8]) {
        let kept = bytes.len().min(self.tail.len());
        self.tail.rotate_left(kept);
        let at = self.tail.len() - kept;
        self.tail[at..].copy_from_slice(&bytes[bytes.len() - kept..]);
        self.due.as_mut().reset(Instant::now() + self.every);
    }

    /// Ready when a comment is due, and may be sent: then it is taken as sent.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let is_between_events = self.tail.ends_with(b"\n\n") || self.tail.ends_with(b"\r\r") || self.tail.ends_with(b"\r\n\r\n");
        if !is_between_events || self.due.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.due.as_mut().reset(Instant::now() + self.every);
        // The next one has to wake somebody, too.
        let _ = self.due.as_mut().poll(cx);
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    #[tokio::test(start_paused = true)]
    async fn a_comment_is_due_in_silence_between_events() {
        let mut alive = KeepAlive::new(Duration::from_secs(10));
        let mut due = |alive: &mut KeepAlive| alive.poll(&mut Context::from_waker(Waker::noop())).is_ready();
        assert!(!due(&mut alive));
        tokio::time::advance(Duration::from_secs(11)).await;
        assert!(due(&mut alive) && !due(&mut alive), "once");
        for (bytes, between) in [
            (&b"data: 1\n\n"[..], true),
            (b"data: 1\n", false),
            (b"\n", true),
            (b"data: 2\r\n\r", false),
            (b"\n", true),
            (b"data\r\r", true),
            (b"x", false),
            (b"", false),
        ] {
            alive.sent(bytes);
            tokio::time::advance(Duration::from_secs(9)).await;
            assert!(!due(&mut alive), "{bytes:?}");
            tokio::time::advance(Duration::from_secs(2)).await;
            assert_eq!(due(&mut alive), between, "{bytes:?}");
        }
    }
}
