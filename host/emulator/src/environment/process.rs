//! The runtime's process: how it is started, watched and ended, and what becomes of its invocations.

use super::group::Group;
use super::variables::variables;
use super::{Environment, Readiness, extensions_api, runtime_api};
use crate::feed::EventKind;
use crate::invocation::{Failure, lock};
use bytes::Bytes;
use rustix::process::{Pid, Signal, kill_process};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

/// How long it may take to read what a dead process left in its sockets.
const LEFT_IN_SOCKETS: Duration = Duration::from_secs(1);

/// How long it may take to read what a dead process left in its pipes. A response whose connection broke waits longer than
/// this for the news of the process's end (`response::NEWS`).
const LEFT_IN_PIPES: Duration = Duration::from_millis(500);

/// How long a runtime that reported that it cannot start may take to exit by itself.
const INIT_ERROR_GRACE: Duration = Duration::from_millis(500);

/// Beside external extensions, the runtime has this much of the time that an environment may take to end. The figure is that of
/// AWS's Runtime Interface Emulator.
const RUNTIMES_SHARE: f64 = 0.3;

/// How long a response may still be read from a dead runtime's sockets while extensions keep theirs open.
const LINGERING: Duration = Duration::from_millis(100);

/// Starts the environment and stays until it is gone. Dropped before, it takes the process along.
pub(super) async fn supervise(environment: Arc<Environment>) {
    environment.platform(&format!("INIT_START Runtime Version: firstbyte-emulator {}", env!("CARGO_PKG_VERSION")));
    let started = async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let group = Group::new()?;
        let child = spawn(&environment, address, &group)?;
        Ok::<_, io::Error>((listener, child, group))
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
    let (closing, closed) = oneshot::channel::<()>();
    let mut api = JoinSet::new();
    api.spawn(serve(listener, environment.clone(), closed));

    let (status, deadline) = tokio::select! {
        status = ended_or_crashed(&environment, &mut child) => (status, Instant::now() + environment.grace()),
        () = environment.kill.notified() => {
            let deadline = Instant::now() + environment.grace();
            (end(&environment, &mut child, deadline).await, deadline)
        }
    };
    lock(&environment.state).pid = None;
    let how = status.as_ref().map_or_else(|error| format!("unknown ({error})"), ToString::to_string);
    let failure = Failure::Exited(status.map_or_else(|_| "for an unknown reason".to_owned(), in_lambdas_words));
    let lingers = lock(&environment.state).extensions.are_external();
    let mut group = Some(group);
    if lingers {
        environment.logs.flush().await;
    } else {
        end_all(&mut group, &mut printed).await;
        environment.silent.send_replace(true);
    }
    if matches!(*environment.readiness.borrow(), Readiness::Starting) {
        let message = format!("RequestId: {} Error: {}", uuid::Uuid::new_v4(), exit_message(&failure));
        not_started(&environment, failure.error_type(), &message);
    }
    environment.die(failure.clone());
    environment.tell(EventKind::EnvironmentExited { status: how });
    if lingers {
        environment.say_goodbye(deadline);
    }

    // What it still wrote before it died is in the sockets.
    let closing = Some(closing).filter(|_| lingers);
    let all_read = async { while api.join_next().await.is_some() {} };
    let _ = timeout(if lingers { LINGERING } else { LEFT_IN_SOCKETS }, all_read).await;
    fail_all(&environment, &failure);
    if lingers {
        let all_gone = async { while printed.join_next().await.is_some() {} };
        let _ = timeout_at(deadline, all_gone).await;
        end_all(&mut group, &mut printed).await;
        environment.silent.send_replace(true);
    }
    drop(closing);
    api.detach_all();
}

/// Serves the Runtime API and the Extensions API until nobody is to connect any more, and who has connected has left.
async fn serve(listener: TcpListener, environment: Arc<Environment>, mut closed: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(runtime_api::serve(stream, environment.clone()));
                }
                // Out of descriptors: what is there must be served before more is taken.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
            _ = &mut closed => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Waits for the process's end, and brings it about if a crash is asked for.
async fn ended_or_crashed(environment: &Environment, child: &mut Child) -> io::Result<ExitStatus> {
    tokio::select! {
        status = child.wait() => return status,
        () = environment.crash.notified() => {}
    }
    child.start_kill()?;
    child.wait().await
}

/// Ends the runtime's process. Where extensions are registered, it is asked to first, as Lambda does; where it has said that it
/// cannot start, it may exit by itself.
async fn end(environment: &Environment, child: &mut Child, deadline: Instant) -> io::Result<ExitStatus> {
    if matches!(*environment.readiness.borrow(), Readiness::Dead(Failure::Init { .. }))
        && let Ok(status) = timeout(INIT_ERROR_GRACE, child.wait()).await
    {
        return status;
    }
    let left = deadline.saturating_duration_since(Instant::now());
    if !left.is_zero() {
        if let Some(pid) = child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?)) {
            // It was not waited for: the id is its own.
            let _ = kill_process(pid, Signal::TERM);
        }
        // External extensions are told when the runtime is gone, and must have time left.
        let share = if lock(&environment.state).extensions.are_external() { left.mul_f64(RUNTIMES_SHARE) } else { left };
        if let Ok(status) = timeout(share, child.wait()).await {
            return status;
        }
    }
    child.start_kill()?;
    child.wait().await
}

/// Ends whatever is left in the group and reads what it printed. What left the group may hold its pipes open: that is no reason
/// to wait for it.
async fn end_all(group: &mut Option<Group>, printed: &mut JoinSet<()>) {
    if let Some(group) = group.take() {
        group.end().await;
    }
    let all_printed = async { while printed.join_next().await.is_some() {} };
    let _ = timeout(LEFT_IN_PIPES, all_printed).await;
}

impl Environment {
    /// How long this environment may take to end.
    fn grace(&self) -> Duration {
        lock(&self.state).extensions.grace()
    }

    /// Tells extensions of the environment's end, and why it ends.
    fn say_goodbye(&self, deadline: Instant) {
        let reason = match &*self.readiness.borrow() {
            Readiness::Dead(Failure::ShutDown) => "spindown",
            Readiness::Dead(Failure::TimedOut(_)) => "timeout",
            _ => "failure",
        };
        let left = deadline.saturating_duration_since(Instant::now());
        lock(&self.state).extensions.shut_down(&extensions_api::shutdown_event(reason, left));
    }
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

fn spawn(environment: &Environment, api: SocketAddr, group: &Group) -> io::Result<Child> {
    let function = &environment.function;
    let Some((program, arguments)) = function.settings.command.split_first() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no command was given"));
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(variables(function, environment.id, &environment.version, api))
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
