//! Builds a handler that is a Rust crate, by calling cargo; for work on a laptop and for tests.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What handlers are compiled for.
const TARGET: &str = "wasm32-wasip2";

/// Why a crate was not built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The folder holds no crate.
    #[error("{} has no Cargo.toml: a handler is a .wasm or .cwasm file, or the folder of a Rust handler", .0.display())]
    NoCrate(PathBuf),
    /// A program is missing.
    #[error("cannot run {program}: {source}; install Rust with rustup (https://rustup.rs)")]
    NoTool {
        /// Which.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// The target is missing and could not be added.
    #[error("the Rust target {TARGET} is not installed: run `rustup target add {TARGET}`")]
    NoTarget,
    /// The compiler has said why.
    #[error("cargo could not build {}", .0.display())]
    Failed(PathBuf),
    /// The crate builds, but not to a component.
    #[error("{} builds no component: its Cargo.toml needs `[lib] crate-type = [\"cdylib\"]`", .0.display())]
    NoComponent(PathBuf),
}

/// Builds the crate in `folder` in release mode and returns its component's path. Adds the target by rustup if it is
/// missing. What cargo and rustup have to say goes to standard error.
///
/// # Errors
/// [`BuildError`].
pub fn build(folder: &Path) -> Result<PathBuf, BuildError> {
    build_with(folder, &[])
}

/// As [`build`], but optimized across crates: two thirds of the size, and longer to build.
///
/// # Errors
/// [`BuildError`].
pub fn build_small(folder: &Path) -> Result<PathBuf, BuildError> {
    build_with(folder, &["--config", "profile.release.lto='fat'", "--config", "profile.release.codegen-units=1"])
}

fn build_with(folder: &Path, options: &[&str]) -> Result<PathBuf, BuildError> {
    let manifest = folder.join("Cargo.toml");
    if !manifest.is_file() {
        return Err(BuildError::NoCrate(folder.to_owned()));
    }
    ensure_target(folder)?;
    let mut cargo = command("CARGO", "cargo");
    cargo.args(["build", "--release", "--target", TARGET, "--message-format", "json-render-diagnostics"]);
    // Templates for `wasi:http` are programs rather than libraries.
    if folder.join("src/lib.rs").is_file() {
        cargo.arg("--lib");
    }
    let output =
        cargo.args(options).current_dir(folder).stderr(Stdio::inherit()).output().map_err(|source| no_tool("cargo", source))?;
    if !output.status.success() {
        return Err(BuildError::Failed(folder.to_owned()));
    }
    let manifest = manifest.canonicalize().unwrap_or(manifest);
    component_of(&output.stdout, &manifest).ok_or_else(|| BuildError::NoComponent(folder.to_owned()))
}

/// The component among the artifacts that cargo reports.
fn component_of(messages: &[u8], manifest: &Path) -> Option<PathBuf> {
    messages.split(|byte| *byte == b'\n').rev().find_map(|line| {
        let message: serde_json::Value = serde_json::from_slice(line).ok()?;
        let of_this_crate = Path::new(message.get("manifest_path")?.as_str()?) == manifest;
        let files = message.get("filenames")?.as_array()?;
        let wasm = files.iter().filter_map(|file| file.as_str()).find(|file| file.ends_with(".wasm"));
        wasm.filter(|_| of_this_crate).map(PathBuf::from)
    })
}

fn ensure_target(folder: &Path) -> Result<(), BuildError> {
    let mut rustc = command("RUSTC", "rustc");
    rustc.args(["--print", "target-libdir", "--target", TARGET]).current_dir(folder).stderr(Stdio::null());
    let output = rustc.output().map_err(|source| no_tool("rustc", source))?;
    let libraries = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() && Path::new(&libraries).is_dir() {
        return Ok(());
    }
    let mut rustup = Command::new("rustup");
    // Its output would mix with that of whoever calls us.
    rustup.args(["target", "add", TARGET]).current_dir(folder).stdout(Stdio::null());
    let added = rustup.status().is_ok_and(|status| status.success());
    if added { Ok(()) } else { Err(BuildError::NoTarget) }
}

/// A tool of the toolchain: what cargo names in the environment, if it started us, else what is on the path.
fn command(variable: &str, name: &str) -> Command {
    Command::new(std::env::var_os(variable).unwrap_or_else(|| name.into()))
}

fn no_tool(program: &str, source: io::Error) -> BuildError {
    BuildError::NoTool { program: program.to_owned(), source }
}
