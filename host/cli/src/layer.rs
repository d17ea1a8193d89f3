//! `firstbyte layer`: the host as a Lambda layer.

use crate::archive::{self, Destination, Entry};
use crate::compile::ArchName;
use crate::host;
use anyhow::Result;
use clap::Args;
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

    #[command(flatten)]
    host: host::Arguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let bootstrap = arguments.host.bootstrap(arguments.arch.into())?;
    let destination = if arguments.unpacked {
        Destination::Folder(arguments.output.clone())
    } else {
        Destination::Zip(arguments.output.join("layer.zip"))
    };
    archive::write(vec![Entry::program("bootstrap", bootstrap)], &destination)?;
    Ok(ExitCode::SUCCESS)
}
