//! One response and how far it has come: unstarted, started, ended. Everything a handler may do to it, and what the host does
//! when the handler is done, goes through here, so that no order of events can send half a response as a whole one.

use crate::budget::{Budget, Charge, Spent};
use crate::keepalive::{KeepAlive, PING};
use crate::outlet::{Closed, Opening, Outlet};
use crate::telemetry::Measures;
use firstbyte_wire::{ErrorReport, Head, HeadError, Trigger};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::Instant;

/// Why bytes were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WriteError {
    /// Nobody reads any more.
    #[error(transparent)]
    Closed(#[from] Closed),
    /// The response would pass its limit.
    #[error("the response would exceed its limit")]
    TooLarge,
    /// The host would hold too much.
    #[error(transparent)]
    Spent(#[from] Spent),
}

/// How far a response has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nothing was sent.
    Unstarted,
    /// The head was, and perhaps some of the body.
    Started,
    /// Nothing more will be.
    Ended,
}

/// The response of one invocation.
pub(crate) struct Response {
    outlet: Box<dyn Outlet>,
    trigger: Trigger,
    phase: Stage,
    /// Bytes of the body so far.
    written: u64,
    limit: u64,
    event_stream: bool,
    /// The charge for the body, if the outlet keeps it.
    kept: Option<Charge>,
    /// The reader went away while there was still something to say.
    cut_off: bool,
    /// Writes that were taken.
    writes: u64,
    pace: Option<Pace>,
    /// How long an event stream may be silent, if it may not for ever.
    silence: Option<Duration>,
    keepalive: Option<KeepAlive>,
}

/// What a response is given besides its outlet.
pub(crate) struct Terms {
    /// The way in.
    pub(crate) trigger: Trigger,
    /// Bytes that it may have.
    pub(crate) limit: u64,
    /// How long an event stream may be silent before a comment is sent. None for ever.
    pub(crate) silence: Option<Duration>,
    /// What is measured of it, if anything is.
    pub(crate) measures: Option<Measures>,
}

/// What is measured of a response, and what of it was told since its handler last waited.
struct Pace {
    measures: Measures,
    is_writing: bool,
    is_blocked: bool,
}

impl Pace {
    fn writes(&mut self) {
        if !self.is_writing {
            self.is_writing = true;
            self.measures.writes();
        }
    }

    fn rests(&mut self) {
        if self.is_writing {
            self.is_writing = false;
            self.measures.rests();
        }
    }

    fn blocks(&mut self, is_blocked: bool) {
        if self.is_blocked != is_blocked {
            self.is_blocked = is_blocked;
            self.measures.blocked(is_blocked);
        }
    }
}

impl Response {
    pub(crate) fn new(outlet: Box<dyn Outlet>, budget: &Budget, terms: Terms) -> Self {
        let Terms { trigger, limit, silence, measures } = terms;
        Self {
            trigger,
            phase: Stage::Unstarted,
            written: 0,
            limit,
            event_stream: false,
            kept: outlet.keeps_body().then(|| budget.nothing()),
            cut_off: false,
            writes: 0,
            pace: measures.map(|measures| Pace { measures, is_writing: false, is_blocked: false }),
            silence,
            keepalive: None,
            outlet,
        }
    }

    pub(crate) fn phase(&self) -> Stage {
        self.phase
    }

    pub(crate) fn was_cut_off(&self) -> bool {
        self.cut_off
    }

    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    pub(crate) fn writes(&self) -> u64 {
        self.writes
    }

    /// Sends the head; with the first chunk, if that follows at once.
    ///
    /// # Errors
    /// [`HeadError::TooLarge`], by one measure at every door: a head that one of them would not take is refused at all.
    pub(crate) fn start(&mut self, head: Head) -> Result<(), HeadError> {
        let mut prelude = head.prelude(self.trigger)?;
        if !self.trigger.is_http() {
            prelude = Vec::new();
        }
        let content_type = head.header("content-type").unwrap_or_default();
        self.event_stream =
            content_type.split(';').next().is_some_and(|type_| type_.trim().eq_ignore_ascii_case("text/event-stream"));
        if let Some(pace) = &self.pace {
            pace.measures.started(head.status());
        }
        if self.event_stream && self.kept.is_none() {
            self.keepalive = self.silence.map(KeepAlive::new);
        }
        self.outlet.begin(Opening { head, trigger: self.trigger, prelude });
        self.phase = Stage::Started;
        Ok(())
    }

