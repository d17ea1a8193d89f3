//! Lambda's entry point: reads the environment, sets the handler up, and serves invocations until Lambda ends the process.

use crate::component;
use crate::invocation::{Handler, SetupError};
use crate::log::{Level, Log, Record, StdoutLog};
use crate::runtime_api::RuntimeApi;
use crate::service::{Instead, Invoker, Source};
use crate::settings::{Settings, SettingsError};
use firstbyte_wire::{ErrorReport, ErrorType};
use lambda_runtime::{LambdaEvent, Runtime};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// Why the runtime cannot start.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error("{0} is not set: a bootstrap is started by Lambda, or by `firstbyte serve` and `firstbyte invoke` on a laptop")]
    NotInLambda(&'static str),
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
            Self::NotInLambda(_) => "NotInLambda",
            Self::Settings(_) => "InvalidSetting",
            Self::Setup(error) => error.kind(),
        };
        ErrorReport::new(&ErrorType::runtime(kind), self.to_string())
    }
}

/// Runs the bootstrap. Returns only when it cannot go on.
pub fn main() -> ExitCode {
    let log = StdoutLog::new(var("AWS_LAMBDA_LOG_FORMAT").as_deref(), var("AWS_LAMBDA_LOG_LEVEL").as_deref());
    // lambda_runtime panics where one of these is missing.
    for name in [
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "_HANDLER",
        "LAMBDA_TASK_ROOT",
    ] {
        if var(name).is_none() {
            eprintln!("bootstrap: {}", StartError::NotInLambda(name));
            return ExitCode::FAILURE;
        }
    }
    let several = var("AWS_LAMBDA_MAX_CONCURRENCY").and_then(|value| value.parse::<u32>().ok()).is_some_and(|count| count > 1);
    let mut builder =
        if several { tokio::runtime::Builder::new_multi_thread() } else { tokio::runtime::Builder::new_current_thread() };
    let runtime = match builder.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("bootstrap: cannot start an executor: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(run(&log));
    log.flush();
    code
}

async fn run(log: &Arc<StdoutLog>) -> ExitCode {
    let api = RuntimeApi::new(var("AWS_LAMBDA_RUNTIME_API").unwrap_or_default());
    let invoker = match set_up(log, &api) {
        Ok(invoker) => invoker,
        Err(error) => {
            let report = error.report();
            host_record(&**log, Level::Fatal, &format!("{}: {}", report.error_type, report.error_message), Some(&report));
            if let Err(error) = api.init_error(&report).await {
                host_record(&**log, Level::Error, &format!("Lambda could not be told: {error}"), None);
            }
            return ExitCode::FAILURE;
        }
    };
    let unused = tower::service_fn(|_: LambdaEvent<serde_json::Value>| async { Ok::<_, lambda_runtime::Error>(()) });
    match Runtime::new(unused).layer(Instead(invoker)).run_concurrent().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            host_record(&**log, Level::Fatal, &format!("the Runtime API failed: {error}"), None);
            ExitCode::FAILURE
        }
    }
}

fn set_up(log: &Arc<StdoutLog>, api: &Arc<RuntimeApi>) -> Result<Invoker, StartError> {
    let variables =
        || std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    for name in Settings::unknown(variables().map(|(name, _)| name)) {
        host_record(&**log, Level::Warn, &format!("{name} is not a setting of this version"), None);
    }
    let settings = Arc::new(Settings::from_env(variables())?);
    let root = PathBuf::from(var("LAMBDA_TASK_ROOT").unwrap_or_default());
    let path = component::find(&root, &var("_HANDLER").unwrap_or_default())?;
    let log: Arc<dyn Log> = Arc::clone(log) as _;
    let handler = Arc::new(Handler::load(&path, Arc::clone(&settings), Arc::clone(&log))?);
    let source: Arc<dyn Source> = if settings.reload {
        Arc::new(Reloading {
            path: path.clone(),
            settings: Arc::clone(&settings),
            log: Arc::clone(&log),
            current: Mutex::new((Stamp::of(&path), handler)),
        })
    } else {
        Arc::new(Fixed(handler))
    };
    Ok(Invoker { source, api: Arc::clone(api), mode: settings.response, log })
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
                Ok(handler) => *current = (stamp, Arc::new(handler)),
                // It may be half written: the next invocation looks again.
                Err(error) => host_record(&*self.log, Level::Warn, &format!("keeping the handler as it was: {error}"), None),
            }
        }
        Arc::clone(&current.1)
    }
}

fn host_record(log: &dyn Log, level: Level, message: &str, failure: Option<&ErrorReport>) {
    log.record(&Record { level, request_id: None, tenant_id: None, message, failure });
}

fn var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
