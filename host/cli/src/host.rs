//! The `bootstrap` for Lambda: the one that a released command line carries, one that is built from this project's sources, or a
//! file at hand.

use crate::archive::Entry;
use crate::output::note;
use crate::{carried, checkout, elf};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use firstbyte_runtime::engine::{Arch, Generation};
use firstbyte_toolchain::rust::bootstrap;
use std::path::{Path, PathBuf};

#[derive(Args)]
#[group(id = "host")]
pub(crate) struct Arguments {
    /// A bootstrap that is built already, for the same architecture
    #[arg(long, value_name = "FILE")]
    bootstrap: Option<PathBuf>,

    /// Firstbyte's sources, to build the bootstrap from. Otherwise it is the one that this program carries, or is built from the
    /// sources above the current folder or those of this program
    #[arg(long, value_name = "FOLDER", conflicts_with = "bootstrap")]
    source: Option<PathBuf>,
}

impl Arguments {
    /// The program, as a file of an archive; one that can run components of WASI 0.3, if `generation` is that.
    pub(crate) fn bootstrap(&self, arch: Arch, generation: Generation) -> Result<Entry> {
        if self.bootstrap.is_none()
            && self.source.is_none()
            && let Some(layer) = carried::layer(arch, generation)
        {
            return Entry::packed(layer).context("this program's own bootstrap cannot be read");
        }
        let path = match &self.bootstrap {
            Some(path) => path.clone(),
            None => {
                let build = bootstrap::Build { arch: machine(arch), wasi_p3: generation == Generation::P3 };
                bootstrap::build(&source(self.source.as_deref())?, build, &|step| note(format_args!("{step}…")))?
            }
        };
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        elf::check(&bytes, arch).with_context(|| format!("{} cannot be Lambda's bootstrap", path.display()))?;
        Ok(Entry::program("bootstrap", elf::without_unwind_tables(bytes)))
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
        "this program does not carry this bootstrap, as a released one (`pip install firstbyte`, `npm install -g firstbyte`) does, \
         and there are no sources of Firstbyte here or above to build it from: --source names their folder, or --bootstrap a \
         file that is built already",
    )
}

fn machine(arch: Arch) -> bootstrap::Arch {
    match arch {
        Arch::X86_64 => bootstrap::Arch::X86_64,
        Arch::Arm64 => bootstrap::Arch::Arm64,
    }
}
