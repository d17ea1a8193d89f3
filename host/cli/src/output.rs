//! What a command that ends by itself gives: files, whole or not at all, and lines on a terminal that may be gone.

use anyhow::{Context as _, Result};
use std::fmt::Display;
use std::fs::Permissions;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Prints a line on standard output. Nobody may be there to read it, and what was done is done all the same.
pub(crate) fn say(line: impl Display) {
    print(format!("{line}\n").as_bytes());
}

/// Prints bytes on standard output, whether or not somebody is there to read them.
pub(crate) fn print(bytes: &[u8]) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
}

/// Prints a line on standard error.
pub(crate) fn note(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

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
