//! What goes into a component besides the author's own: the library `firstbyte`, the interface, and what puts them together.
//!
//! All of it is in this program, so that it fits the host that this program has.

use crate::BuildError;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};

/// Files of a folder, by their path in the one that is written.
macro_rules! files {
    ($from:literal, $to:literal: $($name:literal),+ $(,)?) => {
        &[$((concat!($to, $name), include_str!(concat!("../../", $from, $name)))),+]
    };
}

const ALL: &[&[(&str, &str)]] = &[
    files!["src/python/", "": "build.py", "compact.py", "lean.py", "wasm.py"],
    files!["wit/", "wit/": "firstbyte.wit"],
    files![
        "wit/deps/", "wit/deps/":
        "cli.wit", "clocks.wit", "filesystem.wit", "http.wit", "io.wit", "random.wit", "sockets.wit",
    ],
    files![
        "library/", "firstbyte/":
        "__init__.py", "_absent.py", "_component.py", "_memory.py", "_preload.py", "_proxy.py", "_steps.py", "_warm.py", "_wasi.py", "asgi.py", "context.py",
        "error.py", "eventstream.py", "fetch.py", "handler.py", "log.py", "loop.py", "request.py", "response.py", "sse.py", "wsgi.py",
    ],
];

/// The folder that has them, written if it is not there.
pub(super) fn ensure() -> Result<PathBuf, BuildError> {
    let mut hasher = DefaultHasher::new();
    ALL.hash(&mut hasher);
    let folder = cache()?.join(format!("library-{:016x}", hasher.finish()));
    if folder.is_dir() {
        return Ok(folder);
    }
    // Another process may write the same: whoever comes last changes nothing.
    let fresh = folder.with_extension(std::process::id().to_string());
    let written = write(&fresh).and_then(|()| std::fs::rename(&fresh, &folder));
    if let Err(error) = written {
        let _ = std::fs::remove_dir_all(&fresh);
        if !folder.is_dir() {
            return Err(unwritable(&folder, &error));
        }
    }
    Ok(folder)
}

fn write(folder: &Path) -> io::Result<()> {
    for (path, contents) in ALL.iter().copied().flatten() {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
        std::fs::write(path, contents)?;
    }
    Ok(())
}

/// Where what is made once is kept.
pub(super) fn cache() -> Result<PathBuf, BuildError> {
    let named = |variable: &str| std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache"))).ok_or_else(|| BuildError::Missing {
        what: "there is no folder for what is made once".to_owned(),
        remedy: "name one in the variable XDG_CACHE_HOME".to_owned(),
    })?;
    let folder = folder.join("firstbyte/python");
    std::fs::create_dir_all(&folder).map_err(|error| unwritable(&folder, &error))?;
    Ok(folder)
}

fn unwritable(folder: &Path, error: &io::Error) -> BuildError {
    BuildError::Missing {
        what: format!("cannot write {}: {error}", folder.display()),
        remedy: "name another folder in the variable XDG_CACHE_HOME".to_owned(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// What is only for tests of handlers, and not for components.
    const NOT_IN_COMPONENTS: [&str; 3] = ["firstbyte/py.typed", "firstbyte/pytest_plugin.py", "firstbyte/testing.py"];

    #[test]
    fn no_file_is_forgotten() {
        let listed: BTreeSet<String> = ALL.iter().copied().flatten().map(|(path, _)| (*path).to_owned()).collect();
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        for (from, to) in [("library", "firstbyte"), ("wit", "wit"), ("wit/deps", "wit/deps")] {
            for file in std::fs::read_dir(here.join(from)).unwrap() {
                let file = file.unwrap();
                let name = format!("{to}/{}", file.file_name().to_string_lossy());
                let is_ours = file.path().is_file() && !name.ends_with(".md") && !NOT_IN_COMPONENTS.contains(&&*name);
                assert!(!is_ours || listed.contains(&name), "{name}");
            }
        }
    }

    #[test]
    fn what_is_written_is_what_is_here() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        let written = std::fs::read_to_string(folder.path().join("firstbyte/handler.py")).unwrap();
        assert!(written.starts_with("\"\"\"The handler of a module"), "{written}");
    }
}
