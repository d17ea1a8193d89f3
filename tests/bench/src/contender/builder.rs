//! Calls the tools that build contenders, and knows where everything is.

use anyhow::{Context, Result, bail, ensure};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where contenders are built.
pub(crate) struct Builder {
    /// The repository.
    workspace: PathBuf,
    /// The folder of this crate.
    pub(super) bench: PathBuf,
    /// Cargo's target folder for the workspace.
    target: PathBuf,
    /// What is built here and is not cargo's.
    pub(super) output: PathBuf,
    /// Whether cargo is called at all. What the last run built is taken otherwise.
    pub(super) builds: bool,
    /// Another bootstrap to compare with.
    pub(super) before: Option<PathBuf>,
}

impl Builder {
    pub(crate) fn new(builds: bool, before: Option<PathBuf>) -> Result<Self> {
        let bench = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let workspace = bench.ancestors().nth(2).context("the crate is in tests/bench")?.to_owned();
        let mut command = cargo(&workspace);
        let metadata = command.args(["metadata", "--no-deps", "--format-version", "1"]).stderr(Stdio::inherit()).output()?;
        let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).context("cargo metadata is not JSON")?;
        let target = PathBuf::from(metadata["target_directory"].as_str().context("cargo names no target folder")?);
        let output = target.join("bench");
        std::fs::create_dir_all(&output).with_context(|| format!("cannot create {}", output.display()))?;
        Ok(Self { workspace, bench, target, output, builds, before })
    }

    /// The static target of this machine.
    pub(super) fn musl(&self) -> String {
        format!("{}-unknown-linux-musl", std::env::consts::ARCH)
    }

    /// Runs cargo in the workspace of the repository. Returns cargo's target folder.
    pub(super) fn cargo(&self, arguments: &[&str]) -> Result<&Path> {
        if self.builds {
            run(cargo(&self.workspace).args(arguments))?;
        }
        Ok(&self.target)
    }

    /// Runs cargo in the workspace of the contenders. Returns its target folder.
    pub(super) fn cargo_for_contenders(&self, arguments: &[&str]) -> Result<PathBuf> {
        let target = self.output.join("contenders");
        if self.builds {
            run(cargo(&self.bench.join("contenders")).args(arguments).arg("--locked").arg("--target-dir").arg(&target))?;
        }
        Ok(target)
    }

    /// Installs a target of the toolchain, if it is missing and rustup is there. If it stays missing, cargo says so.
    pub(super) fn add_target(&self, target: &str) {
        if self.builds {
            let mut rustup = Command::new("rustup");
            let _ = rustup.args(["target", "add", target]).current_dir(&self.workspace).output();
        }
    }

    /// A fresh file for a contender's output.
    pub(super) fn log(&self, contender: &str) -> Result<PathBuf> {
        let path = self.output.join(format!("{contender}.log"));
        std::fs::write(&path, "").with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}

fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(folder);
    // wasmtime's few lines of C need no C library of the target.
    let arch = std::env::consts::ARCH;
    let compiler = format!("CC_{arch}_unknown_linux_musl");
    if std::env::var_os(&compiler).is_none() {
        command.env(compiler, "cc");
    }
    command
}

/// Runs a tool that talks to the terminal itself.
pub(super) fn run(command: &mut Command) -> Result<()> {
    let words: Vec<_> = [command.get_program()].into_iter().chain(command.get_args()).map(OsStr::to_string_lossy).collect();
    let words = words.join(" ");
    eprintln!("$ {words}");
    // Standard output is the table's.
    let status = command.stdout(std::io::stderr()).status().with_context(|| format!("cannot run `{words}`"))?;
    ensure!(status.success(), "`{words}` failed");
    Ok(())
}

/// The first line that a tool prints.
pub(super) fn first_line(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().trim().to_owned())
}