    /// Whether a chunk may be written at all.
    pub(crate) fn admit(&mut self, chunk: &[u8]) -> Result<(), WriteError> {
        if self.phase == Stage::Ended || self.cut_off {
            return Err(Closed.into());
        }
        if self.written.saturating_add(chunk.len() as u64) > self.limit {
            return Err(WriteError::TooLarge);
        }
        if let Some(charge) = &mut self.kept {
            if !self.outlet.fits(chunk) {
                return Err(WriteError::TooLarge);
            }
            // All that was written is kept.
            charge.resize(usize::try_from(self.written).unwrap_or(usize::MAX).saturating_add(chunk.len()))?;
        }
        Ok(())
    }

    /// Takes what is left of `data` after the first `taken` bytes, and counts those that it takes there.
    pub(crate) fn poll_write_all(&mut self, cx: &mut Context<'_>, data: &[u8], taken: &mut usize) -> Poll<Result<(), Closed>> {
        while let Some(rest) = data.get(*taken..).filter(|rest| !rest.is_empty()) {
            match self.outlet.poll_write(cx, rest) {
                Poll::Ready(Ok(more)) => {
                    self.written += more as u64;
                    *taken += more;
                }
                Poll::Ready(Err(Closed)) => {
                    self.cut_off = true;
                    return Poll::Ready(Err(Closed));
                }
                Poll::Pending => {
                    if let Some(pace) = &mut self.pace {
                        pace.blocks(true);
                    }
                    return Poll::Pending;
                }
            }
        }
        self.writes += 1;
        if let Some(keepalive) = &mut self.keepalive {
            keepalive.sent(data, Instant::now());
        }
        if let Some(pace) = &mut self.pace {
            pace.blocks(false);
            pace.writes();
        }
        Poll::Ready(Ok(()))
    }

    /// Ready when a write would not wait.
    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.phase == Stage::Started { self.outlet.poll_ready(cx) } else { Poll::Ready(()) }
    }

    /// Sends what was taken; called each time the handler waits. A reader that is gone is noted for the next write.
    pub(crate) fn flush(&mut self, cx: &mut Context<'_>) {
        if let Some(pace) = &mut self.pace {
            pace.rests();
        }
        if self.phase == Stage::Started && self.keepalive.as_mut().is_some_and(|keepalive| keepalive.poll(cx).is_ready()) {
            // It is small, and nothing was written for long: the outlet takes it whole, or its reader is too far behind to miss it.
            let _ = self.outlet.poll_write(cx, PING);
        }
        if self.phase != Stage::Unstarted && matches!(self.outlet.poll_flush(cx), Poll::Ready(Err(Closed))) {
            self.cut_off |= self.phase == Stage::Started;
        }
    }

    /// Ends a started response cleanly.
    ///
    /// # Errors
    /// [`Closed`] if it was not started, is ended, or nobody reads it.
    pub(crate) fn finish(&mut self) -> Result<(), Closed> {
        if self.phase != Stage::Started {
            return Err(Closed);
        }
        self.end(b"");
        if self.cut_off { Err(Closed) } else { Ok(()) }
    }

    fn end(&mut self, last_words: &[u8]) {
        self.outlet.end(last_words);
        self.phase = Stage::Ended;
    }

    /// Answers an HTTP caller who made a mistake, before the response was started. False if there is no such caller, or it was.
    pub(crate) fn answer(&mut self, status: u16, shown: &str) -> bool {
        let is_open = self.phase == Stage::Unstarted && self.trigger.is_http();
        let is_told = is_open && self.start_message(status).is_ok();
        if is_told {
            self.end(&message(shown));
        }
        is_told
    }

    /// Sends the head of a message of the host's own.
    fn start_message(&mut self, status: u16) -> Result<(), HeadError> {
        self.start(Head::new(status, [("content-type".to_owned(), "application/json".to_owned())])?)
    }

    /// Ends the response as failed, in whatever way its phase still allows. `status` and `shown` are for an HTTP caller
    /// whose response was not started.
    pub(crate) fn abort(&mut self, report: &ErrorReport, status: u16, shown: &str, sse_errors: bool) {
        match self.phase {
            Stage::Ended => {}
            Stage::Unstarted if !self.trigger.is_http() => self.outlet.fail(report),
            Stage::Unstarted => match self.start_message(status) {
                Ok(()) => self.outlet.abort(&message(shown), report),
                Err(_) => self.outlet.fail(report),
            },
            Stage::Started if self.event_stream && sse_errors => {
                let data = serde_json::json!({ "errorType": report.error_type, "message": shown });
                let event = format!("\n\nevent: error\ndata: {data}\n\n");
                self.outlet.abort(event.as_bytes(), report);
            }
            Stage::Started => self.outlet.abort(b"", report),
        }
        self.phase = Stage::Ended;
    }

    /// The outlet, to wait for its receipt.
    pub(crate) fn into_outlet(self) -> Box<dyn Outlet> {
        self.outlet
    }
}

