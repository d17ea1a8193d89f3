//! Files that a command writes: whole, or not at all.

use anyhow::{Context as _, Result};
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// A file to be written.
pub(crate) struct File<'a> {
    pub(crate) path: PathBuf,
    pub(crate) bytes: &'a [u8],
    pub(crate) mode: u32,
}

/// Writes the files. Nothing is replaced before all are there, under other names; whoever reads one while it is replaced keeps the
/// old one; what fails leaves nothing behind.
///
/// # Errors
/// Which file could not be written, and why.
pub(crate) fn write(files: &[File<'_>]) -> Result<()> {
    let mut partials = Vec::new();
    let written = files.iter().try_for_each(|file| {
        let partial = partial(&file.path);
        partials.push(partial.clone());
        let result = std::fs::write(&partial, file.bytes)
            .and_then(|()| std::fs::set_permissions(&partial, Permissions::from_mode(file.mode)));
        named(&file.path, result)
    });
    let renamed = written.and_then(|()| {
        files.iter().zip(&partials).try_for_each(|(file, partial)| named(&file.path, std::fs::rename(partial, &file.path)))
    });
    if renamed.is_err() {
        // What was renamed is not there any more, and the disk may have other troubles: the first one is told.
        partials.iter().for_each(|partial| _ = std::fs::remove_file(partial));
    }
    renamed
}

/// Beside the file, because only there a rename takes nothing but a moment, and of this process, so that two do not mix.
fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.partial", std::process::id()));
    name.into()
}

fn named(path: &Path, result: io::Result<()>) -> Result<()> {
    result.with_context(|| format!("cannot write {}", path.display()))
}
