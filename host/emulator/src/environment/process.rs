//! The runtime's process: how it is started, watched and ended, and what becomes of its invocations.

use super::group::Group;
use super::{Environment, Phase, runtime_api};
use crate::function::{Function, VERSION};
use crate::invocation::{Failure, lock};
use crate::settings::LogFormat;
use crate::{date, feed::EventKind};
use bytes::Bytes;
use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

/// How long it may take to read what a dead process left in its sockets.
const LEFT_IN_SOCKETS: Duration = Duration::from_secs(1);

/// How long it may take to read what a dead process left in its pipes. A response whose connection broke waits longer than
/// this for the news of the process's end (`response::NEWS`).
const LEFT_IN_PIPES: Duration = Duration::from_millis(500);

/// Starts the environment and stays until it is gone. Dropped before, it takes the process along.
pub(super) async fn supervise(environment: Arc<Environment>) {
    environment.platform(&format!("INIT_START Runtime Version: firstbyte-emulator {}", env!("CARGO_PKG_VERSION")));
    let started = async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let group = Group::new()?;
        let child = spawn(&environment.function, environment.id, address, &group)?;
        Ok::<_, std::io::Error>((listener, child, group))
    };
    let (listener, mut child, group) = match started.await {
        Ok(started) => started,
        Err(error) => {
            let program = environment.function.settings.command.first().cloned().unwrap_or_default();
            let message = format!("cannot start the runtime {}: {error}", program.display());
            not_started(&environment, "Runtime.InvalidEntrypoint", &message);
            environment.silent.send_replace(true);
            fail_all(&environment, &Failure::Exited("without having been started".to_owned()));
            return;
        }
    };
    if let Some(pid) = child.id() {
        lock(&environment.state).pid = Some(pid);
        environment.tell(EventKind::EnvironmentStarted { pid });
    }
    let mut printed = environment.logs.follow(&environment, &mut child);
    let mut connections = JoinSet::new();
    let status = loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(runtime_api::serve(stream, environment.clone()));
                }
                // Out of descriptors: what is there must be served before more is taken.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
            status = child.wait() => break status,
            () = environment.kill.notified() => break end(&environment, &mut child).await,
        }
    };
    // Whatever it started ends with it, however it ended itself.
    group.end().await;
    drop(listener);
    lock(&environment.state).pid = None;
    let how = status.as_ref().map_or_else(|error| format!("unknown ({error})"), ToString::to_string);
    let failure = Failure::Exited(status.map_or_else(|_| "for an unknown reason".to_owned(), in_lambdas_words));

    // What left the group may hold its pipes open: no reason to wait for it.
    let all_printed = async { while printed.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(LEFT_IN_PIPES, all_printed).await;
    environment.silent.send_replace(true);
    if matches!(*environment.phase.borrow(), Phase::Starting) {
        let message = format!("RequestId: {} Error: {}", uuid::Uuid::new_v4(), exit_message(&failure));
        not_started(&environment, failure.error_type(), &message);
    }
    environment.die(failure.clone());
    environment.tell(EventKind::EnvironmentExited { status: how });

    // What it still wrote before it died is in the sockets.
    let all_read = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(LEFT_IN_SOCKETS, all_read).await.is_err() {
        connections.detach_all();
    }
    fail_all(&environment, &failure);
}

/// Ends the process.
async fn end(environment: &Environment, child: &mut Child) -> std::io::Result<ExitStatus> {
    if let Ok(status) = tokio::time::timeout(environment.grace(), child.wait()).await {
        return status;
    }
    child.start_kill()?;
    child.wait().await
}

/// The environment never became ready.
fn not_started(environment: &Environment, error_type: &str, message: &str) {
    environment.tell(EventKind::InitFailed { error_type: error_type.to_owned(), message: message.to_owned() });
    let document = serde_json::json!({"errorType": error_type, "errorMessage": message}).to_string();
    environment.die(Failure::Init { error_type: error_type.to_owned(), document: Bytes::from(document) });
}

