//! Who waits for which of the host's pollables. One call to the host waits for all of them.

use std::{
    cell::RefCell,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use crate::__private::bindings::wasi::{clocks::monotonic_clock, io::poll};

thread_local! {
    static REACTOR: RefCell<Reactor> = const { RefCell::new(Reactor { waiting: Vec::new(), last: 0, always_ready: None }) };
}

struct Reactor {
    /// Those who wait, in the order of their numbers: who waits longest is asked for first.
    waiting: Vec<Waiting>,
    /// The number that was given last. They only grow.
    last: u64,
    /// With this among them, a call that waits for pollables returns at once.
    always_ready: Option<poll::Pollable>,
}

impl Reactor {
    fn find(&self, number: u64) -> Result<usize, usize> {
        self.waiting.binary_search_by_key(&number, |waiting| waiting.number)
    }
}

struct Waiting {
    number: u64,
    /// Whether it is about to be woken.
    is_ready: bool,
    pollable: Arc<poll::Pollable>,
    waker: Waker,
}

/// Something that the host tells to be ready: a timer, a stream.
#[derive(Debug, Clone)]
pub(crate) struct Pollable(Arc<poll::Pollable>);

impl Pollable {
    pub(crate) fn new(raw: poll::Pollable) -> Self {
        Self(Arc::new(raw))
    }

    /// Completes when it is ready. At once, if it is already.
    pub(crate) fn ready(&self) -> Ready {
        Ready { pollable: Arc::clone(&self.0), number: None }
    }
}

/// A wait for a pollable.
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub(crate) struct Ready {
    pollable: Arc<poll::Pollable>,
    /// Its number in the reactor, as long as it waits there.
    number: Option<u64>,
}

impl Future for Ready {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        assert!(super::RUNNING.get(), "this waits in an async handler only: make it an `async fn`");
        let is_ready = match self.number {
            // Only the reactor takes a wait away while it is polled: the pollable is ready.
            Some(number) => REACTOR.with_borrow_mut(|reactor| match reactor.find(number) {
                Ok(index) => {
                    reactor.waiting[index].waker.clone_from(context.waker());
                    false
                }
                Err(_) => true,
            }),
            None => self.pollable.ready(),
        };
        if is_ready {
            self.number = None;
            return Poll::Ready(());
        }
        if self.number.is_none() {
            let (pollable, waker) = (Arc::clone(&self.pollable), context.waker().clone());
            self.number = Some(REACTOR.with_borrow_mut(|reactor| {
                reactor.last += 1;
                reactor.waiting.push(Waiting { number: reactor.last, is_ready: false, pollable, waker });
                reactor.last
            }));
        }
        Poll::Pending
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            // Dropped outside of the reactor: a waker may own a task that waits, too.
            let _waiting = REACTOR.with_borrow_mut(|reactor| {
                let index = reactor.find(number).ok()?;
                Some(reactor.waiting.remove(index))
            });
        }
    }
}

/// Wakes whoever waits for what is ready. Waits until something is, unless there is other work to do (`busy`). False if nobody
/// waits for anything.
pub(super) fn wake(busy: bool) -> bool {
    let woken = REACTOR.with_borrow_mut(|reactor| {
        if reactor.waiting.is_empty() {
            return None;
        }
        let Reactor { waiting, always_ready, .. } = reactor;
        let mut pollables: Vec<&poll::Pollable> = waiting.iter().map(|waiting| &*waiting.pollable).collect();
        if busy {
            pollables.push(always_ready.get_or_insert_with(|| monotonic_clock::subscribe_duration(0)));
        }
        for index in poll::poll(&pollables) {
            // The pollable that is always ready stands behind those that somebody waits for.
            if let Some(waiting) = waiting.get_mut(index as usize) {
                waiting.is_ready = true;
            }
        }
        Some(waiting.extract_if(.., |waiting| waiting.is_ready).collect::<Vec<Waiting>>())
    });
    let Some(woken) = woken else { return false };
    for Waiting { waker, .. } in woken {
        waker.wake();
    }
    true
}

/// Gives back what was only needed while tasks ran.
pub(super) fn forget() {
    REACTOR.with_borrow_mut(|reactor| reactor.always_ready = None);
}
