//! One invocation, from the event to the settled response: a fresh instance, the handler's call, and what its outcome means.

use crate::budget::{Budget, Shares};
use crate::component::{self, ComponentError, Loaded, Seal};
use crate::descriptors;
use crate::egress::Egress;
use crate::engine;
use crate::folders::Folders;
use crate::instance::{Instance, Instances};
use crate::interface::SharedResponse;
use crate::log::{InvocationLog, Log};
use crate::outcome::{Failed, Fault, Outcome};
use crate::outlet::{DeliveryError, Outlet};
use crate::path::PathError;
use crate::response::{Phase, Response};
use crate::settings::{ClientErrors, Settings};
use crate::ticker::{Ticker, Watch};
use crate::time::Time;
use crate::turns::{Turn, Turns};
use bytes::Bytes;
use firstbyte_wire::{Event, HttpRequest, Trigger};
use std::future::poll_fn;
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::time::Instant;
use wasmtime::Engine;

/// After Lambda's own deadline there is nobody left to acknowledge a response.
const RECEIPT_GRACE: Duration = Duration::from_secs(1);

/// How long after its deadline a handler that does not yield is told of without it.
const YIELD_GRACE: Duration = Duration::from_millis(20);

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
    instances: Instances,
    ticker: Ticker,
    turns: Turns,
    shares: Shares,
    settings: Arc<Settings>,
    log: Arc<dyn Log>,
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
    /// The process may not reserve the addresses that a precompiled component counts on.
    #[error(
        "this process may not reserve the 4 GiB of addresses that each memory of a precompiled component takes: lift the limit \
         (`ulimit -v unlimited`), or run the .wasm with a bootstrap that has a compiler"
    )]
    AddressSpace,
}

impl SetupError {
    /// The reason in Lambda's `Runtime.<reason>`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Component(error) => error.kind(),
            Self::Path(_) => "InvalidSetting",
            Self::Engine(_) => "EngineError",
            Self::AddressSpace => "AddressSpace",
        }
    }
}

/// The component, on the first engine that fits it and this machine.
fn load(path: &Path, concurrency: Option<u32>, seal: Seal) -> Result<(Engine, Loaded), SetupError> {
    // One to spare: address space costs nothing, and an invocation that finds no place would fail.
    if let Some(engine) = concurrency.and_then(|concurrency| engine::pooled(concurrency + 1))
        && let Ok(loaded) = component::load(&engine, path, seal)
        && engine::fits_pool(loaded.pre.instance_pre().component().resources_required())
    {
        return Ok((engine, loaded));
    }
    let failed = |error: wasmtime::Error| SetupError::Engine(format!("{error:#}"));
    let engine = engine::engine().map_err(failed)?;
    if engine::has_room(&engine, concurrency.unwrap_or(1)) {
        let loaded = component::load(&engine, path, seal)?;
        return Ok((engine, loaded));
    }
    let engine = engine::frugal().map_err(failed)?;
    match component::load(&engine, path, seal) {
        Ok(loaded) => Ok((engine, loaded)),
        Err(ComponentError::Stale { .. }) => Err(SetupError::AddressSpace),
        Err(error) => Err(error.into()),
    }
}

impl Handler {
    /// Loads the component at `path` (`.cwasm`, or `.wasm` in builds with a compiler).
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn load(path: &Path, settings: Arc<Settings>, log: Arc<dyn Log>) -> Result<Self, SetupError> {
        let (engine, loaded) = load(path, settings.concurrency, settings.seal)?;
        if let Some(passed_over) = loaded.passed_over {
            let message = format!("{passed_over}; using the .wasm beside it, compiled now");
            InvocationLog::new(Arc::clone(&log), "-".to_owned(), None).warn(&message);
        }
        let ticker = Ticker::start(&engine).map_err(|error| SetupError::Engine(error.to_string()))?;
        let invocations = settings.concurrency.unwrap_or(1) as usize;
        let shares = Shares::new(descriptors::for_handlers(descriptors::limit(), invocations, settings.folders.len()));
        let egress = Egress::new(&settings.egress, &shares)?;
        let folders = Folders::new(&settings.folders)?;
        let instances = Instances::new(engine, loaded.pre, Arc::clone(&settings), egress, folders);
        Ok(Self { instances, ticker, turns: Turns::new(), shares, settings, log })
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
        let idle = self.instances.take_idle(context.tenant_id.as_deref());
        let budget = idle.as_ref().map_or_else(|| Budget::new(self.settings.allowance, self.shares.clone()), Instance::budget);
        let response = Response::new(outlet, trigger, self.settings.response_limit, &budget);
        let response = SharedResponse::new(response);
        let reserve = self.settings.deadline_reserve.min(lambda_deadline.saturating_duration_since(begun) / 2);
        let (outcome, instance) = match understood {
            Err(error) => (Outcome::Failed(Failed::from_event(&error)), None),
            Ok(understood) => {
                let deadline = lambda_deadline.checked_sub(reserve).unwrap_or(begun);
                let watch = self.watch(&response, begun, deadline + YIELD_GRACE.min(reserve / 2));
                let invocation = Arc::new(Invocation {
                    event,
                    trigger,
                    http: understood.http,
                    payload: understood.payload,
                    context,
                    deadline,
                    log: log.clone(),
                });
                let run = self.run(&invocation, &response, idle, budget, &watch).await;
                match run {
                    (Outcome::Success, instance) if watch.is_done() => {
                        (Outcome::Failed(Failed::deadline(begun.elapsed())), instance)
                    }
                    ended => ended,
                }
            }
        };
        self.settle(outcome, instance, &response, &log, lambda_deadline + RECEIPT_GRACE).await
    }

