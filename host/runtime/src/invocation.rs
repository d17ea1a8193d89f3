//! One invocation, from the event to the settled response: a fresh instance, the handler's call, and what its outcome means.

use crate::bindings::{FunctionHost, FunctionHostPre};
use crate::clock::SharedAlarm;
use crate::component::{self, ComponentError, Loaded};
use crate::egress::{Egress, Outbound};
use crate::engine;
use crate::folders::Folders;
use crate::interface::{SharedResponse, State};
use crate::limits::{self, Limits};
use crate::log::{GuestOutput, InvocationLog, LastPanic, Log};
use crate::outcome::{Failed, Outcome};
use crate::outlet::{DeliveryError, Outlet};
use crate::path::PathError;
use crate::response::{Phase, Response};
use crate::settings::Settings;
use crate::ticker::Ticker;
use crate::time::Time;
use bytes::Bytes;
use firstbyte_wire::{Event, HttpRequest, Trigger};
use std::future::poll_fn;
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;
use tokio::time::Instant;
use wasmtime::component::ResourceTable;
use wasmtime::{Engine, Store, UpdateDeadline};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi_http::WasiHttpCtx;

/// After Lambda's own deadline there is nobody left to acknowledge a response.
const RECEIPT_GRACE: Duration = Duration::from_secs(1);

/// What Lambda says of an invocation, besides its event.
#[derive(Clone, Debug, Default)]
pub struct InvocationContext {
    /// Lambda's id.
    pub request_id: String,
    /// The ARN as invoked.
    pub function_arn: String,
    /// The X-Ray header.
    pub trace_id: Option<String>,
    /// The tenant of a tenant-isolated function.
    pub tenant_id: Option<String>,
    /// JSON, from an SDK caller.
    pub client_context: Option<String>,
    /// JSON, from Amazon Cognito.
    pub cognito_identity: Option<String>,
}

/// What a handler can ask for about its invocation.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) event: Bytes,
    pub(crate) trigger: Trigger,
    pub(crate) http: Option<HttpRequest>,
    pub(crate) payload: Bytes,
    pub(crate) context: InvocationContext,
    /// When the handler is ended.
    pub(crate) deadline: Instant,
    pub(crate) log: InvocationLog,
}

/// How an invocation went.
#[derive(Debug)]
pub struct Settled {
    /// What the handler did.
    pub outcome: Outcome,
    /// How far the response had come when the handler was done.
    pub phase: Phase,
    /// Bytes of the body that the outlet took.
    pub written: u64,
    /// Whether Lambda took the response.
    pub delivery: Result<(), DeliveryError>,
}

/// A component that can be invoked, again and again, several times at once.
pub struct Handler {
    engine: Engine,
    pre: FunctionHostPre<State>,
    ticker: Ticker,
    settings: Arc<Settings>,
    log: Arc<dyn Log>,
    egress: Arc<Egress>,
    folders: Folders,
    /// Instances between two invocations; none unless the operator asks for reuse.
    idle: Mutex<Vec<Instance>>,
}

/// A component in memory of its own.
struct Instance {
    store: Store<State>,
    exports: FunctionHost,
    panic: LastPanic,
    /// How many invocations it was called for.
    uses: u32,
}

impl std::fmt::Debug for Handler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handler").finish_non_exhaustive()
    }
}

/// Why no handler could be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The component is at fault.
    #[error(transparent)]
    Component(#[from] ComponentError),
    /// A path in a setting is.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The machine is.
    #[error("cannot run WebAssembly here: {0}")]
    Engine(String),
}

impl SetupError {
    /// The reason in Lambda's `Runtime.<reason>`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Component(error) => error.kind(),
            Self::Path(_) => "InvalidSetting",
            Self::Engine(_) => "EngineError",
        }
    }
}

/// The component, on an engine that fits it.
fn load(path: &Path, concurrency: Option<u32>) -> Result<(Engine, Loaded), SetupError> {
    // One to spare: address space costs nothing, and an invocation that finds no place would fail.
    if let Some(engine) = concurrency.and_then(|concurrency| engine::pooled(concurrency + 1)) {
        let loaded = component::load(&engine, path)?;
        if engine::fits_pool(loaded.pre.instance_pre().component().resources_required()) {
            return Ok((engine, loaded));
        }
    }
    let engine = engine::engine().map_err(|error| SetupError::Engine(format!("{error:#}")))?;
    let loaded = component::load(&engine, path)?;
    Ok((engine, loaded))
}

