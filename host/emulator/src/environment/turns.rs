//! Whose turn it is in an environment: the runtime and every extension poll, whoever polls last makes the environment ready or
//! free, and the next invocation is then told to all of them.

use super::extensions::{Polled, Subscriptions, Unknown, Unregistered};
use super::extensions_api::{self, Reported};
use super::{Environment, Readiness, report};
use crate::feed::EventKind;
use crate::invocation::{Failure, Invocation, Running, lock};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

/// How long a poll waits for the end of a response that is still being read.
const PATIENCE: Duration = Duration::from_secs(2);

/// The runtime polls while it owes a response.
#[derive(Debug)]
pub(super) struct NotItsTurn;

impl Environment {
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
            // Before anybody can take it, so that its end is not told first.
            running.tell_start(!std::mem::replace(&mut state.was_invoked, true));
            self.platform_of(&running, format!("START RequestId: {} Version: {}", running.id(), self.version));
            state.queue.push_back(running.clone());
            state.extensions.invoke(&extensions_api::invoke_event(&running));
            running
        };
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

    /// The runtime polls: it is done with whatever it has responded to, and gets the next invocation when there is one.
    pub(super) async fn next(&self) -> Result<Arc<Running>, NotItsTurn> {
        let running = {
            let mut state = lock(&self.state);
            state.extensions.close();
            if self.function.is_concurrent() { Vec::new() } else { state.running.clone() }
        };
        for running in &running {
            // A response that the runtime broke off just now needs a moment to be known as such.
            let settled = running.was_responding() && tokio::time::timeout(PATIENCE, running.settled()).await.is_ok();
            if !settled && !running.is_settled() {
                return Err(NotItsTurn);
            }
        }
        lock(&self.state).runtime_waits = true;
        self.polled().await;
        loop {
            {
                let mut state = lock(&self.state);
                if let Some(running) = state.queue.pop_front() {
                    state.running.push(running.clone());
                    state.runtime_waits = false;
                    return Ok(running);
                }
            }
            self.queued.notified().await;
        }
    }

    /// An extension wants to be told of something.
    pub(super) fn register(&self, name: &str, subscriptions: Subscriptions) -> Result<String, Unregistered> {
        lock(&self.state).extensions.register(name, subscriptions)
    }

    /// An extension polls: it is done with whatever it was told of, and is told of the next thing when there is one.
    pub(super) async fn next_event(&self, id: &str) -> Result<Bytes, Unknown> {
        loop {
            let polled = lock(&self.state).extensions.poll(id)?;
            match polled {
                Polled::Event(event) => return Ok(event),
                Polled::Nothing(told) => {
                    self.polled().await;
                    told.notified().await;
                }
            }
        }
    }

    /// An extension says that it cannot go on. False if it is too late to say so.
    pub(super) fn extension_failed(
        &self,
        id: &str,
        reported: Reported,
        error_type: &str,
        message: &str,
    ) -> Result<bool, Unknown> {
        let message = {
            let state = lock(&self.state);
            format!("extension {}: {error_type}: {message}", state.extensions.name(id)?)
        };
        let type_of_failure = reported.error_type();
        if matches!(*self.readiness.borrow(), Readiness::Starting) {
            let document = serde_json::json!({"errorType": type_of_failure, "errorMessage": message}).to_string();
            return Ok(self.init_error(type_of_failure.to_owned(), document.into()));
        }
        if reported == Reported::AtStart {
            return Ok(false);
        }
        self.end(&Failure::Extension { error_type: type_of_failure, message });
        Ok(true)
    }

    /// Somebody polled: the environment is ready, or done with its invocation, if everybody else had polled before.
    async fn polled(&self) {
        self.becomes_ready();
        if self.done().is_empty() {
            return;
        }
        // What was printed before the poll belongs to the invocation.
        self.logs.flush().await;
        for running in self.done() {
            self.over(&running);
        }
    }

    /// Notes the end of the start, if it is that.
    fn becomes_ready(&self) {
        let init = self.created.elapsed();
        // The state is locked before the readiness wherever both are.
        let mut state = lock(&self.state);
        let started = state.runtime_waits
            && state.extensions.are_ready()
            && self.readiness.send_if_modified(|readiness| {
                let starting = matches!(readiness, Readiness::Starting);
                if starting {
                    *readiness = Readiness::Ready;
                }
                starting
            });
        if !started {
            return;
        }
        state.init = Some(init);
        state.was_ready = true;
        state.last_words.clear();
        for (name, Subscriptions { invoke, shutdown }) in state.extensions.each() {
            let events: Vec<&str> = [(invoke, "INVOKE"), (shutdown, "SHUTDOWN")]
                .into_iter()
                .filter_map(|(subscribed, event)| subscribed.then_some(event))
                .collect();
            self.platform(&format!("EXTENSION\tName: {name}\tState: Ready\tEvents: [{}]", events.join(",")));
        }
        self.tell(EventKind::EnvironmentReady { init });
    }

    /// The invocations that runtime and extensions are done with. An environment that serves several at once is done with one
    /// when the runtime has responded.
    fn done(&self) -> Vec<Arc<Running>> {
        let state = lock(&self.state);
        let everybody_waits = state.runtime_waits && state.extensions.are_done();
        if everybody_waits && !self.function.is_concurrent() { state.running.clone() } else { Vec::new() }
    }

    /// The runtime responded in full. An environment that serves several invocations is free at once, another with its poll.
    pub(super) async fn responded(&self, running: &Arc<Running>) {
        if self.function.is_concurrent() {
            self.logs.flush().await;
            self.over(running);
        }
    }

    /// The invocation that the runtime has under this id.
    pub(super) fn running(&self, request_id: &str) -> Option<Arc<Running>> {
        lock(&self.state).running.iter().find(|running| running.id() == request_id).cloned()
    }

    /// The environment is done with an invocation.
    pub(super) fn over(&self, over: &Arc<Running>) {
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
}
