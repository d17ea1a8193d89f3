//! One invocation: what a door asks for, and how its answer travels from the Runtime API to that door.
//!
//! Knows nothing of sockets or formats. An ending is always said: a body whose sender is gone without one is a broken body.

mod failure;
mod told;

pub(crate) use failure::{Ending, Failure, message_of};

use crate::controls::Limits;
use crate::feed::{Door, EventKind, Feed, Verdict};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};
use told::Told;

/// How many chunks may wait for a client. Few: a runtime feels a slow client at once, and nothing is buffered.
const WAITING_CHUNKS: usize = 2;

/// How much of an invocation's log a caller may ask for.
const TAIL: usize = 4096;

/// What a door asks for.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) door: Door,
    /// The request that it came by. Absent at the Lambda API.
    pub(crate) line: Option<RequestLine>,
    pub(crate) request_id: Arc<str>,
    pub(crate) event: Bytes,
    /// As invoked, with its qualifier.
    pub(crate) arn: String,
    /// The version that the qualifier stands for.
    pub(crate) version: String,
    pub(crate) trace_id: String,
    pub(crate) client_context: Option<String>,
    pub(crate) tenant: Tenant,
}

/// The first line of an HTTP request.
#[derive(Clone, Debug)]
pub(crate) struct RequestLine {
    pub(crate) method: String,
    /// With its query.
    pub(crate) path: String,
}

impl RequestLine {
    pub(crate) fn of(parts: &http::request::Parts) -> Self {
        let path = parts.uri.path_and_query().map_or_else(|| parts.uri.path(), http::uri::PathAndQuery::as_str);
        Self { method: parts.method.to_string(), path: path.to_owned() }
    }
}

/// For whom an invocation is, if its caller said so. Lambda never lets the environment of one tenant serve another, or those
/// without one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tenant(pub(crate) Option<String>);

/// What a door gets.
#[derive(Debug)]
pub(crate) enum Responded {
    /// The runtime responds.
    Response(RuntimeResponse),
    /// It failed before it responded: Lambda's error document. The running invocation has the ending.
    Error(Bytes),
}

/// A response that the runtime began.
#[derive(Debug)]
pub(crate) struct RuntimeResponse {
    /// As the runtime sent it.
    pub(crate) content_type: Option<String>,
    /// Whether it said that it streams.
    pub(crate) streamed: bool,
    pub(crate) body: Body,
}

/// How far an invocation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Progress {
    Running,
    /// The response has its ending.
    Settled,
    /// The environment is free again, or gone.
    Over,
}

/// An invocation in an environment.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) invocation: Invocation,
    /// The nonce of this delivery.
    pub(crate) delivery: String,
    pub(crate) started: Instant,
    pub(crate) deadline_ms: u64,
    pub(crate) limits: Limits,
    environment: u32,
    feed: Feed,
    answer: Mutex<Option<oneshot::Sender<Responded>>>,
    responding: OnceLock<()>,
    /// The status that the feed was told first.
    status: OnceLock<u16>,
    ending: OnceLock<Ending>,
    /// A failure after the response's end: of work that went on.
    late: OnceLock<Failure>,
    progress: watch::Sender<Progress>,
    tail: Mutex<VecDeque<u8>>,
    bytes: AtomicU64,
}

