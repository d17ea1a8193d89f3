//! The seal of a precompiled component: its length and checksums at the end of its file, so that damaged machine code is not run.
//!
//! It tells damage, not malice: whoever may write the file may seal it, too. The byte before the seal says which generation of
//! WASI the code is for, so that it is loaded by an engine that takes it.
//!
//! Nearly all of a large file is its bulk, machine code and the memory that an instance begins with, which is mapped and not looked at
//! until something runs. So its pieces have checksums of their own, which a second thread computes while the component is made, and
//! the first one, too, once it is. Everything else is looked at first: wasmtime believes what it reads there.

use crate::engine::Generation;
use crc32fast::Hasher;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::thread;

/// What a seal begins with. Another layout has another one.
pub(crate) const MAGIC: &[u8; 8] = b"FBseal04";

/// Bytes of a seal: [`MAGIC`], where the two parts of the bulk start and end, the CRC-32 of the CRC-32s of the bulk's pieces, the
/// length of what is before the seal, and the CRC-32 of everything else up to itself. Numbers have eight bytes, little-endian; a
/// piece's CRC-32 has four.
const SEAL: usize = 8 * 8;

/// A bulk of so many bytes takes longer to look at than a thread takes to start.
const WORTH_A_THREAD: u64 = 4 << 20;

/// Bytes of a piece of the bulk, whose checksum one thread computes.
const PIECE: u64 = 256 * 1024;

/// How much is read at once: it stays in the CPU's caches, and out of what the process holds.
const READ: usize = 64 * 1024;

/// What is wrong with a sealed file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("it has no checksum at its end, as what this version of `firstbyte compile` writes has")]
    Absent,
    #[error("it is damaged: its checksum is another one")]
    Damaged,
    #[error("it became shorter while it was read")]
    Cut,
}

/// Where the bulk of a file lies: two parts, one after the other.
pub(crate) type Bulk = [Range<u64>; 2];

/// What is before, between and after the parts of the bulk. None if `length` bytes have no such parts.
fn rest([first, second]: &Bulk, length: u64) -> Option<[Range<u64>; 3]> {
    let is_ordered = [first.start, first.end, second.start, second.end, length].is_sorted();
    is_ordered.then_some([0..first.start, first.end..second.start, second.end..length])
}

/// The pieces of the bulk whose checksums are computed one by one.
fn pieces(bulk: &Bulk) -> impl Iterator<Item = Range<u64>> {
    bulk.iter().flat_map(|part| {
        let starts = part.clone().step_by(PIECE as usize);
        starts.map(|start| start..part.end.min(start + PIECE))
    })
}

/// The bulk's checksum, of those of its pieces.
fn of_pieces(sums: impl Iterator<Item = u32>) -> u64 {
    let mut hasher = Hasher::new();
    sums.for_each(|sum| hasher.update(&sum.to_le_bytes()));
    hasher.finalize().into()
}

/// Seals machine code of a component of `generation`. If `code` does not have the parts of `bulk`, none of it is looked at aside.
#[cfg(feature = "compiler")]
pub(crate) fn seal(mut code: Vec<u8>, bulk: Bulk, generation: Generation) -> Vec<u8> {
    code.push(match generation {
        Generation::P2 => 2,
        Generation::P3 => 3,
    });
    let length = code.len() as u64;
    let (bulk, rest) = match rest(&bulk, length) {
        Some(rest) => (bulk, rest),
        None => ([0..0, 0..0], [0..0, 0..0, 0..length]),
    };
    let bulk_sum = of_pieces(pieces(&bulk).map(|piece| crc32fast::hash(&code[piece.start as usize..piece.end as usize])));
    let mut sum = Hasher::new();
    rest.iter().for_each(|part| sum.update(&code[part.start as usize..part.end as usize]));
    let places = bulk.iter().flat_map(|part| [part.start, part.end]);
    let mut seal = MAGIC.to_vec();
    seal.extend(places.chain([bulk_sum, length]).flat_map(u64::to_le_bytes));
    sum.update(&seal);
    seal.extend(u64::from(sum.finalize()).to_le_bytes());
    code.append(&mut seal);
    code
}

