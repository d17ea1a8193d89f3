//! Waits until a moment, of as many tasks as there are, by one timer of the kernel's.
//!
//! The timer is set to the earliest moment that anybody waits for. When it rings, all whose moment has come are woken at once,
//! and it is set once for those that remain. So a thousand streams cost one descriptor, and tokens that are due together cost
//! one wake-up.
//!
//! Where many wait, the timer does not ring for each of them: rings are [`APART`] for each that waits, and never more than
//! [`LONGEST`]. A process with one stream is woken to the microsecond; one with a thousand, a thousand times per second at
//! most, with all that came due meanwhile.
//!
//! Such a timer is Linux's. Elsewhere, and where the process has no descriptor left, waits are the executor's.

use crate::batch::{Batch, MANY};
use crate::turns::requeue;
use std::collections::BTreeMap;
use std::fs::File;
use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use tokio::io::unix::AsyncFd;
use tokio::task::JoinHandle;

/// How far apart two rings are, for each that waits.
const APART: Duration = Duration::from_micros(16);

/// No two rings have to be farther apart.
const LONGEST: Duration = Duration::from_millis(1);

/// The waits of a process. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Alarms(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    batch: Batch,
}

/// A moment, and a number of its own for each of those that wait for it.
type Key = (Instant, u64);

#[derive(Debug, Default)]
struct State {
    waiting: BTreeMap<Key, Waker>,
    /// How many waits there have been.
    count: u64,
    /// Made for the first wait.
    timer: Option<Timer>,
    /// When the timer rings next. Absent if it does not.
    set: Option<Instant>,
    /// When it rang last.
    rung: Option<Instant>,
}

/// The kernel's timer, and the task that wakes others when it rings.
#[derive(Debug)]
struct Timer {
    file: Arc<AsyncFd<File>>,
    ringing: JoinHandle<()>,
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.ringing.abort();
    }
}

impl Alarms {
    /// Waits until a moment has come: never less, and as little more as the kernel and the executor allow.
    pub(crate) async fn wait(&self, until: Instant) {
        let mut waiting = None;
        let rung = poll_fn(|cx| self.poll(cx, until, &mut waiting)).await;
        if rung.is_err() {
            tokio::time::sleep_until(until.into()).await;
        }
    }

    /// What those whose waits end together send.
    pub(crate) fn batch(&self) -> &Batch {
        &self.0.batch
    }

    fn poll<'a>(&'a self, cx: &mut Context<'_>, until: Instant, waiting: &mut Option<Waiting<'a>>) -> Poll<io::Result<()>> {
        if Instant::now() >= until {
            return Poll::Ready(Ok(()));
        }
        let mut state = self.0.lock();
        // An executor that has ended has taken the task with it.
        if state.timer.as_ref().is_none_or(|timer| timer.ringing.is_finished()) {
            state.timer = Some(self.timer()?);
            state.set = None;
        }
        let key = match waiting {
            Some(waiting) => waiting.key,
            None => {
                state.count += 1;
                let key = (until, state.count);
                *waiting = Some(Waiting { shared: &self.0, key });
                key
            }
        };
        match state.waiting.get_mut(&key) {
            Some(waker) => waker.clone_from(cx.waker()),
            None => drop(state.waiting.insert(key, cx.waker().clone())),
        }
        state.set(until)?;
        Poll::Pending
    }

    #[expect(deprecated, reason = "its successor is unsafe, for types that change their descriptor; a File does not")]
    fn timer(&self) -> io::Result<Timer> {
        let file = Arc::new(AsyncFd::new(kernel::timer()?)?);
        let (rings, shared) = (Arc::clone(&file), Arc::downgrade(&self.0));
        let ringing = tokio::spawn(async move {
            // The executor is told of each ring anew, so nobody has to read how often it rang.
            while let Ok(mut rung) = rings.readable().await {
                rung.clear_ready();
                let Some(shared) = shared.upgrade() else { return };
                if shared.ring() >= MANY {
                    // Behind those that were woken.
                    requeue().await;
                    shared.batch.send();
                }
            }
        });
        Ok(Timer { file, ringing })
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes all whose moment has come, and sets the timer for those that remain. How many they were.
    fn ring(&self) -> usize {
        let mut due = Vec::new();
        let mut state = self.lock();
        state.set = None;
        let now = Instant::now();
        state.rung = Some(now);
        while let Some(first) = state.waiting.first_entry() {
            let until = first.key().0;
            if until > now {
                // If it cannot be set, the next wait tries again.
                let _ = state.set(until);
                break;
            }
            due.push(first.remove());
        }
        drop(state);
        let many = due.len();
        if many >= MANY {
            self.batch.begin();
        }
        due.into_iter().for_each(Waker::wake);
        many
    }
}

