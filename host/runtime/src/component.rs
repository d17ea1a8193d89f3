//! Finds the file of a handler by its name, or says why none can be used. What is done with the file is in `opened`.

mod opened;

pub use opened::Seal;
pub(crate) use opened::{Loaded, Opened};

use crate::engine::Generation;
#[cfg(feature = "compiler")]
use crate::inspect::NotAHandler;
use std::io;
use std::path::{Path, PathBuf};

/// Why there is no handler. The text says what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ComponentError {
    /// No file of that name.
    #[error("no component for handler {handler:?}: neither {} nor its .wasm exists; the handler's name is the component's file name without ending", cwasm.display())]
    Missing {
        /// As the function's configuration names it.
        handler: String,
        /// The file that was looked for first.
        cwasm: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why it cannot be read.
        source: io::Error,
    },
    /// A `.wasm` where there is no compiler.
    #[error("{} is not compiled ahead of time, and this bootstrap has no compiler: run `firstbyte compile {} --arch {arch}` and deploy the .cwasm", path.display(), path.display())]
    NoCompiler {
        /// The file.
        path: PathBuf,
        /// The architecture to compile for.
        arch: &'static str,
    },
    /// A `.cwasm` of another version, setting, or CPU, or a damaged one.
    #[error("{} cannot be used by this bootstrap: {reason}; rebuild it with the `firstbyte compile --arch {arch}` of the same version as the bootstrap", path.display())]
    Stale {
        /// The file.
        path: PathBuf,
        /// What wasmtime says.
        reason: String,
        /// The architecture to compile for.
        arch: &'static str,
    },
    /// A component of WASI 0.3, and a bootstrap that is built without it.
    #[error(
        "{} is a component of WASI 0.3, which this bootstrap is built without: deploy it with the layer that `firstbyte layer --wasi-p3` \
         writes, or package it with `--with-host`", path.display()
    )]
    NoWasi03 {
        /// The file.
        path: PathBuf,
    },
    /// What it is, the host cannot run.
    #[cfg(feature = "compiler")]
    #[error("{} is no handler: {source}", path.display())]
    NotAHandler {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        source: NotAHandler,
    },
    /// The compiler refuses it.
    #[error("{} cannot be compiled: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What wasmtime says.
        reason: String,
    },
    /// A handler by its exports, but what it imports is not as this host has it.
    #[error("{} does not fit this host: {reason}; build it with the SDK of the same version as the host", path.display())]
    OtherWorld {
        /// The file.
        path: PathBuf,
        /// What wasmtime says.
        reason: String,
    },
}

impl ComponentError {
    /// The reason in Lambda's `Runtime.<reason>`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "NoSuchHandler",
            Self::Unreadable { .. } => "ComponentUnreadable",
            Self::NoCompiler { .. } => "ComponentNotCompiled",
            Self::Stale { .. } => "ComponentStale",
            Self::NoWasi03 { .. } => "ComponentOfOtherWorld",
            #[cfg(feature = "compiler")]
            Self::NotAHandler { source: NotAHandler::NoWorld(_), .. } => "ComponentOfOtherWorld",
            #[cfg(feature = "compiler")]
            Self::NotAHandler { .. } => "ComponentInvalid",
            Self::Invalid { .. } => "ComponentInvalid",
            Self::OtherWorld { .. } => "ComponentOfOtherWorld",
        }
    }
}

/// The component's file for a function's handler: `greeting` is `greeting.cwasm`, else `greeting.wasm`, under `root`. A name
/// that has one of these endings is taken as it is.
///
/// # Errors
/// [`ComponentError::Missing`].
pub fn find(root: &Path, handler: &str) -> Result<PathBuf, ComponentError> {
    let path = root.join(handler);
    let named = path.extension().is_some_and(|ending| ending == "wasm" || ending == "cwasm");
    let cwasm = if named { path } else { root.join(format!("{handler}.cwasm")) };
    let wasm = root.join(format!("{handler}.wasm"));
    if handler.is_empty() {
        Err(ComponentError::Missing { handler: handler.to_owned(), cwasm })
    } else if cwasm.is_file() {
        Ok(cwasm)
    } else if !named && wasm.is_file() {
        Ok(wasm)
    } else {
        Err(ComponentError::Missing { handler: handler.to_owned(), cwasm })
    }
}

/// The generation of WASI that the component at `path` is for, compiled or not.
///
/// # Errors
/// [`ComponentError`]: the file cannot be read, or is no handler.
pub fn generation(path: &Path) -> Result<Generation, ComponentError> {
    Opened::open(path)?.generation()
}

/// wasmtime's reasons, which may be tables, as part of a sentence.
pub(crate) fn one_line(error: &wasmtime::Error) -> String {
    format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ")
}
