//! The loop of a function's life: `/next`, answer, and again, as many at once as Lambda asks for.
//!
//! Context and SnapStart hooks are `lambda_runtime`'s. The loop around them is ours because that crate's own panics on a
//! `/next` without a request id or deadline, takes a 500 of `/next` for an invocation, and ends the process at a client context
//! that is not as it expects, which any caller may send. Here each of these is answered, logged, or waited out.

use crate::log::{Level, Log, Record};
use crate::runtime_api::RuntimeApi;
use crate::service::{Delivery, Invoker};
use crate::telemetry::Observers;
use firstbyte_wire::runtime_api::{self, header};
use firstbyte_wire::{ErrorReport, ErrorType};
use http::{HeaderMap, HeaderName};
use lambda_runtime::{Config, Context, SnapStartResource};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Larger than any event that Lambda delivers.
const EVENT_LIMIT: usize = 64 * 1024 * 1024;

/// How often `/next` may fail in a row before the process ends; the pause doubles from 100 ms, so this is about 6 seconds.
const ATTEMPTS: u32 = 7;

/// Why the loop ended. Lambda starts the process again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Ended {
    /// Lambda says that the environment is broken.
    #[error("the Runtime API says that this environment is broken (500)")]
    Environment,
    /// It cannot be reached, or makes no sense.
    #[error("the Runtime API failed {ATTEMPTS} times in a row: {0}")]
    Unreachable(String),
    /// Lambda asks the process to end.
    #[error("ended by SIGTERM")]
    Terminated,
    /// This is a mistake of ours.
    #[error("the runtime itself failed: {0}")]
    Panicked(String),
    /// SnapStart's snapshot or restore failed.
    #[error("SnapStart: {0}")]
    SnapStart(lambda_runtime::Error),
}

impl Ended {
    /// Whether this is how it should end.
    pub(crate) fn is_regular(&self) -> bool {
        matches!(self, Self::Terminated)
    }
}

/// How long invocations that are under way may take to end when the process is asked to: Lambda gives 500 ms where an internal
/// extension is registered, and 2 seconds with an external one.
const LAST_MOMENTS: Duration = Duration::from_millis(400);

/// What came instead of an invocation.
enum Instead {
    /// Nothing, this time.
    Nothing,
    /// An invocation that cannot be understood, but answered.
    Unusable { request_id: String, reason: String },
    /// Something that may pass.
    Failure(String),
    /// The end.
    Broken,
}

/// Polls and answers.
#[derive(Clone)]
pub(crate) struct Polling {
    api: Arc<RuntimeApi>,
    invoker: Invoker,
    config: Arc<Config>,
    log: Arc<dyn Log>,
    /// How many invocations are under way.
    busy: watch::Sender<usize>,
}

impl Polling {
    /// Polls `api`.
    pub(crate) fn new(api: Arc<RuntimeApi>, invoker: Invoker, log: Arc<dyn Log>) -> Self {
        Self { api, invoker, config: Arc::default(), log, busy: watch::Sender::new(0) }
    }

    /// Those who are shown invocations.
    pub(crate) fn observers(&self) -> Observers {
        self.invoker.observers.clone()
    }

    /// Serves invocations, `concurrency` at once.
    pub(crate) async fn run(self, concurrency: usize) -> Ended {
        // Tasks all of them: waking the executor's own future would cost a system call each time.
        let mut workers = tokio::task::JoinSet::new();
        for _ in 0..concurrency {
            workers.spawn(self.clone().work());
        }
        tokio::select! {
            ended = workers.join_next() => match ended {
                Some(Ok(ended)) => ended,
                Some(Err(panic)) => Ended::Panicked(panic.to_string()),
                None => Ended::Panicked("there are no workers".to_owned()),
            },
            () = self.terminated() => Ended::Terminated,
        }
    }

