//! The guest's clock: what `wasi:clocks/monotonic-clock` waits with.
//!
//! wasmtime-wasi leaves waits to tokio, whose timers are made for time limits: they tick in whole milliseconds, and a wait ends
//! one or two of them late. A handler that sends a token every 10 ms would send each of them late. Here a wait is a timer of the
//! kernel's.

#[cfg(feature = "wasi-p3")]
mod p3;

#[cfg(feature = "wasi-p3")]
pub(crate) use p3::add_to_linker as add_p3_to_linker;

use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
use std::fs::File;
use std::future::poll_fn;
use std::io::{self, Read as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::unix::AsyncFd;
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::clocks::{WasiClocksCtxView, WasiClocksView as _};
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi::p2::{DynPollable, Pollable};

/// What a store has for its guest's waits.
pub(crate) trait Waits: WasiView + 'static {
    /// The store's alarm. None where time is the executor's: the kernel's goes on while that is paused.
    fn alarm(&self) -> Option<SharedAlarm>;
}

/// Links the clock over that of wasmtime-wasi.
pub(crate) fn add_to_linker<T: Waits>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    monotonic_clock::add_to_linker::<_, GuestClock>(linker, |state| {
        let alarm = state.alarm();
        ClockView { wasi: state.clocks(), alarm }
    })?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Names [`ClockView`] to the linker.
struct GuestClock;

impl HasData for GuestClock {
    type Data<'a> = ClockView<'a>;
}

/// wasmtime-wasi's clock, but for its waits.
struct ClockView<'a> {
    wasi: WasiClocksCtxView<'a>,
    alarm: Option<SharedAlarm>,
}

impl monotonic_clock::Host for ClockView<'_> {
    fn now(&mut self) -> wasmtime::Result<monotonic_clock::Instant> {
        self.wasi.now()
    }

    fn resolution(&mut self) -> wasmtime::Result<monotonic_clock::Duration> {
        self.wasi.resolution()
    }

    fn subscribe_instant(&mut self, when: monotonic_clock::Instant) -> wasmtime::Result<Resource<DynPollable>> {
        let now = self.wasi.now()?;
        self.subscribe_duration(when.saturating_sub(now))
    }

    fn subscribe_duration(&mut self, duration: monotonic_clock::Duration) -> wasmtime::Result<Resource<DynPollable>> {
        match (&self.alarm, Instant::now().checked_add(Duration::from_nanos(duration))) {
            (Some(alarm), Some(until)) if duration > 0 => {
                let wait = self.wasi.table.push(Wait { alarm: Arc::clone(alarm), until })?;
                wasmtime_wasi::p2::subscribe(self.wasi.table, wait)
            }
            // What is over already lets others have their turn, and what never comes is never woken.
            _ => self.wasi.subscribe_duration(duration),
        }
    }
}

/// What a pollable of the clock waits for.
struct Wait {
    alarm: SharedAlarm,
    until: Instant,
}

#[wasmtime_wasi::async_trait]
impl Pollable for Wait {
    async fn ready(&mut self) {
        let rung = poll_fn(|cx| self.alarm.lock().unwrap_or_else(PoisonError::into_inner).poll(cx, self.until)).await;
        if rung.is_err() {
            // The process has no descriptor left for a timer.
            tokio::time::sleep_until(self.until.into()).await;
        }
    }
}

/// The alarm of one store. All of a guest's waits are polled by the one task that drives it, so one timer serves them all.
pub(crate) type SharedAlarm = Arc<Mutex<Alarm>>;

/// A timer of the kernel's, made when it is first waited for.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    timer: Option<AsyncFd<File>>,
    /// When it rings next, if that has not passed.
    set: Option<Instant>,
}

impl Alarm {
    fn poll(&mut self, cx: &mut Context<'_>, until: Instant) -> Poll<io::Result<()>> {
        loop {
            let now = Instant::now();
            if now >= until {
                return Poll::Ready(Ok(()));
            }
            let timer = match &mut self.timer {
                Some(timer) => timer,
                none => none.insert(timer()?),
            };
            if self.set.is_none_or(|set| set <= now || until < set) {
                set(timer, until - now)?;
                self.set = Some(until);
            }
            let mut rung = ready!(timer.poll_read_ready(cx))?;
            // It may have rung for another wait, or been set anew since.
            match rung.try_io(|timer| timer.get_ref().read(&mut [0; 8])) {
                Ok(Ok(_)) => rung.clear_ready(),
                Ok(Err(error)) => return Poll::Ready(Err(error)),
                Err(_would_block) => {}
            }
        }
    }
}

#[expect(deprecated, reason = "its successor is unsafe, for types that change their descriptor; a File does not")]
fn timer() -> io::Result<AsyncFd<File>> {
    let timer = rustix::time::timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
    AsyncFd::new(File::from(timer))
}

/// Has `timer` ring once, `after` from now, which is not zero.
fn set(timer: &AsyncFd<File>, after: Duration) -> io::Result<()> {
    let it_value = Timespec { tv_sec: after.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: after.subsec_nanos().into() };
    let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value };
    rustix::time::timerfd_settime(timer, TimerfdTimerFlags::empty(), &once)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(alarm: &SharedAlarm, ms: u64) -> Wait {
        Wait { alarm: Arc::clone(alarm), until: Instant::now() + Duration::from_millis(ms) }
    }

    #[tokio::test]
    async fn a_wait_does_not_end_early() {
        let alarm = SharedAlarm::default();
        for ms in [0, 1, 3, 20] {
            let mut wait = wait(&alarm, ms);
            wait.ready().await;
            assert!(Instant::now() >= wait.until, "{ms} ms");
        }
    }

    #[tokio::test]
    async fn waits_that_share_an_alarm_end_in_their_order() {
        let alarm = SharedAlarm::default();
        let order = Mutex::new(Vec::new());
        let end = async |ms| {
            wait(&alarm, ms).ready().await;
            order.lock().expect("no panic").push(ms);
        };
        tokio::join!(end(60), end(5), end(30), end(5), end(0));
        assert_eq!(*order.lock().expect("no panic"), [0, 5, 5, 30, 60]);
    }

    #[tokio::test]
    async fn a_wait_that_was_given_up_holds_no_other_up() {
        let alarm = SharedAlarm::default();
        let (mut short, mut long) = (wait(&alarm, 20), wait(&alarm, 60_000));
        tokio::select! {
            () = long.ready() => panic!("a minute has not passed"),
            () = short.ready() => {}
        }
        drop(long);
        wait(&alarm, 5).ready().await;
    }
}
