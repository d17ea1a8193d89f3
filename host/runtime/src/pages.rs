//! Pages of memory that invocations write to, made ready with the instance that is made ahead.
//!
//! The memory of a fresh instance is a map of the component's file, and the kernel copies a page of it when it is written to for the
//! first time: some hundreds for an invocation in JavaScript or Python, nearly the same ones each time. Which ones is seen at the end
//! of the first two invocations: what was written to, and what the end of the instance gave back. From then on they are copied
//! before the invocation comes. An address may be another instance's by then, or nobody's: a page that is made ready early is as it
//! would have been later, so nothing but time depends on it.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Pages, by their numbers: an address through the size of a page. Ascending.
type Numbers = Vec<usize>;

/// The most pages that are made ready: 8 MiB. An invocation that writes to more takes longer for other reasons.
const MOST: usize = 2048;

/// The most pages that are looked at: 1 GiB.
const MOST_SEEN: usize = 256 * 1024;

/// What is known of the pages that invocations write to.
#[derive(Debug, Default)]
pub(crate) struct Pages(Mutex<Known>);

#[derive(Debug, Default)]
enum Known {
    #[default]
    Nothing,
    /// What one invocation wrote to.
    Once(Numbers),
    /// What both invocations wrote to. Empty, if the kernel does not say or do what is needed.
    Ready(Vec<Range<usize>>),
}

impl Pages {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops an instance whose invocation has ended, and learns from the first ones.
    pub(crate) fn take_down<T>(&self, instance: T) {
        let mut known = self.lock();
        if matches!(*known, Known::Ready(_)) {
            return;
        }
        let before = written();
        drop(instance);
        let given_back = before.and_then(|before| Ok(without(before, &written()?)));
        *known = match (std::mem::take(&mut *known), given_back) {
            (Known::Nothing, Ok(pages)) => Known::Once(pages),
            (Known::Once(first), Ok(mut pages)) => {
                pages.retain(|page| first.binary_search(page).is_ok());
                pages.truncate(MOST);
                Known::Ready(runs(&pages))
            }
            (_, Err(_)) | (Known::Ready(_), _) => Known::Ready(Vec::new()),
        };
    }

    /// Makes them ready.
    pub(crate) fn make_ready(&self) {
        let mut known = self.lock();
        if let Known::Ready(runs) = &mut *known {
            // The first call tells whether the kernel knows how. What is not mapped is refused as well, and passed over.
            if let Some(run) = runs.first()
                && populate(run.clone()).is_err_and(|error| error.kind() == io::ErrorKind::InvalidInput)
            {
                runs.clear();
            }
            runs.iter().skip(1).for_each(|run| _ = populate(run.clone()));
        }
    }
}

/// The pages of this process that are its own alone: they were written to.
fn written() -> io::Result<Numbers> {
    const OWN: u64 = 1 << 63;
    const OF_A_FILE: u64 = 1 << 61;
    let size = rustix::param::page_size();
    let maps = std::fs::read_to_string("/proc/self/maps")?;
    let pagemap = File::open("/proc/self/pagemap")?;
    let mut pages = Vec::new();
    let mut seen = 0;
    for map in maps.lines().filter_map(writable) {
        let numbers = map.start / size..map.end / size;
        seen += numbers.len();
        if seen > MOST_SEEN {
            return Err(io::Error::other("too much memory to look at"));
        }
        let mut entries = vec![0; numbers.len() * 8];
        pagemap.read_exact_at(&mut entries, numbers.start as u64 * 8)?;
        let entries = entries.as_chunks::<8>().0.iter().map(|entry| u64::from_ne_bytes(*entry));
        pages.extend(numbers.zip(entries).filter(|(_, entry)| entry & (OWN | OF_A_FILE) == OWN).map(|(number, _)| number));
    }
    Ok(pages)
}

