//! `firstbyte invoke`: one invocation at one door or all, each chunk with the time it arrived.

use crate::function::{self, Function};
use crate::serve::stopped;
use crate::terminal::{Closed, Terminal};
use crate::{report, signals};
use anyhow::{Context, Result, bail};
use bytes::Bytes;
use clap::{Args, ValueEnum};
use firstbyte_console::client::{self, Arrival, Call, Received, Target};
use firstbyte_emulator::{Door, Emulator, Event, EventKind, Events, Verdict};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

#[derive(Args)]
#[command(after_help = "\
Exit statuses:
  0    the function succeeded at every door, whatever HTTP status it answered with
  1    it failed, timed out or could not be run
  2    the command line is not understood
  130  a signal ended this, such as that of Ctrl-C
  141  nobody reads any more what this prints")]
pub(crate) struct Arguments {
    #[command(flatten)]
    function: function::Arguments,

    /// The door, the way in to the function
    #[arg(long, value_enum, default_value = "direct")]
    via: Via,

    /// What to send: the event of a direct invocation, the body of an HTTP request. `{}` if there is neither this nor a file;
    /// no body with HTTP methods that have none, such as GET
    #[arg(long, value_name = "TEXT", conflicts_with = "payload_file")]
    payload: Option<String>,

    /// A file whose contents are sent instead
    #[arg(long, value_name = "FILE")]
    payload_file: Option<PathBuf>,

    /// The HTTP method; POST if absent
    #[arg(short = 'X', long)]
    method: Option<Method>,

    /// The HTTP path and query; / if absent
    #[arg(long, value_parser = path)]
    path: Option<String>,

    /// An HTTP header, `Name: value`; may be given several times
    #[arg(short = 'H', long, value_parser = header)]
    header: Vec<(HeaderName, HeaderValue)>,

    /// Print the body's bytes and nothing else
    #[arg(long)]
    raw: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Via {
    /// InvokeWithResponseStream
    Direct,
    /// The Function URL, HTTP/1.1
    Url,
    /// API Gateway REST, HTTP/2
    Api,
    /// One after the other
    All,
}

impl Via {
    fn doors(self) -> &'static [Door] {
        match self {
            Self::Direct => &[Door::Lambda],
            Self::Url => &[Door::FunctionUrl],
            Self::Api => &[Door::ApiGateway],
            Self::All => &[Door::Lambda, Door::FunctionUrl, Door::ApiGateway],
        }
    }
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("a header is `Name: value`")?;
    let name = name.trim().parse().map_err(|_| "not a header's name")?;
    let value = value.trim().parse().map_err(|_| "not a header's value")?;
    Ok((name, value))
}

fn path(text: &str) -> Result<String, &'static str> {
    if text.starts_with('/') { Ok(text.to_owned()) } else { Err("a path begins with /") }
}

impl Arguments {
    /// What goes to a door.
    fn call(&self, door: Door) -> Result<Call> {
        let given = match (&self.payload_file, &self.payload) {
            (Some(file), _) => {
                let payload = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
                Some(Bytes::from(payload))
            }
            (None, payload) => payload.clone().map(Bytes::from),
        };
        let method = self.method.clone().filter(|_| door != Door::Lambda).unwrap_or(Method::POST);
        let has_body = [Method::POST, Method::PUT, Method::PATCH].contains(&method);
        let mut headers: HeaderMap = self.header.iter().cloned().collect();
        if given.is_some() || has_body {
            headers.entry(http::header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        }
        let payload = given.unwrap_or_else(|| Bytes::from_static(if has_body { b"{}" } else { b"" }));
        Ok(Call { method, path: self.path.clone().unwrap_or_else(|| "/".to_owned()), headers, payload })
    }

    /// A sentence about the options that were given and that a direct invocation has no use for. `None` if there are none.
    fn of_no_use_direct(&self) -> Option<String> {
        // Lambda's API passes on what some of its own headers say.
        let headers = self.header.iter().any(|(name, _)| !name.as_str().starts_with("x-amz-"));
        let given = [("--method", self.method.is_some()), ("--path", self.path.is_some()), ("--header", headers)];
        let given: Vec<&str> = given.into_iter().filter_map(|(name, given)| given.then_some(name)).collect();
        (!given.is_empty())
            .then(|| format!("a direct invocation is an event and nothing else: {} does not reach the handler", given.join(", ")))
    }
}

pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    let calls: Vec<(Door, Call)> =
        arguments.via.doors().iter().map(|door| Ok((*door, arguments.call(*door)?))).collect::<Result<_>>()?;
    let hint = arguments.of_no_use_direct().filter(|_| arguments.via.doors().contains(&Door::Lambda));
    // The handler's machine code has to be there to the end.
    let Function { settings, served: _served, .. } = arguments.function.function()?;
    let executor = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start an executor")?;
    executor.block_on(async {
        let name = settings.function_name.clone();
        let terminal = Terminal::new();
        let stop = signals::stop();
        let emulator = firstbyte_emulator::start(settings).await?;
        let mut events = emulator.events();
        // What a runtime says at its start is shown with the first invocation.
        let mut seen = emulator.events();
        let work = async {
            if let Err(error) = emulator.warm_up().await {
                bail!("{error}");
            }
            if let Some(hint) = hint {
                terminal.note(hint).await?;
            }
            let mut succeeded = true;
            for (door, call) in calls {
                let shown = Shown { terminal: &terminal, raw: arguments.raw, begun: Instant::now() };
                succeeded &= shown.invocation(door, &emulator, &mut seen, &name, call).await?;
            }
            terminal.flush().await?;
            Ok(if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        };
        let outcome = tokio::select! {
            outcome = work => outcome,
            () = stop => return stopped(emulator, &mut events, &terminal).await,
        };
        emulator.shutdown().await;
        outcome.or_else(|error| error.downcast().map(|closed: Closed| closed.exit_code()))
    })
}

/// An invocation as it is shown.
struct Shown<'a> {
    terminal: &'a Terminal,
    raw: bool,
    begun: Instant,
}

