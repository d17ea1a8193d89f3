//! `firstbyte man`: manual pages, made of what `--help` says.

use crate::output;
use anyhow::{Context as _, Result};
use clap::{Args, Command};
use clap_mangen::Man;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The folder to write a page for each command to, such as ~/.local/share/man/man1; if absent, the page of firstbyte itself
    /// goes to standard output
    folder: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments, command: Command) -> Result<ExitCode> {
    if let Some(folder) = &arguments.folder {
        let written = std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder));
        written.with_context(|| format!("cannot write manual pages to {}", folder.display()))?;
        output::say(folder.display());
    } else {
        let mut page = Vec::new();
        Man::new(command.disable_help_subcommand(true)).render(&mut page)?;
        output::print(&page);
    }
    Ok(ExitCode::SUCCESS)
}
