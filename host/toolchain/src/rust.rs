//! Rust: a handler is a crate that cargo builds for `wasm32-wasip2`. And the host itself, which is a Rust program.

pub mod bootstrap;
mod cargo;
mod inputs;
mod templates;

use crate::{Build, BuildError, Built, Effort, Language, Sdk, Template};
use std::path::{Path, PathBuf};

/// What handlers are compiled for.
const TARGET: &str = "wasm32-wasip2";

const MANIFEST: &str = "Cargo.toml";

/// What optimizes across crates: two thirds of the size, and longer to build.
const SMALL: [&str; 2] = ["lto='fat'", "codegen-units=1"];

/// The language.
#[derive(Clone, Copy, Debug)]
pub struct Rust;

impl Language for Rust {
    fn name(&self) -> &'static str {
        "rust"
    }

    fn title(&self) -> &'static str {
        "Rust"
    }

    fn mark(&self) -> &'static str {
        MANIFEST
    }

    fn detect(&self, path: &Path) -> Option<PathBuf> {
        if path.is_dir() {
            return path.join(MANIFEST).is_file().then(|| path.to_owned());
        }
        let is_source = path.extension().is_some_and(|ending| ending == "rs") || path.ends_with(MANIFEST);
        // A path without a folder is in the current one, whose parents a relative path does not tell.
        let path = std::path::absolute(path).ok()?;
        path.ancestors().skip(1).find(|folder| is_source && folder.join(MANIFEST).is_file()).map(Path::to_owned)
    }

    fn build(&self, project: &Path, build: &Build<'_>) -> Result<Built, BuildError> {
        let manifest = project.join(MANIFEST);
        let manifest = manifest.canonicalize().unwrap_or(manifest);
        let cargo::Workspace { packages, profile } = cargo::Workspace::of(project)?;
        let target = target(packages, project, &manifest)?;
        cargo::ensure_target(project, TARGET, build.progress)?;
        let mut command = cargo::cargo(project);
        command.args(["build", "--profile", &profile, "--target", TARGET]).args(target);
        if build.effort == Effort::Small {
            SMALL.iter().for_each(|setting| _ = command.args(["--config", &format!("profile.{profile}.{setting}")]));
        }
        let messages = cargo::run(command, project, build)?;
        let component = messages.component_of(&manifest).ok_or_else(|| unsuitable(project, NO_COMPONENT.to_owned()))?;
        let inputs = inputs::of(&component, &manifest);
        Ok(Built { component, inputs })
    }

    fn templates(&self) -> &'static [Template] {
        templates::ALL
    }

    fn check_name(&self, name: &str) -> Result<(), String> {
        templates::check_name(name)
    }

    fn dependencies(&self, sdk: &Sdk<'_>) -> Vec<(&'static str, String)> {
        let crates = [("firstbyte", "guest/rust"), ("firstbyte-testing", "guest/testing")];
        let of = |folder: &str| match sdk {
            Sdk::Checkout(checkout) => format!("path = {:?}", checkout.join(folder).display().to_string()),
            Sdk::Released(version) => format!("version = {version:?}"),
        };
        crates.into_iter().map(|(name, folder)| (name, of(folder))).collect()
    }

    fn test_command(&self) -> &'static str {
        "cargo test"
    }
}

const NO_COMPONENT: &str = "builds no component: its Cargo.toml needs `[lib] crate-type = [\"cdylib\"]`";

/// What of a folder's crate is the component, as cargo's arguments: the library, or a program, as which handlers of `wasi:http` are
/// written. What makes none is told before it is compiled.
fn target(packages: Vec<cargo::Package>, project: &Path, manifest: &Path) -> Result<Vec<String>, BuildError> {
    let Some(package) = packages.into_iter().find(|package| package.manifest_path == manifest) else {
        return Err(unsuitable(project, "is a workspace: give the folder of the crate that is the handler".to_owned()));
    };
    let is = |target: &cargo::Target, kind: &str| target.kind.iter().any(|known| known == kind);
    if package.targets.iter().any(|target| is(target, "cdylib")) {
        return Ok(vec!["--lib".to_owned()]);
    }
    let programs: Vec<String> =
        package.targets.iter().filter(|target| is(target, "bin")).map(|target| target.name.clone()).collect();
    match (package.default_run, &programs[..]) {
        (Some(program), _) => Ok(vec!["--bin".to_owned(), program]),
        (None, [program]) => Ok(vec!["--bin".to_owned(), program.clone()]),
        (None, []) => Err(unsuitable(project, NO_COMPONENT.to_owned())),
        (None, several) => {
            let reason =
                format!("builds {}: its Cargo.toml needs `default-run` with the one that is the handler", several.join(", "));
            Err(unsuitable(project, reason))
        }
    }
}

