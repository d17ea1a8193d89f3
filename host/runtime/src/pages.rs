//! Pages of memory that invocations write to, made ready with the instance that is made ahead.
//!
//! The memory of a fresh instance is a map of the component's file, and the kernel copies a page of it when it is written to for the
//! first time: some hundreds for an invocation in JavaScript or Python, nearly the same ones each time. Which ones is seen at the end
//! of the first two invocations: what was written to, and what the end of the instance gave back. From then on they are copied
//! before the invocation comes. An address may be another instance's by then, or nobody's: a page that is made ready early is as it
//! would have been later, so nothing but time depends on it.
//!
//! Kernels before Linux 5.14 have no advice for it. There, a byte of each page is written onto itself, and only in maps of files: of
//! those, an instance's end gives back nothing but its memory, which nobody else writes to while invocations come one at a time.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Pages, by their numbers: an address through the size of a page. Ascending.
type Numbers = Vec<usize>;

/// Neighbours among them.
type Run = Range<usize>;

/// The most bytes that are made ready. An invocation that writes to more takes longer for other reasons.
const MOST: usize = 8 << 20;

/// The most bytes of addresses that are looked at.
const MOST_SEEN: usize = 1 << 30;

/// How many pages the kernel is asked of at once.
const AT_ONCE: usize = 4096;

/// What is known of the pages that invocations write to.
#[derive(Debug, Default)]
pub(crate) struct Pages(Mutex<Known>);

#[derive(Debug, Default)]
enum Known {
    #[default]
    Nothing,
    /// The pages that one invocation wrote to.
    Once(Numbers),
    /// The pages that both invocations wrote to. Empty, if the kernel does not say or do what is needed.
    Ready(Vec<Run>, How),
}

/// The way in which the kernel is made to copy a page before somebody writes to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// The kernel is told that they will be written to.
    Advice,
    /// A byte of each is written onto itself.
    Copy,
}

impl Pages {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops an instance whose invocation has ended, and learns from the first ones.
    pub(crate) fn take_down<T>(&self, instance: T) {
        let mut known = self.lock();
        if matches!(*known, Known::Ready(..)) {
            return;
        }
        // The page of this very variable, which is there.
        let here = std::ptr::from_ref(&instance).addr() / page_size();
        let how = if populate(&(here..here + 1)).is_ok() { How::Advice } else { How::Copy };
        *known = match (std::mem::take(&mut *known), given_back(instance, how)) {
            (Known::Nothing, Ok(pages)) => Known::Once(pages),
            (Known::Once(first), Ok(mut pages)) => {
                pages.retain(|page| first.binary_search(page).is_ok());
                // One that lies between two others may be anybody's.
                let between = if how == How::Advice { 1 } else { 0 };
                Known::Ready(bounded(runs(&pages, between)), how)
            }
            (_, Err(_)) | (Known::Ready(..), _) => Known::Ready(Vec::new(), how),
        };
    }

    /// Makes them ready. What is not mapped is refused, and passed over.
    pub(crate) fn make_ready(&self) {
        let mut known = self.lock();
        match &mut *known {
            Known::Ready(runs, How::Advice) => runs.iter().for_each(|run| _ = populate(run)),
            Known::Ready(runs, How::Copy) if !runs.is_empty() && copy(runs).is_err() => runs.clear(),
            _ => {}
        }
    }
}

/// Drops an instance, and gives the pages that were written to and that its end gave back.
///
/// # Errors
/// The kernel does not say, or nothing could be made ready: it is forbidden to.
fn given_back<T>(instance: T, how: How) -> io::Result<Numbers> {
    if how == How::Copy {
        own_memory()?;
    }
    let mut pagemap = Pagemap { file: File::open("/proc/thread-self/pagemap")?, entries: vec![0; AT_ONCE * ENTRY] };
    let mut pages = pagemap.written(&writable(how)?)?;
    drop(instance);
    // What lies between is read along: it costs less than another call.
    let left = pagemap.written(&runs(&pages, 64))?;
    pages.retain(|page| left.binary_search(page).is_err());
    Ok(pages)
}

/// Bytes of what the kernel says of a page.
const ENTRY: usize = 8;

/// What the kernel says of the pages of this process.
struct Pagemap {
    file: File,
    entries: Vec<u8>,
}

