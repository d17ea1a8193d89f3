//! A function behind an emulator in this process.

use crate::call::Call;
use crate::client::{self, Stream};
use crate::door::{Door, Doors};
use crate::guest::Guest;
use crate::program::Program;
use crate::received::Received;
use crate::seen::Seen;
use crate::soon;
use firstbyte_emulator::{Emulator, Event, EventKind, Events, LogFormat, Settings, Transfer};
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// A function's configuration.
#[derive(Clone, Debug)]
pub struct Function(Settings);

impl Function {
    /// A guest, run by the bootstrap.
    ///
    /// # Panics
    /// If it does not build.
    #[must_use]
    pub fn of(guest: Guest) -> Self {
        Self::of_file(guest.compiled())
    }

    /// A component's file, run by the bootstrap.
    ///
    /// # Panics
    /// If the path names no file.
    #[must_use]
    pub fn of_file(component: &Path) -> Self {
        let handler = component.file_name().expect("a file").to_string_lossy().into_owned();
        let name = component.file_stem().expect("a file").to_string_lossy().into_owned();
        let mut settings = Settings::new(name, vec![Program::Bootstrap.path().into()]);
        settings.handler = handler;
        settings.task_root = component.parent().map(Path::to_owned);
        settings.timeout = Duration::from_secs(30);
        Self(settings)
    }

    /// Any other runtime.
    #[must_use]
    pub fn of_command(name: &str, command: Vec<OsString>) -> Self {
        let mut settings = Settings::new(name, command);
        settings.timeout = Duration::from_secs(30);
        Self(settings)
    }

    /// With its files in this folder.
    #[must_use]
    pub fn task_root(mut self, folder: &Path) -> Self {
        self.0.task_root = Some(folder.to_owned());
        self
    }

    /// With this handler.
    #[must_use]
    pub fn handler(mut self, handler: &str) -> Self {
        handler.clone_into(&mut self.0.handler);
        self
    }

