//! A paused clock: waiting takes no time, and is counted.

use std::future::poll_fn;
use std::pin::pin;
use std::time::{Duration, Instant};
use tokio::time::Instant as Virtual;

/// What becomes of the time that is spent computing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Computing {
    /// It is added to the clock.
    Counted,
    /// It is not, unless it goes on for long without a wait: then it may be for ever, and a deadline has to end it. Whatever waits is
    /// woken at the same times in each run.
    Free,
}

/// The clock is advanced by the time that was spent computing when this much has come together.
const STEP: Duration = Duration::from_millis(1);

/// The same where computing is free. It is real time, and a machine may be busy with other things.
const LONG: Duration = Duration::from_secs(3);

/// Runs `future` on a paused clock. Whoever waits is woken at once, and the clock goes on by the time that they waited for: tokio
/// sees to that. The time that `future` computes is added here, so that a handler that computes for ever meets its deadline.
pub(super) async fn skip_waits<F: Future>(future: F, computing: Computing) -> F::Output {
    let step = if computing == Computing::Counted { STEP } else { LONG };
    let mut clock = Virtual::now();
    let mut future = pin!(future);
    let mut computed = Duration::ZERO;
    poll_fn(|cx| {
        let before = std::mem::replace(&mut clock, Virtual::now());
        if computing == Computing::Free && clock != before {
            // It has waited.
            computed = Duration::ZERO;
        }
        let begun = Instant::now();
        let polled = future.as_mut().poll(cx);
        computed += begun.elapsed();
        if polled.is_pending() && computed >= step {
            // `advance` sets the clock in its first poll, which is all that is wanted of it. It also has this task woken, so that
            // `future` is polled again and sees the timers that have expired.
            let advanced = pin!(tokio::time::advance(std::mem::take(&mut computed))).poll(cx);
            debug_assert!(advanced.is_pending());
        }
        polled
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paused<T>(computing: Computing, future: impl Future<Output = T>) -> T {
        let executor = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        executor.expect("an executor").block_on(skip_waits(future, computing))
    }

    #[test]
    fn waiting_takes_no_time_and_is_counted() {
        let begun = Instant::now();
        let waited = paused(Computing::Counted, async {
            let begun = Virtual::now();
            tokio::time::sleep(Duration::from_secs(3600)).await;
            begun.elapsed()
        });
        assert!(waited >= Duration::from_secs(3600) && waited < Duration::from_secs(3601), "{waited:?}");
        assert!(begun.elapsed() < Duration::from_secs(60));
    }

    #[test]
    fn computing_takes_the_time_that_it_takes() {
        let (begun, limit) = (Instant::now(), Duration::from_millis(30));
        let computed = paused(Computing::Counted, async {
            let begun = Virtual::now();
            while begun.elapsed() < limit {
                std::hint::black_box((0..100_000_u64).sum::<u64>());
                tokio::task::yield_now().await;
            }
            begun.elapsed()
        });
        assert!(computed >= limit && begun.elapsed() >= limit, "{computed:?}");
    }
}
