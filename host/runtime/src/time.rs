//! Whose time a handler lives in.

use std::time::{Duration, SystemTime};
use tokio::time::Instant;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtxBuilder};

/// Whose time a handler lives in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Time {
    /// The machine's.
    #[default]
    Machine,
    /// The executor's, which tests may pause: what waits then waits for nothing, and everybody's clock says that it did. Deadlines
    /// and limits are in this time always, which is the machine's wherever it is not paused.
    Executor,
}

impl Time {
    /// Sets the clocks that a guest reads. Its wall clock begins at `clock`, or now.
    pub(crate) fn give_to(self, wasi: &mut WasiCtxBuilder, clock: Option<SystemTime>) {
        if self == Self::Executor {
            let since_epoch = clock.unwrap_or_else(SystemTime::now);
            let since_epoch = since_epoch.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            let clock = ExecutorClock { begun: Instant::now(), since_epoch };
            wasi.monotonic_clock(clock).wall_clock(clock);
        }
    }
}

/// The executor's clock as both of a guest's.
#[derive(Clone, Copy)]
struct ExecutorClock {
    begun: Instant,
    /// When that was.
    since_epoch: Duration,
}

impl HostMonotonicClock for ExecutorClock {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl HostWallClock for ExecutorClock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        self.since_epoch + self.begun.elapsed()
    }
}
