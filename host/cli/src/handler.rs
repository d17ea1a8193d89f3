//! What `HANDLER` on the command line stands for: a component's file, built first if it is a folder.

use anyhow::{Context as _, Result, bail};
use firstbyte_runtime::cargo::BuildError;
use std::path::{Path, PathBuf};

/// A component's file.
pub(crate) struct Handler {
    /// The file, absolute.
    pub(crate) path: PathBuf,
}

impl Handler {
    /// Finds or builds it. Inside a crate, `.` need not be given.
    pub(crate) fn resolve(given: Option<&Path>) -> Result<Self> {
        Self::resolve_with(given, firstbyte_runtime::cargo::build)
    }

    /// Finds it, or builds it for Lambda: smaller, and slower to build.
    pub(crate) fn resolve_small(given: Option<&Path>) -> Result<Self> {
        Self::resolve_with(given, firstbyte_runtime::cargo::build_small)
    }

    fn resolve_with(given: Option<&Path>, build: fn(&Path) -> Result<PathBuf, BuildError>) -> Result<Self> {
        let here = Path::new(".");
        let given = given.or_else(|| here.join("Cargo.toml").is_file().then_some(here));
        let given = given.context("no HANDLER: give a .wasm, a .cwasm, or the folder of a Rust handler, or be in that folder")?;
        if !given.exists() {
            bail!("{} does not exist; HANDLER is a .wasm, a .cwasm, or the folder of a Rust handler", given.display());
        }
        let path = if given.is_dir() { build(given)? } else { given.to_owned() };
        if !path.extension().is_some_and(|ending| ending == "wasm" || ending == "cwasm") {
            bail!("{} is neither a .wasm nor a .cwasm; HANDLER is one of these, or the folder of a Rust handler", path.display());
        }
        Ok(Self { path: std::path::absolute(path)? })
    }

    /// The function's name: the file's, without its ending.
    pub(crate) fn name(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Lambda's `_HANDLER` for it.
    pub(crate) fn file_name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Lambda's `LAMBDA_TASK_ROOT` for it.
    pub(crate) fn folder(&self) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("/")).to_owned()
    }
}
