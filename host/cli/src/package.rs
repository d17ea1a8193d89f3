//! `firstbyte package`: a handler as the zip of a Lambda function.

use crate::archive::{self, Destination, Entry};
use crate::compile::{ArchName, with_progress};
use crate::elf;
use crate::handler::Handler;
use crate::host;
use crate::slim;
use anyhow::{Context, Result, bail};
use clap::Args;
use firstbyte_runtime::compile::compile;
use firstbyte_runtime::engine::Arch;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args)]
pub(crate) struct Arguments {
    /// A .wasm, a .cwasm, or the folder of a Rust handler, which is built first, for size
    handler: PathBuf,

    /// The architecture of the function
    #[arg(long)]
    arch: ArchName,

    /// The folder to write function.zip to
    #[arg(short, long, value_name = "FOLDER", default_value = "dist")]
    output: PathBuf,

    /// The handler's name, the function's `Handler`; the file's name without its ending otherwise
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
    host: host::Arguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let arch = Arch::from(arguments.arch);
    let handler = Handler::resolve_small(&arguments.handler)?;
    let name = arguments.name.clone().unwrap_or_else(|| handler.name());
    if name.is_empty() || name.contains(['/', '\\']) {
        bail!("{name:?} cannot be a handler's name; --name gives another");
    }
    let path = handler.path.display();
    let bytes = std::fs::read(&handler.path).with_context(|| format!("cannot read {path}"))?;
    let mut entries = Vec::new();
    if handler.path.extension().is_some_and(|ending| ending == "cwasm") {
        if arguments.with_wasm {
            bail!("{path} is compiled already; --with-wasm needs its .wasm");
        }
        elf::check(&bytes, arch).with_context(|| format!("cannot package {path}"))?;
        entries.push(Entry::data(format!("{name}.cwasm"), bytes));
    } else {
        let wasm = if arguments.keep_names { bytes } else { slim::without_names(&bytes) };
        let code = with_progress(|| compile(&wasm, arch)).with_context(|| format!("cannot compile {path}"))?;
        entries.push(Entry::data(format!("{name}.cwasm"), code));
        if arguments.with_wasm {
            entries.push(Entry::data(format!("{name}.wasm"), wasm));
        }
    }
    if arguments.with_host {
        entries.push(Entry::program("bootstrap", arguments.host.bootstrap(arch)?));
    }
    let destination = if arguments.unpacked {
        Destination::Folder(arguments.output.clone())
    } else {
        Destination::Zip(arguments.output.join("function.zip"))
    };
    archive::write(entries, &destination)?;
    Ok(ExitCode::SUCCESS)
}