/// The generation that the file was sealed as. What has no seal is of the first that there was.
pub(crate) fn generation(file: &File) -> io::Result<Generation> {
    let mut end = [0; 1 + SEAL];
    let Some(start) = file.metadata()?.len().checked_sub(end.len() as u64) else { return Ok(Generation::P2) };
    file.read_exact_at(&mut end, start)?;
    let is_p3 = end[0] == 3 && end[1..].starts_with(MAGIC);
    Ok(if is_p3 { Generation::P3 } else { Generation::P2 })
}

/// A file of which all but the bulk is as it was sealed.
pub(crate) struct Sealed<'a> {
    file: &'a File,
    bulk: Bulk,
    /// What [`of_pieces`] has to give.
    bulk_sum: u64,
}

impl<'a> Sealed<'a> {
    /// Looks at all of the file but its bulk.
    pub(crate) fn of(file: &'a File) -> Result<Self, SealError> {
        let length = file.metadata()?.len().checked_sub(SEAL as u64).ok_or(SealError::Absent)?;
        let mut seal = [0; SEAL];
        file.read_exact_at(&mut seal, length)?;
        let (sealed, sum) = seal.split_at(SEAL - 8);
        let Some(numbers) = sealed.strip_prefix(MAGIC).map(|numbers| numbers.as_chunks::<8>().0) else {
            return Err(SealError::Absent);
        };
        let numbers: Vec<u64> = numbers.iter().map(|number| u64::from_le_bytes(*number)).collect();
        let [first, first_end, second, second_end, bulk_sum, sealed_length] = *numbers else { return Err(SealError::Absent) };
        let bulk = [first..first_end, second..second_end];
        let rest = rest(&bulk, length).ok_or(SealError::Damaged)?;
        let mut hasher = Hasher::new();
        let mut buffer = vec![0; READ];
        rest.iter().try_for_each(|range| read(file, range, &mut buffer, &mut hasher))?;
        hasher.update(sealed);
        let is_intact = sealed_length == length && sum == u64::from(hasher.finalize()).to_le_bytes();
        if is_intact { Ok(Self { file, bulk, bulk_sum }) } else { Err(SealError::Damaged) }
    }

    /// Does `work`, and meanwhile sees whether the bulk is as it was sealed. If it is not, what came of the work is dropped.
    pub(crate) fn while_verified<T>(&self, work: impl FnOnce() -> T) -> Result<T, SealError> {
        let pieces: Vec<_> = pieces(&self.bulk).map(|piece| (piece, AtomicU32::new(0))).collect();
        let next = AtomicUsize::new(0);
        let sum = || -> Result<(), SealError> {
            let mut buffer = vec![0; READ];
            while let Some((piece, sum)) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) {
                let mut hasher = Hasher::new();
                read(self.file, piece, &mut buffer, &mut hasher)?;
                sum.store(hasher.finalize(), Ordering::Relaxed);
            }
            Ok(())
        };
        let bytes: u64 = self.bulk.iter().map(|part| part.end - part.start).sum();
        let done = thread::scope(|scope| {
            // The process may have no more threads.
            let aside = (bytes >= WORTH_A_THREAD)
                .then(|| thread::Builder::new().name("checksum".to_owned()).spawn_scoped(scope, sum).ok())
                .flatten();
            let done = work();
            sum()?;
            aside.map_or(Ok(Ok(())), thread::ScopedJoinHandle::join).map_err(|_| SealError::Damaged)??;
            Ok::<_, SealError>(done)
        })?;
        let sums = pieces.into_iter().map(|(_, sum)| sum.into_inner());
        if of_pieces(sums) == self.bulk_sum { Ok(done) } else { Err(SealError::Damaged) }
    }
}

