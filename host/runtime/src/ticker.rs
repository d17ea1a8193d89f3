//! The clock that interrupts computing handlers: one thread that advances the engine's epoch while a handler is on a CPU, and
//! sleeps while none is.
//!
//! Each tick makes a computing handler yield once, so that bytes it wrote leave and its deadline is seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::Thread;
use std::time::Duration;
use wasmtime::Engine;

/// How long a handler computes before it yields, and so how long a written byte may wait.
const TICK: Duration = Duration::from_millis(1);

/// After so many ticks without a computing handler the thread sleeps.
const IDLE_TICKS: u32 = 3;

/// Handle to the ticking thread. The thread ends when the last handle is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Debug, Default)]
struct Shared {
    computing: AtomicUsize,
    asleep: AtomicBool,
}

impl Ticker {
    /// Starts the thread.
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let watched = Arc::downgrade(&shared);
        let engine = engine.clone();
        let run = move || {
            let mut idle = 0;
            while let Some(shared) = watched.upgrade() {
                if shared.computing.load(Ordering::SeqCst) > 0 {
                    idle = 0;
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
                drop(shared);
                std::thread::sleep(TICK);
                engine.increment_epoch();
            }
        };
        let thread = std::thread::Builder::new().name("ticker".to_owned()).stack_size(64 * 1024).spawn(run)?;
        Ok(Self { shared, thread: thread.thread().clone() })
    }

    /// Ticks until the guard is dropped.
    pub(crate) fn enter(&self) -> Computing<'_> {
        self.shared.computing.fetch_add(1, Ordering::SeqCst);
        if self.shared.asleep.swap(false, Ordering::SeqCst) {
            self.thread.unpark();
        }
        Computing(&self.shared)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.thread.unpark();
    }
}

/// A handler is on a CPU.
pub(crate) struct Computing<'a>(&'a Shared);

impl Drop for Computing<'_> {
    fn drop(&mut self) {
        self.0.computing.fetch_sub(1, Ordering::SeqCst);
    }
}