impl Shown<'_> {
    /// Invokes at one door, shows what arrives, and gives whether the function succeeded.
    async fn invocation(&self, door: Door, emulator: &Emulator, events: &mut Events, name: &str, call: Call) -> Result<bool> {
        let (title, url) = match door {
            Door::FunctionUrl => ("url: Function URL, HTTP/1.1", emulator.function_url()),
            Door::ApiGateway => ("api: API Gateway REST, HTTP/2", emulator.api_url()),
            _ => ("direct: InvokeWithResponseStream", emulator.lambda_url()),
        };
        if !self.raw {
            self.terminal.line(title).await?;
        }
        let target = Target { door, url: &url, function: name, certificate: None, read_ahead: None };
        let mut answer = client::send(target, call).await?;
        self.head(&answer).await?;
        while let Some(arrival) = answer.next().await? {
            self.arrival(arrival).await?;
        }
        self.events(events).await
    }

    /// The beginning of what arrives at the client.
    async fn head(&self, answer: &Received) -> Result<(), Closed> {
        if self.raw {
            return Ok(());
        }
        self.terminal.line(self.timed(&answer.status.to_string())).await?;
        for (name, value) in &answer.headers {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            self.terminal.line(format!("              {name}: {value}")).await?;
        }
        Ok(())
    }

    /// What arrives at the client behind it.
    async fn arrival(&self, arrival: Arrival) -> Result<(), Closed> {
        match arrival {
            Arrival::Chunk(bytes) if self.raw => self.terminal.bytes(bytes).await,
            _ if self.raw => Ok(()),
            Arrival::Chunk(bytes) => self.terminal.line(report::chunk(self.begun.elapsed(), &bytes)).await,
            Arrival::End => self.terminal.line(self.timed("end of the response")).await,
            Arrival::Complete(None) => self.terminal.line(self.timed("InvokeComplete")).await,
            Arrival::Complete(Some(failure)) => self.terminal.line(self.timed(&format!("InvokeComplete: {failure}"))).await,
        }
    }

    /// A line that says when.
    fn timed(&self, text: &str) -> String {
        format!("  {:>8.3} s  {text}", self.begun.elapsed().as_secs_f64())
    }

    /// Prints what the emulator knows about the invocation and its client was not shown. Gives whether the function succeeded.
    async fn events(&self, events: &mut Events) -> Result<bool> {
        let mut succeeded = None;
        while succeeded.is_none() {
            let Some(event) = events.next().await else { break };
            succeeded = self.event(event).await?;
        }
        // A door says what it shows before its client sees the end, which is past. If the process ends at once, this may come after
        // `InvocationEnded`.
        while let Some(event) = events.try_next() {
            self.event(event).await?;
        }
        Ok(succeeded.unwrap_or(false))
    }

    /// Prints an event. If nothing comes of the invocation any more, gives whether the function succeeded.
    async fn event(&self, event: Event) -> Result<Option<bool>, Closed> {
        let line = match &event.kind {
            EventKind::Log { line, .. } => format!("log  {}", report::log(line)),
            EventKind::NotShown { what } => format!("not shown to the client: {what}"),
            EventKind::FailureShown { .. }
            | EventKind::RuntimeRefused { .. }
            | EventKind::InitFailed { .. }
            | EventKind::Refused { .. } => event.to_string(),
            EventKind::InvocationEnded(report) => return Ok(Some(report.outcome == Verdict::Success)),
            _ => return Ok(None),
        };
        self.terminal.note(format!("  {line}")).await?;
        Ok(matches!(event.kind, EventKind::InitFailed { .. } | EventKind::Refused { .. }).then_some(false))
    }
}
