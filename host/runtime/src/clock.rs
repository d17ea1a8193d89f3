//! The guest's clock: what `wasi:clocks/monotonic-clock` waits with.
//!
//! wasmtime-wasi leaves waits to tokio, whose timers are made for time limits: they tick in whole milliseconds, and a wait ends
//! one or two of them late. A handler that sends a token every 10 ms would send each of them late. Here waits end by a timer of
//! the kernel's ([`Alarms`]), one for all of a process's handlers.

mod alarms;
#[cfg(feature = "wasi-p3")]
mod p3;

#[cfg(feature = "wasi-p3")]
pub(crate) use p3::add_to_linker as add_p3_to_linker;

pub(crate) use alarms::Alarms;

use std::time::{Duration, Instant};
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::clocks::{WasiClocksCtxView, WasiClocksView as _};
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi::p2::{DynPollable, Pollable};

/// What a store has for its guest's waits.
pub(crate) trait Waits: WasiView + 'static {
    /// What its waits end by. Absent where time is the executor's: the kernel's goes on while that is paused.
    fn alarms(&self) -> Option<Alarms>;
}

/// Links the clock over that of wasmtime-wasi.
pub(crate) fn add_to_linker<T: Waits>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    monotonic_clock::add_to_linker::<_, GuestClock>(linker, |state| {
        let alarms = state.alarms();
        ClockView { wasi: state.clocks(), alarms }
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
    alarms: Option<Alarms>,
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
        match (&self.alarms, Instant::now().checked_add(Duration::from_nanos(duration))) {
            (Some(alarms), Some(until)) if duration > 0 => {
                let wait = self.wasi.table.push(Wait { alarms: alarms.clone(), until })?;
                wasmtime_wasi::p2::subscribe(self.wasi.table, wait)
            }
            // What is over already lets others have their turn, and what never comes is never woken.
            _ => self.wasi.subscribe_duration(duration),
        }
    }
}

/// What a pollable of the clock waits for.
struct Wait {
    alarms: Alarms,
    until: Instant,
}

#[wasmtime_wasi::async_trait]
impl Pollable for Wait {
    async fn ready(&mut self) {
        self.alarms.wait(self.until).await;
    }
}
