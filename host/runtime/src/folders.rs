//! The files that a handler may read: folders that the operator names, and nothing else.

use crate::path::PathError;
use std::path::{Path, PathBuf};
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

/// Folders that a handler sees under their own paths, and cannot change.
#[derive(Clone, Debug, Default)]
pub(crate) struct Folders(Vec<PathBuf>);

impl Folders {
    /// These folders, if there are such.
    pub(crate) fn new(folders: &[PathBuf]) -> Result<Self, PathError> {
        for folder in folders {
            check(folder).map_err(|reason| PathError::new("FIRSTBYTE_ALLOW_READ", folder, reason))?;
        }
        Ok(Self(folders.to_vec()))
    }

    /// Opens them for a guest. wasmtime-wasi keeps it within them: neither `..` nor a link leads out.
    pub(crate) fn give_to(&self, wasi: &mut WasiCtxBuilder) -> wasmtime::Result<()> {
        for folder in &self.0 {
            wasi.preopened_dir(folder, folder.to_string_lossy(), FsPerms::ReadOnly)?;
        }
        Ok(())
    }
}

fn check(folder: &Path) -> Result<(), String> {
    if !folder.is_absolute() {
        return Err("it has to be an absolute path".to_owned());
    }
    let real = folder.canonicalize().map_err(|error| error.to_string())?;
    if !real.is_dir() {
        return Err("it is no folder".to_owned());
    }
    // The host's own credentials are in /proc/self/environ.
    if Path::new("/proc").starts_with(&real) || real.starts_with("/proc") {
        return Err("it would show the host's own environment, credentials included; name the folders in it".to_owned());
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_there_and_holds_no_secrets() {
        assert!(Folders::new(&["/tmp".into(), "/usr/lib".into()]).is_ok());
        for (folder, expected) in [
            ("/no/such/folder", "FIRSTBYTE_ALLOW_READ names /no/such/folder: No such file"),
            ("assets", "it has to be an absolute path"),
            ("/etc/passwd", "it is no folder"),
            ("/", "credentials"),
            ("/tmp/../proc", "credentials"),
            ("/proc/self", "credentials"),
        ] {
            let error = Folders::new(&["/tmp".into(), folder.into()]).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
