//! Whose turn it is to compute, where several handlers do and others wait for sockets and timers.
//!
//! A handler that has computed for a tick goes behind everybody who became ready meanwhile, and goes on when one of as many
//! turns is free as there are CPUs. So no more than a tick per CPU stands between a token that is due and the handler that
//! waits for it, however many handlers compute. Without this, the executor would look at its sockets once in 61 ticks, and a
//! handler that became ready would stand behind all that compute.
//!
//! The engine asks at its first look after a tick, whoever's tick it was: a handler that has waited since is told to go on. Asked
//! to pass its turn there, each token of many streams cost three more polls of its task.

use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The turns of a process.
#[derive(Clone, Debug)]
pub(crate) struct Turns {
    free: Arc<Semaphore>,
    cpus: usize,
    /// How often the clock that interrupts handlers has ticked.
    ticks: Arc<AtomicU64>,
}

impl Turns {
    /// As many as there are CPUs.
    pub(crate) fn new(ticks: Arc<AtomicU64>) -> Self {
        let cpus = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self { free: Arc::new(Semaphore::new(cpus)), cpus, ticks }
    }

    /// Whether no handler computes for longer than a tick.
    pub(crate) fn are_free(&self) -> bool {
        self.free.available_permits() == self.cpus
    }

    /// One handler's part in them.
    pub(crate) fn turn(&self) -> Turn {
        Turn { turns: self.clone(), own: Arc::default() }
    }
}

/// One handler's turn. Clones are of the same handler.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    turns: Turns,
    own: Arc<Own>,
}

#[derive(Debug, Default)]
struct Own {
    held: Mutex<Held>,
    /// The tick at which it last began to compute.
    begun: AtomicU64,
}

/// How a handler stands to its turn.
#[derive(Debug, Default)]
enum Held {
    /// It has none: it waits for something, or computes for less than a tick so far.
    #[default]
    No,
    Yes(OwnedSemaphorePermit),
    /// It is about to let another one have it.
    Passing(#[expect(dead_code, reason = "it is given back when it is dropped")] Option<OwnedSemaphorePermit>),
}

impl Turn {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.own.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The handler is about to compute.
    pub(crate) fn begin(&self) {
        self.own.begun.store(self.turns.ticks.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// The handler does not compute: it waits for something, or has ended.
    pub(crate) fn end(&self) {
        let mut held = self.lock();
        if let Held::Yes(_) = *held {
            *held = Held::No;
        }
    }

    /// There was a tick. If the handler has computed since the tick before: completes when it may go on. It goes on at once
    /// otherwise.
    pub(crate) fn tick(&self) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>> {
        (self.own.begun.load(Ordering::Relaxed) != self.turns.ticks.load(Ordering::Relaxed)).then(|| self.next())
    }

    /// The handler has computed for a tick: completes when it may go on.
    fn next(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut held = self.lock();
        *held = match std::mem::take(&mut *held) {
            Held::Yes(permit) => Held::Passing(Some(permit)),
            Held::No | Held::Passing(_) => Held::Passing(None),
        };
        let turn = self.clone();
        Box::pin(async move {
            // The executor looks at its sockets and timers before this goes on.
            tokio::task::yield_now().await;
            // Who was woken by them is in the queue; so is this, behind them. Whoever computes next comes after all of them.
            requeue().await;
            *turn.lock() = Held::No;
            if let Ok(permit) = Arc::clone(&turn.turns.free).acquire_owned().await {
                *turn.lock() = Held::Yes(permit);
            }
        })
    }
}

/// Goes to the end of the executor's queue.
pub(crate) async fn requeue() {
    let mut is_queued = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut is_queued, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::os::unix::net::UnixStream;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::channel;
    use std::time::Duration;
    use tokio::io::AsyncReadExt as _;

    /// How many ticks pass between a byte in a socket and its reader, at most, while eight tasks compute.
    async fn ticks_before_a_reader(
        next: impl Fn(&Turn) -> Pin<Box<dyn Future<Output = ()> + Send>> + Copy + Send + 'static,
    ) -> usize {
        let turns = Turns { free: Arc::new(Semaphore::new(1)), cpus: 1, ticks: Arc::default() };
        let ticks = Arc::new(AtomicUsize::new(0));
        for _ in 0..8 {
            let (turn, ticks) = (turns.turn(), Arc::clone(&ticks));
            tokio::spawn(async move {
                loop {
                    std::thread::sleep(Duration::from_micros(100));
                    ticks.fetch_add(1, Ordering::Relaxed);
                    next(&turn).await;
                }
            });
        }
        let (mut near, far) = UnixStream::pair().unwrap();
        far.set_nonblocking(true).unwrap();
        let mut far = tokio::net::UnixStream::from_std(far).unwrap();
        let (sender, receiver) = channel();
        std::thread::spawn({
            let ticks = Arc::clone(&ticks);
            move || {
                for _ in 0..20 {
                    let before = ticks.load(Ordering::Relaxed);
                    near.write_all(&[0]).unwrap();
                    // The reader says when it has it.
                    let read: usize = receiver.recv().unwrap();
                    assert!(read >= before);
                }
            }
        });
        let reader = tokio::spawn(async move {
            let mut most = 0;
            for _ in 0..20 {
                let before = ticks.load(Ordering::Relaxed);
                far.read_u8().await.unwrap();
                let now = ticks.load(Ordering::Relaxed);
                most = most.max(now - before);
                sender.send(now).unwrap();
            }
            most
        });
        reader.await.unwrap()
    }

    #[tokio::test]
    async fn whoever_became_ready_is_before_those_that_compute() {
        let most = ticks_before_a_reader(Turn::next).await;
        assert!(most <= 20, "{most} ticks were between a byte and its reader");
        // What this is for: the executor's own order.
        let without = ticks_before_a_reader(|_| Box::pin(requeue())).await;
        assert!(without > most, "{without} ticks without turns, {most} with them");
    }

    #[test]
    fn a_handler_that_waited_since_the_last_tick_goes_on() {
        let turns = Turns::new(Arc::default());
        let turn = turns.turn();
        turn.begin();
        assert!(turn.tick().is_none());
        turns.ticks.fetch_add(1, Ordering::Relaxed);
        assert!(turn.tick().is_some());
        turn.begin();
        assert!(turn.tick().is_none());
    }

    #[tokio::test]
    async fn a_turn_is_free_again_when_its_handler_waits_or_is_gone() {
        let turns = Turns { free: Arc::new(Semaphore::new(1)), cpus: 1, ticks: Arc::default() };
        let (first, second) = (turns.turn(), turns.turn());
        first.next().await;
        assert_eq!(turns.free.available_permits(), 0);
        first.end();
        second.next().await;
        drop(second);
        assert_eq!(turns.free.available_permits(), 1);
        drop(first.next());
        assert_eq!(turns.free.available_permits(), 1);
    }
}
