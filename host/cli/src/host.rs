//! The `bootstrap` for Lambda: built from this project's sources for either architecture of Lambda, or a file at hand.

use crate::output::note;
use crate::{checkout, elf};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use firstbyte_runtime::engine::{Arch, Generation};
use firstbyte_toolchain::rust::bootstrap;
use std::path::{Path, PathBuf};

#[derive(Args)]
#[group(id = "host")]
pub(crate) struct Arguments {
    /// A bootstrap that is built already, for the same architecture, instead of building one
    #[arg(long, value_name = "FILE")]
    bootstrap: Option<PathBuf>,

    /// Firstbyte's sources, to build the bootstrap from; those above the current folder or those of this program otherwise
    #[arg(long, value_name = "FOLDER", conflicts_with = "bootstrap")]
    source: Option<PathBuf>,
}

impl Arguments {
    /// The program's bytes; with what components of WASI 0.3 need, if it is to run one.
    pub(crate) fn bootstrap(&self, arch: Arch, generation: Generation) -> Result<Vec<u8>> {
        let path = match &self.bootstrap {
            Some(path) => path.clone(),
            None => {
                let build = bootstrap::Build { arch: machine(arch), wasi_p3: generation == Generation::P3 };
                bootstrap::build(&source(self.source.as_deref())?, build, &|step| note(format_args!("{step}…")))?
            }
        };
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        elf::check(&bytes, arch).with_context(|| format!("{} cannot be Lambda's bootstrap", path.display()))?;
        Ok(elf::without_unwind_tables(bytes))
    }
}

/// Where the sources of the runtime are.
fn source(given: Option<&Path>) -> Result<PathBuf> {
    if let Some(folder) = given {
        if !checkout::is(folder) {
            bail!("{} does not hold Firstbyte's sources", folder.display());
        }
        return Ok(folder.to_owned());
    }
    let here = std::env::current_dir().context("cannot tell the current folder")?;
    let found = here.ancestors().find(|folder| checkout::is(folder)).map(Path::to_owned).or_else(checkout::of_this_build);
    found.context(
        "no sources of Firstbyte here or above: --source names their folder, or --bootstrap a file that is built already",
    )
}

fn machine(arch: Arch) -> bootstrap::Arch {
    match arch {
        Arch::X86_64 => bootstrap::Arch::X86_64,
        Arch::Arm64 => bootstrap::Arch::Arm64,
    }
}
