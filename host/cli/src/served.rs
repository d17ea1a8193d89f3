//! A handler while it is served: whatever becomes of its files, the last component that was good is the one that answers.

use crate::elsewhere::Elsewhere;
use crate::handler::{Handler, Sources, build};
use crate::machine_code::MachineCode;
use crate::terminal::Terminal;
use anyhow::Result;
use firstbyte_emulator::Preparation;
use firstbyte_toolchain::{Effort, Halt, Project};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A handler that is served.
#[derive(Debug)]
pub(crate) struct Served {
    file: PathBuf,
    sources: Option<Sources>,
    halt: Halt,
    elsewhere: Elsewhere,
    /// Absent if the runtime takes the file as it is.
    code: Option<MachineCode>,
}

impl Served {
    pub(crate) fn new(handler: Handler, code: Option<MachineCode>) -> Self {
        let Handler { path, sources, .. } = handler;
        Self { elsewhere: Elsewhere::of(&path), file: path, sources, halt: Halt::default(), code }
    }

    /// The component's file.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// The files that it was built from.
    pub(crate) fn sources(&self) -> Option<&Sources> {
        self.sources.as_ref()
    }

    /// Builds the component anew, and gives the files that it was made of.
    pub(crate) fn rebuild(&self, project: &Project) -> Result<Vec<PathBuf>> {
        Ok(build(project, Effort::Quick, Some(&self.halt))?.inputs)
    }

    /// Ends a build that is under way.
    pub(crate) fn halt(&self) {
        self.halt.now();
    }

    /// Takes up what has changed, and says what.
    pub(crate) fn news(&self) -> Vec<String> {
        self.elsewhere.news().into_iter().chain(self.code.as_ref().and_then(MachineCode::refresh)).collect()
    }

    /// Has every invocation look for changes before its time begins, and tells what it finds.
    pub(crate) fn looked_at(self: Arc<Self>, terminal: &Terminal) -> Preparation {
        let terminal = terminal.clone();
        Preparation::new(move || {
            let (served, terminal) = (Arc::clone(&self), terminal.clone());
            async move {
                for news in tokio::task::spawn_blocking(move || served.news()).await.unwrap_or_default() {
                    // Whether anybody reads it, the next line shows.
                    let _ = terminal.line(news).await;
                }
            }
        })
    }
}