/// Sums what `file` has at `range`, through `buffer`.
fn read(file: &File, range: &Range<u64>, buffer: &mut [u8], hasher: &mut Hasher) -> Result<(), SealError> {
    let mut at = range.start;
    while at < range.end {
        let most = usize::try_from(range.end - at).unwrap_or(usize::MAX).min(buffer.len());
        let read = &mut buffer[..most];
        file.read_exact_at(read, at).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => SealError::Cut,
            _ => error.into(),
        })?;
        hasher.update(read);
        at += most as u64;
    }
    Ok(())
}

#[cfg(all(test, feature = "compiler"))]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    fn verdict(file: &tempfile::NamedTempFile, bytes: &[u8]) -> Result<(), SealError> {
        std::fs::write(file.path(), bytes).unwrap();
        Sealed::of(&File::open(file.path()).unwrap())?.while_verified(|| ())
    }

    /// `length` bytes, sealed with their bulk where it is said.
    fn sealed(length: u64, bulk: Bulk) -> Vec<u8> {
        seal((0..length).map(|n| n.to_le_bytes()[0]).collect(), bulk, Generation::P2)
    }

    #[test]
    fn every_bit_counts() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let large = 2 * WORTH_A_THREAD;
        let cases =
            [(200_000, [4096..100_000, 120_000..150_000]), (200_000, [0..0, 0..0]), (large, [0..large / 2, large / 2..large])];
        for (length, bulk) in cases {
            let sealed = sealed(length, bulk);
            assert!(verdict(&file, &sealed).is_ok());
            let length = length as usize;
            let seal = length + 1 + MAGIC.len();
            for at in [0, 4095, 4096, 99_999, 100_000, 120_000, 149_999, 199_999, length].into_iter().chain(seal..sealed.len()) {
                let mut damaged = sealed.clone();
                damaged[at] ^= 16;
                assert!(matches!(verdict(&file, &damaged), Err(SealError::Damaged)), "{at}");
            }
            for cut in [0, 10, 100_000, sealed.len() - 1] {
                assert!(matches!(verdict(&file, &sealed[..cut]), Err(SealError::Absent)), "{cut}");
            }
            let mut longer = sealed[..100].to_vec();
            longer.extend_from_slice(&sealed);
            assert!(matches!(verdict(&file, &longer), Err(SealError::Damaged)));
        }
        assert!(verdict(&file, &sealed(100, [0..50, 60..101_000])).is_ok(), "the bulk is not there");
        assert!(verdict(&file, &seal(Vec::new(), [0..0, 0..0], Generation::P3)).is_ok());
        assert_eq!(generation(&File::open(file.path()).unwrap()).unwrap(), Generation::P3);
        assert!(verdict(&file, &sealed(100, [0..50, 60..100])).is_ok());
        assert_eq!(generation(&File::open(file.path()).unwrap()).unwrap(), Generation::P2);
        std::fs::write(file.path(), "no seal").unwrap();
        assert_eq!(generation(&File::open(file.path()).unwrap()).unwrap(), Generation::P2);
    }

    #[test]
    fn what_was_made_of_a_damaged_bulk_is_dropped() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let length = 2 * WORTH_A_THREAD;
        let mut damaged = sealed(length, [4096..length / 2, length / 2..length]);
        damaged[length as usize / 2] ^= 1;
        std::fs::write(file.path(), &damaged).unwrap();
        let file = File::open(file.path()).unwrap();
        assert!(matches!(Sealed::of(&file).unwrap().while_verified(|| "made"), Err(SealError::Damaged)));
    }

    #[test]
    fn a_file_that_is_cut_while_it_is_summed_is_told_as_that() {
        let file = tempfile::NamedTempFile::new().unwrap();
        // So short that no second thread sums it before it is cut.
        let length = 2 * PIECE;
        std::fs::write(file.path(), sealed(length, [4096..length / 2, length / 2..length])).unwrap();
        let file = File::options().read(true).write(true).open(file.path()).unwrap();
        let cut = Sealed::of(&file).unwrap().while_verified(|| file.set_len(length / 3).unwrap());
        assert_eq!(cut.unwrap_err().to_string(), "it became shorter while it was read");
    }
}
