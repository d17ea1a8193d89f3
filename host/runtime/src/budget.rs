//! What the host may hold on behalf of one invocation: bytes of its own memory, connections, open files and look-ups.
//!
//! Whatever a handler makes the host keep is charged here when it is taken, and given back when it is dropped, on whichever
//! thread that happens. Counting things is no limit on memory: a few hundred of them can be of any size. This file knows how
//! much is held, and not what.

use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that an entry of the resource table costs beside the content that is charged for it: its slot, the boxed value, the
/// pollable that waits for it, and the handle in the guest's own table.
pub(crate) const ENTRY: usize = 512;

/// Bytes that a piece of data costs beside its length: its allocation and its owner.
const PIECE: usize = 128;

/// What all invocations of a process share.
#[derive(Clone, Debug)]
pub(crate) struct Shares {
    /// Descriptors for what handlers connect to and open.
    descriptors: Arc<Semaphore>,
    /// Threads for look-ups: a silent name server keeps each of them for long, and files are read by threads, too.
    lookups: Arc<Semaphore>,
}

/// Look-ups that a process has under way at once.
const LOOKUPS: usize = 64;

impl Shares {
    pub(crate) fn new(descriptors: usize) -> Self {
        let semaphore = |permits: usize| Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS)));
        Self { descriptors: semaphore(descriptors), lookups: semaphore(LOOKUPS) }
    }

    /// Waits for a descriptor.
    pub(crate) async fn descriptor(&self) -> OwnedSemaphorePermit {
        permit(&self.descriptors).await
    }
}

/// What the host may hold for one invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Allowance {
    /// Bytes of the host's memory.
    pub memory: usize,
    /// Requests to other servers that are under way at once; each takes a connection.
    pub connections: usize,
    /// Files and folders that are open at once.
    pub files: usize,
    /// Names that are being looked up at once; each takes a thread until the resolver gives up.
    pub lookups: usize,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { memory: 16 * 1024 * 1024, connections: 64, files: 64, lookups: 8 }
    }
}

/// The host would hold more than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the host would hold more than {0} bytes for this invocation")]
pub(crate) struct Spent(pub(crate) usize);

/// The budget of one invocation. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Budget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limit: usize,
    /// Bytes that are charged.
    held: AtomicUsize,
    /// Bytes that the resource table costs.
    table: AtomicUsize,
    files: AtomicUsize,
    allowance: Allowance,
    connections: Arc<Semaphore>,
    lookups: Arc<Semaphore>,
    shares: Shares,
}

impl Budget {
    pub(crate) fn new(allowance: Allowance, shares: Shares) -> Self {
        Self(Arc::new(Shared {
            shares,
            limit: allowance.memory,
            held: AtomicUsize::new(0),
            table: AtomicUsize::new(0),
            files: AtomicUsize::new(0),
            allowance,
            connections: Arc::new(Semaphore::new(allowance.connections.min(Semaphore::MAX_PERMITS))),
            lookups: Arc::new(Semaphore::new(allowance.lookups.min(Semaphore::MAX_PERMITS))),
        }))
    }

    /// The bytes that may be held in all.
    pub(crate) fn allowance(&self) -> Allowance {
        self.0.allowance
    }

    /// Charges `bytes` until the charge is dropped.
    ///
    /// # Errors
    /// [`Spent`]: then nothing is charged, and nothing may be held.
    pub(crate) fn charge(&self, bytes: usize) -> Result<Charge, Spent> {
        let mut charge = self.nothing();
        charge.resize(bytes)?;
        Ok(charge)
    }

    /// A charge of no bytes, to be resized.
    pub(crate) fn nothing(&self) -> Charge {
        Charge { budget: self.clone(), bytes: 0 }
    }

    /// `bytes`, charged until the last reference to them is dropped.
    ///
    /// # Errors
    /// [`Spent`].
    pub(crate) fn hold(&self, bytes: Bytes) -> Result<Bytes, Spent> {
        let charge = self.charge(bytes.len().saturating_add(PIECE))?;
        Ok(Bytes::from_owner(Held { bytes, _charge: charge }))
    }

    /// Charges the slots that a resource table has, and says how many it may have.
    pub(crate) fn slots(&self, slots: usize) -> usize {
        let table = slots.saturating_mul(ENTRY);
        self.0.table.store(table, Ordering::Relaxed);
        let held = self.0.held.load(Ordering::Relaxed).saturating_add(table);
        slots + self.0.limit.saturating_sub(held) / ENTRY
    }

    /// Counts an open file until the count is dropped; none if there are as many as there may be.
    pub(crate) fn open_file(&self) -> Option<OpenFile> {
        let descriptor = Arc::clone(&self.0.shares.descriptors).try_acquire_owned().ok()?;
        let file = OpenFile { budget: self.clone(), _descriptor: descriptor };
        let before = self.0.files.fetch_add(1, Ordering::Relaxed);
        (before < self.0.allowance.files).then_some(file)
    }

