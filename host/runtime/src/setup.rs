//! From a component's file to an engine that can run it on this machine.

use crate::component::{ComponentError, Loaded, Opened, Seal};
use crate::engine::{self, Generation};
use crate::path::PathError;
use std::path::Path;
use wasmtime::Engine;

/// Why no handler could be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The component is at fault.
    #[error(transparent)]
    Component(#[from] ComponentError),
    /// A path in a setting is.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The machine is.
    #[error("cannot run WebAssembly here: {0}")]
    Engine(String),
    /// The process may not reserve the addresses that a precompiled component counts on.
    #[error(
        "this process may not reserve the 4 GiB of addresses that each memory of a precompiled component takes: lift the limit \
         (`ulimit -v unlimited`), or run the .wasm with a bootstrap that has a compiler"
    )]
    AddressSpace,
}

impl SetupError {
    /// The reason in Lambda's `Runtime.<reason>`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Component(error) => error.kind(),
            Self::Path(_) => "InvalidSetting",
            Self::Engine(_) => "EngineError",
            Self::AddressSpace => "AddressSpace",
        }
    }
}

/// A component on an engine, and what the operator should know of how it came there.
pub(crate) struct Setup {
    pub(crate) engine: Engine,
    pub(crate) loaded: Loaded,
    /// A `.cwasm` was passed over and its `.wasm` compiled instead: why.
    pub(crate) passed_over: Option<ComponentError>,
}

/// The component at `path`, on the first engine that fits it and this machine. A `.cwasm` that cannot be used is passed over where
/// there is a compiler and the `.wasm` lies beside it.
pub(crate) fn set_up(path: &Path, concurrency: Option<u32>, seal: Seal) -> Result<Setup, SetupError> {
    match load(path, concurrency, seal) {
        Ok((engine, loaded)) => Ok(Setup { engine, loaded, passed_over: None }),
        Err(SetupError::Component(stale @ ComponentError::Stale { .. })) => {
            let wasm = path.with_extension("wasm");
            if !cfg!(feature = "compiler") || wasm == path || !wasm.is_file() {
                return Err(stale.into());
            }
            let (engine, loaded) = load(&wasm, concurrency, seal)?;
            Ok(Setup { engine, loaded, passed_over: Some(stale) })
        }
        Err(error) => Err(error),
    }
}

fn load(path: &Path, concurrency: Option<u32>, seal: Seal) -> Result<(Engine, Loaded), SetupError> {
    let file = Opened::open(path)?;
    let generation = file.generation()?;
    if generation == Generation::P3 && !cfg!(feature = "wasi-p3") {
        return Err(ComponentError::NoWasi03 { path: path.to_owned() }.into());
    }
    // One to spare: address space costs nothing, and an invocation that finds no place would fail.
    if let Some(engine) = concurrency.and_then(|concurrency| engine::pooled(concurrency + 1, generation))
        && let Ok(loaded) = file.load(&engine, seal)
        && engine::fits_pool(loaded.pre.component().resources_required())
    {
        return Ok((engine, loaded));
    }
    let failed = |error: wasmtime::Error| SetupError::Engine(format!("{error:#}"));
    let engine = engine::engine(generation).map_err(failed)?;
    if engine::has_room(&engine, concurrency.unwrap_or(1)) {
        let loaded = file.load(&engine, seal)?;
        return Ok((engine, loaded));
    }
    let engine = engine::frugal(generation).map_err(failed)?;
    match file.load(&engine, seal) {
        Ok(loaded) => Ok((engine, loaded)),
        Err(ComponentError::Stale { .. }) if path.extension().is_some_and(|ending| ending == "cwasm") => {
            Err(SetupError::AddressSpace)
        }
        Err(error) => Err(error.into()),
    }
}
