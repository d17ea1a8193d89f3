//! Lambda's entry point: reads the environment, sets the handler up, and serves invocations until Lambda ends the process.

use crate::component;
use crate::descriptors;
use crate::handler::Handler;
use crate::log::{BoxFuture, Level, Log, Record, StdoutLog};
use crate::polling::Polling;
use crate::runtime_api::RuntimeApi;
use crate::service::{Invoker, Source};
use crate::settings::{self, Settings, SettingsError};
use crate::setup::SetupError;
use crate::telemetry::{Function, Observers};
use firstbyte_wire::{ErrorReport, ErrorType, runtime_api};
use lambda_runtime::SnapStartResource;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use tokio::runtime::Builder;

/// Why the runtime cannot start.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error("{0} is not set: a bootstrap is started by Lambda, or by `firstbyte serve` and `firstbyte invoke` on a laptop")]
    NotInLambda(&'static str),
    #[error("AWS_LAMBDA_RUNTIME_API={0:?} is not host:port")]
    Address(String),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Setup(#[from] SetupError),
}

impl From<component::ComponentError> for StartError {
    fn from(error: component::ComponentError) -> Self {
        Self::Setup(error.into())
    }
}

impl StartError {
    fn report(&self) -> ErrorReport {
        let kind = match self {
            Self::NotInLambda(_) | Self::Address(_) => "NotInLambda",
            Self::Settings(_) => "InvalidSetting",
            Self::Setup(error) => error.kind(),
        };
        ErrorReport::new(&ErrorType::runtime(kind), self.to_string())
    }
}

/// Runs the bootstrap. Returns only when it cannot go on.
pub fn main() -> ExitCode {
    main_with(|_| ())
}

/// The same for a program of one's own, which changes what the environment's variables set: [`EgressSettings::route`], for
/// one, has no variable.
///
/// [`EgressSettings::route`]: crate::egress::EgressSettings::route
pub fn main_with(change: fn(&mut Settings)) -> ExitCode {
    let log = StdoutLog::new(var("AWS_LAMBDA_LOG_FORMAT").as_deref(), var("AWS_LAMBDA_LOG_LEVEL").as_deref());
    let concurrency = settings::concurrency(var("AWS_LAMBDA_MAX_CONCURRENCY").as_deref()) as usize;
    descriptors::raise();
    // One invocation at a time needs one thread, and starts faster with it.
    let mut builder = if concurrency > 1 { Builder::new_multi_thread() } else { Builder::new_current_thread() };
    let code = match builder.enable_all().build() {
        Ok(executor) => executor.block_on(run(&log, change)),
        Err(error) => {
            host_record(&*log, Level::Fatal, &format!("cannot start an executor: {error}"), None);
            ExitCode::FAILURE
        }
    };
    log.flush();
    code
}

async fn run(log: &Arc<StdoutLog>, change: fn(&mut Settings)) -> ExitCode {
    let authority = match require("AWS_LAMBDA_RUNTIME_API") {
        Ok(authority) => authority,
        Err(error) => {
            eprintln!("bootstrap: {error}");
            return ExitCode::FAILURE;
        }
    };
    let api = RuntimeApi::new(&authority);
    let (polling, workers) = match settings(log, change).and_then(|settings| set_up(log, &api, &authority, &settings)) {
        Ok(ready) => ready,
        Err(error) => {
            let report = error.report();
            host_record(&**log, Level::Fatal, &format!("{}: {}", report.error_type, report.error_message), Some(&report));
            if let Err(error) = api.post_error(runtime_api::INIT_ERROR, &report).await {
                host_record(&**log, Level::Error, &format!("Lambda could not be told: {error}"), None);
            }
            return ExitCode::FAILURE;
        }
    };
    if var("AWS_LAMBDA_INITIALIZATION_TYPE").as_deref() == Some("snap-start")
        && let Err(ended) = polling.snap_start(&Connections(api)).await
    {
        host_record(&**log, Level::Fatal, &ended.to_string(), None);
        return ExitCode::FAILURE;
    }
    let observers = polling.observers();
    let ended = polling.run(workers).await;
    observers.finish().await;
    if ended.is_regular() {
        host_record(&**log, Level::Debug, &ended.to_string(), None);
        return ExitCode::SUCCESS;
    }
    host_record(&**log, Level::Fatal, &ended.to_string(), None);
    ExitCode::FAILURE
}

/// Connections do not survive a snapshot.
struct Connections(Arc<RuntimeApi>);

impl SnapStartResource for Connections {
    fn before_snapshot(&self) -> BoxFuture<'_, Result<(), lambda_runtime::Error>> {
        self.0.forget_connections();
        Box::pin(std::future::ready(Ok(())))
    }
}

