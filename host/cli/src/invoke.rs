//! `firstbyte invoke`: one invocation at one door or all, each chunk with the time it arrived.

use crate::client::{self, Arrival, Call, Door};
use crate::serve::{stop_signal, stopped};
use crate::{function, report};
use anyhow::{Context, Result, bail};
use bytes::Bytes;
use clap::{Args, ValueEnum};
use firstbyte_emulator::{Emulator, EventKind, Outcome};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    function: function::Arguments,

    /// The way in
    #[arg(long, value_enum, default_value = "direct")]
    via: Via,

    /// What to send: the event of a direct invocation, the body of an HTTP request
    #[arg(long, value_name = "TEXT", conflicts_with = "payload_file", default_value = "{}")]
    payload: String,

    /// A file to send instead
    #[arg(long, value_name = "FILE")]
    payload_file: Option<PathBuf>,

    /// The HTTP method
    #[arg(short = 'X', long, default_value = "POST")]
    method: Method,

    /// The HTTP path and query
    #[arg(long, default_value = "/")]
    path: String,

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
            Self::Direct => &[Door::Direct],
            Self::Url => &[Door::Url],
            Self::Api => &[Door::Api],
            Self::All => &[Door::Direct, Door::Url, Door::Api],
        }
    }
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("a header is `Name: value`")?;
    let name = name.trim().parse().map_err(|_| "not a header's name")?;
    let value = value.trim().parse().map_err(|_| "not a header's value")?;
    Ok((name, value))
}

pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    let payload = match &arguments.payload_file {
        Some(file) => std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?,
        None => arguments.payload.into_bytes(),
    };
    let mut headers: HeaderMap = arguments.header.into_iter().collect();
    headers.entry(http::header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    let call = Call { method: arguments.method, path: arguments.path, headers, payload: payload.into() };
    let settings = arguments.function.settings()?;
    let executor = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start an executor")?;
    executor.block_on(async {
        let name = settings.function_name.clone();
        let stop = stop_signal();
        let emulator = firstbyte_emulator::start(settings).await?;
        let work = async {
            if let Err(error) = emulator.warm_up().await {
                bail!("{error}");
            }
            call_doors(arguments.via, &emulator, &name, &call, arguments.raw).await
        };
        let outcome = tokio::select! {
            outcome = work => outcome,
            () = stop => return stopped(emulator).await,
        };
        emulator.shutdown().await;
        outcome
    })
}

async fn call_doors(via: Via, emulator: &Emulator, name: &str, call: &Call, raw: bool) -> Result<ExitCode> {
    let mut succeeded = true;
    for door in via.doors() {
        let (title, base) = match door {
            Door::Direct => ("direct: InvokeWithResponseStream", emulator.lambda_url()),
            Door::Url => ("url: Function URL, HTTP/1.1", emulator.function_url()),
            Door::Api => ("api: API Gateway REST, HTTP/2", emulator.api_url()),
        };
        if !raw {
            println!("{title}");
        }
        let mut events = emulator.events();
        let begun = Instant::now();
        let show = |arrival| show(arrival, begun, raw);
        client::call(*door, &base.to_string(), name, call.clone(), show).await?;
        // What the client was not shown, the emulator knows.
        while let Some(event) = events.next().await {
            match event.kind {
                EventKind::Log { line, .. } => eprintln!("  log  {line}"),
                EventKind::NotShown { what } => eprintln!("  not shown to the client: {what}"),
                EventKind::FailureShown { what } => eprintln!("  {what}"),
                EventKind::RuntimeRefused { .. } => eprintln!("  {event}"),
                EventKind::InitFailed { .. } | EventKind::Refused { .. } => {
                    eprintln!("  {event}");
                    succeeded = false;
                    break;
                }
                EventKind::InvocationEnded(report) => {
                    succeeded &= report.outcome == Outcome::Success;
                    break;
                }
                _ => {}
            }
        }
    }
    Ok(if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show(arrival: Arrival, begun: Instant, raw: bool) {
    let at = begun.elapsed();
    match arrival {
        Arrival::Chunk(bytes) if raw => print_raw(&bytes),
        _ if raw => {}
        Arrival::Head(status, headers) => {
            println!("  {:>8.3} s  {status}", at.as_secs_f64());
            for (name, value) in &headers {
                println!("              {name}: {}", String::from_utf8_lossy(value.as_bytes()));
            }
        }
        Arrival::Chunk(bytes) => println!("{}", report::chunk(at, &bytes)),
        Arrival::End => println!("  {:>8.3} s  end of the response", at.as_secs_f64()),
        Arrival::Complete(None) => println!("  {:>8.3} s  InvokeComplete", at.as_secs_f64()),
        Arrival::Complete(Some(failure)) => println!("  {:>8.3} s  InvokeComplete: {failure}", at.as_secs_f64()),
    }
}

fn print_raw(bytes: &Bytes) {
    let mut stdout = std::io::stdout().lock();
    // Whoever reads may stop reading.
    let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
}
