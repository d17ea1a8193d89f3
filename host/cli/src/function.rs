//! The function that `serve` and `invoke` run: its component or any other runtime's command, its limits and environment.

use crate::handler::Handler;
use crate::machine_code::MachineCode;
use crate::served::Served;
use anyhow::{Context, Result, bail};
use clap::Args;
use firstbyte_emulator::Settings;
use firstbyte_toolchain::Effort;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Args)]
#[group(id = "function")]
pub(crate) struct Arguments {
    /// A .wasm, a .cwasm, or the folder of a handler, which is built first; the current folder if absent. With a runtime command,
    /// its _HANDLER
    handler: Option<PathBuf>,

    /// The function's timeout
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    timeout: Duration,

    /// The function's memory size
    #[arg(long, value_name = "MB", default_value = "128")]
    memory: u32,

    /// Sets a variable of the function's environment (NAME=VALUE), or passes one of yours on (NAME)
    #[arg(short, long, value_name = "NAME[=VALUE]")]
    env: Vec<OsString>,

    /// The bootstrap to run the handler with, instead of the one in this program
    #[arg(long, value_name = "FILE", conflicts_with = "command")]
    bootstrap: Option<PathBuf>,

    /// Serve this many invocations at once in one process (AWS_LAMBDA_MAX_CONCURRENCY)
    #[arg(long, value_name = "N", default_value = "1")]
    concurrency: usize,

    /// Lambda's bandwidth: 6 MB at once, then 2 MB/s
    #[arg(long)]
    throttle: bool,

    /// Any other runtime to start instead: a command that speaks the Lambda Runtime API
    #[arg(last = true, value_name = "RUNTIME COMMAND")]
    command: Vec<OsString>,
}

pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    if (0.001..=900.0).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("not within 0.001 to 900".to_owned())
    }
}

/// A function that can be run.
pub(crate) struct Function {
    /// How the emulator runs it.
    pub(crate) settings: Settings,
    /// The handler, which has to be kept for as long as the function runs. Absent with another runtime.
    pub(crate) served: Option<Served>,
    /// Whether the runtime is the one in this program, which can tell whoever listens what a replay needs.
    pub(crate) can_record: bool,
}

impl Arguments {
    /// Builds and compiles what must be.
    pub(crate) fn function(self) -> Result<Function> {
        let mut served = None;
        let can_record = self.command.is_empty() && self.bootstrap.is_none();
        let mut settings = if let [program, ..] = &self.command[..] {
            let handler = self.handler.map_or_else(|| "index.handler".to_owned(), |handler| handler.display().to_string());
            let mut settings = Settings::new(name_of(Path::new(program)), self.command);
            settings.handler = handler;
            settings
        } else {
            // Another bootstrap gets the file as it is: it may be of another version.
            let compiles = self.bootstrap.is_none();
            let command = bootstrap(self.bootstrap)?;
            let handler = Handler::resolve(self.handler.as_deref(), Effort::Quick)?;
            handler.known.announce_unusual(&handler.path);
            let is_wasm = handler.path.extension().is_some_and(|ending| ending == "wasm");
            let code = if compiles && is_wasm { MachineCode::of(&handler.path)? } else { None };
            let mut settings = Settings::new(name_of(&handler.path), command);
            settings.handler = code.as_ref().map_or_else(|| handler.file_name(), |code| code.path().display().to_string());
            settings.task_root = Some(handler.folder());
            served = Some(Served::new(handler, code));
            settings.environment.push(("FIRSTBYTE_RELOAD".into(), "on".into()));
            settings
        };
        // The process is ended as soon as nobody needs it, and nothing is to be lost of what its user looks at.
        settings.environment.push(("FIRSTBYTE_TELEMETRY_GATHER_MS".into(), "0".into()));
        for (name, value) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("FIRSTBYTE_") {
                settings.environment.push((name, value));
            }
        }
        for variable in &self.env {
            settings.environment.push(assignment(variable)?);
        }
        settings.timeout = self.timeout;
        settings.memory_mb = self.memory;
        settings.concurrency = self.concurrency;
        settings.throttle = self.throttle;
        Ok(Function { settings, served, can_record })
    }
}

/// The function's name: the file's, without its ending and with `-` for what Lambda does not take; 64 characters at most.
fn name_of(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    stem.chars().take(64).map(|c| if is_allowed(c) { c } else { '-' }).collect()
}

/// The command that starts the runtime: a bootstrap, or this program in that role.
fn bootstrap(given: Option<PathBuf>) -> Result<Vec<OsString>> {
    if let Some(path) = given {
        if !path.is_file() {
            bail!("{} does not exist; --bootstrap takes the bootstrap's file", path.display());
        }
        return Ok(vec![std::path::absolute(path)?.into()]);
    }
    let this = std::env::current_exe().context("cannot find this program's own file")?;
    Ok(vec![this.into(), "bootstrap".into()])
}

/// `NAME=VALUE`, or `NAME` for the value it has here.
pub(crate) fn assignment(variable: &OsStr) -> Result<(OsString, OsString)> {
    let text = variable.to_string_lossy();
    if let Some((name, value)) = text.split_once('=') {
        return Ok((name.into(), value.into()));
    }
    let value = std::env::var_os(variable).with_context(|| format!("--env {text}: the variable is not set here"))?;
    Ok((variable.to_owned(), value))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use clap::Parser;
    use clap::error::ErrorKind;

    #[derive(Parser)]
    struct Alone {
        #[command(flatten)]
        function: Arguments,
    }

    #[test]
    fn any_file_name_makes_a_functions_name() {
        for (file, name) in [
            ("/tmp/greeting.wasm", "greeting"),
            ("a.b.wasm", "a-b"),
            ("grüße an_alle-1.cwasm", "gr--e-an_alle-1"),
            ("/usr/bin/python3.11", "python3"),
        ] {
            assert_eq!(name_of(Path::new(file)), name);
        }
        assert_eq!(name_of(Path::new(&"n".repeat(100))).len(), 64);
        let arguments = Alone::try_parse_from(["firstbyte", "--", "/opt/my.own.runtime", "x"]).unwrap();
        assert_eq!(arguments.function.function().unwrap().settings.function_name, "my-own");
    }

    #[test]
    fn a_bootstrap_and_another_runtime_exclude_each_other() {
        let parsed = Alone::try_parse_from(["firstbyte", "--bootstrap", "bootstrap", "--", "node"]);
        assert_eq!(parsed.err().map(|error| error.kind()), Some(ErrorKind::ArgumentConflict));
    }
}
