//! `firstbyte completions`: what a shell completes.

use crate::output;
use clap::{Args, Command};
use clap_complete::Shell;
use std::process::ExitCode;

#[derive(Args)]
#[command(after_help = WHERE)]
pub(crate) struct Arguments {
    /// The shell
    shell: Shell,
}

const WHERE: &str = "\
Where shells look for it:
  bash  firstbyte completions bash > ~/.local/share/bash-completion/completions/firstbyte
  zsh   firstbyte completions zsh > \"${fpath[1]}/_firstbyte\"
  fish  firstbyte completions fish > ~/.config/fish/completions/firstbyte.fish";

pub(crate) fn run(arguments: &Arguments, mut command: Command) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "firstbyte", &mut script);
    output::print(&script);
    ExitCode::SUCCESS
}