impl Handler {
    /// Loads the component at `path` (`.cwasm`, or `.wasm` in builds with a compiler).
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn load(path: &Path, settings: Arc<Settings>, log: Arc<dyn Log>) -> Result<Self, SetupError> {
        let (engine, loaded) = load(path, settings.concurrency)?;
        if let Some(passed_over) = loaded.passed_over {
            let message = format!("{passed_over}; using the .wasm beside it, compiled now");
            InvocationLog::new(Arc::clone(&log), "-".to_owned(), None).warn(&message);
        }
        let ticker = Ticker::start(&engine).map_err(|error| SetupError::Engine(error.to_string()))?;
        let egress = Egress::new(&settings.egress)?;
        let folders = Folders::new(&settings.folders)?;
        Ok(Self { engine, pre: loaded.pre, ticker, settings, log, egress, folders, idle: Mutex::default() })
    }

    /// Answers one invocation. `lambda_deadline` is when Lambda gives it up; the handler is ended
    /// [`Settings::deadline_reserve`] before.
    ///
    /// Never fails: whatever happens is told to `outlet`, the log, and the caller of this function.
    pub async fn invoke(
        &self,
        event: Bytes,
        context: InvocationContext,
        lambda_deadline: Instant,
        outlet: Box<dyn Outlet>,
    ) -> Settled {
        let begun = Instant::now();
        let log = InvocationLog::new(Arc::clone(&self.log), context.request_id.clone(), context.tenant_id.clone());
        let understood = Event::parse(&event);
        let trigger = understood.as_ref().map_or(Trigger::FunctionUrl, |event| event.trigger);
        let response = SharedResponse::new(Response::new(outlet, trigger, self.settings.response_limit));
        let reserve = self.settings.deadline_reserve.min(lambda_deadline.saturating_duration_since(begun) / 2);
        let (outcome, instance) = match understood {
            Err(error) => (Outcome::Failed(Failed::from_event(&error)), None),
            Ok(understood) => {
                let invocation = Arc::new(Invocation {
                    event,
                    trigger,
                    http: understood.http,
                    payload: understood.payload,
                    context,
                    deadline: lambda_deadline.checked_sub(reserve).unwrap_or(begun),
                    log: log.clone(),
                });
                self.run(&invocation, &response, begun).await
            }
        };
        self.settle(outcome, instance, &response, &log, lambda_deadline + RECEIPT_GRACE).await
    }

    /// Calls the handler, in an instance of its own unless the operator allows otherwise.
    async fn run(&self, invocation: &Arc<Invocation>, response: &SharedResponse, begun: Instant) -> (Outcome, Option<Instance>) {
        let mut instance = match self.take_idle(invocation, response) {
            Some(instance) => instance,
            // Initializers run: they are held to the deadline, too.
            None => match self.drive(pin!(self.fresh(invocation, response)), response, invocation.deadline).await {
                Some(Ok(instance)) => instance,
                Some(Err(failed)) => return (Outcome::Failed(failed), None),
                None => return (Outcome::Failed(Failed::deadline(begun.elapsed())), None),
            },
        };
        instance.uses += 1;
        let Instance { store, exports, panic, .. } = &mut instance;
        let call = async {
            let (request, response) = store.data_mut().hand_over()?;
            exports.firstbyte_lambda_handler().call_handle(&mut *store, request, response).await
        };
        let returned = self.drive(pin!(call), response, invocation.deadline).await;
        let outcome = match returned {
            Some(Ok(Ok(()))) => Outcome::Success,
            Some(Ok(Err(failure))) => Outcome::Failed(Failed::from_handler(failure)),
            Some(Err(error)) => Outcome::Failed(self.trapped(&error, store, panic)),
            None => Outcome::Failed(Failed::deadline(begun.elapsed())),
        };
        // The rest of a last line comes before what is said of the outcome.
        instance.store.data().outputs.iter().for_each(GuestOutput::end_line);
        (outcome, Some(instance))
    }

    fn trapped(&self, error: &wasmtime::Error, store: &Store<State>, panic: &LastPanic) -> Failed {
        let memory = store.data().limits.refused().then_some(self.settings.memory);
        Failed::from_trap(error, memory, panic.message())
    }

