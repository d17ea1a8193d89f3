//! What a component is, said before anything is done with it: its world, and what it imports that the host does not have.

use crate::output::note;
use anyhow::{Context as _, Result};
use firstbyte_runtime::component;
use firstbyte_runtime::engine::Generation;
use firstbyte_runtime::inspect::{Inspected, inspect};
use std::path::Path;

/// Names the world of the component at `path`, and gives the generation of WASI that it is for.
///
/// # Errors
/// The file cannot be read, or holds no handler.
pub(crate) fn announce(path: &Path) -> Result<Generation> {
    let shown = path.display();
    if path.extension().is_some_and(|ending| ending == "cwasm") {
        return Ok(component::generation(path)?);
    }
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {shown}"))?;
    let Inspected { world, missing, .. } = inspect(&bytes).with_context(|| format!("{shown} is no handler"))?;
    note(format_args!("{shown}: a component of {}", world.name()));
    if !missing.is_empty() {
        note(format_args!(
            "it imports what the host does not have: {}; a call to any of it ends the invocation",
            missing.join(", ")
        ));
    }
    Ok(world.generation())
}
