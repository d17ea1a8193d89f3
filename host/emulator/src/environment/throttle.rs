//! Lambda's bandwidth for one streamed response: a bucket of tokens, a token a byte.

use std::time::Duration;
use tokio::time::Instant;

/// What a stream may have at once.
const BURST: u64 = 6 * 1024 * 1024;

/// What it gets back each [`REFILL`]: 2 MiB a second.
const REFILL_BYTES: u64 = 2 * 1024 * 1024 / 8;

const REFILL: Duration = Duration::from_millis(125);

/// A bucket.
#[derive(Debug)]
pub(super) struct Throttle {
    bucket: Option<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: u64,
    refilled: Instant,
}

impl Throttle {
    /// A full bucket, or none.
    pub(super) fn new(enabled: bool) -> Self {
        Self { bucket: enabled.then(|| Bucket { tokens: BURST, refilled: Instant::now() }) }
    }

    /// Waits until `bytes` may pass. Gives how long that took, if it had to wait.
    pub(super) async fn pass(&mut self, bytes: usize) -> Option<Duration> {
        let bucket = self.bucket.as_mut()?;
        let begun = Instant::now();
        let mut waited = false;
        let mut owed = bytes as u64;
        loop {
            bucket.refill(Instant::now());
            let taken = owed.min(bucket.tokens);
            bucket.tokens -= taken;
            owed -= taken;
            if owed == 0 {
                return waited.then(|| begun.elapsed());
            }
            waited = true;
            tokio::time::sleep_until(bucket.refilled + REFILL).await;
        }
    }
}

impl Bucket {
    fn refill(&mut self, now: Instant) {
        let times = now.saturating_duration_since(self.refilled).as_millis() / REFILL.as_millis();
        let times = u32::try_from(times).unwrap_or(u32::MAX);
        self.tokens = BURST.min(self.tokens.saturating_add(u64::from(times) * REFILL_BYTES));
        self.refilled += REFILL * times;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_mebibytes_at_once_then_two_a_second() {
        let start = Instant::now();
        let mut bucket = Bucket { tokens: 0, refilled: start };
        bucket.refill(start + Duration::from_millis(124));
        assert_eq!(bucket.tokens, 0);
        bucket.refill(start + Duration::from_secs(1));
        assert_eq!(bucket.tokens, 2 * 1024 * 1024);
        bucket.refill(start + Duration::from_secs(100));
        assert_eq!(bucket.tokens, BURST);
    }
}
