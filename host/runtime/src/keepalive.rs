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
    due: Instant,
    alarm: Pin<Box<Sleep>>,
}

impl KeepAlive {
    /// A stream that has just begun.
    pub(crate) fn new(every: Duration) -> Self {
        let due = Instant::now() + every;
        Self { every, tail: *b"\0\0\n\n", due, alarm: Box::pin(sleep_until(due)) }
    }

    /// Bytes were sent.
    pub(crate) fn sent(&mut self, bytes: &[u8], now: Instant) {
        let kept = bytes.len().min(self.tail.len());
        self.tail.rotate_left(kept);
        let at = self.tail.len() - kept;
        self.tail[at..].copy_from_slice(&bytes[bytes.len() - kept..]);
        self.due = now + self.every;
    }

    /// Whether a comment is due, and may be sent: then it is taken as sent.
    fn is_due(&mut self, now: Instant) -> bool {
        let is_due = self.is_between_events() && now >= self.due;
        if is_due {
            self.due = now + self.every;
        }
        is_due
    }

    fn is_between_events(&self) -> bool {
        [&b"\n\n"[..], b"\r\r", b"\r\n\r\n"].iter().any(|end| self.tail.ends_with(end))
    }

    /// Ready when a comment is due, and may be sent: then it is taken as sent. Wakes whoever waits when that may be so.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_between_events() {
            return Poll::Pending;
        }
        let is_due = self.is_due(Instant::now());
        // Writes only note that it is due later: the alarm is set where somebody waits.
        if self.alarm.deadline() != self.due {
            self.alarm.as_mut().reset(self.due);
        }
        let rings = self.alarm.as_mut().poll(cx).is_ready();
        if is_due || rings && self.is_due(Instant::now()) { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_comment_is_due_in_silence_between_events() {
        let second = Duration::from_secs(1);
        let mut alive = KeepAlive::new(10 * second);
        let mut now = Instant::now();
        assert!(!alive.is_due(now));
        now += 11 * second;
        assert!(alive.is_due(now) && !alive.is_due(now), "once");
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
            alive.sent(bytes, now);
            assert!(!alive.is_due(now + 9 * second), "{bytes:?}");
            now += 11 * second;
            assert_eq!(alive.is_due(now), between, "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn it_wakes_whoever_waits() {
        let mut alive = KeepAlive::new(Duration::from_millis(1));
        for _ in 0..3 {
            std::future::poll_fn(|cx| alive.poll(cx)).await;
        }
    }
}