/// A response that the store and the task that settles it both hold, until it is taken to be settled: then a handle that a
/// handler kept is of no use any more.
#[derive(Clone)]
pub(crate) struct SharedResponse(Arc<Mutex<Option<Response>>>);

impl std::fmt::Debug for SharedResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedResponse")
    }
}

impl SharedResponse {
    pub(crate) fn new(response: Response) -> Self {
        Self(Arc::new(Mutex::new(Some(response))))
    }

    /// What stands for the response of an invocation that has not come.
    pub(crate) fn absent() -> Self {
        Self(Arc::default())
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Option<Response>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The response, to be settled.
    pub(crate) fn take(&self) -> Option<Response> {
        self.lock().take()
    }

    /// Tells that [`Self::flush`] follows soon.
    pub(crate) fn hold(&self) {
        if let Some(response) = &mut *self.lock() {
            response.outlet.hold();
        }
    }

    /// Sends what the handler wrote; called each time it waits.
    pub(crate) fn flush(&self, cx: &mut Context<'_>) {
        if let Some(response) = &mut *self.lock() {
            response.flush(cx);
        }
    }

    /// Ends the response as failed, from a thread that does not drive it: without waiting for anything, and as far as the kernel
    /// takes it. False if somebody is at it.
    pub(crate) fn abort_now(&self, report: &ErrorReport, status: u16, shown: &str, sse_errors: bool) -> bool {
        let Ok(mut response) = self.0.try_lock() else { return false };
        if let Some(response) = &mut *response {
            response.abort(report, status, shown, sse_errors);
            response.flush(&mut Context::from_waker(Waker::noop()));
        }
        true
    }

    pub(crate) fn admit(&self, chunk: &[u8]) -> Result<(), WriteError> {
        self.lock().as_mut().ok_or(Closed)?.admit(chunk)
    }

    pub(crate) fn poll_write_all(&self, cx: &mut Context<'_>, data: &[u8], taken: &mut usize) -> Poll<Result<(), Closed>> {
        self.lock().as_mut().map_or(Poll::Ready(Err(Closed)), |response| response.poll_write_all(cx, data, taken))
    }

    pub(crate) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.lock().as_mut().map_or(Poll::Ready(()), |response| response.poll_ready(cx))
    }

    /// Starts the response. None if it is settled, or was started before.
    pub(crate) fn start(&self, head: Head) -> Option<Result<(), HeadError>> {
        self.lock().as_mut().filter(|response| response.phase() == Stage::Unstarted).map(|response| response.start(head))
    }

    pub(crate) fn finish(&self) -> Result<(), Closed> {
        self.lock().as_mut().ok_or(Closed)?.finish()
    }
}

/// The body that an HTTP caller gets of a failure before the start.
fn message(shown: &str) -> Vec<u8> {
    serde_json::json!({ "message": shown }).to_string().into_bytes()
}
