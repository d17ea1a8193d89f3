//! `firstbyte serve`: a handler at the three doors, until Ctrl-C.

use crate::function::{self, Function};
use crate::served::Served;
use crate::terminal::{Closed, Terminal};
use crate::{console, report, signals, watch};
use anyhow::{Context, Result, bail};
use clap::Args;
use firstbyte_console::OpenConsole;
use firstbyte_emulator::{Emulator, Events, Transfer};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    function: function::Arguments,

    /// Port of the Lambda API; 0 takes any free port, here and for the other doors and the console
    #[arg(long, value_name = "PORT", default_value = "9000")]
    lambda_port: u16,

    /// Port of the Function URL
    #[arg(long, value_name = "PORT", default_value = "9001")]
    url_port: u16,

    /// Port of API Gateway
    #[arg(long, value_name = "PORT", default_value = "9002")]
    api_port: u16,

    #[command(flatten)]
    console: console::Arguments,

    /// A host name that this machine goes by, besides localhost. Requests to other hosts, and those of web pages of other hosts,
    /// are refused. May be given several times
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,

    /// API Gateway's stage
    #[arg(long, default_value = "dev")]
    stage: String,

    /// A version or an alias that callers of the Lambda API may name besides $LATEST, and the version it stands for: `7`,
    /// `live=7`; an alias alone stands for $LATEST. May be given several times
    #[arg(long, value_name = "NAME[=VERSION]", value_parser = qualifier)]
    qualifier: Vec<(String, String)>,

    /// API Gateway over TLS, with a certificate of its own making
    #[arg(long)]
    tls: bool,

    /// The Function URL takes the response whole (`InvokeMode: BUFFERED`); set FIRSTBYTE_RESPONSE=buffered with it
    #[arg(long)]
    url_buffered: bool,

    /// Media types that the Function URL's events have as text, between commas, and no others: AWS does not publish its list,
    /// and once showed `application/json,text/*`
    #[arg(long, value_name = "TYPES", value_delimiter = ',', value_parser = media_type)]
    url_text: Option<Vec<String>>,

    /// API Gateway takes the response whole (`ResponseTransferMode: BUFFERED`); set FIRSTBYTE_RESPONSE=buffered with it
    #[arg(long)]
    api_buffered: bool,

    /// Cut an API Gateway response after this long without a byte, as AWS does after 30 (edge) or 300 (regional) seconds
    #[arg(long, value_name = "SECONDS")]
    api_idle_timeout: Option<u64>,
}

fn media_type(text: &str) -> Result<String, &'static str> {
    match text.trim().split_once('/') {
        Some((kind, subtype)) if !kind.is_empty() && !subtype.is_empty() => Ok(text.trim().to_owned()),
        _ => Err("a media type is like application/json or text/*"),
    }
}

/// A qualifier and its version.
fn qualifier(text: &str) -> Result<(String, String), String> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_alias = |text: &str| {
        !is_number(text)
            && (1..=128).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    match text.split_once('=') {
        None if is_number(text) => Ok((text.to_owned(), text.to_owned())),
        None if is_alias(text) => Ok((text.to_owned(), "$LATEST".to_owned())),
        Some((alias, version)) if is_alias(alias) && (is_number(version) || version == "$LATEST") => {
            Ok((alias.to_owned(), version.to_owned()))
        }
        _ => Err("a qualifier is a version's number, an alias, or alias=version".to_owned()),
    }
}

pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    let Function { mut settings, served, can_record } = arguments.function.function()?;
    let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    settings.lambda = local(arguments.lambda_port);
    settings.url = local(arguments.url_port);
    settings.api = local(arguments.api_port);
    settings.allow_hosts = arguments.allow_host;
    settings.stage = arguments.stage;
    settings.qualifiers = arguments.qualifier.into_iter().collect();
    settings.tls = arguments.tls;
    let transfer = |buffered| if buffered { Transfer::Buffered } else { Transfer::Stream };
    settings.url_transfer = transfer(arguments.url_buffered);
    settings.api_transfer = transfer(arguments.api_buffered);
    settings.url_text = arguments.url_text;
    settings.api_idle_timeout = arguments.api_idle_timeout.map(Duration::from_secs);
    let executor = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start an executor")?;
    let terminal = Terminal::new();
    let served = served.map(Arc::new);
    if let Some(served) = &served {
        settings.before_invocation = Some(Arc::clone(served).looked_at(&terminal));
        watch::start(Arc::clone(served), terminal.clone());
    }
    let done = executor.block_on(async {
        let name = settings.function_name.clone();
        let tls = settings.tls;
        let mut stop = pin!(signals::stop());
        let file = served.as_deref().and_then(|served| served.file().file_name());
        let handler = file.map_or_else(|| settings.handler.clone(), |file| file.to_string_lossy().into_owned());
        let console = arguments.console.prepare(&mut settings, handler).await?;
        if let Some(console) = console.as_ref().filter(|_| can_record) {
            // First, so that it is only what is set if nothing else is.
            settings.environment.insert(0, ("FIRSTBYTE_RECORD".into(), console.records().to_string().into()));
        }
        let emulator = firstbyte_emulator::start(settings).await?;
        let mut events = emulator.events();
        let console = console.map(|console| console.open(&emulator)).transpose()?;
        // What is wrong with a component is better told now than at the first request.
        let warm = tokio::select! {
            warm = emulator.warm_up() => warm,
            () = &mut stop => return stopped(emulator, &mut events, &terminal).await,
        };
        if let Err(error) = warm {
            emulator.shutdown().await;
            bail!("{error}");
        }
        let introduction = introduction(&name, served.as_deref(), &emulator, tls, console.as_ref());
        let shown = async {
            for line in introduction {
                terminal.line(line).await?;
            }
            show(&mut events, &terminal).await
        };
        let shown = tokio::select! {
            shown = shown => shown,
            () = &mut stop => Ok(()),
        };
        match shown {
            Ok(()) => stopped(emulator, &mut events, &terminal).await,
            Err(closed) => {
                emulator.shutdown().await;
                Ok(closed.exit_code())
            }
        }
    });
    if let Some(served) = &served {
        served.halt();
    }
    done
}

/// Prints what happens for as long as something may.
async fn show(events: &mut Events, terminal: &Terminal) -> Result<(), Closed> {
    while let Some(event) = events.next().await {
        if let Some(line) = report::event(&event) {
            terminal.line(line).await?;
        }
    }
    Ok(())
}

/// Ends the emulator and its runtimes, and says so as a shell says of a program that Ctrl-C ended.
pub(crate) async fn stopped(emulator: Emulator, events: &mut Events, terminal: &Terminal) -> Result<ExitCode> {
    let mut ending = pin!(emulator.shutdown());
    // What runtimes say on their way out is shown, too.
    tokio::select! {
        biased;
        () = &mut ending => {}
        _ = show(events, terminal) => ending.await,
    }
    let rest = std::iter::from_fn(|| events.try_next()).filter_map(|event| report::event(&event));
    terminal.last_words(rest, "stopped").await;
    Ok(ExitCode::from(130))
}

/// The body that the greeting takes, with which most begin.
const EXAMPLE: &str = r#"-d '{"name":"hoge"}'"#;

fn introduction(
    name: &str,
    served: Option<&Served>,
    emulator: &Emulator,
    tls: bool,
    console: Option<&OpenConsole>,
) -> Vec<String> {
    let (lambda, url, api) = (emulator.lambda_url(), emulator.function_url(), emulator.api_url());
    let curl = if tls { "curl -Nk" } else { "curl -N --http2-prior-knowledge" };
    let handler = served.map(|served| {
        let from = served.sources().map(|sources| format!(", built from {}", sources.project.path().display()));
        format!("Handler       {}{}", served.file().display(), from.unwrap_or_default())
    });
    let doors = [
        format!("Lambda API    {lambda}   function name {name:?}, for an SDK's endpoint"),
        format!("Function URL  {url}   curl -N {url} {EXAMPLE}"),
        format!("API Gateway   {api}   {curl} {api} {EXAMPLE}"),
        "              -d is the body, here one for the greeting; without it, curl sends a GET".to_owned(),
    ];
    let console = console.map(|console| format!("Console       {}", console.url()));
    let stop = "Ctrl-C stops".to_owned();
    handler.into_iter().chain(doors).chain(console).chain([stop]).collect()
}

#[cfg(test)]
mod tests {
    use super::qualifier;

    #[test]
    fn qualifiers_are_versions_and_aliases() {
        for (text, expected) in [
            ("7", Some(("7", "7"))),
            ("live=7", Some(("live", "7"))),
            ("live", Some(("live", "$LATEST"))),
            ("live=$LATEST", Some(("live", "$LATEST"))),
            ("", None),
            ("=7", None),
            ("7=8", None),
            ("live=x", None),
            ("a b", None),
        ] {
            let expected = expected.map(|(name, version)| (name.to_owned(), version.to_owned()));
            assert_eq!(qualifier(text).ok(), expected, "{text}");
        }
    }
}