impl Pagemap {
    /// Those of the pages that are this process's own alone: they were written to.
    fn written(&mut self, among: &[Run]) -> io::Result<Numbers> {
        const OWN: u64 = 1 << 63;
        const OF_A_FILE: u64 = 1 << 61;
        let mut pages = Vec::new();
        for run in among {
            for first in run.clone().step_by(AT_ONCE) {
                let numbers = first..run.end.min(first + AT_ONCE);
                let entries = &mut self.entries[..numbers.len() * ENTRY];
                self.file.read_exact_at(entries, (first * ENTRY) as u64)?;
                let entries = entries.as_chunks().0.iter().map(|entry| u64::from_ne_bytes(*entry));
                pages
                    .extend(numbers.zip(entries).filter(|(_, entry)| entry & (OWN | OF_A_FILE) == OWN).map(|(number, _)| number));
            }
        }
        Ok(pages)
    }
}

/// The pages of this process that can be written to and are not shared, and that may be made ready in this way.
fn writable(how: How) -> io::Result<Vec<Run>> {
    // Names of files in it are in any encoding. An emulator of CPUs (qemu) answers for /proc/self/maps itself,
    // and takes longer than an invocation for it.
    let maps = std::fs::read("/proc/thread-self/maps")?;
    let runs: Vec<Run> = String::from_utf8_lossy(&maps).lines().filter_map(|line| writable_of(line, how)).collect();
    let seen: usize = runs.iter().map(ExactSizeIterator::len).sum();
    if seen > MOST_SEEN / page_size() { Err(io::Error::other("too much memory to look at")) } else { Ok(runs) }
}

/// The pages of a line of `/proc/thread-self/maps`, if they are among [`writable`]:
/// `7f00-7f10 rw-p OFFSET DEVICE INODE …`.
fn writable_of(line: &str, how: How) -> Option<Run> {
    let mut words = line.split(' ');
    let (start, end) = words.next()?.split_once('-')?;
    let is_writable = words.next()? == "rw-p";
    let is_of_a_file = words.nth(2)? != "0";
    let number = |text| usize::from_str_radix(text, 16).map(|address| address / page_size()).ok();
    if is_writable && (is_of_a_file || how == How::Advice) { Some(number(start)?..number(end)?) } else { None }
}

/// Pages as runs. So many others between two of them are taken along.
fn runs(pages: &[usize], between: usize) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for &page in pages {
        match runs.last_mut() {
            Some(last) if page <= last.end + between => last.end = page + 1,
            _ => runs.push(page..page + 1),
        }
    }
    runs
}

/// As many of the pages as are made ready.
fn bounded(mut runs: Vec<Run>) -> Vec<Run> {
    let mut left = MOST / page_size();
    runs.retain_mut(|run| {
        run.end = run.end.min(run.start + left);
        left -= run.len();
        run.start < run.end
    });
    runs
}

fn page_size() -> usize {
    rustix::param::page_size()
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "wasmtime does not say where an instance's memory is, nor make pages of it ready")]
fn populate(run: &Run) -> io::Result<()> {
    let start = std::ptr::without_provenance_mut(run.start * page_size());
    // SAFETY: the advice changes no byte of memory, whatever is at these addresses by now: it does what the first write to each page
    // would do. What is not mapped, or cannot be written to, is refused.
    Ok(unsafe { rustix::mm::madvise(start, run.len() * page_size(), rustix::mm::Advice::LinuxPopulateWrite) }?)
}

/// The memory of this process, as a file: what is not mapped cannot be read or written, and nothing worse happens.
fn own_memory() -> io::Result<File> {
    File::options().read(true).write(true).open("/proc/thread-self/mem")
}

/// Writes a byte of each page onto itself.
fn copy(runs: &[Run]) -> io::Result<()> {
    let memory = own_memory()?;
    let mut byte = [0];
    runs.iter().cloned().flatten().try_for_each(|page| {
        let at = (page * page_size()) as u64;
        memory.read_exact_at(&mut byte, at)?;
        memory.write_all_at(&byte, at)
    })
}