    /// Waits for the right to one more request under way.
    pub(crate) async fn connection(&self) -> OwnedSemaphorePermit {
        permit(&self.0.connections).await
    }

    /// Begins nothing more: whoever waits for a right to a request or a look-up waits for good. Requests that end together would
    /// otherwise let others begin that nobody is left to end.
    pub(crate) fn close(&self) {
        self.0.connections.close();
        self.0.lookups.close();
    }

    /// Waits for the right to one more look-up.
    pub(crate) async fn lookup(&self) -> Lookup {
        let own = permit(&self.0.lookups).await;
        Lookup { _own: Some(own), _shared: Some(permit(&self.0.shares.lookups).await) }
    }
}

async fn permit(semaphore: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    match Arc::clone(semaphore).acquire_owned().await {
        Ok(permit) => permit,
        // It is closed: whoever asks is about to be ended.
        Err(_) => std::future::pending().await,
    }
}

/// Bytes that are charged to an invocation until this is dropped.
#[derive(Debug)]
pub(crate) struct Charge {
    budget: Budget,
    bytes: usize,
}

impl Charge {
    /// Bytes that are charged.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Charges another number of bytes instead.
    ///
    /// # Errors
    /// [`Spent`]: then the charge is as it was.
    pub(crate) fn resize(&mut self, bytes: usize) -> Result<(), Spent> {
        let Shared { limit, held, table, .. } = &*self.budget.0;
        if bytes <= self.bytes {
            held.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
        } else {
            let more = bytes - self.bytes;
            let room = limit.saturating_sub(table.load(Ordering::Relaxed));
            let take = |held: usize| held.checked_add(more).filter(|held| *held <= room);
            held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).map_err(|_| Spent(*limit))?;
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.0.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A file that counts as open until this is dropped.
#[derive(Debug)]
pub(crate) struct OpenFile {
    budget: Budget,
    _descriptor: OwnedSemaphorePermit,
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        self.budget.0.files.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The right to look a name up. Whoever looks it up keeps this until the look-up has really ended, which may be long after
/// everybody stopped waiting for it.
#[derive(Debug, Default)]
pub struct Lookup {
    _own: Option<OwnedSemaphorePermit>,
    _shared: Option<OwnedSemaphorePermit>,
}

/// Bytes and their charge.
struct Held {
    bytes: Bytes,
    _charge: Charge,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    fn budget(memory: usize) -> Budget {
        Budget::new(Allowance { memory, files: 2, ..Allowance::default() }, Shares::new(100))
    }

    #[test]
    fn what_is_dropped_is_given_back() {
        let budget = budget(1000);
        let first = budget.charge(600).unwrap();
        assert_eq!(budget.charge(401).unwrap_err(), Spent(1000));
        let mut second = budget.charge(400).unwrap();
        drop(first);
        assert!(second.resize(1001).is_err() && second.bytes() == 400);
        second.resize(1000).unwrap();
        second.resize(10).unwrap();
        drop(second);
        assert!(budget.charge(1000).is_ok() && budget.charge(usize::MAX).is_err());
    }

    #[test]
    fn a_piece_is_charged_until_its_last_reference_is_gone() {
        let budget = budget(1000);
        let mut piece = budget.hold(Bytes::from(vec![1; 800])).unwrap();
        let rest = piece.split_off(799);
        drop(piece);
        assert!(budget.charge(200).is_err());
        std::thread::spawn(move || drop(rest)).join().unwrap();
        assert!(budget.charge(1000).is_ok());
    }

    #[test]
    fn the_table_and_what_is_charged_share_the_budget() {
        let budget = budget(10 * ENTRY);
        assert_eq!(budget.slots(0), 10);
        let charge = budget.charge(4 * ENTRY).unwrap();
        assert_eq!(budget.slots(3), 6);
        assert!(budget.charge(3 * ENTRY + 1).is_err() && budget.charge(3 * ENTRY).is_ok());
        assert_eq!(budget.slots(100), 100, "what is there stays");
        drop(charge);
        assert!(budget.charge(1).is_err());
    }

    #[tokio::test]
    async fn nothing_begins_once_it_is_closed() {
        let budget = Budget::new(Allowance { connections: 1, ..Allowance::default() }, Shares::new(100));
        let first = budget.connection().await;
        let mut second = std::pin::pin!(budget.connection());
        assert!(futures_util::poll!(&mut second).is_pending());
        budget.close();
        drop(first);
        assert!(futures_util::poll!(&mut second).is_pending());
    }

    #[test]
    fn files_are_counted() {
        let budget = budget(0);
        let (first, second) = (budget.open_file(), budget.open_file());
        assert!(first.is_some() && second.is_some() && budget.open_file().is_none());
        drop(first);
        assert!(budget.open_file().is_some());

        let shares = Shares::new(1);
        let [mine, theirs] = [(); 2].map(|()| Budget::new(Allowance::default(), shares.clone()));
        let file = mine.open_file();
        assert!(file.is_some() && theirs.open_file().is_none());
        drop(file);
        assert!(theirs.open_file().is_some());
    }
}
