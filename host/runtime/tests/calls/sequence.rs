//! Sequences of calls to the host's interface, drawn from bytes, and what must hold whatever they are. Both the test and the fuzz
//! target run this.

use bytes::Bytes;
use firstbyte_runtime::log::{Log, Record};
use firstbyte_runtime::outlet::{Closed, DeliveryError, Opening, Outlet};
use firstbyte_runtime::{Fault, Handler, InvocationContext, Outcome, Settings, Settled, Stage};
use firstbyte_wire::{ErrorReport, Trigger};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;

/// Ends what one invocation does, and begins the next.
const SEPARATOR: u8 = 0xff;

/// Invocations of one sequence.
const INVOCATIONS: usize = 12;

/// Runs the invocations that `bytes` describe, one after the other or two at a time, in instances that are used again.
///
/// The first byte of each says how it comes and who reads: see [`Asked`]. What follows is what the handler does, by the guest
/// `calls`.
///
/// # Panics
/// If something does not hold.
pub(crate) fn run(component: &Path, bytes: &[u8]) {
    // The process opens some at its first invocation, and keeps them.
    static FIRST: Once = Once::new();
    FIRST.call_once(|| invoke_all(component, b""));
    let descriptors = descriptors();
    invoke_all(component, bytes);
    assert_eq!(self::descriptors(), descriptors, "descriptors are left");
}

fn invoke_all(component: &Path, bytes: &[u8]) {
    let log = Arc::<Failures>::default();
    let mut settings = Settings::default();
    (settings.memory, settings.concurrency, settings.reuse) = (4 << 20, Some(2), 4);
    let handler = Handler::load(component, Arc::new(settings), Arc::clone(&log) as _).expect("the guest is a handler");
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("an executor");
    let mut asked = bytes.split(|byte| *byte == SEPARATOR).take(INVOCATIONS).enumerate().map(|(at, bytes)| Asked::new(at, bytes));
    executor.block_on(async {
        while let Some(first) = asked.next() {
            if first.is_beside_next
                && let Some(second) = asked.next()
            {
                tokio::join!(first.invoke(&handler, &log), second.invoke(&handler, &log));
            } else {
                first.invoke(&handler, &log).await;
            }
        }
    });
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// One invocation that is asked for.
struct Asked {
    id: String,
    /// What its response is made of.
    tag: u8,
    trigger: Trigger,
    tenant: Option<String>,
    reader: Reader,
    is_beside_next: bool,
    program: Vec<u8>,
}

/// Who reads a response.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Reader {
    /// Takes all at once.
    #[default]
    Eager,
    /// Takes a little at a time.
    Slow,
    /// Goes away in the middle.
    Leaving,
    /// Keeps the body until the end.
    Keeping,
}

impl Asked {
    fn new(at: usize, bytes: &[u8]) -> Self {
        let (flags, program) = bytes.split_first().map_or((0, &[][..]), |(flags, program)| (*flags, program));
        Self {
            id: at.to_string(),
            tag: b'A' + at as u8,
            trigger: [Trigger::Direct, Trigger::FunctionUrl, Trigger::ApiGateway, Trigger::Direct][usize::from(flags & 3)],
            tenant: (flags & 4 != 0).then(|| "blue".to_owned()),
            reader: [Reader::Eager, Reader::Slow, Reader::Leaving, Reader::Keeping][usize::from(flags >> 3 & 3)],
            is_beside_next: flags & 32 != 0,
            program: program.to_vec(),
        }
    }

    fn event(&self) -> Bytes {
        let mut text = format!("\"{:02x}", self.tag);
        self.program.iter().for_each(|byte| _ = write!(text, "{byte:02x}"));
        text.push('"');
        let event = match self.trigger {
            Trigger::Direct => return text.into(),
            Trigger::FunctionUrl => serde_json::json!({
                "version": "2.0", "rawPath": "/", "requestContext": { "http": { "method": "POST" } }, "body": text,
            }),
            _ => serde_json::json!({
                "httpMethod": "POST", "path": "/", "requestContext": { "identity": {} }, "body": text,
            }),
        };
        event.to_string().into()
    }

    async fn invoke(self, handler: &Handler, log: &Failures) {
        let seen = Arc::new(Mutex::new(Seen { tag: self.tag, reader: self.reader, ..Seen::default() }));
        let mut context = InvocationContext::default();
        (context.request_id, context.tenant_id) = (self.id.clone(), self.tenant.clone());
        let outlet = Box::new(Checking(Arc::clone(&seen)));
        let deadline = Instant::now() + Duration::from_secs(1);
        let settled = handler.invoke(self.event(), context, deadline, outlet).await;
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        self.check(&settled, &seen, log);
    }

