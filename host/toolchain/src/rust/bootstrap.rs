//! The `bootstrap` for Lambda, built from this project's sources for either architecture of Lambda.
//!
//! It is a static program. Rust brings the linker and the C library; only a C compiler is needed beside it, for one short
//! file of wasmtime.

use super::cargo::{self, runs};
use crate::BuildError;
use std::env::consts::ARCH;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// An architecture of Lambda.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arch {
    /// Lambda's `x86_64`.
    X86_64,
    /// Lambda's `arm64`.
    Arm64,
}

impl Arch {
    /// The name that Rust and the C world have for it.
    fn machine(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "aarch64",
        }
    }

    fn target(self) -> String {
        format!("{}-unknown-linux-musl", self.machine())
    }

    fn is_native(self) -> bool {
        self.machine() == ARCH
    }
}

/// What a bootstrap is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Build {
    /// The architecture of the functions that it is for.
    pub arch: Arch,
    /// Whether it runs components of WASI 0.3, too.
    pub wasi_p3: bool,
}

/// Builds the bootstrap from the sources in a folder, and gives its file.
///
/// # Errors
/// [`BuildError`].
pub fn build(source: &Path, Build { arch, wasi_p3 }: Build, progress: &dyn Fn(&str)) -> Result<PathBuf, BuildError> {
    let target = arch.target();
    cargo::ensure_target(source, &target, progress)?;
    let mut command = cargo::cargo(source);
    command.args(["build", "--profile", "lambda", "--package", "firstbyte-runtime", "--bin", "bootstrap"]);
    let features = if wasi_p3 { "bootstrap,wasi-p3" } else { "bootstrap" };
    command.args(["--no-default-features", "--features", features, "--target", &target]);
    let compiler = format!("CC_{}", target.replace('-', "_"));
    if std::env::var_os(&compiler).is_none() {
        command.env(&compiler, c_compiler(source, arch, &compiler)?);
    }
    if !arch.is_native() {
        // This machine's linker does not know the other architecture; the one in Rust's toolchain knows both.
        let variable = format!("CARGO_TARGET_{}", target.replace('-', "_").to_uppercase());
        command.env(format!("{variable}_LINKER"), "rust-lld");
        command.env(format!("{variable}_RUSTFLAGS"), "-Clink-self-contained=yes");
    }
    let built = cargo::run(command, source, &crate::Build::default())?.executable("bootstrap");
    built.ok_or_else(|| BuildError::Unsuitable {
        project: source.to_owned(),
        reason: "builds no bootstrap: are these the sources of Firstbyte?".to_owned(),
    })
}

/// A C compiler for the architecture among those that this machine may have.
fn c_compiler(source: &Path, arch: Arch, variable: &str) -> Result<OsString, BuildError> {
    let machine = arch.machine();
    let gcc = format!("{machine}-linux-gnu-gcc");
    if arch.is_native() && runs("cc", &["--version"]) {
        return Ok("cc".into());
    }
    if runs(&gcc, &["--version"]) {
        return Ok(gcc.into());
    }
    if runs("zig", &["version"]) {
        return zig_as_cc(source, machine, "zig");
    }
    for python in ["python3", "python"] {
        if runs(python, &["-m", "ziglang", "version"]) {
            return zig_as_cc(source, machine, &format!("{python} -m ziglang"));
        }
    }
    let package = format!("gcc-{}-linux-gnu", machine.replace('_', "-"));
    Err(BuildError::Missing {
        what: format!("there is no C compiler for {machine}"),
        remedy: format!(
            "install one with `pip install ziglang`, or on Debian and Ubuntu `apt install {package}`; {variable} names another"
        ),
    })
}

/// A script that calls zig as a C compiler is called: zig takes the target in words of its own.
fn zig_as_cc(source: &Path, machine: &str, zig: &str) -> Result<OsString, BuildError> {
    let script = format!(
        "#!/bin/sh\n\
         # Written by `firstbyte layer`.\n\
         for argument do\n  shift\n  case $argument in --target=*) ;; *) set -- \"$@\" \"$argument\" ;; esac\ndone\n\
         exec {zig} cc -target {machine}-linux-musl \"$@\"\n"
    );
    // Always the same path: cargo builds anew what a C compiler of another name has built.
    let written = std::path::absolute(source).and_then(|source| {
        let folder = source.join("target");
        let path = folder.join(format!("zig-cc-{machine}"));
        std::fs::create_dir_all(&folder)?;
        std::fs::write(&path, script)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
        Ok(path.into_os_string())
    });
    written.map_err(|error| BuildError::Unsuitable {
        project: source.to_owned(),
        reason: format!("has no folder to build in: {error}"),
    })
}
