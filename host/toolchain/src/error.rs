//! Why a handler was not built, in words for its author.

use crate::LANGUAGES;
use std::path::PathBuf;

/// Why a handler was not built. The text says what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The path is no project of any language.
    #[error("{} {}: a handler is a .wasm or .cwasm file, or {}", .0.display(), lacks(.0), sources())]
    NoProject(PathBuf),
    /// A tool of the language is missing.
    #[error("{what}; {remedy}")]
    Missing {
        /// The tool, and how that shows.
        what: String,
        /// What installs it, a command if there is one.
        remedy: String,
    },
    /// A tool has said what is wrong with the sources.
    #[error("{tool} could not build {}", project.display())]
    Failed {
        /// The tool.
        tool: &'static str,
        /// What it should have built.
        project: PathBuf,
    },
    /// The project does not make a component.
    #[error("{} {reason}", project.display())]
    Unsuitable {
        /// The project.
        project: PathBuf,
        /// What it is instead, or lacks, and what to do about it.
        reason: String,
    },
}

fn lacks(path: &std::path::Path) -> String {
    if path.is_dir() {
        let marks: Vec<&str> = LANGUAGES.iter().map(|language| language.mark()).collect();
        format!("has no {}", marks.join(" and no "))
    } else {
        "is no handler's source".to_owned()
    }
}

fn sources() -> String {
    let names: Vec<&str> = LANGUAGES.iter().map(|language| language.title()).collect();
    format!("the folder of a handler in {}", names.join(" or "))
}
