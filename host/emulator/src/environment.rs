//! One execution environment: a process of the runtime, its own Runtime API, and the invocations it has.
//!
//! Says what may happen when; the Runtime API's requests are read in `runtime_api`, the process is started in `process`.

mod group;
mod logs;
mod net_http;
mod process;
mod report;
mod response;
mod runtime_api;
mod throttle;

pub(crate) use runtime_api::is_error_type;

use crate::feed::{EventKind, LogStream};
use crate::function::{Function, VERSION};
use crate::invocation::{Failure, Invocation, Running, lock};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};

/// How long a runtime that reported that it cannot start may take to exit by itself.
const INIT_ERROR_GRACE: Duration = Duration::from_millis(500);

/// How long a poll waits for the end of a response that is still being read.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many lines of what a runtime prints before it is ready are kept, and how many bytes of each.
const LAST_WORDS: usize = 20;
const LAST_WORDS_LINE: usize = 2000;

/// How far an environment is.
#[derive(Clone, Debug)]
pub(crate) enum Phase {
    /// The runtime has not asked for an invocation yet.
    Starting,
    Ready,
    Dead(Failure),
}

/// The runtime polls while it owes a response.
#[derive(Debug)]
struct NotItsTurn;

/// An environment.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) id: u32,
    function: Arc<Function>,
    created: Instant,
    phase: watch::Sender<Phase>,
    state: Mutex<State>,
    /// Somebody may want what is in `queue`.
    queued: Notify,
    /// The process is to be ended.
    kill: Notify,
    /// The process is gone, or never was, and what it printed is read.
    silent: watch::Sender<bool>,
    logs: logs::Flushers,
}

#[derive(Debug, Default)]
struct State {
    /// How many invocations have a place here, delivered or not.
    reserved: usize,
    /// Waiting for the runtime's poll.
    queue: VecDeque<Arc<Running>>,
    /// Polled.
    running: Vec<Arc<Running>>,
    pid: Option<u32>,
    /// The start's duration, until the first invocation reports it.
    init: Option<Duration>,
    was_ready: bool,
    /// The last lines that the runtime printed before it was ready.
    last_words: VecDeque<String>,
}

impl Environment {
    /// An environment, and the future that starts it and lives as long as it does.
    pub(crate) fn new(id: u32, function: Arc<Function>) -> (Arc<Self>, impl Future<Output = ()> + Send + use<>) {
        let environment = Arc::new(Self {
            id,
            function,
            created: Instant::now(),
            phase: watch::Sender::new(Phase::Starting),
            state: Mutex::default(),
            queued: Notify::new(),
            kill: Notify::new(),
            silent: watch::Sender::new(false),
            logs: logs::Flushers::default(),
        });
        (environment.clone(), process::supervise(environment))
    }

    /// Takes a place if there is one.
    pub(crate) fn reserve(&self) -> bool {
        let mut state = lock(&self.state);
        let free = !self.is_dead() && state.reserved < self.function.settings.concurrency.max(1);
        state.reserved += usize::from(free);
        free
    }

    /// Gives a place back.
    pub(crate) fn release(&self) {
        lock(&self.state).reserved -= 1;
        self.function.used(self);
    }

    /// Waits for the start's end; none if it takes longer than `limit`.
    pub(crate) async fn ready(&self, limit: Duration) -> Option<Result<(), Failure>> {
        let mut phase = self.phase.subscribe();
        let phase = tokio::time::timeout(limit, phase.wait_for(|phase| !matches!(phase, Phase::Starting))).await.ok()?;
        Some(match phase.as_deref() {
            Ok(Phase::Dead(failure)) => Err(failure.clone()),
            Ok(_) => Ok(()),
            Err(_) => Err(Failure::ShutDown),
        })
    }

    /// Waits until it is dead, and says why.
    async fn dead(&self) -> Failure {
        let mut phase = self.phase.subscribe();
        match phase.wait_for(|phase| matches!(phase, Phase::Dead(_))).await.as_deref() {
            Ok(Phase::Dead(failure)) => failure.clone(),
            _ => Failure::ShutDown,
        }
    }

    fn is_dead(&self) -> bool {
        matches!(*self.phase.borrow(), Phase::Dead(_))
    }

    /// Hands an invocation over, for which a place is reserved.
    ///
    /// # Errors
    /// The invocation, if the environment died meanwhile.
    pub(crate) fn deliver(&self, running: Running) -> Result<Arc<Running>, Box<Invocation>> {
        let running = {
            let mut state = lock(&self.state);
            if self.is_dead() {
                return Err(Box::new(running.invocation));
            }
            let running = Arc::new(running);
            state.queue.push_back(running.clone());
            running
        };
        running.tell(EventKind::InvocationStarted { door: running.invocation.door });
        self.platform_of(&running, format!("START RequestId: {} Version: {VERSION}", running.id()));
        self.queued.notify_one();
        Ok(running)
    }

    /// Ends an invocation that is not over after `timeout`: with its environment, unless that serves others meanwhile.
    pub(crate) async fn limit(self: Arc<Self>, running: Arc<Running>, timeout: Duration) {
        let rest = timeout.saturating_sub(running.started.elapsed());
        if tokio::time::timeout(rest, running.over()).await.is_ok() {
            return;
        }
        let line = format!("{} {} Task timed out after {:.2} seconds", report::now(), running.id(), timeout.as_secs_f64());
        self.platform_of(&running, line);
        if self.function.is_concurrent() {
            running.fail(Failure::TimedOut(timeout));
            self.over(&running);
        } else {
            self.end(&Failure::TimedOut(timeout));
        }
    }

