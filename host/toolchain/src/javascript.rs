//! JavaScript and TypeScript: a handler is a module of a project of npm's, whose package `firstbyte` bundles it and makes a
//! component of it.

mod npm;
mod templates;

use crate::{Build, BuildError, Built, Language, Sdk, Template};
use std::path::{Path, PathBuf};

const MANIFEST: &str = "package.json";

/// What says that a project's types are checked.
const CONFIGURATION: &str = "tsconfig.json";

/// A handler for Node.js, with or without types.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    name: &'static str,
    title: &'static str,
    /// The file that tells a project of it from one of the other.
    mark: &'static str,
    /// How the names of its files end.
    endings: [&'static str; 4],
    templates: &'static [Template],
}

/// Without types.
pub const JAVASCRIPT: Node = Node {
    name: "javascript",
    title: "JavaScript",
    mark: MANIFEST,
    endings: ["js", "mjs", "cjs", "jsx"],
    templates: templates::JAVASCRIPT,
};

/// With types.
pub const TYPESCRIPT: Node = Node {
    name: "typescript",
    title: "TypeScript",
    mark: CONFIGURATION,
    endings: ["ts", "mts", "cts", "tsx"],
    templates: templates::TYPESCRIPT,
};

impl Language for Node {
    fn name(&self) -> &'static str {
        self.name
    }

    fn title(&self) -> &'static str {
        self.title
    }

    fn mark(&self) -> &'static str {
        self.mark
    }

    fn detect(&self, path: &Path) -> Option<PathBuf> {
        if path.is_dir() {
            let mark = if path.join(CONFIGURATION).is_file() { CONFIGURATION } else { MANIFEST };
            return (mark == self.mark && path.join(MANIFEST).is_file()).then(|| path.to_owned());
        }
        // A file in a project is the handler then: a project may have several.
        let ending = path.extension()?.to_str()?;
        (self.endings.contains(&ending) && folder_of(path).is_some()).then(|| path.to_owned())
    }

    fn build(&self, project: &Path, build: &Build<'_>) -> Result<Built, BuildError> {
        npm::build(project, build)
    }

    fn templates(&self) -> &'static [Template] {
        self.templates
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
        assert_eq!((JAVASCRIPT.detect(project), TYPESCRIPT.detect(&file)), (None, None), "no manifest");
        fs::write(project.join(MANIFEST), "{}").unwrap();
        assert_eq!((JAVASCRIPT.detect(project), TYPESCRIPT.detect(project)), (Some(project.to_owned()), None));
        assert_eq!((JAVASCRIPT.detect(&file), TYPESCRIPT.detect(&file)), (None, Some(file.clone())));
        fs::write(project.join(CONFIGURATION), "{}").unwrap();
        assert_eq!((JAVASCRIPT.detect(project), TYPESCRIPT.detect(project)), (None, Some(project.to_owned())));
        assert_eq!(folder_of(&file), Some(project.to_owned()));
    }
}
