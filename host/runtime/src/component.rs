//! From a name to a handler that can be called: finds the component's file, maps or compiles it, links it.

use crate::checksum::{self, Sealed};
use crate::engine::Generation;
#[cfg(feature = "compiler")]
use crate::inspect::{NotAHandler, inspect};
use crate::link;
use crate::world::{Pre, World};
use std::path::{Path, PathBuf};
use wasmtime::component::Component;
use wasmtime::{Engine, Precompiled};

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
        source: std::io::Error,
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

/// A component that was loaded.
pub(crate) struct Loaded {
    /// Ready to be instantiated.
    pub(crate) pre: Pre,
    /// Interfaces that it imports and this host does not have: a call to one of them is a trap.
    pub(crate) missing: Vec<String>,
}

/// The generation of WASI that the component at `path` is for, compiled or not.
///
/// # Errors
/// [`ComponentError`]: the file cannot be read, or is no handler.
pub fn generation(path: &Path) -> Result<Generation, ComponentError> {
    let unreadable = |source| ComponentError::Unreadable { path: path.to_owned(), source };
    match beginning(path).map_err(unreadable)? {
        Beginning::Precompiled => checksum::generation(path).map_err(unreadable),
        // It is refused when it is read.
        Beginning::Other if is_named_precompiled(path) => Ok(Generation::P2),
        Beginning::Other => inspected(path),
    }
}

#[cfg(feature = "compiler")]
fn inspected(path: &Path) -> Result<Generation, ComponentError> {
    let bytes = std::fs::read(path).map_err(|source| ComponentError::Unreadable { path: path.to_owned(), source })?;
    let inspected = inspect(&bytes).map_err(|source| ComponentError::NotAHandler { path: path.to_owned(), source })?;
    Ok(inspected.world.generation())
}

/// What is not compiled is refused when it is read.
#[cfg(not(feature = "compiler"))]
fn inspected(_: &Path) -> Result<Generation, ComponentError> {
    Ok(Generation::P2)
}

/// Loads and links the component at `path`.
pub(crate) fn load(engine: &Engine, path: &Path, seal: Seal) -> Result<Loaded, ComponentError> {
    let Some(sealed) = opened(path, seal)? else { return read_and_link(engine, path) };
    // Nothing of the bulk is run before its verdict is there.
    sealed.while_verified(|| read_and_link(engine, path)).map_err(|error| stale(path, error.to_string()))?
}

/// The file at `path`, if it is precompiled and its seal is looked at.
fn opened(path: &Path, seal: Seal) -> Result<Option<Sealed>, ComponentError> {
    let unreadable = |source| ComponentError::Unreadable { path: path.to_owned(), source };
    if seal == Seal::Trusted || matches!(beginning(path).map_err(unreadable)?, Beginning::Other) {
        return Ok(None);
    }
    match Engine::detect_precompiled_file(path) {
        Ok(Some(Precompiled::Component)) => Sealed::open(path).map(Some).map_err(|error| stale(path, error.to_string())),
        // It is refused when it is read.
        _ => Ok(None),
    }
}

fn stale(path: &Path, reason: String) -> ComponentError {
    ComponentError::Stale { path: path.to_owned(), reason, arch: crate::engine::Arch::native().name() }
}

fn read_and_link(engine: &Engine, path: &Path) -> Result<Loaded, ComponentError> {
    let component = read(engine, path)?;
    let other_world = |reason: String| ComponentError::OtherWorld { path: path.to_owned(), reason };
    let failed = |error: wasmtime::Error| other_world(one_line(&error));
    let types = component.component_type();
    let names = |items: Vec<(&str, _)>| -> Vec<String> { items.into_iter().map(|(name, _)| name.to_owned()).collect() };
    let exports = names(types.exports(engine).collect());
    let world = World::of(&exports.iter().map(String::as_str));
    let world = world.ok_or_else(|| other_world(format!("it exports nothing that can be called, only {exports:?}")))?;
    let mut linker = link::linker(engine, &component, world).map_err(failed)?;
    let linked = linker.instantiate_pre(&component).or_else(|reason| {
        link::add_later_functions(&mut linker, engine, &component)?;
        linker.instantiate_pre(&component).map_err(|_| reason)
    });
    let pre = linked.and_then(|pre| Pre::new(world, pre)).map_err(failed)?;
    let missing = types.imports(engine).map(|(name, _)| name).filter(|name| !link::is_known(name)).map(str::to_owned).collect();
    Ok(Loaded { pre, missing })
}

/// Whether a `.cwasm` is read once before it is mapped, to see whether it is as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seal {
    /// It is.
    Checked,
    /// It is taken as it is.
    Trusted,
}

fn read(engine: &Engine, path: &Path) -> Result<Component, ComponentError> {
    let unreadable = |source| ComponentError::Unreadable { path: path.to_owned(), source };
    match beginning(path).map_err(unreadable)? {
        Beginning::Precompiled => match Engine::detect_precompiled_file(path) {
            Ok(Some(Precompiled::Component)) => map(engine, path).map_err(|error| stale(path, one_line(&error))),
            Ok(_) => Err(stale(path, "it holds no component".to_owned())),
            Err(error) => Err(stale(path, one_line(&error))),
        },
        Beginning::Other if is_named_precompiled(path) => Err(stale(path, "it is not a precompiled component".to_owned())),
        Beginning::Other => compile(engine, path),
    }
}

fn is_named_precompiled(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "cwasm")
}

enum Beginning {
    Precompiled,
    Other,
}

/// Precompiled components are ELF files; asking wasmtime about anything else is an error of its own.
fn beginning(path: &Path) -> std::io::Result<Beginning> {
    use std::io::Read as _;
    let mut magic = [0; 4];
    let mut file = std::fs::File::open(path)?;
    let read = file.read(&mut magic)?;
    Ok(if &magic[..read] == b"\x7fELF" { Beginning::Precompiled } else { Beginning::Other })
}

#[expect(unsafe_code, reason = "wasmtime maps precompiled machine code; there is no safe way to load one")]
fn map(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the file is machine code that will run with this process's rights. It comes from where `bootstrap` itself comes
    // from, the function's own package or layers, which only those who may update the function can write, and which Lambda
    // mounts read-only. A checksum tells whether it was damaged on its way, unless the operator says that it need not be looked
    // at. wasmtime checks its own version, settings and CPU features before it is used.
    unsafe { Component::deserialize_file(engine, path) }
}

#[cfg(feature = "compiler")]
fn compile(engine: &Engine, path: &Path) -> Result<Component, ComponentError> {
    let bytes = std::fs::read(path).map_err(|source| ComponentError::Unreadable { path: path.to_owned(), source })?;
    Component::new(engine, bytes).map_err(|error| ComponentError::Invalid { path: path.to_owned(), reason: one_line(&error) })
}

#[cfg(not(feature = "compiler"))]
fn compile(_: &Engine, path: &Path) -> Result<Component, ComponentError> {
    Err(ComponentError::NoCompiler { path: path.to_owned(), arch: crate::engine::Arch::native().name() })
}

/// wasmtime's reasons, which may be tables, as part of a sentence.
pub(crate) fn one_line(error: &wasmtime::Error) -> String {
    format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ")
}