    async fn fresh(&self, invocation: &Arc<Invocation>, response: &SharedResponse) -> Result<Instance, Failed> {
        let panic = LastPanic::default();
        let stdout = GuestOutput::stdout(invocation.log.clone());
        let stderr = GuestOutput::stderr(invocation.log.clone(), panic.clone());
        let mut wasi = WasiCtxBuilder::new();
        wasi.envs(&self.settings.guest_environment).allow_tcp(false).allow_udp(false);
        wasi.stdout(stdout.clone()).stderr(stderr.clone()).max_random_size(limits::RANDOM_BYTES);
        self.settings.time.give_to(&mut wasi);
        self.folders.give_to(&mut wasi).map_err(|error| Failed::from_trap(&error, None, None))?;
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits::RESOURCES);
        let state = State {
            wasi: wasi.build(),
            table,
            limits: Limits::new(self.settings.memory),
            invocation: Arc::clone(invocation),
            response: response.clone(),
            http: WasiHttpCtx::new(),
            alarm: (self.settings.time == Time::Machine).then(SharedAlarm::default),
            outbound: Outbound::new(Arc::clone(&self.egress), invocation.log.clone()),
            outputs: [stdout, stderr],
        };
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.limits);
        // What may cross in one call: all of the handler's memory in one write, and no more however often a list repeats a string.
        store.set_hostcall_fuel(self.settings.memory);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Yield(1)));
        match self.pre.instantiate_async(&mut store).await {
            Ok(exports) => Ok(Instance { store, exports, panic, uses: 0 }),
            Err(error) => Err(self.trapped(&error, &store, &panic)),
        }
    }

    /// An instance that has served before, pointed at this invocation.
    fn take_idle(&self, invocation: &Arc<Invocation>, response: &SharedResponse) -> Option<Instance> {
        let mut instance = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
        instance.panic.forget();
        let state = instance.store.data_mut();
        state.limits.begin_anew();
        state.invocation = Arc::clone(invocation);
        state.response = response.clone();
        state.outbound = Outbound::new(Arc::clone(&self.egress), invocation.log.clone());
        for output in &state.outputs {
            output.point_at(invocation.log.clone());
        }
        Some(instance)
    }

    /// Keeps an instance whose call succeeded, if [`Settings::reuse`] allows, and it has not grown past half of its memory.
    fn keep_idle(&self, instance: Instance) {
        let lean = instance.store.data().limits.used() <= self.settings.memory / 2;
        if instance.uses < self.settings.reuse && lean {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(instance);
        }
    }

    /// Polls the handler's call until it returns, or the deadline passes: none. Each time the handler waits, or has computed
    /// for a tick, what it wrote is sent.
    async fn drive<T>(
        &self,
        mut call: Pin<&mut impl Future<Output = T>>,
        response: &SharedResponse,
        deadline: Instant,
    ) -> Option<T> {
        let mut alarm = pin!(tokio::time::sleep_until(deadline));
        poll_fn(|cx| {
            let computing = self.ticker.enter();
            let polled = call.as_mut().poll(cx);
            drop(computing);
            if let Poll::Ready(returned) = polled {
                return Poll::Ready(Some(returned));
            }
            response.flush(cx);
            // A handler that computes keeps the executor's timers waiting: look at the clock, too.
            if Instant::now() >= deadline || alarm.as_mut().poll(cx).is_ready() { Poll::Ready(None) } else { Poll::Pending }
        })
        .await
    }

    /// What an outcome means at every phase: see "Endings" in DESIGN.md.
    async fn settle(
        &self,
        outcome: Outcome,
        instance: Option<Instance>,
        response: &SharedResponse,
        log: &InvocationLog,
        give_up: Instant,
    ) -> Settled {
        let Some(mut response) = response.take() else {
            // Nobody else takes it.
            let lost = std::io::Error::other("the response was settled before");
            return Settled { outcome, phase: Phase::Ended, written: 0, delivery: Err(lost.into()) };
        };
        let phase = response.phase();
        let mut lost = response.was_cut_off();
        match &outcome {
            Outcome::Success => {
                if phase == Phase::Unstarted {
                    let empty = firstbyte_wire::Head::new(200, []);
                    lost |= empty.and_then(|head| response.start(head)).is_err();
                }
                lost |= phase != Phase::Ended && response.finish().is_err();
            }
            Outcome::Failed(failed) => {
                log.failure(&failed.report);
                response.abort(&failed.report, failed.status, &failed.shown, self.settings.sse_errors);
            }
        }
        let written = response.written();
        let mut outlet = response.into_outlet();
        // The end is on its way while the instance is taken down.
        let mut instance = instance;
        let succeeded = matches!(outcome, Outcome::Success);
        let receipt = poll_fn(|cx| {
            let receipt = outlet.poll_receipt(cx);
            if let Some(instance) = instance.take()
                && succeeded
            {
                self.keep_idle(instance);
            }
            receipt
        });
        let delivery = tokio::time::timeout_at(give_up, receipt).await.unwrap_or_else(|_| {
            Err(std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer by the invocation's deadline").into())
        });
        if let Err(error) = &delivery {
            log.warn(&format!("Lambda did not take the whole response: {error}"));
        } else if lost {
            log.warn("the reader was gone before the response was complete");
        }
        Settled { outcome, phase, written, delivery }
    }
}
