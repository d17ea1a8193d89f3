//! The function: its names, and the environments that run it.
//!
//! Decides which environment takes an invocation, as Lambda does: of those of its version and tenant the idle one used last,
//! else a new one, if need be in place of an idle one of another version or tenant, else none.

use crate::controls::Limits;
use crate::environment::Environment;
use crate::feed::Feed;
use crate::invocation::{Failure, Invocation, Responded, Running, Tenant, lock};
use crate::settings::Settings;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// The account of a function that has none.
pub(crate) const ACCOUNT: &str = "123456789012";

/// The partition of every ARN.
pub(crate) const PARTITION: &str = "aws";

/// The version that runs unless a caller asks for another.
pub(crate) const VERSION: &str = "$LATEST";

/// An answer, and the invocation it belongs to; none if the runtime could not start, which the answer then says.
pub(crate) type Answered = (Responded, Option<Arc<Running>>);

/// As many environments as there may be are busy.
#[derive(Debug)]
pub(crate) struct Throttled;

/// Why an invocation was not begun.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// See [`Throttled`].
    Throttled,
    /// The runtime could not start.
    Failed(Failure),
}

/// A function and its environments.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) settings: Settings,
    pub(crate) region: String,
    pub(crate) feed: Feed,
    limits: Mutex<Limits>,
    pool: Mutex<Pool>,
    count: AtomicU32,
}

#[derive(Debug, Default)]
struct Pool {
    /// The one used last is last.
    environments: Vec<Arc<Environment>>,
    supervisors: JoinSet<()>,
    closed: bool,
}

impl Function {
    pub(crate) fn new(settings: Settings) -> Self {
        let region = settings
            .region
            .clone()
            .or_else(|| std::env::var("AWS_REGION").ok())
            .or_else(|| std::env::var("AWS_DEFAULT_REGION").ok())
            .unwrap_or_else(|| "us-east-1".to_owned());
        let limits = Mutex::new(Limits { timeout: settings.timeout, throttle: settings.throttle });
        let feed = Feed::new(settings.tap.clone());
        Self { settings, region, feed, limits, pool: Mutex::default(), count: AtomicU32::new(0) }
    }

    /// The ARN, without a qualifier.
    pub(crate) fn arn(&self) -> String {
        format!("arn:{PARTITION}:lambda:{}:{ACCOUNT}:function:{}", self.region, self.settings.function_name)
    }

    /// The version that a qualifier stands for; none if there is no such qualifier.
    pub(crate) fn version_of(&self, qualifier: Option<&str>) -> Option<&str> {
        match qualifier {
            None | Some(VERSION) => Some(VERSION),
            Some(qualifier) => self.settings.qualifiers.get(qualifier).map(String::as_str),
        }
    }

    /// What an invocation that begins now may take.
    pub(crate) fn limits(&self) -> Limits {
        *lock(&self.limits)
    }

    /// Changes what invocations from now on may take.
    pub(crate) fn limit(&self, change: impl FnOnce(&mut Limits)) {
        change(&mut lock(&self.limits));
    }

    /// Kills an environment's process. Whether there is such an environment.
    pub(crate) fn crash(&self, id: u32) -> bool {
        let environment = lock(&self.pool).environments.iter().find(|known| known.id == id).cloned();
        environment.inspect(|environment| environment.crash()).is_some()
    }

    /// Whether one environment serves several invocations at once.
    pub(crate) fn is_concurrent(&self) -> bool {
        self.settings.concurrency > 1
    }

    /// Runs an invocation and waits for the begin of its answer. It runs to its end whether or not somebody waits.
    ///
    /// # Errors
    /// [`Throttled`].
    pub(crate) async fn invoke(self: &Arc<Self>, invocation: Invocation) -> Result<Answered, Throttled> {
        let function = self.clone();
        let request_id = invocation.request_id.clone();
        let started = tokio::spawn(async move { function.start(invocation).await });
        match started.await.unwrap_or(Err(Refusal::Failed(Failure::ShutDown))) {
            Ok((running, answer)) => {
                let answer = answer.await.unwrap_or_else(|_| Responded::Error(Failure::ShutDown.document(running.id())));
                Ok((answer, Some(running)))
            }
            Err(Refusal::Failed(failure)) => Ok((Responded::Error(failure.document(&request_id)), None)),
            Err(Refusal::Throttled) => Err(Throttled),
        }
    }

    /// Starts an environment if none is idle and waits until it is ready.
    ///
    /// # Errors
    /// The refusal, and the last lines that the runtime printed before it failed to start.
    pub(crate) async fn warm_up(self: &Arc<Self>) -> Result<(), (Refusal, Vec<String>)> {
        let environment = self.reserve(VERSION, None).map_err(|refusal| (refusal, Vec::new()))?;
        match self.ready(environment.clone(), VERSION, None).await {
            Ok(ready) => {
                ready.release();
                Ok(())
            }
            Err(refusal) => Err((refusal, environment.last_words().await)),
        }
    }

