//! `firstbyte layer`: the host as a Lambda layer.

use crate::archive::{self, Destination};
use crate::compile::ArchName;
use crate::host;
use anyhow::Result;
use clap::Args;
use firstbyte_runtime::engine::Generation;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The architecture of the functions that will use the layer
    #[arg(long)]
    arch: ArchName,

    /// The folder to write layer.zip to
    #[arg(short, long, value_name = "FOLDER", default_value = "dist")]
    output: PathBuf,

    /// Write the layer's files instead of a zip, for a tool that zips them itself
    #[arg(long)]
    unpacked: bool,

    /// Also run components of WASI 0.3, which makes the layer a tenth larger and calls to the host a little slower
    #[arg(long)]
    wasi_p3: bool,

    #[command(flatten)]
    host: host::Arguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let generation = if arguments.wasi_p3 { Generation::P3 } else { Generation::P2 };
    let bootstrap = arguments.host.bootstrap(arguments.arch.into(), generation)?;
    let destination = if arguments.unpacked {
        Destination::Folder(arguments.output.clone())
    } else {
        Destination::Zip(arguments.output.join("layer.zip"))
    };
    archive::write(vec![bootstrap], &destination)?;
    Ok(ExitCode::SUCCESS)
}
