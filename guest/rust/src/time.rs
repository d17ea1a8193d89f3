//! Timers for `async` handlers. A plain `fn` has [`std::thread::sleep`].
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use firstbyte::{Request, Response, Result, handler, time};
//!
//! #[handler]
//! async fn tick(_: Request, response: Response) -> Result {
//!     let mut body = response.start()?;
//!     let mut ticks = time::interval(Duration::from_millis(100));
//!     for n in 1..=10 {
//!         ticks.tick().await;
//!         body.write(format!("{n}\n"))?;
//!     }
//!     Ok(())
//! }
//! # fn main() {}
//! ```
//!
//! # Panics
//!
//! Everything in here needs the executor of an `async` handler, and panics when it is polled outside of one.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

use crate::{__private::bindings::wasi::clocks::monotonic_clock, executor::Pollable};

/// Waits for a time, while other tasks go on.
pub async fn sleep(duration: Duration) {
    Pollable::new(monotonic_clock::subscribe_duration(nanoseconds(duration))).ready().await;
}

/// Runs a future to its end, unless that takes longer than `limit`. The future is then dropped.
///
/// # Errors
/// [`Elapsed`] if it took longer.
pub async fn timeout<F: Future>(limit: Duration, future: F) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    let mut limit = pin!(sleep(limit));
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Ok(output)),
        Poll::Pending => limit.as_mut().poll(context).map(|()| Err(Elapsed)),
    })
    .await
}

/// Ticks at a fixed rate, for the first time after one `period`.
pub fn interval(period: Duration) -> Interval {
    Interval { last: Instant::now(), period }
}

/// Ticks at a fixed rate. See [`interval`].
#[derive(Debug)]
pub struct Interval {
    last: Instant,
    period: Duration,
}

impl Interval {
    /// Waits for the next tick. Ticks that were missed are not made up for.
    pub async fn tick(&mut self) {
        sleep(self.period.saturating_sub(self.last.elapsed())).await;
        let elapsed = self.last.elapsed();
        self.last += if elapsed < self.period.saturating_mul(2) { self.period } else { elapsed };
    }
}

/// What was awaited took longer than its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it took too long")
    }
}

impl std::error::Error for Elapsed {}

/// As the host counts: the 584 years that fit 64 bits are as good as for ever.
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_duration_can_be_waited_for() {
        assert_eq!(nanoseconds(Duration::MAX), u64::MAX);
        assert_eq!(nanoseconds(Duration::from_millis(3)), 3_000_000);
    }
}