    /// Ends the environment: its invocations fail at once, its process is killed.
    pub(crate) fn end(&self, failure: &Failure) {
        for running in self.die(failure.clone()) {
            running.fail(failure.clone());
        }
        self.kill.notify_one();
    }

    /// Marks it as dead, unless it is, and takes it out of the choice. All invocations that it has.
    fn die(&self, failure: Failure) -> Vec<Arc<Running>> {
        self.function.forget(self);
        let state = lock(&self.state);
        self.phase.send_if_modified(|phase| {
            let alive = !matches!(phase, Phase::Dead(_));
            if alive {
                *phase = Phase::Dead(failure);
            }
            alive
        });
        state.queue.iter().chain(&state.running).cloned().collect()
    }

    /// The runtime said that it cannot start.
    fn init_error(&self, error_type: String, document: Bytes) -> bool {
        if !matches!(*self.phase.borrow(), Phase::Starting) {
            return false;
        }
        let message = crate::invocation::message_of(&document);
        self.tell(EventKind::InitFailed { error_type: error_type.clone(), message });
        self.die(Failure::Init { error_type, document });
        self.kill.notify_one();
        true
    }

    /// The runtime did not poll within `limit`.
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

    /// How long the process may take to exit by itself when it is to end.
    fn grace(&self) -> Duration {
        match *self.phase.borrow() {
            Phase::Dead(Failure::Init { .. }) => INIT_ERROR_GRACE,
            _ => Duration::ZERO,
        }
    }

    /// Notes the runtime's first poll. False if it is not the first.
    fn started(&self) -> bool {
        let init = self.created.elapsed();
        // The state is locked before the phase wherever both are.
        let mut state = lock(&self.state);
        let started = self.phase.send_if_modified(|phase| {
            let starting = matches!(phase, Phase::Starting);
            if starting {
                *phase = Phase::Ready;
            }
            starting
        });
        if started {
            state.init = Some(init);
            state.was_ready = true;
            state.last_words.clear();
            self.tell(EventKind::EnvironmentReady { init });
        }
        started
    }

    /// The runtime polls: whatever it has responded to is over, and it gets the next invocation when there is one.
    async fn next(&self) -> Result<Arc<Running>, NotItsTurn> {
        let started = self.started();
        if !started && !self.function.is_concurrent() {
            let running = lock(&self.state).running.clone();
            for running in &running {
                // A response that the runtime broke off just now needs a moment to be known as such.
                let settled = running.was_responding() && tokio::time::timeout(PATIENCE, running.settled()).await.is_ok();
                if !settled && !running.is_settled() {
                    return Err(NotItsTurn);
                }
            }
            if !running.is_empty() {
                self.logs.flush().await;
            }
            for running in running {
                self.over(&running);
            }
        }
        loop {
            {
                let mut state = lock(&self.state);
                if let Some(running) = state.queue.pop_front() {
                    state.running.push(running.clone());
                    return Ok(running);
                }
            }
            self.queued.notified().await;
        }
    }

    /// The runtime responded in full. An environment that serves several invocations is free at once, another with its poll.
    async fn responded(&self, running: &Arc<Running>) {
        if self.function.is_concurrent() {
            self.logs.flush().await;
            self.over(running);
        }
    }

    /// The invocation that the runtime has under this id.
    fn running(&self, request_id: &str) -> Option<Arc<Running>> {
        lock(&self.state).running.iter().find(|running| running.id() == request_id).cloned()
    }

    /// The environment is done with an invocation.
    fn over(&self, over: &Arc<Running>) {
        let (init, pid) = {
            let mut state = lock(&self.state);
            let known = state.running.len() + state.queue.len();
            state.running.retain(|running| running.id() != over.id());
            state.queue.retain(|running| running.id() != over.id());
            if state.running.len() + state.queue.len() == known {
                return;
            }
            (state.init.take(), state.pid)
        };
        let report = report::report(over, init, pid);
        // Before it is told: whoever hears of the end may call again at once.
        self.release();
        self.platform_of(over, format!("END RequestId: {}", over.id()));
        self.platform_of(over, report::line(over.id(), &report, self.function.settings.memory_mb));
        over.tell(EventKind::InvocationEnded(report));
        over.finish();
    }

    /// The last lines that the runtime printed before it was ready, when its process is gone and all of them are read.
    pub(crate) async fn last_words(&self) -> Vec<String> {
        // The sender is ours: the wait cannot fail.
        let _ = self.silent.subscribe().wait_for(|silent| *silent).await;
        lock(&self.state).last_words.iter().cloned().collect()
    }

    /// A line that the runtime printed.
    fn printed(&self, stream: LogStream, line: String) {
        let running = {
            let mut state = lock(&self.state);
            if !state.was_ready {
                if state.last_words.len() == LAST_WORDS {
                    state.last_words.pop_front();
                }
                state.last_words.push_back(line[..line.floor_char_boundary(LAST_WORDS_LINE)].to_owned());
            }
            if self.function.is_concurrent() {
                let record: Option<serde_json::Value> = serde_json::from_str(&line).ok();
                let id = record.as_ref().and_then(|record| record.get("requestId")).and_then(serde_json::Value::as_str);
                state.running.iter().find(|running| Some(running.id()) == id).cloned()
            } else {
                state.running.last().cloned()
            }
        };
        match running {
            Some(running) => {
                running.log(&line);
                running.tell(EventKind::Log { stream, line });
            }
            None => self.tell(EventKind::Log { stream, line }),
        }
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