impl Running {
    pub(crate) fn new(
        invocation: Invocation,
        environment: u32,
        limits: Limits,
        feed: Feed,
        answer: oneshot::Sender<Responded>,
    ) -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Self {
            invocation,
            delivery: uuid::Uuid::new_v4().to_string(),
            started: Instant::now(),
            deadline_ms: u64::try_from((now + limits.timeout).as_millis()).unwrap_or(u64::MAX),
            limits,
            environment,
            feed,
            answer: Mutex::new(Some(answer)),
            responding: OnceLock::new(),
            status: OnceLock::new(),
            ending: OnceLock::new(),
            late: OnceLock::new(),
            progress: watch::Sender::new(Progress::Running),
            tail: Mutex::default(),
            bytes: AtomicU64::new(0),
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.invocation.request_id
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn tell(&self, kind: EventKind) {
        self.feed.tell(Some(self.environment), Some(self.invocation.request_id.clone()), kind);
    }

    /// Tells of the invocation's start.
    pub(crate) fn tell_start(&self, cold: bool) {
        let Invocation { door, line, event, arn, trace_id, client_context, tenant, .. } = &self.invocation;
        self.tell(EventKind::InvocationStarted {
            door: *door,
            method: line.as_ref().map(|line| line.method.clone()),
            path: line.as_ref().map(|line| line.path.clone()),
            cold,
            event: event.clone(),
            deadline_ms: self.deadline_ms,
            function_arn: arn.clone(),
            trace_id: trace_id.clone(),
            client_context: client_context.clone(),
            tenant_id: tenant.0.clone(),
        });
    }

    /// Tells of the response's head, unless one with this status was told.
    pub(crate) fn tell_head(&self, status: u16, headers: impl FnOnce() -> Vec<(String, String)>) {
        let is_first = self.status.set(status).is_ok();
        if is_first || self.status.get() != Some(&status) {
            self.tell(EventKind::ResponseHead { status, headers: headers(), after: self.started.elapsed() });
        }
    }

    /// Whether neither a response nor an error was begun.
    pub(crate) fn is_unanswered(&self) -> bool {
        lock(&self.answer).is_some()
    }

    /// Whether a response was begun, and not an error.
    pub(crate) fn was_responding(&self) -> bool {
        self.responding.get().is_some()
    }

    /// Begins the response. None if it was begun or failed before.
    pub(crate) fn respond(self: &Arc<Self>, content_type: Option<String>, streamed: bool) -> Option<BodySender> {
        let answer = lock(&self.answer).take()?;
        let _ = self.responding.set(());
        self.tell(EventKind::ResponseStarted {
            content_type: content_type.clone().unwrap_or_default(),
            streamed,
            after: self.started.elapsed(),
        });
        let (sender, parts) = mpsc::channel(WAITING_CHUNKS);
        let body = Body { parts, running: self.clone() };
        let told = Told::of(content_type.as_deref());
        // A caller that is gone does not stop the function.
        let _ = answer.send(Responded::Response(RuntimeResponse { content_type, streamed, body }));
        Some(BodySender { parts: sender, running: self.clone(), told })
    }

    /// Gives the response its ending. False if it has one.
    pub(crate) fn settle(&self, ending: Ending) -> bool {
        let outcome = ending.outcome(self.id());
        let document = match &ending {
            Ending::Complete => Bytes::new(),
            Ending::Error { document, .. } | Ending::Trailers { document, .. } => document.clone(),
            Ending::Failed(failure) => failure.document(self.id()),
        };
        if self.ending.set(ending).is_err() {
            return false;
        }
        self.tell(EventKind::ResponseEnded { outcome, after: self.started.elapsed() });
        if let Some(answer) = lock(&self.answer).take() {
            let _ = answer.send(Responded::Error(document));
        }
        self.progress.send_modify(|progress| *progress = (*progress).max(Progress::Settled));
        true
    }

    /// A failure that Lambda saw: the response's ending, or if that is past, the invocation's.
    pub(crate) fn fail(&self, failure: Failure) {
        if !self.settle(Ending::Failed(failure.clone())) {
            let _ = self.late.set(failure);
        }
    }

    /// Marks the environment as done with it. False if it was.
    pub(crate) fn finish(&self) -> bool {
        self.progress.send_replace(Progress::Over) != Progress::Over
    }

    pub(crate) fn is_settled(&self) -> bool {
        *self.progress.borrow() >= Progress::Settled
    }

    /// Waits for the response's ending.
    pub(crate) async fn settled(&self) {
        self.reached(Progress::Settled).await;
    }

    /// Waits until the environment is done with it.
    pub(crate) async fn over(&self) {
        self.reached(Progress::Over).await;
    }

    async fn reached(&self, goal: Progress) {
        // The sender is ours: the wait cannot fail.
        let _ = self.progress.subscribe().wait_for(|progress| *progress >= goal).await;
    }

    /// The response's ending; a body without one was cut.
    pub(crate) fn ending(&self) -> Ending {
        self.ending.get().cloned().unwrap_or(Ending::Failed(Failure::Truncated))
    }

    /// How the whole invocation went.
    pub(crate) fn outcome(&self) -> Verdict {
        match self.late.get() {
            Some(failure) => Ending::Failed(failure.clone()).outcome(self.id()),
            None => self.ending().outcome(self.id()),
        }
    }

    /// Adds a line to the log that the caller may ask for.
    pub(crate) fn log(&self, line: &str) {
        let mut tail = lock(&self.tail);
        tail.extend(line.as_bytes());
        tail.push_back(b'\n');
        let surplus = tail.len().saturating_sub(TAIL);
        tail.drain(..surplus);
    }

    /// The last 4 KB of the invocation's log.
    pub(crate) fn tail(&self) -> Vec<u8> {
        lock(&self.tail).iter().copied().collect()
    }
}

/// The runtime's side of a response body.
#[derive(Debug)]
pub(crate) struct BodySender {
    parts: mpsc::Sender<Bytes>,
    running: Arc<Running>,
    told: Told,
}

impl BodySender {
    /// Hands on a chunk that was held back for `throttled`; waits while the client is behind. A client that is gone takes
    /// everything.
    pub(crate) async fn send(&mut self, chunk: Bytes, throttled: Option<Duration>) {
        self.running.bytes.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        if self.parts.send(chunk.clone()).await.is_err() {
            return;
        }
        let (prelude, data) = self.told.take(chunk);
        if let Some(prelude) = prelude {
            self.running.tell_head(prelude.status_code.unwrap_or(200), || told::headers(&prelude));
        }
        if !data.is_empty() {
            let after = self.running.started.elapsed();
            self.running.tell(EventKind::Chunk { bytes: data.len(), after, data, throttled });
        }
    }
}

/// The door's side of a response body.
#[derive(Debug)]
pub(crate) struct Body {
    parts: mpsc::Receiver<Bytes>,
    running: Arc<Running>,
}

impl Body {
    /// The next chunk; none after the last.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        self.parts.recv().await
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if !self.running.is_settled() {
            self.running.tell(EventKind::ClientLeft);
        }
    }
}

/// Locks; what a panicking thread left behind is still in order, as no lock is held across anything that fails.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
