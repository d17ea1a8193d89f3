//! The zip files that Lambda takes, the same bytes for the same files: no clock, no order of a folder, no umask.

use anyhow::{Context, Result, bail};
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// Lambda's quota for a zip that is uploaded directly; a larger one goes through S3.
const UPLOAD_LIMIT: u64 = 50 * MIB;
/// Lambda's quota for a function and its layers together, unpacked.
const UNPACKED_LIMIT: u64 = 250 * MIB;
const MIB: u64 = 1024 * 1024;

/// A file of the archive.
pub(crate) struct Entry {
    name: String,
    bytes: Vec<u8>,
    mode: u32,
}

impl Entry {
    /// One that is read.
    pub(crate) fn data(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { name: name.into(), bytes, mode: 0o644 }
    }

    /// One that is executed.
    pub(crate) fn program(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { name: name.into(), bytes, mode: 0o755 }
    }
}

/// Where the files go.
pub(crate) enum Destination {
    /// Into one zip file.
    Zip(PathBuf),
    /// Beside each other into a folder, for a tool that makes the zip itself.
    Folder(PathBuf),
}

/// Writes `entries`, and says on standard output how large they are and on standard error what Lambda may refuse.
pub(crate) fn write(mut entries: Vec<Entry>, destination: &Destination) -> Result<()> {
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let unpacked: u64 = entries.iter().map(|entry| entry.bytes.len() as u64).sum();
    let packed = match destination {
        Destination::Zip(path) => {
            let bytes = zip(&entries)?;
            replace(path, &bytes, 0o644)?;
            println!("{} ({} KB, {} KB unpacked)", path.display(), kb(bytes.len() as u64), kb(unpacked));
            Some(bytes.len() as u64)
        }
        Destination::Folder(folder) => {
            for Entry { name, bytes, mode } in &entries {
                let path = folder.join(name);
                replace(&path, bytes, *mode)?;
                println!("{} ({} KB)", path.display(), kb(bytes.len() as u64));
            }
            None
        }
    };
    check(packed, unpacked)
}

/// Above 9, zlib's best, are rounds of Zopfli: five take some seconds for a layer, and 2 % off what every cold start fetches.
const COMPRESSION: i64 = 14;

fn zip(entries: &[Entry]) -> Result<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for Entry { name, bytes, mode } in entries {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(COMPRESSION))
            .last_modified_time(DateTime::default())
            .unix_permissions(*mode);
        writer.start_file(name.as_str(), options)?;
        writer.write_all(bytes)?;
    }
    Ok(writer.finish()?.into_inner())
}

/// Whoever reads the file while it is replaced keeps the old one.
fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let write = || {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        std::fs::write(&partial, bytes)?;
        std::fs::set_permissions(&partial, std::fs::Permissions::from_mode(mode))?;
        std::fs::rename(&partial, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Lambda's limits: an error beyond what it unpacks, a warning where one is near.
fn check(packed: Option<u64>, unpacked: u64) -> Result<()> {
    if unpacked > UNPACKED_LIMIT {
        bail!("{} MB unpacked are more than the 250 MB that Lambda allows a function and its layers together", unpacked / MIB);
    }
    if unpacked > UNPACKED_LIMIT / 5 * 4 {
        eprintln!("warning: {} MB of the 250 MB that Lambda allows a function and its layers, unpacked", unpacked / MIB);
    }
    if let Some(packed) = packed.filter(|packed| *packed > UPLOAD_LIMIT / 5 * 4) {
        let advice = if packed > UPLOAD_LIMIT { "upload it through S3" } else { "beyond, it must be uploaded through S3" };
        eprintln!("warning: {} MB of the 50 MB that Lambda takes in one upload; {advice}", packed / MIB);
    }
    Ok(())
}

fn kb(bytes: u64) -> u64 {
    bytes.div_ceil(1000)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    fn entries() -> Vec<Entry> {
        vec![Entry::program("bootstrap", vec![7; 5000]), Entry::data("a.cwasm", b"code".to_vec())]
    }

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("firstbyte-archive-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn the_same_files_give_the_same_bytes_in_any_order() {
        let folder = folder("same");
        let (first, second) = (folder.join("first.zip"), folder.join("second.zip"));
        write(entries(), &Destination::Zip(first.clone())).unwrap();
        write(entries().into_iter().rev().collect(), &Destination::Zip(second.clone())).unwrap();
        assert_eq!(std::fs::read(first).unwrap(), std::fs::read(second).unwrap());
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn programs_can_be_executed_and_data_cannot() {
        let mut archive = zip::ZipArchive::new(Cursor::new(zip(&entries()).unwrap())).unwrap();
        let mut mode = |name: &str| archive.by_name(name).unwrap().unix_mode().unwrap() & 0o777;
        assert_eq!((mode("bootstrap"), mode("a.cwasm")), (0o755, 0o644));
    }

    #[test]
    fn lambda_limits_are_told() {
        assert!(check(Some(60 * MIB), 200 * MIB).is_ok());
        assert!(check(None, 251 * MIB).unwrap_err().to_string().contains("250 MB"));
    }
}