impl State {
    /// Has the timer ring at a moment, unless it rings before.
    fn set(&mut self, until: Instant) -> io::Result<()> {
        let Some(timer) = &self.timer else { return Ok(()) };
        let apart = APART.saturating_mul(u32::try_from(self.waiting.len()).unwrap_or(u32::MAX)).min(LONGEST);
        let until = self.rung.map_or(until, |rung| until.max(rung + apart));
        if self.set.is_some_and(|set| set <= until) {
            return Ok(());
        }
        kernel::set(timer.file.get_ref(), until.saturating_duration_since(Instant::now()))?;
        self.set = Some(until);
        Ok(())
    }
}

/// Somebody who waits, until this is dropped.
struct Waiting<'a> {
    shared: &'a Shared,
    key: Key,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.shared.lock().waiting.remove(&self.key);
    }
}

#[cfg(target_os = "linux")]
mod kernel {
    use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
    use std::fs::File;
    use std::io;
    use std::time::Duration;

    /// A timer that is not set.
    pub(super) fn timer() -> io::Result<File> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        Ok(rustix::time::timerfd_create(TimerfdClockId::Monotonic, flags)?.into())
    }

    /// Has it ring once, after so long.
    pub(super) fn set(timer: &File, after: Duration) -> io::Result<()> {
        // Zero would switch it off.
        let after = after.max(Duration::from_nanos(1));
        let it_value = Timespec { tv_sec: after.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: after.subsec_nanos().into() };
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value };
        rustix::time::timerfd_settime(timer, TimerfdTimerFlags::empty(), &once)?;
        Ok(())
    }
}

#[cfg(not(target_os = "linux"))]
mod kernel {
    use std::fs::File;
    use std::io;
    use std::time::Duration;

    pub(super) fn timer() -> io::Result<File> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn set(_: &File, _: Duration) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(ms: u64) -> Instant {
        Instant::now() + Duration::from_millis(ms)
    }

    #[tokio::test]
    async fn a_wait_does_not_end_early() {
        let alarms = Alarms::default();
        for ms in [0, 1, 3, 20] {
            let until = after(ms);
            alarms.wait(until).await;
            assert!(Instant::now() >= until, "{ms} ms");
        }
    }

    #[tokio::test]
    async fn waits_end_in_their_order() {
        let alarms = Alarms::default();
        let order = Mutex::new(Vec::new());
        let end = async |ms| {
            alarms.wait(after(ms)).await;
            order.lock().expect("no panic").push(ms);
        };
        tokio::join!(end(60), end(5), end(30), end(5), end(0));
        assert_eq!(*order.lock().expect("no panic"), [0, 5, 5, 30, 60]);
    }

    #[tokio::test]
    async fn a_wait_that_was_given_up_holds_no_other_up() {
        let alarms = Alarms::default();
        tokio::select! {
            () = alarms.wait(after(60_000)) => panic!("a minute has not passed"),
            () = alarms.wait(after(20)) => {}
        }
        assert!(alarms.0.lock().waiting.is_empty());
        alarms.wait(after(5)).await;
    }

    #[test]
    fn an_executor_after_another_has_its_waits_ended_too() {
        let alarms = Alarms::default();
        for _ in 0..2 {
            let executor = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("an executor");
            executor.block_on(alarms.wait(after(5)));
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn tasks_wait_side_by_side() {
        let alarms = Alarms::default();
        let tasks: Vec<_> = (0..200_u64)
            .map(|n| {
                let alarms = alarms.clone();
                tokio::spawn(async move {
                    for round in 0..20 {
                        let until = after((n * 7 + round * 3) % 11);
                        alarms.wait(until).await;
                        assert!(Instant::now() >= until);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("no panic");
        }
        assert!(alarms.0.lock().waiting.is_empty());
    }
}