fn settings(log: &Arc<StdoutLog>, change: fn(&mut Settings)) -> Result<Arc<Settings>, StartError> {
    let variables =
        || std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    for unknown in Settings::unknown(variables().map(|(name, _)| name)) {
        host_record(&**log, Level::Warn, &unknown.to_string(), None);
    }
    let mut settings = Settings::from_env(variables())?;
    change(&mut settings);
    let function = var("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").and_then(|size| size.parse::<usize>().ok());
    let needed = settings.memory_at_most().div_ceil(1 << 20);
    if let Some(function) = function.filter(|function| needed > *function) {
        let message = format!(
            "handlers may take {needed} MiB of memory together, and the function has {function}: if they do, Lambda ends the \
             process with all that is under way; lower FIRSTBYTE_MEMORY_MB or FIRSTBYTE_HOST_MEMORY_MB"
        );
        host_record(&**log, Level::Warn, &message, None);
    }
    Ok(Arc::new(settings))
}

fn set_up(
    log: &Arc<StdoutLog>,
    api: &Arc<RuntimeApi>,
    authority: &str,
    settings: &Arc<Settings>,
) -> Result<(Polling, usize), StartError> {
    let _: http::uri::Authority = authority.parse().map_err(|_| StartError::Address(authority.to_owned()))?;
    let path = component::find(&PathBuf::from(require("LAMBDA_TASK_ROOT")?), &require("_HANDLER")?)?;
    let log: Arc<dyn Log> = Arc::clone(log) as _;
    let handler = Arc::new(Handler::load(&path, Arc::clone(settings), Arc::clone(&log))?);
    let source: Arc<dyn Source> = if settings.reload {
        Arc::new(Reloading {
            path: path.clone(),
            settings: Arc::clone(settings),
            log: Arc::clone(&log),
            current: Mutex::new((Stamp::of(&path), handler)),
        })
    } else {
        Arc::new(Fixed(handler))
    };
    let workers = workers(settings, &*log);
    let observers = Observers::new(settings, &function(), &log).map_err(SetupError::from)?;
    let invoker = Invoker { source, api: Arc::clone(api), mode: settings.response, log: Arc::clone(&log), observers };
    Ok((Polling::new(Arc::clone(api), invoker, log), workers))
}

/// The function, as Lambda says it.
fn function() -> Function {
    let text = |name| var(name).unwrap_or_default();
    Function {
        name: text("AWS_LAMBDA_FUNCTION_NAME"),
        version: text("AWS_LAMBDA_FUNCTION_VERSION"),
        memory_mb: text("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").parse().unwrap_or_default(),
        region: text("AWS_REGION"),
    }
}

/// How many invocations are asked for at once: no more than can be answered.
fn workers(settings: &Settings, log: &dyn Log) -> usize {
    let wanted = settings.concurrency.unwrap_or(1) as usize;
    let limit = descriptors::limit();
    let workers = descriptors::answerable(limit, wanted, settings.folders.len());
    if workers < wanted {
        let message = format!(
            "{workers} invocations are taken at once instead of {wanted}: the process may have {limit} descriptors, and what is \
             taken has to be answered"
        );
        host_record(log, Level::Warn, &message, None);
    }
    workers
}

/// The handler that was there at the start: in Lambda a function's files do not change.
struct Fixed(Arc<Handler>);

impl Source for Fixed {
    fn handler(&self) -> Arc<Handler> {
        Arc::clone(&self.0)
    }
}

/// The handler as its file is now: for work on a laptop.
struct Reloading {
    path: PathBuf,
    settings: Arc<Settings>,
    log: Arc<dyn Log>,
    current: Mutex<(Stamp, Arc<Handler>)>,
}

/// Tells one state of a file from another.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp(Option<(SystemTime, u64)>);

impl Stamp {
    fn of(path: &std::path::Path) -> Self {
        Self(std::fs::metadata(path).ok().and_then(|file| Some((file.modified().ok()?, file.len()))))
    }
}

impl Source for Reloading {
    fn handler(&self) -> Arc<Handler> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = Stamp::of(&self.path);
        if stamp != current.0 {
            match Handler::load(&self.path, Arc::clone(&self.settings), Arc::clone(&self.log)) {
                Ok(handler) => {
                    *current = (stamp, Arc::new(handler));
                    host_record(&*self.log, Level::Info, "the handler was swapped: from now on, the new one answers", None);
                }
                // It may be half written: the next invocation looks again.
                Err(error) => host_record(&*self.log, Level::Warn, &format!("keeping the handler as it was: {error}"), None),
            }
        }
        Arc::clone(&current.1)
    }
}

fn host_record(log: &dyn Log, level: Level, message: &str, failure: Option<&ErrorReport>) {
    log.record(&Record { level, request_id: None, tenant_id: None, message, members: None, failure });
}

fn require(name: &'static str) -> Result<String, StartError> {
    var(name).ok_or(StartError::NotInLambda(name))
}

fn var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
