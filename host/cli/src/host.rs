//! The `bootstrap` for Lambda: built from this project's sources for either architecture of Lambda, or a file at hand.
//!
//! It is a static program. Rust brings the linker and the C library; only a C compiler is needed beside it, for one short
//! file of wasmtime.

use crate::elf;
use anyhow::{Context, Result, bail};
use clap::Args;
use firstbyte_runtime::engine::Arch;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[derive(Args)]
#[group(id = "host")]
pub(crate) struct Arguments {
    /// A bootstrap that is built already, for the same architecture, instead of building one
    #[arg(long, value_name = "FILE")]
    bootstrap: Option<PathBuf>,

    /// Firstbyte's sources, to build the bootstrap from; found above the current folder otherwise
    #[arg(long, value_name = "FOLDER", conflicts_with = "bootstrap")]
    source: Option<PathBuf>,
}

impl Arguments {
    /// The program's bytes.
    pub(crate) fn bootstrap(&self, arch: Arch) -> Result<Vec<u8>> {
        let path = match &self.bootstrap {
            Some(path) => path.clone(),
            None => build(&source(self.source.as_deref())?, arch)?,
        };
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        elf::check(&bytes, arch).with_context(|| format!("{} cannot be Lambda's bootstrap", path.display()))?;
        Ok(bytes)
    }
}

/// Where the sources of the runtime are.
fn source(given: Option<&Path>) -> Result<PathBuf> {
    let is_source = |folder: &Path| folder.join("host/runtime/Cargo.toml").is_file();
    if let Some(folder) = given {
        if !is_source(folder) {
            bail!("{} does not hold Firstbyte's sources", folder.display());
        }
        return Ok(folder.to_owned());
    }
    let here = std::env::current_dir().context("cannot tell the current folder")?;
    let found = here.ancestors().find(|folder| is_source(folder)).map(Path::to_owned);
    found.context(
        "no sources of Firstbyte here or above: --source names their folder, or --bootstrap a file that is built already",
    )
}

fn build(source: &Path, arch: Arch) -> Result<PathBuf> {
    let target = target(arch);
    ensure_target(source, target)?;
    let mut cargo = cargo(source);
    cargo.args(["build", "--profile", "lambda", "--package", "firstbyte-runtime", "--bin", "bootstrap"]);
    cargo.args([
        "--no-default-features",
        "--features",
        "bootstrap",
        "--target",
        target,
        "--message-format",
        "json-render-diagnostics",
    ]);
    let compiler = format!("CC_{}", target.replace('-', "_"));
    if std::env::var_os(&compiler).is_none() {
        cargo.env(compiler, c_compiler(source, arch)?);
    }
    if arch != Arch::native() {
        // This machine's linker does not know the other architecture; the one in Rust's toolchain knows both.
        let variable = format!("CARGO_TARGET_{}", target.replace('-', "_").to_uppercase());
        cargo.env(format!("{variable}_LINKER"), "rust-lld");
        cargo.env(format!("{variable}_RUSTFLAGS"), "-Clink-self-contained=yes");
    }
    let output =
        cargo.stderr(Stdio::inherit()).output().context("cannot run cargo; install Rust with rustup (https://rustup.rs)")?;
    if !output.status.success() {
        bail!("cargo could not build the bootstrap for {}", arch.name());
    }
    executable_of(&output.stdout).context("cargo built no bootstrap")
}

/// cargo in the project's folder, whose `rust-toolchain.toml` then holds.
fn cargo(source: &Path) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(source);
    cargo
}

fn target(arch: Arch) -> &'static str {
    match arch {
        Arch::X86_64 => "x86_64-unknown-linux-musl",
        Arch::Arm64 => "aarch64-unknown-linux-musl",
    }
}

fn ensure_target(source: &Path, target: &str) -> Result<()> {
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--print", "target-libdir", "--target", target]).current_dir(source).stderr(Stdio::null());
    let output = rustc.output().context("cannot run rustc; install Rust with rustup (https://rustup.rs)")?;
    if output.status.success() && Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir() {
        return Ok(());
    }
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", target]).current_dir(source).stdout(Stdio::null());
    if !rustup.status().is_ok_and(|status| status.success()) {
        bail!("the Rust target {target} is not installed: run `rustup target add {target}`");
    }
    Ok(())
}

/// A C compiler for the architecture among those that this machine may have.
fn c_compiler(source: &Path, arch: Arch) -> Result<OsString> {
    let gcc = match arch {
        Arch::X86_64 => "x86_64-linux-gnu-gcc",
        Arch::Arm64 => "aarch64-linux-gnu-gcc",
    };
    if arch == Arch::native() && runs("cc", &["--version"]) {
        return Ok("cc".into());
    }
    if runs(gcc, &["--version"]) {
        return Ok(gcc.into());
    }
    if runs("zig", &["version"]) {
        return zig_as_cc(source, arch, "zig");
    }
    for python in ["python3", "python"] {
        if runs(python, &["-m", "ziglang", "version"]) {
            return zig_as_cc(source, arch, &format!("{python} -m ziglang"));
        }
    }
    bail!(
        "no C compiler for {}: install one with `pip install ziglang`, or on Debian and Ubuntu `apt install gcc-{}`; \
         CC_{} names another",
        arch.name(),
        gcc.trim_end_matches("-gcc"),
        target(arch).replace('-', "_"),
    )
}

fn runs(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// A script that calls zig as a C compiler is called: zig takes the target in words of its own.
fn zig_as_cc(source: &Path, arch: Arch, zig: &str) -> Result<OsString> {
    let target = match arch {
        Arch::X86_64 => "x86_64-linux-musl",
        Arch::Arm64 => "aarch64-linux-musl",
    };
    let script = format!(
        "#!/bin/sh\n\
         # Written by `firstbyte layer`.\n\
         for argument do\n  shift\n  case $argument in --target=*) ;; *) set -- \"$@\" \"$argument\" ;; esac\ndone\n\
         exec {zig} cc -target {target} \"$@\"\n"
    );
    // Always the same path: cargo builds anew what a C compiler of another name has built.
    let folder = std::path::absolute(source)?.join("target");
    let path = folder.join(format!("zig-cc-{}", arch.name()));
    std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(&path, script))
        .and_then(|()| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)))
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path.into())
}

/// The program among what cargo reports.
fn executable_of(messages: &[u8]) -> Option<PathBuf> {
    messages.split(|byte| *byte == b'\n').rev().find_map(|line| {
        let message: serde_json::Value = serde_json::from_slice(line).ok()?;
        let path = Path::new(message.get("executable")?.as_str()?);
        (path.file_name() == Some(OsStr::new("bootstrap"))).then(|| path.to_owned())
    })
}
