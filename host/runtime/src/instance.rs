//! Instances of a component: made fresh for an invocation, mostly before it comes, or kept from one to the next where the operator
//! allows it.

use crate::batch::Batch;
use crate::budget::Budget;
use crate::charged::Holdings;
use crate::clock::Alarms;
use crate::conditions;
use crate::egress::{Egress, Outbound};
use crate::folders::Folders;
use crate::invocation::Invocation;
use crate::limits::{self, Limits};
use crate::log::{GuestOutput, LastPanic};
use crate::outcome::Failed;
use crate::pages::Pages;
use crate::response::SharedResponse;
use crate::settings::Settings;
use crate::store::State;
use crate::time::Time;
use crate::turns::Turn;
use crate::world::{Exports, Pre};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wasmtime::component::ResourceTable;
use wasmtime::{Engine, Store, UpdateDeadline};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi_http::WasiHttpCtx;

/// A component in memory of its own.
pub(crate) struct Instance {
    pub(crate) store: Store<State>,
    pub(crate) exports: Exports,
    panic: LastPanic,
    /// How many invocations it was called for.
    pub(crate) uses: u32,
    /// The tenant that it serves, and no other.
    tenant: Option<String>,
}

impl Instance {
    /// What the host holds for it.
    pub(crate) fn budget(&self) -> Budget {
        self.store.data().holdings.budget().clone()
    }

    /// Bytes of its linear memory.
    pub(crate) fn memory(&self) -> usize {
        self.store.data().limits.used()
    }

    /// Its part in the turns of those that compute.
    pub(crate) fn turn(&self) -> Turn {
        self.store.data().turn.clone()
    }

    /// Points it at an invocation: its first one, or another one of the same tenant.
    pub(crate) fn turn_to(&mut self, invocation: &Arc<Invocation>, response: &SharedResponse) {
        self.panic.forget();
        self.tenant.clone_from(&invocation.context.tenant_id);
        let state = self.store.data_mut();
        state.limits.begin_anew();
        state.invocation = Arc::clone(invocation);
        state.response = response.clone();
        state.outbound.turn_to(invocation);
        for output in &state.outputs {
            output.point_at(invocation.log.clone());
        }
    }

    /// Ends lines that the guest left without an end.
    pub(crate) fn end_lines(&self) {
        self.store.data().outputs.iter().for_each(GuestOutput::end_line);
    }

    /// What a call that did not return says.
    pub(crate) fn failed(&self, error: &wasmtime::Error) -> Failed {
        failed(error, &self.store, &self.panic)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.store.data().holdings.budget().close();
    }
}

fn failed(error: &wasmtime::Error, store: &Store<State>, panic: &LastPanic) -> Failed {
    let State { limits, holdings, .. } = store.data();
    Failed::from_trap(error, limits.refused(), holdings.budget().allowance(), panic.message())
}

/// Makes instances, and keeps them.
pub(crate) struct Instances {
    engine: Engine,
    pre: Pre,
    settings: Arc<Settings>,
    egress: Arc<Egress>,
    folders: Folders,
    /// What the waits of all of them end by. Absent where time is the executor's.
    alarms: Option<Alarms>,
    /// Instances between two invocations; none unless the operator asks for reuse.
    idle: Mutex<Vec<Instance>>,
    /// The instance of an invocation that has not come.
    spare: Mutex<Spare>,
    /// Pages of memory that are made ready with it. Absent where invocations are not one at a time: each would have pages of its own.
    pages: Option<Pages>,
}

/// At most one instance is made ahead, whatever runs at once: there is a place for it in the pool.
enum Spare {
    /// None is made: an initializer took too long or failed, or invocations are such that no instance would do.
    Never,
    /// None is there.
    Absent,
    /// No invocation has seen it.
    Ready(Box<Instance>),
}

impl Instances {
    pub(crate) fn new(engine: Engine, pre: Pre, settings: Arc<Settings>, egress: Arc<Egress>, folders: Folders) -> Self {
        let alarms = (settings.time == Time::Machine).then(Alarms::default);
        // A recorded invocation has random numbers of its own from the beginning, and a folder is opened as it is then. Instances that
        // are kept have the pool's places.
        let is_any_alike =
            settings.reuse == 1 && settings.time == Time::Machine && settings.record.is_none() && settings.folders.is_empty();
        let spare = Mutex::new(if is_any_alike { Spare::Absent } else { Spare::Never });
        let pages = (is_any_alike && settings.concurrency.unwrap_or(1) == 1).then(Pages::default);
        Self { engine, pre, settings, egress, folders, alarms, idle: Mutex::default(), spare, pages }
    }