    fn check(&self, settled: &Settled, seen: &Seen, log: &Failures) {
        let Settled { outcome, phase, written, delivery, .. } = settled;
        assert!(delivery.is_ok(), "{delivery:?}");
        assert_eq!(*written, seen.written, "bytes are counted as they are taken");
        let ended = seen.ended.expect("a response has an end");
        let failed = matches!(outcome, Outcome::Failed(_));
        let is_callers_fault = matches!(outcome, Outcome::Failed(failed) if failed.fault == Fault::Caller);
        match (failed, phase) {
            (false, _) => assert_eq!(ended, End::Clean),
            (true, Stage::Started) => assert_eq!(ended, End::Aborted),
            (true, Stage::Unstarted) if self.trigger == Trigger::Direct => assert_eq!(ended, End::Failed),
            (true, Stage::Unstarted) if is_callers_fault => assert_eq!((ended, seen.opened), (End::Clean, Some(self.trigger))),
            (true, Stage::Unstarted) => assert!(ended == End::Aborted && seen.opened == Some(self.trigger), "{seen:?}"),
            // It was finished before; or ended at the deadline, beside a handler that did not yield.
            (true, Stage::Ended) => {}
        }
        assert_eq!(seen.opened.is_some(), ended != End::Failed, "{seen:?}");
        assert_eq!(log.of(&self.id), usize::from(failed), "a failure is logged once");
    }
}

/// How a response ended.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Clean,
    Aborted,
    Failed,
}

/// What an outlet was told.
#[derive(Debug, Default)]
struct Seen {
    tag: u8,
    reader: Reader,
    opened: Option<Trigger>,
    written: u64,
    ended: Option<End>,
    /// Whether a slow reader takes the next bytes.
    is_ready: bool,
    is_received: bool,
}

/// An outlet that insists on the order of [`Outlet`]'s calls, and on bytes of its own invocation.
struct Checking(Arc<Mutex<Seen>>);

impl Checking {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, end: End) {
        let mut seen = self.lock();
        assert_eq!(seen.opened.is_some(), end != End::Failed, "what began is ended, and what did not, failed");
        assert_eq!(seen.ended, None, "{end:?} comes after an end");
        seen.ended = Some(end);
    }
}

impl Seen {
    /// Whether the reader is there; a slow one every other time.
    fn poll(&mut self, cx: &Context<'_>) -> Poll<Result<(), Closed>> {
        if self.reader == Reader::Leaving && self.written > 5_000 {
            return Poll::Ready(Err(Closed));
        }
        self.is_ready = !self.is_ready;
        if self.reader == Reader::Slow && !self.is_ready {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }
}

impl Outlet for Checking {
    fn begin(&mut self, opening: Opening) {
        let mut seen = self.lock();
        assert!(seen.opened.is_none() && seen.ended.is_none(), "it begins once: {seen:?}");
        assert_eq!(opening.prelude.is_empty(), opening.trigger == Trigger::Direct);
        seen.opened = Some(opening.trigger);
    }

    fn keeps_body(&self) -> bool {
        self.lock().reader == Reader::Keeping
    }

    fn fits(&self, data: &[u8]) -> bool {
        self.lock().written + data.len() as u64 <= 100_000
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, data: &[u8]) -> Poll<Result<usize, Closed>> {
        let mut seen = self.lock();
        assert!(seen.opened.is_some() && seen.ended.is_none(), "bytes come between begin and end: {seen:?}");
        assert!(!data.is_empty());
        let tag = seen.tag;
        assert!(data.iter().all(|byte| *byte == tag), "bytes of another invocation");
        std::task::ready!(seen.poll(cx))?;
        let taken = if seen.reader == Reader::Slow { data.len().min(1_000) } else { data.len() };
        seen.written += taken as u64;
        Poll::Ready(Ok(taken))
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.lock().poll(cx).map(|_| ())
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        self.lock().poll(cx)
    }

    fn end(&mut self, _: &[u8]) {
        Self::end(self, End::Clean);
    }

    fn abort(&mut self, _: &[u8], _: &ErrorReport) {
        Self::end(self, End::Aborted);
    }

    fn fail(&mut self, _: &ErrorReport) {
        Self::end(self, End::Failed);
    }

    fn poll_receipt(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DeliveryError>> {
        let mut seen = self.lock();
        assert!(seen.ended.is_some() && !seen.is_received, "the receipt is last: {seen:?}");
        seen.is_received = true;
        Poll::Ready(Ok(()))
    }
}

/// A log that counts the failures of each invocation.
#[derive(Debug, Default)]
struct Failures(Mutex<HashMap<String, usize>>);

impl Failures {
    fn of(&self, id: &str) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).copied().unwrap_or_default()
    }
}

impl Log for Failures {
    fn record(&self, record: &Record<'_>) {
        assert!(!record.message.contains(['\n']) || record.failure.is_some(), "a line is one: {:?}", record.message);
        if record.failure.is_some() {
            let id = record.request_id.unwrap_or_default().to_owned();
            *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_default() += 1;
        }
    }
}
