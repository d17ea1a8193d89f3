//! The programs under test, built as `cargo build` builds them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

/// A program of this workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Program {
    /// The command line.
    Firstbyte,
    /// Lambda's bootstrap.
    Bootstrap,
}

impl Program {
    /// Its file. The first call of a test process builds all programs, which takes a moment when nothing has changed.
    ///
    /// # Panics
    /// If it does not build.
    #[must_use]
    pub fn path(self) -> &'static Path {
        static BUILT: LazyLock<HashMap<String, PathBuf>> =
            LazyLock::new(|| executables(&[BUILD, &["--bin", "firstbyte", "--bin", "bootstrap"]].concat()));
        let name = match self {
            Self::Firstbyte => "firstbyte",
            Self::Bootstrap => "bootstrap",
        };
        BUILT.get(name).unwrap_or_else(|| panic!("cargo built no {name}"))
    }
}

/// As the tests themselves are built, or as what is published where they are optimized, which is how they measure.
const BUILD: &[&str] = if cfg!(debug_assertions) { &["build"] } else { &["build", "--profile", "dist"] };

/// The workspace's folder.
pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a member of a workspace")
}

/// Runs cargo in the workspace, and gives the executables that it reports, by their targets' names.
pub(crate) fn executables(arguments: &[&str]) -> HashMap<String, PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // What cargo says of this package would look like a change to build scripts that ask (ring's does): minutes lost.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let of_this_package = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
        if of_this_package.iter().any(|prefix| name.starts_with(prefix)) {
            command.env_remove(&*name);
        }
    }
    command.args(arguments).args(["--message-format", "json-render-diagnostics"]).current_dir(workspace());
    let output = command.stderr(Stdio::inherit()).output().expect("cargo runs");
    assert!(output.status.success(), "cargo {}", arguments.join(" "));
    let messages = output.stdout.split(|byte| *byte == b'\n');
    messages
        .filter_map(|line| {
            let message: serde_json::Value = serde_json::from_slice(line).ok()?;
            let name = message.get("target")?.get("name")?.as_str()?.to_owned();
            Some((name, message.get("executable")?.as_str()?.into()))
        })
        .collect()
}
