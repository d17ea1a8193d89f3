//! What a runtime on a laptop tells of its invocations, so that they can be replayed: the seed of the guest's random numbers, its
//! clock, and all that it asked of other servers, byte by byte. `FIRSTBYTE_RECORD` names who listens; without it, nothing of this is
//! there.
//!
//! A recorder never holds an invocation up, and cannot fail it: what is told waits in a bounded queue for a thread of its own, and what
//! finds no room there is counted and told as missed. It knows nothing of who listens.

mod call;
mod line;

pub(crate) use call::Call;
use line::{Kind, Line};

use crate::log::{InvocationLog, Log};
use crate::settings::RECORD;
use http::Request;
use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use wasmtime_wasi_http::WasiBody;

/// How many lines may wait for whoever listens.
const LINES: usize = 16 * 1024;

/// How many bytes they may have.
const BYTES: usize = 16 * 1024 * 1024;

/// How long whoever listens may take to accept.
const CONNECT: Duration = Duration::from_secs(2);

/// Tells whoever listens. Clones share the connection.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    queue: SyncSender<Line>,
    waiting: Arc<Waiting>,
}

/// What waits in the queue, and what found no room there.
#[derive(Debug, Default)]
struct Waiting {
    bytes: AtomicUsize,
    /// How many lines each invocation lost: it cannot be replayed then.
    missed: Mutex<BTreeMap<Arc<str>, u64>>,
}

impl Waiting {
    fn missed(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, u64>> {
        self.missed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recorder {
    /// Connects, by a thread of its own. If nobody listens, the log says so, and invocations go on unrecorded.
    pub(crate) fn start(address: SocketAddr, log: Arc<dyn Log>) -> Self {
        let (queue, lines) = sync_channel(LINES);
        let waiting = Arc::<Waiting>::default();
        let told = Arc::clone(&waiting);
        let warn = move |error: &io::Error| {
            let message = format!("nothing is recorded any more: {RECORD}={address} cannot be told: {error}");
            InvocationLog::new(Arc::clone(&log), "-".to_owned(), None).warn(&message);
        };
        // Without a thread, whatever is told is lost, like without a listener.
        let _ = std::thread::Builder::new().name("recorder".to_owned()).spawn(move || {
            if let Err(error) = tell(address, &lines, &told) {
                warn(&error);
            }
        });
        Self { queue, waiting }
    }

    /// An invocation begins, in an instance whose random numbers are of this seed.
    pub(crate) fn begin(&self, request_id: &str, clock: SystemTime, began: Began) -> Recording {
        let recording = Recording { recorder: self.clone(), request_id: request_id.into(), calls: Arc::default() };
        recording.tell_at(clock, Kind::Began(began));
        recording
    }

    fn tell(&self, line: Line) {
        let size = line.size();
        let before = self.waiting.bytes.fetch_add(size, Ordering::Relaxed);
        let refused = if before.saturating_add(size) > BYTES {
            line
        } else {
            match self.queue.try_send(line) {
                Ok(()) => return,
                Err(TrySendError::Full(line)) => line,
                // Nobody listens any more, and the log has said so.
                Err(TrySendError::Disconnected(_)) => return,
            }
        };
        self.waiting.bytes.fetch_sub(size, Ordering::Relaxed);
        *self.waiting.missed().entry(refused.request_id).or_default() += 1;
    }
}

/// Writes lines as they come, until nobody can tell anything any more.
fn tell(address: SocketAddr, lines: &Receiver<Line>, waiting: &Waiting) -> io::Result<()> {
    let stream = TcpStream::connect_timeout(&address, CONNECT)?;
    stream.set_nodelay(true)?;
    let mut output = BufWriter::new(stream);
    loop {
        let line = match lines.try_recv() {
            Ok(line) => line,
            Err(TryRecvError::Disconnected) => return output.flush(),
            Err(TryRecvError::Empty) => {
                output.flush()?;
                match lines.recv() {
                    Ok(line) => line,
                    Err(_) => return Ok(()),
                }
            }
        };
        waiting.bytes.fetch_sub(line.size(), Ordering::Relaxed);
        line.write(&mut output)?;
        let missed = std::mem::take(&mut *waiting.missed());
        for (request_id, events) in missed {
            Line { at: SystemTime::now(), request_id, kind: Kind::Missed { events } }.write(&mut output)?;
        }
    }
}

/// In what an invocation begins.
#[derive(Debug)]
pub(crate) struct Began {
    /// What the instance's random numbers are made of.
    pub(crate) seed: u64,
    /// Whether the instance has served invocations before: what it kept of them is in no recording.
    pub(crate) is_reused: bool,
    /// Names of the environment variables that the guest sees. Their values may be secrets.
    pub(crate) variables: Arc<[(String, String)]>,
}

/// The recording of one invocation. Clones tell of the same.
#[derive(Clone, Debug)]
pub(crate) struct Recording {
    recorder: Recorder,
    request_id: Arc<str>,
    /// How many requests its guest has sent.
    calls: Arc<Mutex<u64>>,
}

impl Recording {
    /// A request of the guest's is sent.
    pub(crate) fn call(&self, request: &Request<WasiBody>) -> Call {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        *calls += 1;
        // Told under the lock, so that they are told in the order of their numbers.
        Call::begin(self.clone(), *calls, request)
    }

    fn tell(&self, kind: Kind) {
        self.tell_at(SystemTime::now(), kind);
    }

    fn tell_at(&self, at: SystemTime, kind: Kind) {
        self.recorder.tell(Line { at, request_id: Arc::clone(&self.request_id), kind });
    }
}
