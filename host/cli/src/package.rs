//! `firstbyte package`: a handler as the zip of a Lambda function.

use crate::archive::{self, Destination, Entry};
use crate::compile::{ArchName, with_progress};
use crate::elf;
use crate::handler::Handler;
use crate::host;
use crate::output::note;
use crate::output::say;
use crate::slim;
use crate::snapshot;
use anyhow::{Context, Result, bail};
use clap::Args;
use firstbyte_runtime::compile::compile;
use firstbyte_runtime::engine::{Arch, Generation};
use firstbyte_toolchain::Effort;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args)]
pub(crate) struct Arguments {
    /// A .wasm, a .cwasm, or the folder of a handler, which is built first, for size; the current folder if absent
    handler: Option<PathBuf>,

    /// The architecture of the function
    #[arg(long)]
    arch: ArchName,

    /// The folder to write function.zip to
    #[arg(short, long, value_name = "FOLDER", default_value = "dist")]
    output: PathBuf,

    /// The handler's name, which is the function's `Handler`; without it, the file's name without its ending
    #[arg(long)]
    name: Option<String>,

    /// Put the .wasm beside the .cwasm, for a bootstrap that has a compiler
    #[arg(long)]
    with_wasm: bool,

    /// Put the bootstrap in too: a function that needs no layer
    #[arg(long)]
    with_host: bool,

    /// Keep the names of the handler's functions, which a trap's stack trace then shows
    #[arg(long)]
    keep_names: bool,

    /// Write the function's files instead of a zip, for a tool that zips them itself
    #[arg(long)]
    unpacked: bool,

    #[command(flatten)]
    snapshot: snapshot::Arguments,

    #[command(flatten)]
    host: host::Arguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let arch = Arch::from(arguments.arch);
    let given = arguments.name.as_deref().map(checked).transpose()?;
    let handler = Handler::resolve(arguments.handler.as_deref(), Effort::Small)?;
    handler.known.announce(&handler.path);
    let name = given.map_or_else(|| checked(&handler.name()), Ok)?;
    let path = handler.path.display();
    let bytes = std::fs::read(&handler.path).with_context(|| format!("cannot read {path}"))?;
    let mut entries = Vec::new();
    if handler.path.extension().is_some_and(|ending| ending == "cwasm") {
        if arguments.with_wasm {
            bail!("{path} is compiled already; --with-wasm needs its .wasm");
        }
        if arguments.snapshot.is_asked_for() {
            bail!("{path} is compiled already; --snapshot needs its .wasm");
        }
        elf::check(&bytes, arch).with_context(|| format!("cannot package {path}"))?;
        entries.push(Entry::data(format!("{name}.cwasm"), bytes));
    } else {
        let bytes = arguments.snapshot.prepare(bytes, &handler.path)?;
        let wasm = if arguments.keep_names { bytes } else { slim::without_names(&bytes) };
        let code = with_progress("compiling", || compile(&wasm, arch)).with_context(|| format!("cannot compile {path}"))?;
        entries.push(Entry::data(format!("{name}.cwasm"), code));
        if arguments.with_wasm {
            entries.push(Entry::data(format!("{name}.wasm"), wasm));
        }
    }
    if arguments.with_host {
        entries.push(arguments.host.bootstrap(arch, handler.known.generation)?);
    } else if handler.known.generation == Generation::P3 || !arguments.unpacked {
        let wasi = if handler.known.generation == Generation::P3 { " --wasi-p3" } else { "" };
        let layer = format!("firstbyte layer --arch {}{wasi}", arch.name());
        note(format_args!("the function also needs the host: the layer that `{layer}` writes, or --with-host"));
    }
    let destination = if arguments.unpacked {
        Destination::Folder(arguments.output.clone())
    } else {
        Destination::Zip(arguments.output.join("function.zip"))
    };
    archive::write(entries, &destination)?;
    say(format_args!("set the function's Handler to {name}"));
    Ok(ExitCode::SUCCESS)
}

/// The longest `Handler` that Lambda takes, in characters.
const LONGEST_NAME: usize = 128;

/// A handler's name, if Lambda takes it and a component's file can have it.
fn checked(name: &str) -> Result<String> {
    let reason = if name.is_empty() {
        "it is empty"
    } else if name.chars().count() > LONGEST_NAME {
        "Lambda takes 128 characters"
    } else if name.contains(|c: char| c.is_whitespace() || c.is_control()) {
        "Lambda takes no spaces"
    } else if name.contains(['/', '\\']) {
        "it is the name of a file in the zip, without a folder"
    } else if name.ends_with(".wasm") || name.ends_with(".cwasm") {
        "it is a file's name without its ending"
    } else {
        return Ok(name.to_owned());
    };
    bail!("{name:?} cannot be a function's Handler: {reason}; --name gives another")
}

#[cfg(test)]
mod tests {
    use super::checked;

    #[test]
    fn names_are_what_lambda_takes() {
        for name in ["greeting", "a.b", "grüße", &"n".repeat(128)] {
            assert!(checked(name).is_ok(), "{name}");
        }
        for name in ["", "a b", "a\tb", "a/b", "a\\b", "a.wasm", "a.cwasm", &"n".repeat(129)] {
            assert!(checked(name).is_err(), "{name}");
        }
    }
}
