//! `firstbyte replay`: runs a handler on an invocation that the console recorded, and says the first thing that is not as it was.

use crate::function::assignment;
use crate::handler::Handler;
use crate::output::{note, say};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use firstbyte_testing::{Component, Recording, RecordingError};
use firstbyte_toolchain::Effort;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// The exit status where nothing could be compared, as diff and cmp have it.
const TROUBLE: u8 = 2;

/// The setting that a recording has a value for.
const ALLOW_HTTP: &str = "FIRSTBYTE_ALLOW_HTTP";

#[derive(Args)]
#[command(after_help = "\
The handler gets the same event, the same clock and random numbers, and from the servers that it asked the same bytes at the same times,
down to their silences and breaks. Nobody is waited for: a minute takes milliseconds. Nothing leaves this machine.

The exit status is 0 if the head, the bytes and the outcome are those of the recording and the handler asked other servers for the same;
1 if not, and the first difference is printed; 2 if the file cannot be replayed.

Values of environment variables are not in a recording, so give those that matter. FIRSTBYTE_ALLOW_HTTP is what the recorded
requests need, unless it is given.

Examples:
  firstbyte replay failure.json                                   in the folder of the handler
  firstbyte replay session.json chat.wasm --request-id 5f0c9b1e-6d0a-4c53-8a53-2b6f3b1f7a11
  firstbyte replay failure.json guest/examples/chat -e CHAT_BASE_URL=https://api.example.com

Record with `firstbyte serve`: its console saves a session, or one invocation, as such a file. The same file is a regression test:
`Recording::open(\"failure.json\")?.replay(&component).assert_same()` with firstbyte-testing.")]
pub(crate) struct Arguments {
    /// The recording
    file: PathBuf,

    /// A .wasm, or the folder of a handler, which is built first; the current folder if absent
    handler: Option<PathBuf>,

    /// The invocation, if the file has several
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,

    /// Sets a variable of the function's environment (NAME=VALUE), or passes one of yours on (NAME)
    #[arg(short, long, value_name = "NAME[=VALUE]")]
    env: Vec<OsString>,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    replay(arguments).unwrap_or_else(|error| {
        note(format_args!("error: {error:#}"));
        ExitCode::from(TROUBLE)
    })
}

fn replay(arguments: &Arguments) -> Result<ExitCode> {
    let recording = match &arguments.request_id {
        Some(id) => Recording::open_invocation(&arguments.file, id),
        None => Recording::open(&arguments.file),
    };
    let recording = recording.map_err(|error| match error {
        several @ RecordingError::NotOne { .. } => anyhow::Error::new(several).context("--request-id ID says which"),
        other => other.into(),
    })?;
    let handler = Handler::resolve(arguments.handler.as_deref(), Effort::Quick).with_context(|| {
        let recorded = recording.handler().unwrap_or("its handler");
        format!("{} was recorded of {recorded}", arguments.file.display())
    })?;
    if handler.known.world().is_none() {
        bail!("{} is machine code; replay the .wasm that it was compiled from", handler.path.display());
    }
    let environment = environment(arguments, &recording)?;
    let unknown: Vec<&str> =
        recording.variables().iter().map(String::as_str).filter(|name| is_missing(name, &environment)).collect();
    let component = Component::load_with(&handler.path, environment)?;
    let replay = recording.replay(&component);
    let response = replay.response();
    let Some(difference) = replay.difference() else {
        let (chunks, bytes) = (response.chunks().len(), response.body().len());
        say(format_args!("the same: {bytes} bytes in {chunks} chunks, and the same outcome"));
        return Ok(ExitCode::SUCCESS);
    };
    say(format_args!("not as it was recorded: {difference}"));
    for line in response.log() {
        note(format_args!("log  {} {}", line.level, line.message));
    }
    if !unknown.is_empty() {
        note(format_args!(
            "the handler saw {} when it was recorded, and does not now: `-e NAME=VALUE` sets a variable",
            unknown.join(", ")
        ));
    }
    Ok(ExitCode::FAILURE)
}

/// The function's environment: our own settings as they are set here, what is given, and what the recording knows.
fn environment(arguments: &Arguments, recording: &Recording) -> Result<BTreeMap<String, String>> {
    let mut environment = BTreeMap::from([(ALLOW_HTTP.to_owned(), recording.servers().join(","))]);
    let settings = std::env::vars().filter(|(name, _)| name.starts_with("FIRSTBYTE_"));
    environment.extend(settings);
    for variable in &arguments.env {
        let (name, value) = assignment(variable)?;
        let text = |text: OsString| text.into_string().map_err(|text| anyhow::anyhow!("--env {} is not text", text.display()));
        environment.insert(text(name)?, text(value)?);
    }
    Ok(environment)
}

/// Whether the handler would look for this variable in vain. What Lambda sets says where a function runs, and does not come from its
/// owner.
fn is_missing(name: &str, environment: &BTreeMap<String, String>) -> bool {
    !environment.contains_key(name) && !name.starts_with("AWS_") && !["LANG", "TZ"].contains(&name)
}
