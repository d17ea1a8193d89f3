//! The clock that interrupts computing handlers: one thread that advances the engine's epoch while a handler is on a CPU, and
//! sleeps while none is.
//!
//! Each tick makes a computing handler yield once, so that bytes it wrote leave and its deadline is seen. Some instructions take
//! long and do not yield: filling a gigabyte of fresh memory takes the better part of a second. The same thread then does what
//! the deadline asks for ([`Watch`]).

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::Thread;
use std::time::{Duration, Instant};
use wasmtime::Engine;

/// How long a handler computes before it yields, and so how long a written byte may wait.
const TICK: Duration = Duration::from_millis(1);

/// After so many ticks without a computing handler the thread sleeps.
const IDLE_TICKS: u32 = 1;

/// Handle to the ticking thread. The thread ends when the last handle is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Debug)]
struct Shared {
    computing: AtomicUsize,
    ticks: Arc<AtomicU64>,
    asleep: AtomicBool,
    watches: Mutex<Vec<Weak<Watch>>>,
    /// Milliseconds from `begun` until the first of the watches is due; `u64::MAX` if there is none.
    due: AtomicU64,
    begun: Instant,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Watch>>> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn millis(&self, at: Option<Instant>) -> u64 {
        let millis = at.map(|at| at.saturating_duration_since(self.begun).as_millis());
        millis.and_then(|millis| u64::try_from(millis).ok()).unwrap_or(u64::MAX)
    }

    /// Does what is due, and finds out when the next one is.
    fn look(&self) {
        let now = Instant::now();
        if self.millis(Some(now)) < self.due.load(Ordering::Relaxed) {
            return;
        }
        let mut watches = self.lock();
        watches.retain(|watch| watch.strong_count() > 0);
        let live: Vec<Arc<Watch>> = watches.iter().filter_map(Weak::upgrade).filter(|watch| !watch.is_done()).collect();
        self.due.store(live.iter().map(|watch| self.millis(watch.at)).min().unwrap_or(u64::MAX), Ordering::Relaxed);
        drop(watches);
        live.iter().filter(|watch| watch.at.is_some_and(|at| at <= now)).for_each(|watch| watch.act());
    }
}

/// What is done when a handler is still on a CPU at some time, once.
pub(crate) struct Watch {
    /// None if never.
    at: Option<Instant>,
    is_computing: AtomicBool,
    is_done: AtomicBool,
    /// Does it, and says whether it could.
    act: Box<dyn Fn() -> bool + Send + Sync>,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("at", &self.at).field("is_done", &self.is_done()).finish_non_exhaustive()
    }
}

impl Watch {
    /// Whether it was done.
    pub(crate) fn is_done(&self) -> bool {
        self.is_done.load(Ordering::SeqCst)
    }

    fn act(&self) {
        if self.is_computing.load(Ordering::SeqCst) && (self.act)() {
            self.is_done.store(true, Ordering::SeqCst);
        }
    }
}

impl Ticker {
    /// Starts the thread.
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            computing: AtomicUsize::new(0),
            ticks: Arc::default(),
            asleep: AtomicBool::new(false),
            watches: Mutex::default(),
            due: AtomicU64::new(u64::MAX),
            begun: Instant::now(),
        });
        let watched = Arc::downgrade(&shared);
        let engine = engine.clone();
        let run = move || {
            let mut idle = 0;
            while let Some(shared) = watched.upgrade() {
                if shared.computing.load(Ordering::SeqCst) > 0 {
                    idle = 0;
                    shared.look();
                } else {
                    idle += 1;
                }
                if idle > IDLE_TICKS {
                    shared.asleep.store(true, Ordering::SeqCst);
                    // A handler that began in between has not seen `asleep`.
                    if shared.computing.load(Ordering::SeqCst) == 0 {
                        drop(shared);
                        std::thread::park();
                    }
                    idle = 0;
                    continue;
                }
                let ticks = Arc::clone(&shared.ticks);
                drop(shared);
                std::thread::sleep(TICK);
                // Before the epoch: whoever sees that sees this, too.
                ticks.fetch_add(1, Ordering::SeqCst);
                engine.increment_epoch();
            }
        };
        let thread = std::thread::Builder::new().name("ticker".to_owned()).stack_size(64 * 1024).spawn(run)?;
        Ok(Self { shared, thread: thread.thread().clone() })
    }

    /// How often it has ticked.
    pub(crate) fn ticks(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.shared.ticks)
    }

    /// Has `act` called, until it gives true, if a handler that [`enter`](Self::enter)s with this watch is on a CPU at `at` or
    /// later; without a time, never. It is called on the ticking thread, so it must not wait for anything. The watch ends when it is dropped.
    pub(crate) fn watch(&self, at: Option<Instant>, act: impl Fn() -> bool + Send + Sync + 'static) -> Arc<Watch> {
        let (is_computing, is_done) = (AtomicBool::new(false), AtomicBool::new(false));
        let watch = Arc::new(Watch { at, is_computing, is_done, act: Box::new(act) });
        let mut watches = self.shared.lock();
        if watches.len() == watches.capacity() {
            watches.retain(|watch| watch.strong_count() > 0);
        }
        watches.push(Arc::downgrade(&watch));
        self.shared.due.fetch_min(self.shared.millis(at), Ordering::Relaxed);
        watch
    }

    /// Ticks until the guard is dropped.
    pub(crate) fn enter<'a>(&'a self, watch: &'a Watch) -> Computing<'a> {
        watch.is_computing.store(true, Ordering::SeqCst);
        self.shared.computing.fetch_add(1, Ordering::SeqCst);
        if self.shared.asleep.swap(false, Ordering::SeqCst) {
            self.thread.unpark();
        }
        Computing { shared: &self.shared, watch }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.thread.unpark();
    }
}

/// A handler is on a CPU.
pub(crate) struct Computing<'a> {
    shared: &'a Shared,
    watch: &'a Watch,
}

impl Drop for Computing<'_> {
    fn drop(&mut self) {
        self.watch.is_computing.store(false, Ordering::SeqCst);
        self.shared.computing.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn a_watch_acts_while_its_handler_computes_and_not_otherwise() {
        let ticker = Ticker::start(&Engine::default()).unwrap();
        let (sender, receiver) = channel();
        let watch = |name: &'static str, until: usize| {
            let (sender, calls) = (sender.clone(), AtomicUsize::new(1));
            ticker.watch(Some(Instant::now()), move || {
                sender.send(name).unwrap();
                calls.fetch_add(1, Ordering::Relaxed) >= until
            })
        };
        let (waiting, computing) = (watch("waiting", 1), watch("computing", 2));
        let guard = ticker.enter(&computing);
        assert_eq!([receiver.recv().unwrap(), receiver.recv().unwrap()], ["computing"; 2]);
        drop(guard);
        let last = watch("last", 1);
        let _guard = ticker.enter(&last);
        assert_eq!(receiver.recv().unwrap(), "last");
        assert!(!waiting.is_done() && computing.is_done());
    }
}