    /// Tells the end of a handler that is still on a CPU at `at`, and does not yield: its response can be ended without it.
    fn watch(&self, response: &SharedResponse, begun: Instant, at: Instant) -> Arc<Watch> {
        let (response, sse_errors) = (response.clone(), self.settings.sse_errors);
        // The thread that looks has the machine's time.
        let at = if self.settings.time == Time::Machine { Some(at.into_std()) } else { None };
        self.ticker.watch(at, move || {
            let Failed { report, status, shown, .. } = Failed::deadline(begun.elapsed());
            response.abort_now(&report, status, &shown, sse_errors)
        })
    }

    /// Calls the handler, in an instance of its own unless the operator allows otherwise.
    async fn run(
        &self,
        invocation: &Arc<Invocation>,
        response: &SharedResponse,
        idle: Option<Instance>,
        budget: Budget,
        watch: &Watch,
    ) -> (Outcome, Option<Instance>) {
        let begun = Instant::now();
        let turn = idle.as_ref().map_or_else(|| self.turns.turn(), Instance::turn);
        let mut instance = match idle {
            Some(mut instance) => {
                instance.turn_to(invocation, response);
                instance
            }
            None => {
                let fresh = self.instances.fresh(invocation, response, budget, turn.clone());
                // Initializers run: they are held to the deadline, too.
                match self.drive(pin!(fresh), response, invocation.deadline, watch, &turn).await {
                    Some(Ok(instance)) => instance,
                    Some(Err(failed)) => return (Outcome::Failed(failed), None),
                    None => return (Outcome::Failed(Failed::deadline(begun.elapsed())), None),
                }
            }
        };
        instance.uses += 1;
        let Instance { store, exports, .. } = &mut instance;
        let call = async {
            let (request, response) = store.data_mut().hand_over()?;
            exports.firstbyte_lambda_handler().call_handle(&mut *store, request, response).await
        };
        let returned = self.drive(pin!(call), response, invocation.deadline, watch, &turn).await;
        let outcome = match returned {
            Some(Ok(Ok(()))) => Outcome::Success,
            Some(Ok(Err(failure))) => Outcome::Failed(Failed::from_handler(failure)),
            Some(Err(error)) => Outcome::Failed(instance.failed(&error)),
            None => Outcome::Failed(Failed::deadline(begun.elapsed())),
        };
        // The rest of a last line comes before what is said of the outcome.
        instance.end_lines();
        (outcome, Some(instance))
    }

    /// Polls the handler's call until it returns, or the deadline passes: none. Each time the handler waits, or has computed
    /// for a tick, what it wrote is sent.
    async fn drive<T>(
        &self,
        mut call: Pin<&mut impl Future<Output = T>>,
        response: &SharedResponse,
        deadline: Instant,
        watch: &Watch,
        turn: &Turn,
    ) -> Option<T> {
        let mut alarm = pin!(tokio::time::sleep_until(deadline));
        poll_fn(|cx| {
            let computing = self.ticker.enter(watch);
            let polled = call.as_mut().poll(cx);
            drop(computing);
            turn.end();
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
            Outcome::Failed(failed)
                if failed.fault == Fault::Caller
                    && self.settings.client_errors == ClientErrors::Answered
                    && response.answer(failed.status, &failed.shown) =>
            {
                log.mistake(&failed.report);
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
                self.instances.keep(instance);
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