    /// Waits until the process is asked to end, and then for what is under way, but not long.
    async fn terminated(&self) {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            // Then the signal ends the process itself.
            Err(_) => std::future::pending().await,
        };
        let mut busy = self.busy.subscribe();
        let _ = tokio::time::timeout(LAST_MOMENTS, busy.wait_for(|busy| *busy == 0)).await;
    }

    async fn work(self) -> Ended {
        let mut failures = 0;
        loop {
            let failure = match self.next().await {
                Ok(delivery) => {
                    failures = 0;
                    self.busy.send_modify(|busy| *busy += 1);
                    self.invoker.answer(delivery).await;
                    self.busy.send_modify(|busy| *busy -= 1);
                    continue;
                }
                Err(Instead::Nothing) => continue,
                Err(Instead::Unusable { request_id, reason }) => {
                    self.warn(&format!("invocation {request_id:?} cannot be understood: {reason}"));
                    let report = ErrorReport::new(&ErrorType::runtime("InvalidInvocation"), reason);
                    self.invoker.refuse(&request_id, &report).await;
                    continue;
                }
                Err(Instead::Broken) => return Ended::Environment,
                Err(Instead::Failure(failure)) => failure,
            };
            failures += 1;
            if failures == ATTEMPTS {
                return Ended::Unreachable(failure);
            }
            self.warn(&format!("/next: {failure}; trying again"));
            tokio::time::sleep(Duration::from_millis(50) * 2_u32.pow(failures)).await;
        }
    }

    async fn next(&self) -> Result<Delivery, Instead> {
        let answered = self.api.get(runtime_api::NEXT, EVENT_LIMIT).await;
        let answered = answered.map_err(|error| Instead::Failure(error.to_string()))?;
        match answered.reply.status {
            200 => {}
            204 => return Err(Instead::Nothing),
            500 => return Err(Instead::Broken),
            status => return Err(Instead::Failure(format!("it answered {status}"))),
        }
        let headers = &answered.reply.headers;
        let request_id = text(headers, header::REQUEST_ID);
        let Some(request_id) = request_id.filter(|id| runtime_api::is_request_id(id)) else {
            return Err(Instead::Failure("it delivered an invocation without a usable request id".to_owned()));
        };
        let context = context(&request_id, &self.config, headers).map_err(|reason| Instead::Unusable { request_id, reason })?;
        Ok(Delivery { answered, context })
    }

    /// Waits at the snapshot, if there is one, with the hooks around it.
    pub(crate) async fn snap_start(&self, resource: &dyn SnapStartResource) -> Result<(), Ended> {
        let restored = async {
            resource.before_snapshot().await?;
            let status = self.api.get(runtime_api::RESTORE_NEXT, EVENT_LIMIT).await?.reply.status;
            if !(200..300).contains(&status) {
                return Err(format!("/restore/next answered {status}").into());
            }
            Ok::<_, lambda_runtime::Error>(())
        };
        if let Err(error) = restored.await {
            let report = ErrorReport::new(&ErrorType::runtime("BeforeSnapshotError"), chain(&*error));
            self.invoker.report(runtime_api::INIT_ERROR, &report).await;
            return Err(Ended::SnapStart(error));
        }
        if let Err(error) = resource.after_restore().await {
            let report = ErrorReport::new(&ErrorType::runtime("AfterRestoreError"), chain(&*error));
            self.invoker.report(runtime_api::RESTORE_ERROR, &report).await;
            return Err(Ended::SnapStart(error));
        }
        Ok(())
    }

    fn warn(&self, message: &str) {
        self.log.record(&Record { level: Level::Warn, request_id: None, tenant_id: None, message, members: None, failure: None });
    }
}

/// `lambda_runtime`'s context, from headers in which nothing is left that it would stumble over.
fn context(request_id: &str, config: &Arc<Config>, headers: &HeaderMap) -> Result<Context, String> {
    if !headers.contains_key(header::DEADLINE_MS) {
        return Err("it has no deadline".to_owned());
    }
    let mut headers = headers.clone();
    // Free-form JSON of the caller's: handlers get it as it came, and nobody here needs it parsed.
    headers.remove(HeaderName::from_static(header::CLIENT_CONTEXT));
    headers.remove(HeaderName::from_static(header::COGNITO_IDENTITY));
    Context::new(request_id, Arc::clone(config), &headers).map_err(|error| error.to_string())
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// An error and its causes, in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    const NAMES: [&str; 8] = [
        header::REQUEST_ID,
        header::DEADLINE_MS,
        header::FUNCTION_ARN,
        header::TRACE_ID,
        header::CLIENT_CONTEXT,
        header::COGNITO_IDENTITY,
        header::TENANT_ID,
        header::INVOCATION_ID,
    ];

    /// Values as they should be, and any bytes that HTTP lets through.
    fn value() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            any::<u64>().prop_map(|number| number.to_string().into_bytes()),
            Just(br#"{"custom":{"a":1},"cognitoIdentityId":[]}"#.to_vec()),
            prop::collection::vec(any::<u8>(), 0..40),
        ]
    }

    proptest! {
        #[test]
        fn no_headers_of_next_make_it_panic(headers in prop::collection::vec((prop::sample::select(&NAMES[..]), value()), 0..12)) {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                if let Ok(value) = HeaderValue::from_bytes(&value) {
                    map.append(HeaderName::from_static(name), value);
                }
            }
            if let Some(id) = text(&map, header::REQUEST_ID) {
                prop_assert!(!runtime_api::is_request_id(&id) || !id.contains(['/', ' ', '\r', '\n', '?', '%']));
            }
            let deadline = text(&map, header::DEADLINE_MS).and_then(|deadline| deadline.parse::<u64>().ok());
            match context("id", &Arc::default(), &map) {
                Ok(context) => prop_assert_eq!(Some(context.deadline), deadline),
                Err(reason) => prop_assert!(!reason.is_empty()),
            }
        }
    }
}
