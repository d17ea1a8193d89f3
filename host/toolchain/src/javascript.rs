//! JavaScript and TypeScript: a handler is a module of a project of npm's, whose package `firstbyte` bundles it and makes a
//! component of it.

mod npm;
mod templates;

use crate::{Build, BuildError, Built, Language, Sdk, Template};
use std::path::{Path, PathBuf};

const MANIFEST: &str = "package.json";

/// What says that a project's types are checked.
const CONFIGURATION: &str = "tsconfig.json";

/// The language.
#[derive(Clone, Copy, Debug)]
pub struct JavaScript;

/// The language with types.
#[derive(Clone, Copy, Debug)]
pub struct TypeScript;

impl Language for JavaScript {
    fn name(&self) -> &'static str {
        "javascript"
    }

    fn title(&self) -> &'static str {
        "JavaScript"
    }

    fn mark(&self) -> &'static str {
        MANIFEST
    }

    fn detect(&self, path: &Path) -> Option<PathBuf> {
        let is_typed = path.is_dir() && path.join(CONFIGURATION).is_file();
        detect(path, &["js", "mjs", "cjs", "jsx"]).filter(|_| !is_typed)
    }

    fn build(&self, project: &Path, build: &Build<'_>) -> Result<Built, BuildError> {
        npm::build(project, build)
    }

    fn templates(&self) -> &'static [Template] {
        templates::JAVASCRIPT
    }

    fn check_name(&self, name: &str) -> Result<(), String> {
        templates::check_name(name)
    }

    fn dependencies(&self, sdk: &Sdk<'_>) -> Vec<(&'static str, String)> {
        templates::dependencies(sdk)
    }

    fn test_command(&self) -> &'static str {
        "npm test"
    }
}

impl Language for TypeScript {
    fn name(&self) -> &'static str {
        "typescript"
    }

    fn title(&self) -> &'static str {
        "TypeScript"
    }

    fn mark(&self) -> &'static str {
        CONFIGURATION
    }

    fn detect(&self, path: &Path) -> Option<PathBuf> {
        let is_typed = !path.is_dir() || path.join(CONFIGURATION).is_file();
        detect(path, &["ts", "mts", "cts", "tsx"]).filter(|_| is_typed)
    }

    fn build(&self, project: &Path, build: &Build<'_>) -> Result<Built, BuildError> {
        npm::build(project, build)
    }

    fn templates(&self) -> &'static [Template] {
        templates::TYPESCRIPT
    }

    fn check_name(&self, name: &str) -> Result<(), String> {
        templates::check_name(name)
    }

    fn dependencies(&self, sdk: &Sdk<'_>) -> Vec<(&'static str, String)> {
        templates::dependencies(sdk)
    }

    fn test_command(&self) -> &'static str {
        "npm test"
    }
}

/// A project's folder, or a file in one, which then is the handler: a project may have several.
fn detect(path: &Path, endings: &[&str]) -> Option<PathBuf> {
    if path.is_dir() {
        return path.join(MANIFEST).is_file().then(|| path.to_owned());
    }
    let ending = path.extension()?.to_str()?;
    (endings.contains(&ending) && folder_of(path).is_some()).then(|| path.to_owned())
}

/// The folder of the project that a file belongs to.
fn folder_of(file: &Path) -> Option<PathBuf> {
    let file = std::path::absolute(file).ok()?;
    file.ancestors().skip(1).find(|folder| folder.join(MANIFEST).is_file()).map(Path::to_owned)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_project_is_told_by_its_manifest_and_a_file_is_a_handler_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let (project, file) = (folder.path(), folder.path().join("src/direct.ts"));
        fs::create_dir(project.join("src")).unwrap();
        fs::write(&file, "").unwrap();
        assert_eq!((JavaScript.detect(project), TypeScript.detect(&file)), (None, None), "no manifest");
        fs::write(project.join(MANIFEST), "{}").unwrap();
        assert_eq!((JavaScript.detect(project), TypeScript.detect(project)), (Some(project.to_owned()), None));
        assert_eq!((JavaScript.detect(&file), TypeScript.detect(&file)), (None, Some(file.clone())));
        fs::write(project.join(CONFIGURATION), "{}").unwrap();
        assert_eq!((JavaScript.detect(project), TypeScript.detect(project)), (None, Some(project.to_owned())));
        assert_eq!(folder_of(&file), Some(project.to_owned()));
    }
}