    /// With a variable in its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.0.environment.push((name.into(), value.into()));
        self
    }

    /// Run by this bootstrap.
    #[must_use]
    pub fn bootstrap(mut self, program: &str) -> Self {
        self.0.command = vec![program.into()];
        self
    }

    /// With this timeout.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.0.timeout = timeout;
        self
    }

    /// With environments that serve so many invocations at once.
    #[must_use]
    pub fn concurrency(mut self, invocations: usize) -> Self {
        self.0.concurrency = invocations;
        self
    }

    /// With API Gateway behind TLS.
    #[must_use]
    pub fn tls(mut self) -> Self {
        self.0.tls = true;
        self
    }

    /// With HTTP doors that take a response whole, and a bootstrap that sends it so.
    #[must_use]
    pub fn buffered(mut self) -> Self {
        self.0.url_transfer = Transfer::Buffered;
        self.0.api_transfer = Transfer::Buffered;
        self.env("FIRSTBYTE_RESPONSE", "buffered")
    }

    /// Has `command`, which is an emulator of AWS's, run this function's runtime, with a timeout that no ending meets.
    pub(crate) fn configure(&self, command: &mut tokio::process::Command) {
        let Settings { handler, task_root, environment, timeout, memory_mb, .. } = &self.0;
        command.args(&self.0.command).env_clear().envs(environment.iter().map(|(name, value)| (name, value)));
        command.env("_HANDLER", handler).env("LAMBDA_TASK_ROOT", task_root.as_deref().unwrap_or(Path::new("/")));
        command.env("AWS_LAMBDA_FUNCTION_TIMEOUT", timeout.as_secs_f64().ceil().to_string());
        command.env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory_mb.to_string());
    }

    /// With its log as JSON.
    #[must_use]
    pub fn json_log(mut self) -> Self {
        self.0.log_format = LogFormat::Json;
        self
    }

    /// Behind an emulator, with one environment that is ready.
    pub async fn start(self) -> Lambda {
        self.start_warm(1).await
    }

    /// Behind an emulator, with so many environments that are ready.
    ///
    /// # Panics
    /// If it cannot start.
    pub async fn start_warm(self, environments: usize) -> Lambda {
        let function = self.0.function_name.clone();
        let emulator = firstbyte_emulator::start(self.0).await.expect("ports are free");
        let events = emulator.events();
        let doors = Doors { lambda: emulator.lambda_url(), url: emulator.function_url(), api: emulator.api_url(), function };
        let lambda = Lambda { emulator, doors, events, history: Vec::new() };
        // All begin before any is ready, so that none takes another's environment.
        let mut starting: Vec<_> = (0..environments).map(|_| Box::pin(lambda.emulator.warm_up())).collect();
        std::future::poll_fn(|cx| {
            starting.retain_mut(|warm_up| match warm_up.as_mut().poll(cx) {
                std::task::Poll::Ready(ready) => {
                    ready.expect("the runtime starts");
                    false
                }
                std::task::Poll::Pending => true,
            });
            if starting.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
        drop(starting);
        lambda
    }
}

/// An invocation from both sides.
#[derive(Clone, Debug)]
pub struct Invoked {
    /// What the client got.
    pub answer: Received,
    /// What Lambda saw.
    pub seen: Seen,
}

/// A function behind an emulator.
pub struct Lambda {
    /// The emulator.
    pub emulator: Emulator,
    /// Its doors.
    pub doors: Doors,
    events: Events,
    /// All events so far that somebody waited for or went past.
    history: Vec<Event>,
}

impl Lambda {
    /// One invocation, to its very end. One at a time, so that what is seen belongs to it.
    pub async fn invoke(&mut self, door: Door, call: Call) -> Invoked {
        self.catch_up();
        let answer = self.send(door, call).await;
        let seen = self.until_over().await;
        Invoked { answer, seen }
    }

    /// A call, whatever becomes of it.
    pub async fn send(&self, door: Door, call: Call) -> Received {
        client::send(&self.doors, door, call).await
    }

    /// A call whose answer is read by the caller.
    pub async fn open(&self, door: Door, call: Call) -> Stream {
        client::open(&self.doors, door, call).await
    }

    /// Waits for the end of an invocation, and gives what was seen since the last wait.
    pub async fn until_over(&mut self) -> Seen {
        self.until("an invocation's end", |kind| matches!(kind, EventKind::InvocationEnded(_))).await
    }

    /// Waits until the runtime has printed a line with this text, unless it is among what was seen; adds what is seen.
    pub async fn until_printed(&mut self, seen: &mut Seen, text: &str) {
        if !seen.printed().iter().any(|line| line.contains(text)) {
            let what = format!("{text:?} in the log, where is {:.1000?}", seen.printed());
            let more = self.until(&what, |kind| matches!(kind, EventKind::Log { line, .. } if line.contains(text))).await;
            seen.0.extend(more.0);
        }
    }

    /// Waits for an event, and gives all since the last wait.
    ///
    /// # Panics
    /// If it does not happen.
    pub async fn until(&mut self, what: &str, is_it: impl Fn(&EventKind) -> bool) -> Seen {
        let mut seen = Vec::new();
        loop {
            let event = soon(what, self.events.next()).await.expect("the emulator lives");
            let found = is_it(&event.kind);
            seen.push(event.clone());
            self.history.push(event);
            if found {
                return Seen(seen);
            }
        }
    }

    /// The processes of all environments that were started so far.
    pub fn processes(&mut self) -> Vec<u32> {
        self.catch_up();
        let pid = |event: &Event| match event.kind {
            EventKind::EnvironmentStarted { pid } => Some(pid),
            _ => None,
        };
        self.history.iter().filter_map(pid).collect()
    }

    /// The lines that runtimes have printed so far, each as JSON; a line that is not JSON is a string.
    pub fn records(&mut self) -> Vec<serde_json::Value> {
        self.catch_up();
        let line = |event: &Event| match &event.kind {
            EventKind::Log { line, .. } => Some(serde_json::from_str(line).unwrap_or_else(|_| line.as_str().into())),
            _ => None,
        };
        self.history.iter().filter_map(line).collect()
    }

    fn catch_up(&mut self) {
        self.history.extend(std::iter::from_fn(|| self.events.try_next()));
    }
}
