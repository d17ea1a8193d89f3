//! Answers an invocation, from the event to the settled response: a fresh instance, the handler's call, and what its outcome
//! means. It knows no world: what is called, and how, `world` says.

use crate::budget::{Budget, Shares};
use crate::conditions::Conditions;
use crate::descriptors;
use crate::egress::Egress;
use crate::folders::Folders;
use crate::instance::{Instance, Instances};
use crate::invocation::{Invocation, InvocationContext};
use crate::log::{InvocationLog, Log};
use crate::outcome::{Failed, Fault, Outcome};
use crate::outlet::{DeliveryError, Outlet};
use crate::record::Recording;
#[cfg(feature = "compiler")]
use crate::record::{Began, Recorder};
use crate::response::{Response, SharedResponse, Stage, Terms};
use crate::settings::{ClientErrors, Settings};
use crate::setup::{self, Setup, SetupError};
#[cfg(feature = "compiler")]
use crate::telemetry::random;
use crate::telemetry::{Measured, Measures, Sampler, Trace};
use crate::ticker::{Ticker, Watch};
use crate::time::Time;
use crate::turns::{Turn, Turns};
use bytes::Bytes;
use firstbyte_wire::{Event, Trigger};
use std::future::poll_fn;
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;
#[cfg(feature = "compiler")]
use std::time::SystemTime;
use tokio::time::Instant;

/// After Lambda's own deadline there is nobody left to acknowledge a response.
const RECEIPT_GRACE: Duration = Duration::from_secs(1);

/// How long initializers may take where no invocation waits for them. Meanwhile none is asked for.
const FOR_A_SPARE: Duration = Duration::from_millis(250);

/// How long after its deadline a handler that does not yield is told of without it.
const YIELD_GRACE: Duration = Duration::from_millis(20);

/// How an invocation went.
#[derive(Debug)]
#[non_exhaustive]
pub struct Settled {
    /// What the handler did.
    pub outcome: Outcome,
    /// How far the response had come when the handler was done.
    pub phase: Stage,
    /// Bytes of the body that the outlet took.
    pub written: u64,
    /// Whether Lambda took the response.
    pub delivery: Result<(), DeliveryError>,
    /// What was measured, if [`Settings::telemetry`] asks for anything of it.
    pub measured: Option<Measured>,
}

/// What drives a handler's call.
struct Drive<'a> {
    response: &'a SharedResponse,
    deadline: Instant,
    watch: &'a Watch,
    turn: Turn,
    /// CPU time of the handler, in nanoseconds. Absent if nobody asks.
    cpu: Option<&'a AtomicU64>,
}

/// A component that can be invoked, again and again, several times at once.
pub struct Handler {
    instances: Instances,
    ticker: Ticker,
    turns: Turns,
    shares: Shares,
    settings: Arc<Settings>,
    #[cfg(feature = "compiler")]
    recorder: Option<Recorder>,
    log: Arc<dyn Log>,
}

impl std::fmt::Debug for Handler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handler").finish_non_exhaustive()
    }
}

impl Handler {
    /// Loads the component at `path` (`.cwasm`, or `.wasm` in builds with a compiler).
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn load(path: &Path, settings: Arc<Settings>, log: Arc<dyn Log>) -> Result<Self, SetupError> {
        let Setup { engine, loaded, passed_over } = setup::set_up(path, settings.concurrency, settings.seal)?;
        let warn = |message: &str| InvocationLog::new(Arc::clone(&log), "-".to_owned(), None).warn(message);
        if let Some(passed_over) = passed_over {
            warn(&format!("{passed_over}; using the .wasm beside it, compiled now"));
        }
        if !loaded.missing.is_empty() {
            let missing = loaded.missing.join(", ");
            warn(&format!(
                "the component imports what this host does not have: {missing}; a call to any of it ends the invocation"
            ));
        }
        let ticker = Ticker::start(&engine).map_err(|error| SetupError::Engine(error.to_string()))?;
        let invocations = settings.concurrency.unwrap_or(1) as usize;
        let shares = Shares::new(descriptors::for_handlers(descriptors::limit(), invocations, settings.folders.len()));
        let egress = Egress::new(&settings.egress, &shares)?;
        let folders = Folders::new(&settings.folders)?;
        let instances = Instances::new(engine, loaded.pre, Arc::clone(&settings), egress, folders);
        #[cfg(feature = "compiler")]
        let recorder = settings.record.map(|address| Recorder::start(address, Arc::clone(&log)));
        #[cfg(not(feature = "compiler"))]
        if settings.record.is_some() {
            warn("nothing is recorded: this build of the runtime, as it goes to Lambda, has no recorder (FIRSTBYTE_RECORD)");
        }
        let turns = Turns::new(ticker.ticks());
        Ok(Self {
            instances,
            ticker,
            turns,
            shares,
            settings,
            #[cfg(feature = "compiler")]
            recorder,
            log,
        })
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
        self.invoke_under(Conditions::default(), event, context, lambda_deadline, outlet).await
    }

