//! Compiling a component ahead of time, for the architecture it will run on.

mod elf;
mod kept;

pub use kept::Kept;

use crate::checksum;
use crate::component::one_line;
use crate::engine::{self, Arch};
use crate::inspect::{NotAHandler, inspect};

/// Why a component was not compiled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// There is nothing to compile that this host could run.
    #[error(transparent)]
    NotAHandler(#[from] NotAHandler),
    /// The compiler refuses it.
    #[error("{0}")]
    Refused(String),
}

/// Compiles a component's bytes to those of a `.cwasm` for `arch`, without what only debuggers read, and with a checksum at its end.
///
/// # Errors
/// If `wasm` is not a valid component of a world that can be run. That is found out before anything is compiled.
pub fn compile(wasm: &[u8], arch: Arch) -> Result<Vec<u8>, CompileError> {
    let generation = inspect(wasm)?.world.generation();
    let code = engine::engine_for(arch, generation).and_then(|engine| engine.precompile_component(wasm));
    let code = code.map_err(|error| CompileError::Refused(one_line(&error)))?;
    let unreadable = |error: &dyn std::fmt::Display| CompileError::Refused(error.to_string());
    let code = elf::without_symbols(&code).map_err(|error| unreadable(&error))?;
    let bulk = elf::bulk(&code).map_err(|error| unreadable(&error))?;
    Ok(checksum::seal(code, bulk, generation))
}
