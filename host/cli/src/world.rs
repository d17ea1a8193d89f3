//! What a component is, known before anything is done with it: its world, and what it imports that the host does not have.

use crate::output::note;
use anyhow::{Context as _, Result};
use firstbyte_runtime::World;
use firstbyte_runtime::component;
use firstbyte_runtime::engine::Generation;
use firstbyte_runtime::inspect::inspect;
use std::path::Path;

/// What is known of a component.
pub(crate) struct Known {
    /// The generation of WASI that it is for.
    pub(crate) generation: Generation,
    /// Its world. Absent if it is compiled already.
    world: Option<World>,
    /// Interfaces that it imports and the host does not have.
    missing: Vec<String>,
}

impl Known {
    /// # Errors
    /// The file cannot be read, or holds no handler.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        if path.extension().is_some_and(|ending| ending == "cwasm") {
            return Ok(Self { generation: component::generation(path)?, world: None, missing: Vec::new() });
        }
        let shown = path.display();
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {shown}"))?;
        let inspected = inspect(&bytes).with_context(|| format!("{shown} is no handler"))?;
        Ok(Self { generation: inspected.world.generation(), world: Some(inspected.world), missing: inspected.missing })
    }

    /// Its world. None if it is compiled already.
    pub(crate) fn world(&self) -> Option<World> {
        self.world
    }

    /// Names the world, in one line, and what is missing.
    pub(crate) fn announce(&self, path: &Path) {
        if let Some(world) = self.world {
            note(format_args!("{}: a component of {}", path.display(), world.name()));
        }
        if !self.missing.is_empty() {
            let missing = self.missing.join(", ");
            note(format_args!("it imports what the host does not have: {missing}; a call to any of it ends the invocation"));
        }
    }

    /// The same of a component that is not as most are.
    pub(crate) fn announce_unusual(&self, path: &Path) {
        if self.world != Some(World::Lambda) || !self.missing.is_empty() {
            self.announce(path);
        }
    }
}
