//! The zip files that Lambda takes, the same bytes for the same files: no clock, no order of a folder, no umask.

use crate::output::{self, File, note, say};
use anyhow::{Context as _, Result, bail};
use std::io::{Cursor, Read as _, Write as _};
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

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
    /// A zip that has the file first, from which it is copied as it is: compressing is what takes seconds.
    packed: Option<&'static [u8]>,
}

impl Entry {
    /// One that is read.
    pub(crate) fn data(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { name: name.into(), bytes, mode: 0o644, packed: None }
    }

    /// One that is executed.
    pub(crate) fn program(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { name: name.into(), bytes, mode: 0o755, packed: None }
    }

    /// The first file of a zip that was written here before.
    pub(crate) fn packed(zip: &'static [u8]) -> Result<Self> {
        let mut archive = ZipArchive::new(Cursor::new(zip))?;
        let mut file = archive.by_index(0)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(Self { name: file.name()?.into_owned(), bytes, mode: file.unix_mode().unwrap_or(0o644) & 0o777, packed: Some(zip) })
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
            make(path.parent().unwrap_or(Path::new("")))?;
            output::write(&[File { path: path.clone(), bytes: &bytes, mode: 0o644 }])?;
            say(format_args!("{} ({} KB, {} KB unpacked)", path.display(), kb(bytes.len() as u64), kb(unpacked)));
            Some(bytes.len() as u64)
        }
        Destination::Folder(folder) => {
            let files =
                entries.iter().map(|entry| File { path: folder.join(&entry.name), bytes: &entry.bytes, mode: entry.mode });
            let files: Vec<File<'_>> = files.collect();
            make(folder)?;
            output::write(&files)?;
            for File { path, bytes, .. } in files {
                say(format_args!("{} ({} KB)", path.display(), kb(bytes.len() as u64)));
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
    for Entry { name, bytes, mode, packed } in entries {
        if let Some(packed) = packed {
            writer.raw_copy_file(ZipArchive::new(Cursor::new(packed))?.by_index_raw(0)?)?;
            continue;
        }
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

fn make(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))
}

/// Lambda's limits: an error beyond what it unpacks, a warning where one is near.
fn check(packed: Option<u64>, unpacked: u64) -> Result<()> {
    if unpacked > UNPACKED_LIMIT {
        bail!("{} MB unpacked are more than the 250 MB that Lambda allows a function and its layers together", unpacked / MIB);
    }
    if unpacked > UNPACKED_LIMIT / 5 * 4 {
        let unpacked = unpacked / MIB;
        note(format_args!("warning: {unpacked} MB of the 250 MB that Lambda allows a function and its layers, unpacked"));
    }
    if let Some(packed) = packed.filter(|packed| *packed > UPLOAD_LIMIT / 5 * 4) {
        let advice = if packed > UPLOAD_LIMIT { "upload it through S3" } else { "beyond, it must be uploaded through S3" };
        note(format_args!("warning: {} MB of the 50 MB that Lambda takes in one upload; {advice}", packed / MIB));
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

    #[test]
    fn the_same_files_give_the_same_bytes_in_any_order() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("first.zip"), folder.path().join("second.zip"));
        write(entries(), &Destination::Zip(first.clone())).unwrap();
        write(entries().into_iter().rev().collect(), &Destination::Zip(second.clone())).unwrap();
        assert_eq!(std::fs::read(first).unwrap(), std::fs::read(second).unwrap());
    }

    #[test]
    fn what_cannot_be_written_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        // A folder is where the second file would go: it is written, and cannot take the place.
        std::fs::create_dir_all(folder.path().join("bootstrap/full")).unwrap();
        let error = write(entries(), &Destination::Folder(folder.path().to_owned())).unwrap_err();
        assert!(format!("{error:#}").starts_with(&format!("cannot write {}", folder.path().display())), "{error:#}");
        let names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(!names.iter().any(|name| name.to_string_lossy().contains("partial")), "{names:?}");

        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = write(entries(), &Destination::Zip(file.join("function.zip"))).unwrap_err();
        assert!(format!("{error:#}").starts_with("cannot make the folder"), "{error:#}");
    }

    #[test]
    fn programs_can_be_executed_and_data_cannot() {
        let mut archive = zip::ZipArchive::new(Cursor::new(zip(&entries()).unwrap())).unwrap();
        let mut mode = |name: &str| archive.by_name(name).unwrap().unix_mode().unwrap() & 0o777;
        assert_eq!((mode("bootstrap"), mode("a.cwasm")), (0o755, 0o644));
    }

    #[test]
    fn what_is_packed_already_gives_the_same_bytes() {
        let [program, data] = <[Entry; 2]>::try_from(entries()).ok().unwrap();
        let layer: &'static [u8] = zip(&[program]).unwrap().leak();
        let packed = Entry::packed(layer).unwrap();
        assert_eq!((packed.name.as_str(), packed.bytes.as_slice(), packed.mode), ("bootstrap", [7; 5000].as_slice(), 0o755));
        assert_eq!(zip(&[packed]).unwrap(), layer);
        assert_eq!(zip(&[Entry::packed(layer).unwrap(), data]).unwrap(), zip(&entries()).unwrap());
    }

    #[test]
    fn lambda_limits_are_told() {
        assert!(check(Some(60 * MIB), 200 * MIB).is_ok());
        assert!(check(None, 251 * MIB).unwrap_err().to_string().contains("250 MB"));
    }
}
