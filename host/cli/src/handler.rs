//! What `HANDLER` on the command line stands for: a component's file, built first if it is sources.

use crate::output::note;
use crate::world::Known;
use anyhow::{Context as _, Result, bail};
use firstbyte_toolchain::{Build, Built, Effort, Halt, Project};
use std::path::{Path, PathBuf};

/// A component's file.
pub(crate) struct Handler {
    /// The file, absolute.
    pub(crate) path: PathBuf,
    /// What its bytes say about it: its world, and what it imports.
    pub(crate) known: Known,
    /// What it was built from. Absent if it was there.
    pub(crate) sources: Option<Sources>,
}

/// What a component was built from.
#[derive(Debug)]
pub(crate) struct Sources {
    pub(crate) project: Project,
    /// The files, as far as its author may change them.
    pub(crate) inputs: Vec<PathBuf>,
}

impl Handler {
    /// Finds a component, or builds it. Inside a project, `.` need not be given.
    pub(crate) fn resolve(given: Option<&Path>, effort: Effort) -> Result<Self> {
        let here = given.map_or_else(here, |_| None);
        let given = given.or(here.as_deref()).context(
            "no HANDLER: give a .wasm, a .cwasm, or the folder of a handler, or be in that folder (`firstbyte new` makes one)",
        )?;
        if !given.exists() {
            bail!("{} does not exist; HANDLER is a .wasm, a .cwasm, or the folder of a handler", given.display());
        }
        // A pipe, a device or a socket: whoever reads one waits, perhaps for ever, and reads it once.
        if !given.is_file() && !given.is_dir() {
            bail!("{} is neither a file nor a folder; HANDLER is a .wasm, a .cwasm, or the folder of a handler", given.display());
        }
        if is_component(given) {
            return Self::of(given, None);
        }
        let project = Project::find(given)?;
        let Built { component, inputs } = build(&project, effort, None)?;
        Self::of(&component, Some(Sources { project, inputs }))
    }

    fn of(component: &Path, sources: Option<Sources>) -> Result<Self> {
        let path = std::path::absolute(component)?;
        Ok(Self { known: Known::of(&path)?, path, sources })
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

/// Builds a project, and says which of its steps is under way where its tools do not.
pub(crate) fn build(project: &Project, effort: Effort, halt: Option<&Halt>) -> Result<Built> {
    Ok(project.build(&Build { effort, halt, progress: &|step| note(format_args!("{step}…")) })?)
}

fn is_component(path: &Path) -> bool {
    !path.is_dir() && path.extension().is_some_and(|ending| ending == "wasm" || ending == "cwasm")
}

/// The current folder, if it is a project.
fn here() -> Option<PathBuf> {
    std::env::current_dir().ok().filter(|here| Project::find(here).is_ok())
}
