//! The clock of WASI 0.3, whose waits are asynchronous functions.

use super::{ClockView, GuestClock, Waits};
use std::time::{Duration, Instant};
use wasmtime::component::{Accessor, Linker};
use wasmtime_wasi::clocks::WasiClocksView as _;
use wasmtime_wasi::p3::bindings::clocks::monotonic_clock;

/// Links the clock of WASI 0.3 over that of wasmtime-wasi.
pub(crate) fn add_to_linker<T: Waits>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    wasmtime_wasi::p3::clocks::add_to_linker(linker)?;
    linker.allow_shadowing(true);
    monotonic_clock::add_to_linker::<_, GuestClock>(linker, |state| {
        let alarms = state.alarms();
        ClockView { wasi: state.clocks(), alarms }
    })?;
    linker.allow_shadowing(false);
    Ok(())
}

impl monotonic_clock::Host for ClockView<'_> {
    fn now(&mut self) -> wasmtime::Result<monotonic_clock::Mark> {
        monotonic_clock::Host::now(&mut self.wasi)
    }

    fn get_resolution(&mut self) -> wasmtime::Result<monotonic_clock::Duration> {
        monotonic_clock::Host::get_resolution(&mut self.wasi)
    }
}

impl<T> monotonic_clock::HostWithStore<T> for GuestClock {
    async fn wait_until(store: &Accessor<T, Self>, when: monotonic_clock::Mark) -> wasmtime::Result<()> {
        let now = store.with(|mut access| monotonic_clock::Host::now(&mut access.get()))?;
        Self::wait_for(store, when.saturating_sub(now)).await
    }

    async fn wait_for(store: &Accessor<T, Self>, duration: monotonic_clock::Duration) -> wasmtime::Result<()> {
        let duration = Duration::from_nanos(duration);
        let alarms = store.with(|mut access| access.get().alarms);
        match (alarms, Instant::now().checked_add(duration)) {
            (Some(alarms), Some(until)) if !duration.is_zero() => alarms.wait(until).await,
            _ => tokio::time::sleep(duration).await,
        }
        Ok(())
    }
}
