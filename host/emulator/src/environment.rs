//! One execution environment: a process of the runtime, its own Runtime API, and the invocations it has.
//!
//! Says how it begins and ends; whose turn it is in between is in `turns`, the requests of runtime and extensions are read in
//! `runtime_api` and `extensions_api`, the process is started in `process`.

mod extensions;
mod extensions_api;
mod group;
mod logs;
mod net_http;
mod process;
mod report;
mod response;
mod runtime_api;
mod throttle;
mod turns;
mod variables;

pub(crate) use runtime_api::is_error_type;

use crate::feed::EventKind;
use crate::function::Function;
use crate::invocation::{Failure, Running, Tenant, lock};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};

/// How far an environment is.
#[derive(Clone, Debug)]
pub(crate) enum Readiness {
    /// The runtime or an extension has not polled yet.
    Starting,
    Ready,
    Dead(Failure),
}

/// An environment.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) id: u32,
    /// The version of the function that it runs.
    version: String,
    function: Arc<Function>,
    created: Instant,
    readiness: watch::Sender<Readiness>,
    state: Mutex<State>,
    /// Somebody may want what is in `queue`.
    queued: Notify,
    /// The process is to be ended.
    kill: Notify,
    /// The process is to be killed, as if it had crashed.
    crash: Notify,
    /// The process is gone, or never was, and what it printed is read.
    silent: watch::Sender<bool>,
    logs: logs::Flushers,
}

#[derive(Debug, Default)]
struct State {
    /// For whom it is. Absent until its first invocation.
    tenant: Option<Tenant>,
    /// How many invocations have a place here, delivered or not.
    reserved: usize,
    /// Waiting for the runtime's poll.
    queue: VecDeque<Arc<Running>>,
    /// Polled.
    running: Vec<Arc<Running>>,
    /// The runtime polled, and has no invocation.
    runtime_waits: bool,
    extensions: extensions::Extensions,
    pid: Option<u32>,
    /// The start's duration, until the first invocation reports it.
    init: Option<Duration>,
    was_ready: bool,
    was_invoked: bool,
    /// The last lines that the runtime printed before it was ready.
    last_words: VecDeque<String>,
}

impl Environment {
    /// An environment, and the future that starts it and lives as long as it does.
    pub(crate) fn new(id: u32, function: Arc<Function>, version: String) -> (Arc<Self>, impl Future<Output = ()> + Send + use<>) {
        let environment = Arc::new(Self {
            id,
            version,
            function,
            created: Instant::now(),
            readiness: watch::Sender::new(Readiness::Starting),
            state: Mutex::default(),
            queued: Notify::new(),
            kill: Notify::new(),
            crash: Notify::new(),
            silent: watch::Sender::new(false),
            logs: logs::Flushers::default(),
        });
        (environment.clone(), process::supervise(environment))
    }

    /// Takes a place if there is one for this version and tenant; for any tenant, if none is given. From then on, it is that
    /// tenant's.
    pub(crate) fn reserve(&self, version: &str, tenant: Option<&Tenant>) -> bool {
        let mut state = lock(&self.state);
        let suits = self.version == version && tenant.is_none_or(|tenant| state.tenant.as_ref().is_none_or(|own| own == tenant));
        let free = suits && !self.is_dead() && state.reserved < self.function.settings.concurrency.max(1);
        if free {
            state.reserved += 1;
            state.tenant = state.tenant.take().or_else(|| tenant.cloned());
        }
        free
    }

    /// Whether it is ready, and nobody has a place.
    pub(crate) fn is_idle(&self) -> bool {
        let state = lock(&self.state);
        state.reserved == 0 && matches!(*self.readiness.borrow(), Readiness::Ready)
    }

    /// Gives a place back.
    pub(crate) fn release(&self) {
        lock(&self.state).reserved -= 1;
        self.function.used(self);
    }

    /// Waits for the start's end; none if it takes longer than `limit`.
    pub(crate) async fn ready(&self, limit: Duration) -> Option<Result<(), Failure>> {
        let mut readiness = self.readiness.subscribe();
        let readiness =
            tokio::time::timeout(limit, readiness.wait_for(|readiness| !matches!(readiness, Readiness::Starting))).await.ok()?;
        Some(match readiness.as_deref() {
            Ok(Readiness::Dead(failure)) => Err(failure.clone()),
            Ok(_) => Ok(()),
            Err(_) => Err(Failure::ShutDown),
        })
    }

    /// Waits until it is dead, and says why.
    async fn dead(&self) -> Failure {
        let mut readiness = self.readiness.subscribe();
        match readiness.wait_for(|readiness| matches!(readiness, Readiness::Dead(_))).await.as_deref() {
            Ok(Readiness::Dead(failure)) => failure.clone(),
            _ => Failure::ShutDown,
        }
    }

    fn is_dead(&self) -> bool {
        matches!(*self.readiness.borrow(), Readiness::Dead(_))
    }

    /// Ends the environment: its invocations fail at once, its process is killed.
    pub(crate) fn end(&self, failure: &Failure) {
        for running in self.die(failure.clone()) {
            running.fail(failure.clone());
        }
        self.kill.notify_one();
    }

    /// Kills its process, and lets it be found out as a crash is.
    pub(crate) fn crash(&self) {
        self.crash.notify_one();
    }

    /// Marks it as dead, unless it is, and takes it out of the choice. All invocations that it has.
    fn die(&self, failure: Failure) -> Vec<Arc<Running>> {
        self.function.forget(self);
        let state = lock(&self.state);
        self.readiness.send_if_modified(|readiness| {
            let alive = !matches!(readiness, Readiness::Dead(_));
            if alive {
                *readiness = Readiness::Dead(failure);
            }
            alive
        });
        state.queue.iter().chain(&state.running).cloned().collect()
    }

    /// The runtime or an extension said that it cannot start.
    fn init_error(&self, error_type: String, document: Bytes) -> bool {
        if !matches!(*self.readiness.borrow(), Readiness::Starting) {
            return false;
        }
        let message = crate::invocation::message_of(&document);
        self.tell(EventKind::InitFailed { error_type: error_type.clone(), message });
        self.die(Failure::Init { error_type, document });
        self.kill.notify_one();
        true
    }

    /// The runtime or an extension did not poll within `limit`.
    pub(crate) fn init_timed_out(&self, limit: Duration) -> Failure {
        let failure = Failure::TimedOut(limit);
        let millis = limit.as_secs_f64() * 1000.0;
        self.tell(EventKind::Platform {
            line: format!("INIT_REPORT Init Duration: {millis:.2} ms\tPhase: init\tStatus: timeout"),
        });
        let message = format!("it did not ask for an invocation within {:.2} seconds", limit.as_secs_f64());
        self.tell(EventKind::InitFailed { error_type: failure.error_type().to_owned(), message });
        self.end(&failure);
        failure
    }

    /// A line of Lambda's own about the environment.
    pub(crate) fn platform(&self, line: &str) {
        self.tell(EventKind::Platform { line: line.to_owned() });
    }

    /// A line of Lambda's own about an invocation.
    fn platform_of(&self, running: &Running, line: String) {
        running.log(&line);
        running.tell(EventKind::Platform { line });
    }

    fn tell(&self, kind: EventKind) {
        self.function.feed.tell(Some(self.id), None, kind);
    }
}