    /// The same, so that it goes as another invocation went.
    pub async fn invoke_under(
        &self,
        conditions: Conditions,
        event: Bytes,
        context: InvocationContext,
        lambda_deadline: Instant,
        outlet: Box<dyn Outlet>,
    ) -> Settled {
        let begun = Instant::now();
        let log = InvocationLog::new(Arc::clone(&self.log), context.request_id.clone(), context.tenant_id.clone());
        let understood = Event::parse(&event);
        let trigger = understood.as_ref().map_or(Trigger::FunctionUrl, |event| event.trigger);
        let kept = self.instances.take_idle(context.tenant_id.as_deref());
        let is_reused = kept.is_some();
        let is_like_any = conditions == Conditions::default();
        let idle = kept.or_else(|| if is_like_any { self.instances.take_spare() } else { None });
        let budget = idle.as_ref().map_or_else(|| Budget::new(self.settings.allowance, self.shares.clone()), Instance::budget);
        let (conditions, recording) = self.record(conditions, &context, is_reused);
        let measures = self.measures(understood.as_ref().ok(), trigger, &context);
        let terms =
            Terms { trigger, limit: self.settings.response_limit, silence: self.settings.keepalive, measures: measures.clone() };
        let response = Response::new(outlet, &budget, terms);
        let response = SharedResponse::new(response);
        let reserve = self.settings.deadline_reserve.min(lambda_deadline.saturating_duration_since(begun) / 2);
        let cpu = AtomicU64::new(0);
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
                    measures: measures.clone(),
                    begun,
                    conditions,
                    recording,
                });
                let run = self.run(&invocation, &response, idle, budget, &watch, &cpu).await;
                match run {
                    (Outcome::Success, instance) if watch.is_done() => {
                        (Outcome::Failed(Failed::deadline(begun.elapsed())), instance)
                    }
                    ended => ended,
                }
            }
        };
        let memory = instance.as_ref().map_or(0, Instance::memory);
        let (mut settled, writes) = self.settle(outcome, instance, &response, &log, lambda_deadline + RECEIPT_GRACE).await;
        settled.measured = measures.map(|measures| measures.read(writes, Duration::from_nanos(cpu.into_inner()), memory));
        self.make_spare().await;
        settled
    }

    /// Makes the next invocation's instance before that comes: its caller does not wait for it then.
    async fn make_spare(&self) {
        if !self.instances.lacks_spare() {
            return;
        }
        let deadline = Instant::now() + FOR_A_SPARE;
        let log = InvocationLog::new(Arc::clone(&self.log), "-".to_owned(), None);
        let (invocation, response) = (Arc::new(Invocation::absent(deadline, log)), SharedResponse::absent());
        let budget = Budget::new(self.settings.allowance, self.shares.clone());
        let watch = self.ticker.watch(None, || true);
        let drive = Drive { response: &response, deadline, watch: &watch, turn: self.turns.turn(), cpu: None };
        let fresh = self.instances.fresh(&invocation, &response, budget, drive.turn.clone());
        let made = self.drive(pin!(fresh), &drive).await;
        self.instances.keep_spare(made.and_then(Result::ok));
    }

    /// Begins to tell of an invocation, if anybody listens: then its random numbers come from a seed that is told, too.
    #[cfg(feature = "compiler")]
    fn record(
        &self,
        mut conditions: Conditions,
        context: &InvocationContext,
        is_reused: bool,
    ) -> (Conditions, Option<Recording>) {
        let Some(recorder) = &self.recorder else { return (conditions, None) };
        let seed = *conditions.seed.get_or_insert_with(random);
        let clock = conditions.clock.unwrap_or_else(SystemTime::now);
        let began = Began { seed, is_reused, variables: Arc::clone(&self.settings.guest_environment) };
        (conditions, Some(recorder.begin(&context.request_id, clock, began)))
    }

    #[cfg(not(feature = "compiler"))]
    fn record(&self, conditions: Conditions, _: &InvocationContext, _: bool) -> (Conditions, Option<Recording>) {
        (conditions, None)
    }

    /// What is measured of an invocation, if anything is.
    fn measures(&self, event: Option<&Event>, trigger: Trigger, context: &InvocationContext) -> Option<Measures> {
        let telemetry = &self.settings.telemetry;
        let traces = telemetry.traces.is_some() || self.settings.egress.trace_hosts.is_some();
        if telemetry.metrics.is_none() && !traces {
            return None;
        }
        let http = event.and_then(|event| event.http.as_ref());
        let trace = traces.then(|| {
            let header = http.and_then(|http| http.headers.iter().find(|(name, _)| name == "traceparent"));
            let sampler = telemetry.traces.as_ref().map_or(Sampler::ParentBased(0.0), |traces| traces.sampler);
            Trace::of(context.trace_id.as_deref(), header.map(|(_, value)| value.as_str()), sampler)
        });
        Some(Measures::begin(trigger, http.map(|http| (http.method.clone(), http.path.clone())), trace))
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
        cpu: &AtomicU64,
    ) -> (Outcome, Option<Instance>) {
        let begun = Instant::now();
        let turn = idle.as_ref().map_or_else(|| self.turns.turn(), Instance::turn);
        let cpu = invocation.measures.is_some().then_some(cpu);
        let drive = Drive { response, deadline: invocation.deadline, watch, turn, cpu };
        let mut instance = match idle {
            Some(mut instance) => {
                instance.turn_to(invocation, response);
                instance
            }
            None => {
                let fresh = self.instances.fresh(invocation, response, budget, drive.turn.clone());
                // Initializers run: they are held to the deadline, too.
                match self.drive(pin!(fresh), &drive).await {
                    Some(Ok(instance)) => {
                        if let Some(measures) = &invocation.measures {
                            measures.instantiated(begun.elapsed());
                        }
                        instance
                    }
                    Some(Err(failed)) => return (Outcome::Failed(failed), None),
                    None => return (Outcome::Failed(Failed::deadline(begun.elapsed())), None),
                }
            }
        };
        instance.uses += 1;
        let Instance { store, exports, .. } = &mut instance;
        let returned = self.drive(pin!(exports.call(store)), &drive).await;
        let outcome = match returned {
            Some(Ok(Ok(()))) => Outcome::Success,
            Some(Ok(Err(failed))) => Outcome::Failed(failed),
            Some(Err(error)) => Outcome::Failed(instance.failed(&error)),
            None => Outcome::Failed(Failed::deadline(begun.elapsed())),
        };
        // The rest of a last line comes before what is said of the outcome.
        instance.end_lines();
        (outcome, Some(instance))
    }

    /// Polls the handler's call until it returns, or the deadline passes: none. Each time the handler waits, or has computed
    /// for a tick, what it wrote is sent.
    async fn drive<T>(&self, mut call: Pin<&mut impl Future<Output = T>>, drive: &Drive<'_>) -> Option<T> {
        let Drive { response, deadline, watch, turn, cpu } = drive;
        let batch = self.instances.batch();
        let deadline = *deadline;
        let mut alarm = pin!(tokio::time::sleep_until(deadline));
        poll_fn(|cx| {
            turn.begin();
            let computing = self.ticker.enter(watch);
            // Who stands behind those that compute does not wait for others, too.
            let held = batch.filter(|batch| batch.is_begun() && self.turns.are_free());
            if held.is_some() {
                response.hold();
            }
            let before = cpu.map(|_| cpu_time());
            let polled = call.as_mut().poll(cx);
            if let (Some(cpu), Some(before)) = (cpu, before) {
                cpu.fetch_add(cpu_time().saturating_sub(before), Ordering::Relaxed);
            }
            drop(computing);
            turn.end();
            if let Poll::Ready(returned) = polled {
                return Poll::Ready(Some(returned));
            }
            if held.is_none_or(|batch| !batch.takes(response, cx.waker())) {
                response.flush(cx);
            }
            // A handler that computes keeps the executor's timers waiting: look at the clock, too.
            if Instant::now() >= deadline || alarm.as_mut().poll(cx).is_ready() { Poll::Ready(None) } else { Poll::Pending }
        })
        .await
    }

    /// What an outcome means at every phase, and how many writes the response had: see "Endings" in DESIGN.md.
    async fn settle(
        &self,
        outcome: Outcome,
        instance: Option<Instance>,
        response: &SharedResponse,
        log: &InvocationLog,
        give_up: Instant,
    ) -> (Settled, u64) {
        let Some(mut response) = response.take() else {
            // Nobody else takes it.
            let lost = std::io::Error::other("the response was settled before");
            return (Settled { outcome, phase: Stage::Ended, written: 0, delivery: Err(lost.into()), measured: None }, 0);
        };
        let phase = response.phase();
        let mut lost = response.was_cut_off();
        match &outcome {
            Outcome::Success => {
                if phase == Stage::Unstarted {
                    let empty = firstbyte_wire::Head::new(200, []);
                    lost |= empty.and_then(|head| response.start(head)).is_err();
                }
                lost |= phase != Stage::Ended && response.finish().is_err();
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
        let (written, writes) = (response.written(), response.writes());
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
        (Settled { outcome, phase, written, delivery, measured: None }, writes)
    }
}

/// CPU time of this thread, in nanoseconds.
fn cpu_time() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec).unwrap_or_default() * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or_default()
}