/// Every invocation ends, at the latest now; one whose client is still reading ends when that has read what there is.
fn fail_all(environment: &Arc<Environment>, failure: &Failure) {
    for running in environment.die(failure.clone()) {
        if running.is_unanswered() {
            running.fail(failure.clone());
        }
        if running.is_settled() {
            if matches!(running.ending(), crate::invocation::Ending::Complete) {
                running.fail(failure.clone());
            }
            environment.over(&running);
        } else {
            let environment = environment.clone();
            tokio::spawn(async move {
                running.settled().await;
                environment.over(&running);
            });
        }
    }
}

/// Lambda's words for how a process ended.
fn in_lambdas_words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(0), _) => "without providing a reason".to_owned(),
        (Some(code), _) => format!("with error: exit status {code}"),
        (None, Some(6)) => "with error: signal: aborted".to_owned(),
        (None, Some(9)) => "with error: signal: killed".to_owned(),
        (None, Some(11)) => "with error: signal: segmentation fault".to_owned(),
        (None, Some(15)) => "with error: signal: terminated".to_owned(),
        (None, signal) => format!("with error: signal: {}", signal.unwrap_or_default()),
    }
}

fn exit_message(failure: &Failure) -> String {
    match failure {
        Failure::Exited(how) => format!("Runtime exited {how}"),
        other => other.error_type().to_owned(),
    }
}

fn spawn(function: &Function, id: u32, api: SocketAddr, group: &Group) -> std::io::Result<Child> {
    let Some((program, arguments)) = function.settings.command.split_first() else {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "no command was given"));
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(variables(function, id, api))
        .envs(function.settings.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    group.take_in(&mut command);
    if let Some(root) = &function.settings.task_root {
        command.current_dir(root);
    }
    command.spawn()
}

/// What Lambda sets, and of the emulator's own variables only `PATH` and the credentials.
fn variables(function: &Function, id: u32, api: SocketAddr) -> Vec<(&'static str, OsString)> {
    let settings = &function.settings;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let date::Date { year, month, day, .. } = date::Date::from_unix(now);
    let stream = format!("{year:04}/{month:02}/{day:02}/[{VERSION}]{:032x}", u128::from(id));
    let root = settings.task_root.clone().or_else(|| std::env::current_dir().ok()).unwrap_or_default();
    let initialization = if function.is_concurrent() { "lambda-managed-instances" } else { "on-demand" };
    let mut variables: Vec<(&'static str, OsString)> = vec![
        ("AWS_LAMBDA_RUNTIME_API", api.to_string().into()),
        ("_HANDLER", settings.handler.clone().into()),
        ("LAMBDA_TASK_ROOT", root.into()),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime".into()),
        ("AWS_LAMBDA_FUNCTION_NAME", settings.function_name.clone().into()),
        ("AWS_LAMBDA_FUNCTION_VERSION", VERSION.into()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", settings.memory_mb.to_string().into()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", settings.function_name).into()),
        ("AWS_LAMBDA_LOG_STREAM_NAME", stream.into()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", initialization.into()),
        ("AWS_REGION", function.region.clone().into()),
        ("AWS_DEFAULT_REGION", function.region.clone().into()),
        ("TZ", ":UTC".into()),
        ("LANG", "en_US.UTF-8".into()),
        ("PATH", std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin/:/bin:/opt/bin".into())),
    ];
    if function.is_concurrent() {
        variables.push(("AWS_LAMBDA_MAX_CONCURRENCY", settings.concurrency.to_string().into()));
    }
    if settings.log_format == LogFormat::Json {
        variables.push(("AWS_LAMBDA_LOG_FORMAT", "JSON".into()));
        let level = settings.log_level.clone().unwrap_or_else(|| "INFO".to_owned());
        variables.push(("AWS_LAMBDA_LOG_LEVEL", level.into()));
    }
    let credentials = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
    if std::env::var_os("AWS_ACCESS_KEY_ID").is_some() {
        variables.extend(credentials.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    } else {
        variables.extend(credentials.into_iter().map(|name| (name, OsString::from("local"))));
    }
    variables
}
