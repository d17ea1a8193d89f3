//! Python: a handler is a module, `app.py`, that componentize-py makes a component of, with CPython in it.
//!
//! Python 3.11 and pip are all that has to be there: componentize-py is installed once, of hashes that are known, into a folder
//! of the user's cache. What has to be done with a project's files is Python itself, in `build.py`.

mod library;
mod templates;
mod tools;

use crate::{Build, BuildError, Built, Language, Sdk, Template};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A handler's module, unless `pyproject.toml` names another.
const ENTRY: &str = "app.py";

const MANIFEST: &str = "pyproject.toml";

/// The language.
#[derive(Clone, Copy, Debug)]
pub struct Python;

/// What `build.py` tells.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Told {
    Unsuitable(String),
    Failed(String),
    #[serde(untagged)]
    Built {
        component: PathBuf,
        inputs: Vec<PathBuf>,
    },
}

impl Language for Python {
    fn name(&self) -> &'static str {
        "python"
    }

    fn title(&self) -> &'static str {
        "Python"
    }

    fn mark(&self) -> &'static str {
        ENTRY
    }

    fn detect(&self, path: &Path) -> Option<PathBuf> {
        if path.is_dir() {
            let names_entry = || std::fs::read_to_string(path.join(MANIFEST)).is_ok_and(|text| text.contains("[tool.firstbyte]"));
            return (path.join(ENTRY).is_file() || names_entry()).then(|| path.to_owned());
        }
        if path.extension().is_none_or(|ending| ending != "py") {
            return None;
        }
        // A path without a folder is in the current one, whose parents a relative path does not tell.
        let path = std::path::absolute(path).ok()?;
        let is_entry = path.ends_with(ENTRY);
        if is_entry { path.parent().map(Path::to_owned) } else { Some(path) }
    }

    fn build(&self, project: &Path, build: &Build<'_>) -> Result<Built, BuildError> {
        let python = tools::ensure(build)?;
        let library = library::ensure()?;
        let mut command = Command::new(python);
        command.arg(library.join("build.py")).arg("--project").arg(project);
        command.arg("--library").arg(library.join("firstbyte")).arg("--wit").arg(library.join("wit"));
        let output = tools::run(command, build.halt).map_err(|reason| tools::not_run(&reason))?;
        let failed = |tool: &str| BuildError::Failed { tool: tool_named(tool), project: project.to_owned() };
        match serde_json::from_slice(&output.stdout) {
            Ok(Told::Built { component, inputs }) => Ok(Built { component, inputs }),
            Ok(Told::Unsuitable(reason)) => Err(BuildError::Unsuitable { project: project.to_owned(), reason }),
            Ok(Told::Failed(tool)) => Err(failed(&tool)),
            // It has ended before it could tell, and standard error says why.
            Err(_) => Err(failed("python")),
        }
    }

    fn templates(&self) -> &'static [Template] {
        templates::ALL
    }

    fn check_name(&self, name: &str) -> Result<(), String> {
        templates::check_name(name)
    }

    fn dependencies(&self, sdk: &Sdk<'_>) -> Vec<(&'static str, String)> {
        let requirement = match sdk {
            Sdk::Checkout(checkout) => format!("firstbyte @ file://{}", checkout.join("guest/python").display()),
            Sdk::Released(version) => format!("firstbyte=={version}"),
        };
        vec![("firstbyte", requirement)]
    }

    fn test_command(&self) -> &'static str {
        "python3 -m venv .venv && . .venv/bin/activate && pip install -r requirements-dev.txt && pytest"
    }
}

/// The tools that `build.py` runs.
fn tool_named(tool: &str) -> &'static str {
    match tool {
        "pip" => "pip",
        "componentize-py" => "componentize-py",
        _ => "python",
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_handler_is_its_folder_or_its_module() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        assert_eq!(Python.detect(root), None);
        fs::write(root.join("other.py"), "").unwrap();
        fs::write(root.join(MANIFEST), "[project]\nname = \"a\"\n").unwrap();
        assert_eq!(Python.detect(root), None, "any package");
        assert_eq!(Python.detect(&root.join("other.py")), Some(root.join("other.py")));
        fs::write(root.join(ENTRY), "").unwrap();
        assert_eq!(Python.detect(root), Some(root.to_owned()));
        assert_eq!(Python.detect(&root.join(ENTRY)), Some(root.to_owned()));
        fs::remove_file(root.join(ENTRY)).unwrap();
        fs::write(root.join(MANIFEST), "[tool.firstbyte]\nentry = \"other.py\"\n").unwrap();
        assert_eq!(Python.detect(root), Some(root.to_owned()));
    }

    #[test]
    fn what_is_told_is_one_of_three() {
        let told = |text: &str| serde_json::from_str::<Told>(text).unwrap();
        assert!(matches!(told(r#"{"component":"a.wasm","inputs":["app.py"]}"#), Told::Built { inputs, .. } if inputs.len() == 1));
        assert!(matches!(told(r#"{"unsuitable":"has no app.py"}"#), Told::Unsuitable(_)));
        assert!(matches!(told(r#"{"failed":"pip"}"#), Told::Failed(tool) if tool == "pip"));
    }

    #[test]
    fn dependencies_are_a_path_or_a_version() {
        let of = |sdk| Python.dependencies(&sdk)[0].1.clone();
        assert_eq!(of(Sdk::Checkout("/a".as_ref())), "firstbyte @ file:///a/guest/python");
        assert_eq!(of(Sdk::Released("0.1.0")), "firstbyte==0.1.0");
    }
}
