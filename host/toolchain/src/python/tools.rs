//! Python and componentize-py, as programs.

use super::library::cache;
use crate::{Build, BuildError, Halt};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What makes components, with the hashes of what PyPI has.
const LOCK: &str = include_str!("requirements.lock");

const INSTALL: &str = "install Python 3.11 or newer, for example with `apt install python3 python3-venv`, `dnf install python3` or `brew install python`";

/// Says which version a Python is, and whether it can make environments.
const PROBE: &str = "import sys; print(sys.version_info >= (3, 11), '%d.%d.%d' % sys.version_info[:3]); import venv, ensurepip";

/// The Python of an environment that has componentize-py, which is made if it is not there.
pub(super) fn ensure(build: &Build<'_>) -> Result<PathBuf, BuildError> {
    let system = system()?;
    let mut hasher = DefaultHasher::new();
    (LOCK, &system).hash(&mut hasher);
    let folder = cache()?.join(format!("tools-{:016x}", hasher.finish()));
    let python = |folder: &Path| folder.join("bin/python");
    if folder.join("complete").is_file() {
        return Ok(python(&folder));
    }
    (build.progress)("installing componentize-py, once");
    let failed = |what: String| BuildError::Missing {
        what,
        remedy: "it takes a connection to PyPI, or a mirror that `pip config set global.index-url URL` names; then build again"
            .to_owned(),
    };
    // Environments cannot be moved: one that is not complete is made again.
    let _ = std::fs::remove_dir_all(&folder);
    let mut venv = Command::new(system.program);
    venv.args(["-m", "venv"]).arg(&folder).stderr(Stdio::inherit());
    let made = run(venv, build.halt).map_err(|reason| not_run(&reason))?;
    if !made.status.success() {
        return Err(failed(format!("cannot make an environment for componentize-py in {}", folder.display())));
    }
    let lock = folder.join("requirements.lock");
    std::fs::write(&lock, LOCK).map_err(|error| failed(format!("cannot write {}: {error}", lock.display())))?;
    let mut pip = Command::new(python(&folder));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--only-binary", ":all:"]);
    pip.args(["--require-hashes", "-r"]).arg(&lock).stderr(Stdio::inherit());
    let installed = run(pip, build.halt).map_err(|reason| not_run(&reason))?;
    if !installed.status.success() {
        return Err(failed("componentize-py cannot be installed".to_owned()));
    }
    std::fs::write(folder.join("complete"), "")
        .map_err(|error| failed(format!("cannot write to {}: {error}", folder.display())))?;
    Ok(python(&folder))
}

/// Runs a tool to its end.
pub(super) fn run(mut command: Command, halt: Option<&Halt>) -> io::Result<Output> {
    command.stderr(Stdio::inherit()).stdin(Stdio::null());
    // What is made is the same whoever makes it.
    command.env("PYTHONHASHSEED", "0").env_remove("PYTHONPATH").env_remove("PYTHONHOME");
    match halt {
        Some(halt) => halt.run(&mut command),
        None => command.output(),
    }
}

pub(super) fn not_run(reason: &io::Error) -> BuildError {
    BuildError::Missing { what: format!("cannot run Python: {reason}"), remedy: INSTALL.to_owned() }
}

/// A Python of the system, or of the environment that is active.
#[derive(Hash)]
struct System {
    program: &'static str,
    version: String,
}

fn system() -> Result<System, BuildError> {
    let mut what = "there is no Python on the path".to_owned();
    for program in ["python3", "python"] {
        let Ok(output) = Command::new(program).args(["-c", PROBE]).stdin(Stdio::null()).stderr(Stdio::null()).output() else {
            continue;
        };
        let told = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        match told.split_once(' ') {
            Some(("True", version)) if output.status.success() => return Ok(System { program, version: version.to_owned() }),
            Some(("True", version)) => what = format!("Python {version} is here without its modules venv and ensurepip"),
            Some((_, version)) => what = format!("Python {version} is too old"),
            None => {}
        }
    }
    Err(BuildError::Missing { what, remedy: INSTALL.to_owned() })
}