    async fn start(self: Arc<Self>, invocation: Invocation) -> Result<(Arc<Running>, oneshot::Receiver<Responded>), Refusal> {
        if let Some(preparation) = &self.settings.before_invocation {
            preparation.done().await;
        }
        let mut invocation = invocation;
        loop {
            let (version, tenant) = (&invocation.version, Some(&invocation.tenant));
            let environment = self.reserve(version, tenant)?;
            let environment = self.ready(environment, version, tenant).await?;
            let (sender, answer) = oneshot::channel();
            let limits = self.limits();
            let running = Running::new(invocation, environment.id, limits, self.feed.clone(), sender);
            match environment.deliver(running) {
                Ok(running) => {
                    tokio::spawn(environment.limit(running.clone(), limits.timeout));
                    return Ok((running, answer));
                }
                // It died between two invocations: another one takes its place.
                Err(undelivered) => invocation = *undelivered,
            }
        }
    }

    /// Waits for an environment's start; one that is too slow is started again, then as long as an invocation may take.
    async fn ready(
        self: &Arc<Self>,
        environment: Arc<Environment>,
        version: &str,
        tenant: Option<&Tenant>,
    ) -> Result<Arc<Environment>, Refusal> {
        match environment.ready(self.settings.init_timeout).await {
            Some(Ok(())) => return Ok(environment),
            Some(Err(failure)) => return Err(Refusal::Failed(failure)),
            None => {
                environment.init_timed_out(self.settings.init_timeout);
            }
        }
        let again = self.reserve(version, tenant)?;
        match again.ready(self.settings.timeout).await {
            Some(Ok(())) => Ok(again),
            Some(Err(failure)) => Err(Refusal::Failed(failure)),
            None => Err(Refusal::Failed(again.init_timed_out(self.settings.timeout))),
        }
    }

    /// A place in an environment of this version, for this tenant; for whoever comes first, if none is given.
    fn reserve(self: &Arc<Self>, version: &str, tenant: Option<&Tenant>) -> Result<Arc<Environment>, Refusal> {
        let given_up;
        let environment = {
            let mut pool = lock(&self.pool);
            if pool.closed {
                return Err(Refusal::Failed(Failure::ShutDown));
            }
            if let Some(at) = pool.environments.iter().rposition(|environment| environment.reserve(version, tenant)) {
                let environment = pool.environments.remove(at);
                pool.environments.push(environment.clone());
                return Ok(environment);
            }
            let is_full = pool.environments.len() >= self.settings.max_environments.max(1);
            let idle = pool.environments.iter().position(|environment| is_full && environment.is_idle());
            given_up = idle.map(|at| pool.environments.remove(at));
            if is_full && given_up.is_none() {
                return Err(Refusal::Throttled);
            }
            let id = self.count.fetch_add(1, Ordering::Relaxed) + 1;
            let (environment, supervisor) = Environment::new(id, self.clone(), version.to_owned());
            environment.reserve(version, tenant);
            while pool.supervisors.try_join_next().is_some() {}
            pool.supervisors.spawn(supervisor);
            pool.environments.push(environment.clone());
            environment
        };
        if let Some(idle) = given_up {
            idle.end(&Failure::ShutDown);
        }
        Ok(environment)
    }

    /// Takes an environment that is gone, or about to be, out of the choice.
    pub(crate) fn forget(&self, environment: &Environment) {
        lock(&self.pool).environments.retain(|known| known.id != environment.id);
    }

    /// Moves an environment to where the next invocation looks first.
    pub(crate) fn used(&self, environment: &Environment) {
        let mut pool = lock(&self.pool);
        if let Some(at) = pool.environments.iter().position(|known| known.id == environment.id) {
            let environment = pool.environments.remove(at);
            pool.environments.push(environment);
        }
    }

    /// Ends every environment and waits until their processes are gone.
    pub(crate) async fn shut_down(&self) {
        let (environments, mut supervisors) = {
            let mut pool = lock(&self.pool);
            pool.closed = true;
            (std::mem::take(&mut pool.environments), std::mem::take(&mut pool.supervisors))
        };
        for environment in environments {
            environment.end(&Failure::ShutDown);
        }
        while supervisors.join_next().await.is_some() {}
    }

    /// Ends every environment without waiting.
    pub(crate) fn abort(&self) {
        let mut pool = lock(&self.pool);
        pool.closed = true;
        pool.environments.clear();
        pool.supervisors.abort_all();
    }
}