/// The addresses of a line of `/proc/self/maps`, if what is there can be written to and is not shared: `7f00-7f10 rw-p …`.
fn writable(line: &str) -> Option<Range<usize>> {
    let (addresses, rest) = line.split_once(' ')?;
    let (start, end) = addresses.split_once('-')?;
    let address = |text| usize::from_str_radix(text, 16).ok();
    if rest.starts_with("rw-p") { Some(address(start)?..address(end)?) } else { None }
}

/// What is in `pages` and not in `others`.
fn without(mut pages: Numbers, others: &[usize]) -> Numbers {
    pages.retain(|page| others.binary_search(page).is_err());
    pages
}

/// The addresses of pages, neighbours together. A single page between two of them is taken along: it costs less than another call.
fn runs(pages: &[usize]) -> Vec<Range<usize>> {
    let size = rustix::param::page_size();
    let mut runs: Vec<Range<usize>> = Vec::new();
    for page in pages {
        let (start, end) = (page * size, (page + 1) * size);
        match runs.last_mut() {
            Some(last) if start <= last.end + size => last.end = end,
            _ => runs.push(start..end),
        }
    }
    runs
}

#[expect(unsafe_code, reason = "wasmtime does not say where an instance's memory is, nor make pages of it ready")]
fn populate(addresses: Range<usize>) -> io::Result<()> {
    let start = std::ptr::without_provenance_mut(addresses.start);
    // SAFETY: the advice changes no byte of memory, whatever is at these addresses by now: it does what the first write to each page
    // would do. What is not mapped, or cannot be written to, is refused.
    Ok(unsafe { rustix::mm::madvise(start, addresses.len(), rustix::mm::Advice::LinuxPopulateWrite) }?)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn pages_that_were_written_to_are_seen_until_they_are_given_back() {
        let size = rustix::param::page_size();
        let mut memory = vec![0_u8; 64 << 20];
        let first = memory.as_ptr().addr().div_ceil(size);
        let numbers = first + 10..first + 20;
        let own = || -> usize { written().unwrap().iter().filter(|page| numbers.contains(page)).count() };
        assert_eq!(own(), 0, "nothing was written yet");
        for page in 3..13 {
            memory[(page + 1) * size] = 1;
        }
        assert!((2..=4).contains(&own()), "{}", own());
        populate(numbers.start * size..numbers.end * size).unwrap();
        assert_eq!(own(), 10);
        drop(memory);
        assert_eq!(own(), 0);
    }

    #[test]
    fn what_two_invocations_wrote_to_is_made_ready() {
        let pages = Pages::default();
        let size = rustix::param::page_size();
        // The same addresses twice: what is given back is the next one that is asked for.
        let memory = |written: &[usize]| {
            let mut memory = vec![0_u8; 64 << 20];
            written.iter().for_each(|page| memory[page * size + size / 2] = 1);
            memory
        };
        let first = memory(&[100, 101, 103, 200]);
        let at = first.as_ptr().addr();
        pages.take_down(first);
        let second = memory(&[100, 101, 103, 300]);
        if second.as_ptr().addr() != at {
            return;
        }
        pages.take_down(second);
        let Known::Ready(runs) = &*pages.lock() else { panic!("two are enough") };
        let wanted = (at + 100 * size) / size * size;
        assert!(runs.iter().any(|run| run.contains(&wanted) && run.contains(&(wanted + 3 * size))), "{runs:?}");
        assert!(!runs.iter().any(|run| run.contains(&(wanted + 100 * size)) || run.contains(&(wanted + 200 * size))), "{runs:?}");
    }

    #[test]
    fn addresses_that_nobody_has_are_passed_over() {
        assert!(populate(0..rustix::param::page_size()).is_err());
        assert_eq!(runs(&[1, 2, 4, 7]).len(), 2);
        assert_eq!(writable("7f00-7f10 rw-p 00000000 00:00 0"), Some(0x7f00..0x7f10));
        assert_eq!(writable("7f00-7f10 r--p 00000000 00:00 0"), None);
        assert_eq!(writable("7f00-7f10 rw-s 00000000 00:00 0"), None);
    }
}
