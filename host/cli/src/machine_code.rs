//! A .wasm as machine code: compiled here once, and not by every environment at its start or within an invocation's timeout.
//!
//! Made anew when the .wasm has changed, and kept in the user's cache folder for the next time: a component that brings a language's
//! engine takes half a minute. A .wasm that cannot be compiled, or that is no handler, leaves the machine code as it was.

use crate::compile::with_progress;
use crate::output::{self, File};
use crate::stamp::Stamp;
use anyhow::{Context as _, Result, bail};
use firstbyte_runtime::SetupError;
use firstbyte_runtime::compile::{Kept, compile};
use firstbyte_runtime::component::ComponentError;
use firstbyte_runtime::engine::Arch;
use firstbyte_runtime::log::{Log, Record};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tempfile::TempDir;

/// The machine code of a .wasm, in a folder of its own that goes with it.
#[derive(Debug)]
pub(crate) struct MachineCode {
    wasm: PathBuf,
    folder: TempDir,
    /// The .wasm as it was when it was compiled last, or could not be.
    seen: Mutex<Stamp>,
}

impl MachineCode {
    /// Compiles a .wasm. None if this process may not reserve the addresses that machine code counts on: a runtime has to
    /// compile the .wasm for less of them.
    pub(crate) fn of(wasm: &Path) -> Result<Option<Self>> {
        let folder = tempfile::Builder::new().prefix("firstbyte-").tempdir().context("cannot make a folder for machine code")?;
        let code = Self { wasm: wasm.to_owned(), folder, seen: Mutex::new(Stamp::of(wasm)) };
        let compiled = with_progress("compiling", || code.compile())?;
        Ok(compiled.then_some(code))
    }

    /// Its file.
    pub(crate) fn path(&self) -> PathBuf {
        let name = self.wasm.file_stem().unwrap_or_default();
        self.folder.path().join(name).with_extension("cwasm")
    }

    /// Compiles the .wasm again if it has changed, and says what came of it.
    pub(crate) fn refresh(&self) -> Option<String> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Stamp::of(&self.wasm);
        // While it is replaced, it may be missing for a moment.
        if now == *seen || !now.exists() {
            return None;
        }
        *seen = now;
        let begun = Instant::now();
        let name = self.wasm.file_name().unwrap_or_default().display();
        Some(match self.compile() {
            Ok(_) => {
                format!("{name} has changed: the next invocation runs it (compiled in {:.1} s)", begun.elapsed().as_secs_f64())
            }
            Err(error) => format!("{name} has changed, and the handler stays as it was: {error:#}"),
        })
    }

    /// Takes the machine code that was kept, or makes it. False if only a .wasm is of use.
    fn compile(&self) -> Result<bool> {
        let kept = cache_folder().and_then(|folder| Kept::of(&self.wasm, &folder));
        if let Some(code) = kept.as_ref().and_then(|kept| std::fs::read(kept.path()).ok())
            // It may be damaged, or be only half there.
            && let Ok(usable) = self.take(&code)
        {
            return Ok(usable);
        }
        let wasm = self.wasm.display();
        let bytes = std::fs::read(&self.wasm).with_context(|| format!("cannot read {wasm}"))?;
        let code = compile(&bytes, Arch::native()).with_context(|| format!("cannot compile {wasm}"))?;
        let usable = self.take(&code)?;
        // A cache that cannot be written makes the next start slow, and nothing else.
        let _ = kept.map(|kept| kept.keep(&code));
        Ok(usable)
    }

    /// Writes the machine code, unless it is of no use. False if only a .wasm is.
    fn take(&self, code: &[u8]) -> Result<bool> {
        let wasm = self.wasm.display();
        let tried = self.folder.path().join("tried.cwasm");
        output::write(&[File { path: tried.clone(), bytes: code, mode: 0o644 }])?;
        let loaded = firstbyte_runtime::Handler::load(&tried, Arc::default(), Arc::new(Silent));
        match loaded {
            Ok(_) => {}
            Err(SetupError::AddressSpace) => return Ok(false),
            Err(SetupError::Component(ComponentError::OtherWorld { reason, .. })) => {
                bail!("{}", ComponentError::OtherWorld { path: self.wasm.clone(), reason });
            }
            Err(error) => bail!("cannot run {wasm}: {error}"),
        }
        std::fs::rename(&tried, self.path()).with_context(|| format!("cannot write {}", self.path().display()))?;
        Ok(true)
    }
}

/// The folder in which machine code is kept from one run to the next: `firstbyte` in the user's cache folder. Nothing is kept if the
/// user has no such folder, or if somebody else could write there, because what is in it is run.
fn cache_folder() -> Option<PathBuf> {
    let of = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let caches = of("XDG_CACHE_HOME").or_else(|| Some(of("HOME")?.join(".cache")))?;
    let folder = caches.join("firstbyte");
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).ok()?;
    let mine = tempfile::tempfile_in(&folder).and_then(|file| file.metadata()).ok()?.uid();
    let is_ours = |folder: std::fs::Metadata| folder.uid() == mine && folder.mode() & 0o022 == 0;
    std::fs::metadata(&folder).is_ok_and(is_ours).then_some(folder)
}

/// Nothing is invoked here, so nothing is logged.
struct Silent;

impl Log for Silent {
    fn record(&self, _: &Record<'_>) {}
}