#[cfg(not(target_os = "linux"))]
fn populate(_: &Run) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    /// Zeroed memory that the kernel has not given yet, and gives page by page, however the machine is set.
    #[expect(unsafe_code, reason = "there is no safe way to say so")]
    fn memory() -> Vec<u8> {
        let mut memory = vec![0_u8; 64 << 20];
        let pages = memory.as_mut_ptr_range();
        let start = pages.start.map_addr(|address| address.next_multiple_of(page_size()));
        let length = (pages.end.addr() - start.addr()) / page_size() * page_size();
        // SAFETY: the advice changes no byte.
        unsafe { rustix::mm::madvise(start.cast(), length, rustix::mm::Advice::LinuxNoHugepage) }.unwrap();
        memory
    }

    #[test]
    fn pages_that_were_written_to_are_seen_until_they_are_given_back() {
        let mut memory = memory();
        let first = memory.as_ptr().addr().div_ceil(page_size());
        let numbers = first + 10..first + 20;
        let mut pagemap = Pagemap { file: File::open("/proc/thread-self/pagemap").unwrap(), entries: vec![0; AT_ONCE * ENTRY] };
        let own = |pagemap: &mut Pagemap| {
            pagemap.written(&writable(How::Advice).unwrap()).unwrap().iter().filter(|page| numbers.contains(page)).count()
        };
        assert_eq!(own(&mut pagemap), 0, "nothing was written yet");
        for page in 3..13 {
            memory[(page + 1) * page_size()] = 1;
        }
        assert!((2..=4).contains(&own(&mut pagemap)), "{}", own(&mut pagemap));
        populate(&numbers).unwrap();
        assert_eq!(own(&mut pagemap), 10);
        let other = numbers.end + 10..numbers.end + 20;
        memory[(other.start - first + 1) * page_size()] = 7;
        copy(std::slice::from_ref(&other)).unwrap();
        let pages = pagemap.written(std::slice::from_ref(&other)).unwrap();
        assert_eq!((pages.len(), memory[(other.start - first + 1) * page_size()]), (10, 7));
        drop(memory);
        assert_eq!(own(&mut pagemap), 0);
    }

    #[test]
    fn what_two_invocations_wrote_to_is_made_ready() {
        let pages = Pages::default();
        let size = page_size();
        // The same addresses twice: what is given back is the next one that is asked for.
        let memory = |written: &[usize]| {
            let mut memory = memory();
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
        let Known::Ready(runs, How::Advice) = &*pages.lock() else { panic!("two are enough") };
        let wanted = at / size + 100;
        assert!(runs.iter().any(|run| run.contains(&wanted) && run.contains(&(wanted + 3))), "{runs:?}");
        assert!(!runs.iter().any(|run| run.contains(&(wanted + 100)) || run.contains(&(wanted + 200))), "{runs:?}");
    }

    #[test]
    fn no_more_is_made_ready_than_eight_mebibytes() {
        let every_other: Vec<usize> = (0..MOST).map(|number| 2 * number).collect();
        let bytes = |runs: Vec<Run>| runs.iter().map(ExactSizeIterator::len).sum::<usize>() * page_size();
        assert_eq!(bytes(bounded(runs(&every_other, 1))), 8 << 20);
        assert_eq!(bytes(bounded(runs(&every_other, 0))), 8 << 20);
        assert_eq!(bytes(bounded(runs(&[1, 2, 4, 7], 1))), 5 * page_size());
    }

    #[test]
    fn addresses_that_nobody_has_are_passed_over() {
        assert!(populate(&(0..1)).is_err() && copy(&[0..1, 0..1]).is_err());
        assert_eq!(runs(&[1, 2, 4, 7], 1), [1..5, 7..8]);
        let size = page_size();
        let line = |rest| format!("{:x}-{:x} {rest}", 3 * size, 5 * size);
        assert_eq!(writable_of(&line("rw-p 00000000 00:00 0"), How::Advice), Some(3..5));
        assert_eq!(writable_of(&line("rw-p 00000000 00:00 0 [heap]"), How::Copy), None);
        assert_eq!(writable_of(&line("rw-p 00100000 fe:00 42       /var/task/a handler.cwasm"), How::Copy), Some(3..5));
        assert_eq!(writable_of(&line("r--p 00000000 00:00 0"), How::Advice), None);
        assert_eq!(writable_of(&line("rw-s 00000000 00:00 0"), How::Advice), None);
    }
}
