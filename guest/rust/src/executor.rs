//! Runs an `async` handler, and the tasks that it starts, on the one thread that there is. Knows nothing of what they wait for:
//! that is the reactor's.

mod reactor;

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use async_task::{Runnable, Task};

pub(crate) use self::reactor::Pollable;
#[cfg(feature = "futures")]
pub(crate) use self::reactor::Ready;

thread_local! {
    /// Tasks that can go on, in the order in which they became able to.
    static RUNNABLE: RefCell<VecDeque<Runnable>> = const { RefCell::new(VecDeque::new()) };
    /// Whether somebody will run them.
    static RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// Runs a future to its end, and then the tasks that were detached to theirs.
///
/// # Panics
/// If the future waits for something that nobody can do any more, or within another call of this.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    assert!(!RUNNING.replace(true), "an async handler is run within another one: `.await` it instead");
    let woken = Arc::new(Woken(AtomicBool::new(true)));
    let output = run(future, &woken);
    reactor::forget();
    RUNNING.set(false);
    output.expect("the handler waits for what cannot happen: no timer, no answer and no task is under way that could wake it")
}

fn run<F: Future>(future: F, woken: &Arc<Woken>) -> Option<F::Output> {
    let waker = Waker::from(Arc::clone(woken));
    let mut future = Some(Box::pin(future));
    let mut output = None;
    loop {
        if let Some(root) = future.as_mut().filter(|_| woken.take())
            && let Poll::Ready(ended) = root.as_mut().poll(&mut Context::from_waker(&waker))
        {
            output = Some(ended);
            // What it holds is dropped before the detached tasks go on.
            future = None;
        }
        // Each task that can go on does so once, before those that it wakes.
        let count = RUNNABLE.with_borrow(VecDeque::len);
        for _ in 0..count {
            let Some(task) = RUNNABLE.with_borrow_mut(VecDeque::pop_front) else { break };
            task.run();
        }
        let busy = !RUNNABLE.with_borrow(VecDeque::is_empty) || (future.is_some() && woken.is_set());
        if !reactor::wake(busy) && !busy {
            return output;
        }
    }
}

/// Starts a task. See [`crate::task::spawn`].
pub(crate) fn spawn<F: Future<Output: 'static> + 'static>(future: F) -> Task<F::Output> {
    assert!(RUNNING.get(), "a task can only be started in an async handler: make it an `async fn`");
    let schedule = |task| RUNNABLE.with_borrow_mut(|runnable| runnable.push_back(task));
    let (task, handle) = async_task::spawn_local(future, schedule);
    task.schedule();
    handle
}

/// Whether the handler itself can go on.
struct Woken(AtomicBool);

impl Woken {
    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}