    /// What is sent together where many waits end at once.
    pub(crate) fn batch(&self) -> Option<&Batch> {
        self.alarms.as_ref().map(Alarms::batch)
    }

    fn lock_spare(&self) -> MutexGuard<'_, Spare> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an instance can be made before its invocation comes, and none was.
    pub(crate) fn lacks_spare(&self) -> bool {
        matches!(*self.lock_spare(), Spare::Absent)
    }

    /// An instance that was made before its invocation came.
    pub(crate) fn take_spare(&self) -> Option<Instance> {
        let mut spare = self.lock_spare();
        match std::mem::replace(&mut *spare, Spare::Absent) {
            Spare::Ready(instance) => Some(*instance),
            other => {
                *spare = other;
                None
            }
        }
    }

    /// Keeps an instance for an invocation that has not come. Without one, none is made ahead any more.
    pub(crate) fn keep_spare(&self, instance: Option<Instance>) {
        if let (Some(pages), Some(_)) = (&self.pages, &instance) {
            pages.make_ready();
        }
        let mut spare = self.lock_spare();
        *spare = instance.map_or(Spare::Never, |instance| Spare::Ready(Box::new(instance)));
    }

    fn lock_idle(&self) -> MutexGuard<'_, Vec<Instance>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An instance that has served this tenant before.
    pub(crate) fn take_idle(&self, tenant: Option<&str>) -> Option<Instance> {
        let mut idle = self.lock_idle();
        let at = idle.iter().rposition(|instance| instance.tenant.as_deref() == tenant)?;
        Some(idle.remove(at))
    }

    /// Takes down an instance whose call succeeded, or keeps it, if [`Settings::reuse`] allows, and it has not grown past half of its memory.
    pub(crate) fn keep(&self, instance: Instance) {
        let lean = instance.store.data().limits.used() <= self.settings.memory / 2;
        if instance.uses < self.settings.reuse && lean {
            let mut idle = self.lock_idle();
            // Tenants come and go: what one left makes room for another.
            if idle.len() >= self.settings.concurrency.unwrap_or(1) as usize {
                idle.remove(0);
            }
            idle.push(instance);
        } else if let Some(pages) = &self.pages {
            pages.take_down(instance);
        }
    }

    /// A new instance, pointed at an invocation.
    pub(crate) async fn fresh(
        &self,
        invocation: &Arc<Invocation>,
        response: &SharedResponse,
        budget: Budget,
        turn: Turn,
    ) -> Result<Instance, Failed> {
        let panic = LastPanic::default();
        let stdout = GuestOutput::stdout(invocation.log.clone());
        let stderr = GuestOutput::stderr(invocation.log.clone(), panic.clone());
        let mut wasi = WasiCtxBuilder::new();
        wasi.envs(&self.settings.guest_environment).allow_tcp(false).allow_udp(false);
        wasi.stdout(stdout.clone()).stderr(stderr.clone()).max_random_size(limits::RANDOM_BYTES);
        self.settings.time.give_to(&mut wasi, invocation.conditions.clock);
        if let Some(seed) = invocation.conditions.seed {
            conditions::seed(&mut wasi, seed);
        }
        self.folders.give_to(&mut wasi).map_err(|error| Failed::from_trap(&error, None, budget.allowance(), None))?;
        let mut state = State {
            settings: Arc::clone(&self.settings),
            wasi: wasi.build(),
            table: ResourceTable::new(),
            limits: Limits::new(self.settings.memory, budget.clone()),
            holdings: Holdings::new(budget.clone()),
            invocation: Arc::clone(invocation),
            response: response.clone(),
            http: WasiHttpCtx::new(),
            alarms: self.alarms.clone(),
            outbound: {
                let mut outbound = Outbound::new(Arc::clone(&self.egress), budget, invocation.log.clone());
                outbound.turn_to(invocation);
                outbound
            },
            outputs: [stdout, stderr],
            turn,
        };
        state.metered();
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.limits);
        store.set_hostcall_fuel(limits::CALL_BYTES);
        store.set_max_component_handles(limits::handles(self.pre.world().generation()));
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|store| {
            let next = store.data().turn.tick();
            Ok(next.map_or(UpdateDeadline::Continue(1), |next| UpdateDeadline::YieldCustom(1, next)))
        });
        match self.pre.instantiate(&mut store).await {
            Ok(exports) => Ok(Instance { store, exports, panic, uses: 0, tenant: invocation.context.tenant_id.clone() }),
            Err(error) => Err(failed(&error, &store, &panic)),
        }
    }
}