fn unsuitable(project: &Path, reason: String) -> BuildError {
    BuildError::Unsuitable { project: project.to_owned(), reason }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_crate_is_its_folder_its_manifest_and_its_sources() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir(root.join("src")).unwrap();
        for file in [MANIFEST, "src/lib.rs", "src/page.html"] {
            fs::write(root.join(file), "").unwrap();
        }
        for path in ["", MANIFEST, "src/lib.rs"] {
            let found = Rust.detect(&root.join(path)).unwrap();
            assert!(found.canonicalize().unwrap() == root.canonicalize().unwrap(), "{path}: {found:?}");
        }
        assert!(Rust.detect(&root.join("src")).is_none() && Rust.detect(&root.join("src/page.html")).is_none());
    }

    #[test]
    fn what_makes_no_component_is_told_before_it_is_compiled() {
        let folder = tempfile::tempdir().unwrap();
        let error_of = |manifest: &str| {
            fs::write(folder.path().join(MANIFEST), manifest).unwrap();
            Rust.build(folder.path(), &Build::default()).unwrap_err().to_string()
        };
        let error = error_of("[workspace]\nmembers = []\n");
        assert!(error.ends_with("is a workspace: give the folder of the crate that is the handler"), "{error}");
        fs::create_dir(folder.path().join("src")).unwrap();
        fs::write(folder.path().join("src/lib.rs"), "this does not compile").unwrap();
        let package = "[package]\nname = \"a\"\n[workspace]\n";
        let error = error_of(package);
        assert!(error.ends_with("needs `[lib] crate-type = [\"cdylib\"]`"), "{error}");
        fs::create_dir(folder.path().join("src/bin")).unwrap();
        for program in ["one", "two"] {
            fs::write(folder.path().join(format!("src/bin/{program}.rs")), "nor does this").unwrap();
        }
        let error = error_of(package);
        assert!(
            error.ends_with("builds one, two: its Cargo.toml needs `default-run` with the one that is the handler"),
            "{error}"
        );
    }

    #[test]
    fn a_library_is_the_component_before_a_program_is() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = folder.path().join(MANIFEST);
        fs::create_dir(folder.path().join("src")).unwrap();
        fs::write(folder.path().join("src/main.rs"), "").unwrap();
        let target_of = |text: &str| {
            fs::write(&manifest, format!("[package]\nname = \"a\"\n{text}\n[workspace]\n")).unwrap();
            let packages = cargo::Workspace::of(folder.path()).unwrap().packages;
            target(packages, folder.path(), &manifest.canonicalize().unwrap()).unwrap()
        };
        assert_eq!(target_of(""), ["--bin", "a"]);
        fs::write(folder.path().join("src/lib.rs"), "").unwrap();
        assert_eq!(target_of("[lib]\ncrate-type = [\"cdylib\"]"), ["--lib"]);
    }

    #[test]
    fn a_workspace_may_have_a_profile_for_its_handlers() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("src")).unwrap();
        fs::write(folder.path().join("src/lib.rs"), "").unwrap();
        let profile_of = |metadata: &str| {
            let manifest = format!("[package]\nname = \"a\"\n[workspace]\n{metadata}");
            fs::write(folder.path().join(MANIFEST), manifest).unwrap();
            cargo::Workspace::of(folder.path()).map(|workspace| workspace.profile)
        };
        assert_eq!(profile_of("").unwrap(), "release");
        assert_eq!(profile_of("metadata.another.profile = \"tool\"").unwrap(), "release");
        assert_eq!(profile_of("metadata.firstbyte.profile = \"handler\"").unwrap(), "handler");
        let error = profile_of("metadata.firstbyte.profile = [\"handler\"]").unwrap_err().to_string();
        assert!(error.contains("workspace.metadata.firstbyte.profile is [\"handler\"]: it needs to be text"), "{error}");
    }

    #[test]
    fn dependencies_are_paths_or_versions() {
        let [(name, path), _] = &Rust.dependencies(&Sdk::Checkout("/a \"b\"".as_ref()))[..] else { panic!("two") };
        assert_eq!((*name, path.as_str()), ("firstbyte", r#"path = "/a \"b\"/guest/rust""#));
        assert_eq!(Rust.dependencies(&Sdk::Released("0.1.0"))[1], ("firstbyte-testing", "version = \"0.1.0\"".to_owned()));
    }
}
