//! Lambda's Runtime API, as far as measuring needs it: hands out events, and notes when which bytes of an answer arrived.
//!
//! One for each environment, on a port of its own, plain TCP; one blocking thread per connection, so that a byte's arrival is seen
//! as soon as the kernel has it. What we send leaves at once (`TCP_NODELAY`), but acknowledgements are the kernel's business:
//! it delays them, as Lambda's own does, and a client that waits for them waits here, too.

mod connection;
mod message;
mod payload;

pub(crate) use payload::Payload;

use anyhow::{Context, Result, bail};
use std::collections::{HashMap, VecDeque};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 4096;

/// Nothing that is measured takes longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// The Runtime API of one environment.
pub(crate) struct RuntimeApi {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

/// How one invocation was answered.
#[derive(Debug)]
pub(crate) struct Received {
    /// When the event left.
    pub(crate) sent: Instant,
    /// When the answer was complete.
    pub(crate) end: Instant,
    pub(crate) payload: Payload,
}

impl Received {
    /// From the event's leaving to the arrival of the payload's first byte.
    pub(crate) fn first_byte(&self) -> Duration {
        self.payload.first.unwrap_or(self.end) - self.sent
    }
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// For whoever measures.
    changed: Condvar,
    /// For requests that wait for an event: a thousand of them need not be woken by each other.
    events: Condvar,
}

#[derive(Default)]
struct State {
    events: VecDeque<Arc<str>>,
    /// Requests for the next event that wait for one.
    waiting: usize,
    first_next: Option<Instant>,
    /// When the event of each unanswered invocation left.
    open: HashMap<String, Instant>,
    answers: Vec<Received>,
    handed_out: u64,
    /// Why nothing more will come.
    failure: Option<String>,
    over: bool,
}

impl RuntimeApi {
    pub(crate) fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("cannot listen on 127.0.0.1")?;
        // A thousand workers connect at once; of those that find the standard library's queue full, some try again after minutes.
        rustix::net::listen(&listener, BACKLOG).context("cannot listen with a longer queue")?;
        let address = listener.local_addr()?;
        let shared = Arc::<Shared>::default();
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if accepting.lock().over {
                    return;
                }
                let shared = Arc::clone(&accepting);
                // A connection's end is the client's business: the measurement misses the answer and says so.
                std::thread::spawn(move || connection::serve(stream, &shared));
            }
        });
        Ok(Self { address, shared })
    }

    /// Waits for the first request for an event, and says when it came.
    pub(crate) fn first_next(&self) -> Result<Instant> {
        self.shared.wait(|state| state.first_next)
    }

    /// Waits until a request for an event waits.
    pub(crate) fn idle(&self) -> Result<()> {
        self.shared.wait(|state| (state.waiting > 0).then_some(()))
    }

    /// Waits until `count` requests for an event wait, and says when that was seen.
    pub(crate) fn ask(&self, count: usize) -> Result<Instant> {
        self.shared.wait(|state| (state.waiting >= count).then(Instant::now))
    }

    /// Has `watched` wait on a thread of its own for what ends the environment. What it returns is why nothing more will come.
    pub(crate) fn watch(&self, watched: impl FnOnce() -> Option<String> + Send + 'static) {
        let shared = Arc::clone(&self.shared);
        std::thread::spawn(move || watched().into_iter().for_each(|reason| shared.failed(reason)));
    }

    /// Hands out these events, as fast as they are asked for, and waits for all the answers.
    pub(crate) fn invoke(&self, events: Vec<Arc<str>>) -> Result<Vec<Received>> {
        let count = events.len();
        self.shared.lock().events.extend(events);
        self.shared.events.notify_all();
        self.shared.wait(|state| (state.answers.len() >= count).then(|| std::mem::take(&mut state.answers)))
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.shared.lock().over = true;
        self.shared.events.notify_all();
        // Wakes the thread that accepts.
        drop(std::net::TcpStream::connect(self.address));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `found` finds something.
    fn wait<T>(&self, mut found: impl FnMut(&mut State) -> Option<T>) -> Result<T> {
        let give_up = Instant::now() + PATIENCE;
        let mut state = self.lock();
        loop {
            if let Some(failure) = &state.failure {
                bail!("{failure}");
            }
            if let Some(found) = found(&mut state) {
                return Ok(found);
            }
            let left = give_up.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("nothing in {} s", PATIENCE.as_secs());
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The next event and the id of its invocation; none when all is over.
    fn next_event(&self) -> Option<(String, Arc<str>)> {
        let mut state = self.lock();
        state.first_next.get_or_insert_with(Instant::now);
        state.waiting += 1;
        self.changed.notify_all();
        while state.events.is_empty() && !state.over {
            state = self.events.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting -= 1;
        let event = state.events.pop_front()?;
        state.handed_out += 1;
        Some((format!("8476a536-e9f4-11e8-9739-{:012x}", state.handed_out), event))
    }

    fn event_leaves(&self, id: String) {
        self.lock().open.insert(id, Instant::now());
    }

    fn answered(&self, id: &str, payload: Payload) {
        let mut state = self.lock();
        match state.open.remove(id) {
            Some(sent) => state.answers.push(Received { sent, end: Instant::now(), payload }),
            None => state.failure = Some(format!("an answer to the unknown invocation {id}")),
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Ends what is waited for. The first reason is told.
    fn failed(&self, reason: String) {
        self.lock().failure.get_or_insert(reason);
        self.changed.notify_all();
    }

    fn wait_for_the_end(&self) {
        let mut state = self.lock();
        while !state.over {
            state = self.events.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
