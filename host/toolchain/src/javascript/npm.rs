//! Node.js and npm, as commands, and the builder in the npm package `firstbyte`.

use super::{MANIFEST, folder_of};
use crate::{Build, BuildError, Built};
use serde::Deserialize;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The oldest Node.js whose modules the builder uses.
const OLDEST: u32 = 20;

const REMEDY: &str = "install Node.js 20 or later, and npm with it (https://nodejs.org)";

/// The builder, within a `node_modules`.
const BUILDER: &str = "firstbyte/build/main.js";

/// What the builder itself cannot do without.
const ENGINE: &str = "node_modules/@bytecodealliance/componentize-js/package.json";

/// Builds a project, or one file of it.
pub(super) fn build(project: &Path, build: &Build<'_>) -> Result<Built, BuildError> {
    let entry = (!project.is_dir()).then_some(project);
    let folder = entry.map_or_else(|| Some(project.to_owned()), folder_of);
    let folder = folder.ok_or_else(|| unsuitable(project, "belongs to no package.json"))?;
    check_node()?;
    let builder = builder(&folder, build)?;
    (build.progress)("bundling, and making a component");
    let mut node = Command::new("node");
    node.arg(builder).arg(&folder).args(entry).stderr(Stdio::inherit());
    let output = build.run(&mut node).map_err(|reason| not_run("node", &reason))?;
    if !output.status.success() {
        return Err(BuildError::Failed { tool: "firstbyte's npm package", project: project.to_owned() });
    }
    let made: Made = serde_json::from_slice(&output.stdout)
        .map_err(|_| unsuitable(project, "has another version of firstbyte in its node_modules: run `npm update firstbyte`"))?;
    Ok(Built { component: made.component, inputs: made.inputs })
}

/// What the builder prints.
#[derive(Deserialize)]
struct Made {
    component: PathBuf,
    inputs: Vec<PathBuf>,
}

/// The builder's file. Packages that the project asks for and that are not there are installed.
fn builder(folder: &Path, build: &Build<'_>) -> Result<PathBuf, BuildError> {
    let builder = match installed(folder) {
        Some(builder) => builder,
        None => {
            let manifest = std::fs::read_to_string(folder.join(MANIFEST)).unwrap_or_default();
            if !manifest.contains("\"firstbyte\"") {
                return Err(unsuitable(folder, "does not depend on firstbyte: run `npm install --save-dev firstbyte` there"));
            }
            install(folder, build)?;
            installed(folder).ok_or_else(|| unsuitable(folder, "has no node_modules/firstbyte after `npm install`"))?
        }
    };
    // npm links to a package that lies in a folder, and leaves the packages that this one needs to whoever made the folder.
    let own = builder.canonicalize().unwrap_or(builder);
    let package = own.ancestors().nth(2).unwrap_or(&own);
    if !package.ancestors().any(|above| above.join(ENGINE).is_file()) {
        install(package, build)?;
    }
    Ok(own)
}

/// The builder, where Node.js would find it.
fn installed(folder: &Path) -> Option<PathBuf> {
    let folder = std::path::absolute(folder).ok()?;
    folder.ancestors().map(|folder| folder.join("node_modules").join(BUILDER)).find(|builder| builder.is_file())
}

/// Installs the packages of a folder, those of its lock file if there is one.
fn install(folder: &Path, build: &Build<'_>) -> Result<(), BuildError> {
    let is_locked = ["package-lock.json", "npm-shrinkwrap.json"].iter().any(|lock| folder.join(lock).is_file());
    let subcommand = if is_locked { "ci" } else { "install" };
    (build.progress)(&format!("npm {subcommand}, in {}", folder.display()));
    let mut npm = Command::new("npm");
    npm.args([subcommand, "--no-audit", "--no-fund", "--loglevel", "error"]).current_dir(folder).stderr(Stdio::inherit());
    let output = build.run(&mut npm).map_err(|reason| not_run("npm", &reason))?;
    if output.status.success() { Ok(()) } else { Err(BuildError::Failed { tool: "npm", project: folder.to_owned() }) }
}

/// Whether there is a Node.js that is young enough.
fn check_node() -> Result<(), BuildError> {
    let output = Command::new("node").arg("--version").output().map_err(|reason| not_run("node", &reason))?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    match major(&version) {
        Some(major) if major >= OLDEST => Ok(()),
        _ => Err(BuildError::Missing { what: format!("this is Node.js {version}"), remedy: REMEDY.to_owned() }),
    }
}

/// 22 of `v22.1.0`.
fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn not_run(program: &str, reason: &io::Error) -> BuildError {
    BuildError::Missing { what: format!("cannot run {program}: {reason}"), remedy: REMEDY.to_owned() }
}

fn unsuitable(project: &Path, reason: &str) -> BuildError {
    BuildError::Unsuitable { project: project.to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn versions_of_node_are_read() {
        assert_eq!((major("v20.20.2"), major("v9.0.0"), major("what?")), (Some(20), Some(9), None));
    }
}
