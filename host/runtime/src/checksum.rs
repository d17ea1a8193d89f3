//! The seal of a precompiled component: its length and checksum at the end of its file, so that damaged machine code is not run.
//!
//! It tells damage, not malice: whoever may write the file may seal it, too. The byte before the seal says which generation of
//! WASI the code is for, so that it is loaded by an engine that takes it.

use crate::engine::Generation;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::Path;

/// What a seal begins with.
const MAGIC: &[u8; 8] = b"FBseal02";

/// Bytes of a seal: [`MAGIC`], the length of what is before it, and that part's CRC-32, both little-endian.
const SEAL: usize = MAGIC.len() + 8 + 4;

/// How much is read at once: it stays in the CPU's caches, and out of what the process holds.
const PIECE: usize = 64 * 1024;

/// What is wrong with a sealed file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("it has no checksum at its end, as what `firstbyte compile` writes has")]
    Absent,
    #[error("it is damaged: its checksum is another one")]
    Damaged,
}

/// Seals machine code of a component of `generation`.
#[cfg(feature = "compiler")]
pub(crate) fn seal(mut code: Vec<u8>, generation: Generation) -> Vec<u8> {
    code.push(match generation {
        Generation::P2 => 2,
        Generation::P3 => 3,
    });
    let (length, checksum) = (code.len() as u64, crc32fast::hash(&code));
    code.extend_from_slice(MAGIC);
    code.extend_from_slice(&length.to_le_bytes());
    code.extend_from_slice(&checksum.to_le_bytes());
    code
}

/// The generation that the file at `path` was sealed as. What has no seal is of the first that there was.
pub(crate) fn generation(path: &Path) -> io::Result<Generation> {
    let mut file = File::open(path)?;
    let mut end = [0; 1 + SEAL];
    let Some(start) = file.metadata()?.len().checked_sub(end.len() as u64) else { return Ok(Generation::P2) };
    file.seek(SeekFrom::Start(start))?;
    file.read_exact(&mut end)?;
    let is_p3 = end[0] == 3 && end[1..].starts_with(MAGIC);
    Ok(if is_p3 { Generation::P3 } else { Generation::P2 })
}

/// Whether the file at `path` is as it was sealed.
pub(crate) fn verify(path: &Path) -> Result<(), SealError> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len().checked_sub(SEAL as u64).ok_or(SealError::Absent)?;
    let mut hasher = crc32fast::Hasher::new();
    let mut piece = vec![0; PIECE];
    let mut left = length;
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let read = file.read(&mut piece[..most])?;
        if read == 0 {
            return Err(SealError::Damaged);
        }
        hasher.update(&piece[..read]);
        left -= read as u64;
    }
    let mut seal = [0; SEAL];
    file.read_exact(&mut seal)?;
    let (magic, rest) = seal.split_at(MAGIC.len());
    let (sealed, checksum) = rest.split_at(8);
    if magic != MAGIC {
        return Err(SealError::Absent);
    }
    let intact = sealed == length.to_le_bytes() && checksum == hasher.finalize().to_le_bytes();
    if intact { Ok(()) } else { Err(SealError::Damaged) }
}

#[cfg(all(test, feature = "compiler"))]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn every_bit_counts() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let verdict = |bytes: &[u8]| {
            std::fs::write(file.path(), bytes).unwrap();
            verify(file.path())
        };
        let sealed = seal((0..200_000).map(|n: u32| n.to_le_bytes()[0]).collect(), Generation::P2);
        assert!(verdict(&sealed).is_ok());
        for at in [0, 65_535, 65_536, 199_999, 200_010, sealed.len() - 1] {
            let mut damaged = sealed.clone();
            damaged[at] ^= 16;
            assert!(matches!(verdict(&damaged), Err(SealError::Damaged)), "{at}");
        }
        for cut in [0, 10, 100_000, sealed.len() - 1] {
            assert!(matches!(verdict(&sealed[..cut]), Err(SealError::Absent)), "{cut}");
        }
        let mut longer = sealed[..100].to_vec();
        longer.extend_from_slice(&sealed);
        assert!(matches!(verdict(&longer), Err(SealError::Damaged)));
        assert!(verdict(&seal(Vec::new(), Generation::P3)).is_ok());
        assert_eq!(generation(file.path()).unwrap(), Generation::P3);
        assert!(verdict(&sealed).is_ok());
        assert_eq!(generation(file.path()).unwrap(), Generation::P2);
        std::fs::write(file.path(), "no seal").unwrap();
        assert_eq!(generation(file.path()).unwrap(), Generation::P2);
    }
}
