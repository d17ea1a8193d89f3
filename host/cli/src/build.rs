//! `firstbyte build`: a handler's component.

use crate::handler::Handler;
use crate::output::{self, File, say};
use crate::snapshot;
use anyhow::{Context as _, Result, bail};
use clap::Args;
use firstbyte_toolchain::Effort;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The folder of a handler, or one of its source files; the current folder if absent
    handler: Option<PathBuf>,

    /// The file to write; without it, the component stays where the language's own tools put it
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Build for size, as `package` does, which takes longer
    #[arg(long)]
    small: bool,

    #[command(flatten)]
    snapshot: snapshot::Arguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    if arguments.snapshot.is_asked_for() && arguments.output.is_none() {
        bail!("`build --snapshot` needs -o FILE: the component that the language's tools have built stays without a snapshot");
    }
    if let Some(output) = arguments.output.as_deref().filter(|output| output.extension().is_some_and(|ending| ending == "cwasm"))
    {
        bail!(
            "`build` makes a component, a .wasm, and {} would be machine code: `firstbyte compile -o {}` makes that",
            output.display(),
            output.display()
        );
    }
    let effort = if arguments.small { Effort::Small } else { Effort::Quick };
    let handler = Handler::resolve(arguments.handler.as_deref(), effort)?;
    if handler.sources.is_none() {
        bail!("{} is built already; give the folder of its sources", handler.path.display());
    }
    handler.known.announce(&handler.path);
    let component = std::fs::read(&handler.path).with_context(|| format!("cannot read {}", handler.path.display()))?;
    let component = arguments.snapshot.prepare(component, &handler.path)?;
    if let Some(path) = &arguments.output {
        output::write(&[File { path: path.clone(), bytes: &component, mode: 0o644 }])?;
    }
    let path = arguments.output.as_ref().unwrap_or(&handler.path);
    say(format_args!("{} ({} KB)", path.display(), component.len().div_ceil(1000)));
    Ok(ExitCode::SUCCESS)
}
