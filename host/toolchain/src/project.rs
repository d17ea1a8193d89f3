//! A handler's sources.

use crate::{Build, BuildError, Built, LANGUAGES, Language};
use std::fmt;
use std::path::{Path, PathBuf};

/// A handler's sources, in a language that is known.
#[derive(Clone)]
pub struct Project {
    language: &'static dyn Language,
    path: PathBuf,
}

impl Project {
    /// The project that a folder or a source file belongs to.
    ///
    /// # Errors
    /// [`BuildError::NoProject`].
    pub fn find(path: &Path) -> Result<Self, BuildError> {
        let found = LANGUAGES.iter().find_map(|language| Some(Self { language: *language, path: language.detect(path)? }));
        found.ok_or_else(|| BuildError::NoProject(path.to_owned()))
    }

    /// Its language.
    #[must_use]
    pub fn language(&self) -> &'static dyn Language {
        self.language
    }

    /// Its folder, or its only file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Builds it.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn build(&self, build: &Build<'_>) -> Result<Built, BuildError> {
        self.language.build(&self.path, build)
    }
}

impl fmt::Debug for Project {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Project").field("language", &self.language.name()).field("path", &self.path).finish()
    }
}
