//! Compiling a component ahead of time, for the architecture it will run on.

use crate::checksum;
use crate::component::one_line;
use crate::engine::{self, Arch};

/// Why a component was not compiled.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CompileError(String);

/// Compiles a component's bytes to those of a `.cwasm` for `arch`, with a checksum at its end.
///
/// # Errors
/// If `wasm` is not a valid component.
pub fn compile(wasm: &[u8], arch: Arch) -> Result<Vec<u8>, CompileError> {
    let code = engine::engine_for(arch).and_then(|engine| engine.precompile_component(wasm));
    code.map(checksum::seal).map_err(|error| CompileError(one_line(&error)))
}
