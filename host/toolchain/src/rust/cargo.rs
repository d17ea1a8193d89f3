//! Cargo, rustc and rustup, as commands.

use crate::{Build, BuildError};
use serde::Deserialize;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What installs Rust.
const RUSTUP: &str = "install Rust with `curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh` (https://rustup.rs)";

/// What installs the linker that programs for this machine need: procedural macros and build scripts are such.
const LINKER: &str =
    "install a C compiler, for example with `apt install gcc libc6-dev`, `dnf install gcc` or `xcode-select --install`";

/// Cargo in a folder, whose `rust-toolchain.toml` and configuration then hold.
pub(super) fn cargo(folder: &Path) -> Command {
    let mut cargo = tool("CARGO", "cargo");
    cargo.current_dir(folder);
    cargo
}

/// A tool of the toolchain: the one that cargo names in the environment, if cargo started us, else the one on the path.
fn tool(variable: &str, name: &str) -> Command {
    Command::new(std::env::var_os(variable).unwrap_or_else(|| name.into()))
}

/// Runs a command of cargo's that builds `project`. What cargo says to people goes to standard error.
pub(super) fn run(mut cargo: Command, project: &Path, build: &Build<'_>) -> Result<Messages, BuildError> {
    cargo.args(["--message-format", "json-render-diagnostics"]).stderr(Stdio::inherit());
    let output = build.run(&mut cargo).map_err(|reason| not_run("cargo", &reason))?;
    if output.status.success() {
        return Ok(Messages(output.stdout));
    }
    if runs("cc", &["--version"]) {
        return Err(BuildError::Failed { tool: "cargo", project: project.to_owned() });
    }
    Err(BuildError::Missing { what: "there is no `cc`, with which Rust links".to_owned(), remedy: LINKER.to_owned() })
}

/// A package, as far as it matters here.
#[derive(Deserialize)]
pub(super) struct Package {
    pub(super) manifest_path: PathBuf,
    pub(super) default_run: Option<String>,
    pub(super) targets: Vec<Target>,
}

/// What a package builds.
#[derive(Deserialize)]
pub(super) struct Target {
    pub(super) name: String,
    pub(super) kind: Vec<String>,
}

/// The workspace that a folder belongs to, which may be the folder's alone.
pub(super) struct Workspace {
    pub(super) packages: Vec<Package>,
    /// The profile that handlers are built with.
    pub(super) profile: String,
}

impl Workspace {
    pub(super) fn of(folder: &Path) -> Result<Self, BuildError> {
        let mut cargo = cargo(folder);
        cargo.args(["metadata", "--no-deps", "--format-version", "1"]).stderr(Stdio::inherit());
        let output = cargo.output().map_err(|reason| not_run("cargo", &reason))?;
        let metadata: Option<Metadata> = serde_json::from_slice(&output.stdout).ok();
        let metadata = metadata.filter(|_| output.status.success());
        let Metadata { packages, metadata } =
            metadata.ok_or_else(|| BuildError::Failed { tool: "cargo", project: folder.to_owned() })?;
        let profile = match metadata.pointer("/firstbyte/profile") {
            None => "release".to_owned(),
            Some(serde_json::Value::String(profile)) => profile.clone(),
            Some(other) => {
                let reason = format!(
                    "is in a workspace whose workspace.metadata.firstbyte.profile is {other}: it needs to be text, the name of a profile"
                );
                return Err(BuildError::Unsuitable { project: folder.to_owned(), reason });
            }
        };
        Ok(Self { packages, profile })
    }
}

/// What cargo says of a workspace, as far as it matters here.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    /// The table `workspace.metadata`, or null.
    #[serde(default)]
    metadata: serde_json::Value,
}

/// Adds a target by rustup, if it is missing.
pub(super) fn ensure_target(folder: &Path, target: &str, progress: &dyn Fn(&str)) -> Result<(), BuildError> {
    let mut rustc = tool("RUSTC", "rustc");
    rustc.args(["--print", "target-libdir", "--target", target]).current_dir(folder).stderr(Stdio::null());
    let output = rustc.output().map_err(|reason| not_run("rustc", &reason))?;
    let libraries = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() && Path::new(&libraries).is_dir() {
        return Ok(());
    }
    progress(&format!("adding the Rust target {target}"));
    let mut rustup = Command::new("rustup");
    // Its output would mix with that of whoever calls us.
    rustup.args(["target", "add", target]).current_dir(folder).stdout(Stdio::null());
    let what = format!("the Rust target {target} is not installed");
    match rustup.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(BuildError::Missing { what, remedy: format!("run `rustup target add {target}`") }),
        Err(_) => Err(BuildError::Missing {
            what: format!("{what}, and this Rust was not installed by rustup, which adds it"),
            remedy: RUSTUP.to_owned(),
        }),
    }
}

/// Whether a program can be run at all.
pub(super) fn runs(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn not_run(program: &str, reason: &io::Error) -> BuildError {
    BuildError::Missing { what: format!("cannot run {program}: {reason}"), remedy: RUSTUP.to_owned() }
}

/// What cargo reports to programs.
pub(super) struct Messages(Vec<u8>);

impl Messages {
    /// The component among the artefacts of the crate with this manifest.
    pub(super) fn component_of(&self, manifest: &Path) -> Option<PathBuf> {
        self.find(|message| {
            let of_this_crate = Path::new(message.get("manifest_path")?.as_str()?) == manifest;
            let files = message.get("filenames")?.as_array()?;
            let wasm = files.iter().filter_map(|file| file.as_str()).find(|file| file.ends_with(".wasm"));
            wasm.filter(|_| of_this_crate).map(PathBuf::from)
        })
    }

    /// The program of this name.
    pub(super) fn executable(&self, name: &str) -> Option<PathBuf> {
        self.find(|message| {
            let path = Path::new(message.get("executable")?.as_str()?);
            (path.file_name() == Some(OsStr::new(name))).then(|| path.to_owned())
        })
    }

    fn find(&self, what: impl Fn(&serde_json::Value) -> Option<PathBuf>) -> Option<PathBuf> {
        self.0.split(|byte| *byte == b'\n').rev().find_map(|line| what(&serde_json::from_slice(line).ok()?))
    }
}
