//! What one instance holds: its WASI, its limits, and the invocation that it serves.

use crate::charged::{Holder, Holdings};
use crate::clock::{Alarms, Waits};
use crate::config::{Configured, Variables};
use crate::egress::Outbound;
use crate::invocation::Invocation;
use crate::limits::Limits;
use crate::log::{GuestOutput, InvocationLog};
use crate::response::SharedResponse;
use crate::settings::Settings;
use crate::turns::Turn;
use std::sync::Arc;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// The state of one store.
pub(crate) struct State {
    pub(crate) settings: Arc<Settings>,
    pub(crate) wasi: WasiCtx,
    pub(crate) table: ResourceTable,
    pub(crate) limits: Limits,
    /// What entries of `table` are charged for, and the budget.
    pub(crate) holdings: Holdings,
    pub(crate) invocation: Arc<Invocation>,
    pub(crate) response: SharedResponse,
    pub(crate) http: WasiHttpCtx,
    pub(crate) alarms: Option<Alarms>,
    pub(crate) turn: Turn,
    pub(crate) outbound: Outbound,
    /// Standard output and error, to be pointed at the next invocation's log.
    pub(crate) outputs: [GuestOutput; 2],
}

impl State {
    /// Charges the table as it is, and lets it grow as far as the budget goes. Every call of the guest's that may add to the
    /// table comes through here.
    pub(crate) fn metered(&mut self) -> &mut Self {
        let entries = self.table.iter_mut();
        let slots = entries.size_hint().1.unwrap_or_else(|| entries.count());
        self.table.set_max_capacity(self.holdings.budget().slots(slots));
        self
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let Self { wasi, table, .. } = self.metered();
        WasiCtxView { ctx: wasi, table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let Self { http, table, outbound, .. } = self.metered();
        WasiHttpCtxView { ctx: http, table, hooks: outbound }
    }
}

impl Holder for State {
    fn holdings(&mut self) -> &mut Holdings {
        &mut self.holdings
    }

    fn log(&self) -> &InvocationLog {
        &self.invocation.log
    }
}

impl Waits for State {
    fn alarms(&self) -> Option<Alarms> {
        self.alarms.clone()
    }
}

impl Configured for State {
    fn variables(&self) -> Variables {
        Arc::clone(&self.settings.guest_environment)
    }
}
