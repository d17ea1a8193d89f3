//! `firstbyte compile`: a component's machine code, ahead of time.

use crate::handler::Handler;
use crate::output::{self, File, note, say};
use crate::snapshot;
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use firstbyte_runtime::compile::compile;
use firstbyte_runtime::engine::Arch;
use firstbyte_toolchain::Effort;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::{Duration, Instant};

#[derive(Args)]
pub(crate) struct Arguments {
    /// A .wasm, or the folder of a handler, which is built first; the current folder if absent
    handler: Option<PathBuf>,

    /// The file to write; without it, the .wasm's path with the ending .cwasm
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// The architecture of the function; without it, this machine's
    #[arg(long)]
    arch: Option<ArchName>,

    #[command(flatten)]
    snapshot: snapshot::Arguments,
}

/// An architecture as Lambda names it.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum ArchName {
    #[value(name = "x86_64")]
    X86_64,
    #[value(name = "arm64")]
    Arm64,
}

impl From<ArchName> for Arch {
    fn from(name: ArchName) -> Self {
        match name {
            ArchName::X86_64 => Self::X86_64,
            ArchName::Arm64 => Self::Arm64,
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let handler = Handler::resolve(arguments.handler.as_deref(), Effort::Quick)?;
    if handler.path.extension().is_some_and(|ending| ending == "cwasm") {
        bail!("{} is compiled already; compile its .wasm", handler.path.display());
    }
    handler.known.announce(&handler.path);
    let output = arguments.output.clone().unwrap_or_else(|| handler.path.with_extension("cwasm"));
    let arch = arguments.arch.map_or_else(Arch::native, Arch::from);
    let wasm = std::fs::read(&handler.path).with_context(|| format!("cannot read {}", handler.path.display()))?;
    let wasm = arguments.snapshot.prepare(wasm, &handler.path)?;
    let begun = Instant::now();
    let code = with_progress("compiling", || compile(&wasm, arch))
        .with_context(|| format!("cannot compile {}", handler.path.display()))?;
    output::write(&[File { path: output.clone(), bytes: &code, mode: 0o644 }])?;
    let (kb, seconds) = (code.len().div_ceil(1024), begun.elapsed().as_secs_f64());
    say(format_args!("{} ({}, {kb} KB, {seconds:.1} s)", output.display(), arch.name()));
    Ok(ExitCode::SUCCESS)
}

/// Says on standard error that `what` is still going on: at a terminal once it takes longer than a moment, and elsewhere every half
/// minute.
pub(crate) fn with_progress<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let is_terminal = std::io::stderr().is_terminal();
    let pause = if is_terminal { Duration::from_millis(500) } else { Duration::from_secs(30) };
    let (done, finished) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let begun = Instant::now();
            while finished.recv_timeout(pause) == Err(mpsc::RecvTimeoutError::Timeout) {
                let seconds = begun.elapsed().as_secs_f64();
                if is_terminal {
                    let _ = write!(std::io::stderr(), "\r{what}… {seconds:.0} s");
                } else {
                    note(format_args!("{what}… {seconds:.0} s"));
                }
            }
            if is_terminal && begun.elapsed() > pause {
                let _ = write!(std::io::stderr(), "\r\x1b[K");
            }
        });
        let result = work();
        drop(done);
        result
    })
}
