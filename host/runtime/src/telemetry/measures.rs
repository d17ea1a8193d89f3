//! What is measured of one invocation while it goes on: when its response's bytes left, what its handler took, and whom it asked.
//!
//! Response, handler and egress hold it together. They look at the clock only where something changes: when a burst of writes
//! begins and when it ends, not at each write.

use super::Trace;
use firstbyte_wire::Trigger;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// Requests of a handler that are told one by one. The rest is counted.
const CALLS: usize = 128;

/// What was measured of an invocation. Times count from its delivery by the Runtime API.
#[derive(Clone, Debug)]
pub struct Measured {
    /// When it was delivered.
    pub delivered: SystemTime,
    /// The way in.
    pub trigger: Trigger,
    /// Method and path of the caller's request. Absent for a direct caller.
    pub request: Option<(String, String)>,
    /// The trace that the invocation is part of, if somebody asks for traces.
    pub(crate) trace: Option<Trace>,
    /// When the response was started. Absent if it never was.
    pub head: Option<Duration>,
    /// The response's status, if it was started.
    pub status: Option<u16>,
    /// When the first byte of the body was taken.
    pub first_byte: Option<Duration>,
    /// When the last byte was.
    pub last_byte: Option<Duration>,
    /// When the response's end was acknowledged, or could not be.
    pub end: Duration,
    /// Writes of the handler's that were taken.
    pub writes: u64,
    /// The longest time between two writes, or before the first one.
    pub longest_silence: Duration,
    /// How long the handler waited because its reader was behind.
    pub blocked: Duration,
    /// CPU time of the handler, the host's part in its calls included.
    pub cpu: Duration,
    /// Bytes of linear memory that the handler had in the end.
    pub memory: usize,
    /// What it took to make the instance. Absent if one was used again.
    pub instantiation: Option<Duration>,
    /// Requests of the handler's, in their order.
    pub calls: Vec<Call>,
    /// Requests beyond those in `calls`.
    pub more_calls: u64,
}

/// One request of a handler's to another server.
#[derive(Clone, Debug)]
pub struct Call {
    /// The method.
    pub method: String,
    /// `https` or `http`.
    pub scheme: String,
    /// The server, without a port.
    pub host: String,
    /// The port, if the URL names one.
    pub port: Option<u16>,
    /// The path. Its query is not kept: it may hold what is nobody's business.
    pub path: String,
    /// The id of the span that it is in a trace.
    pub span: u64,
    /// When it was sent.
    pub begun: Duration,
    /// When the head of its answer was there. Absent if it never was.
    pub first_byte: Option<Duration>,
    /// The answer's status.
    pub status: Option<u16>,
    /// When its body ended, or its handler dropped it. Absent if neither happened before the invocation was settled.
    pub end: Option<Duration>,
    /// What kept it from an answer.
    pub error: Option<String>,
}

/// The measures of one invocation. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Measures(Arc<Mutex<Shared>>);

#[derive(Debug)]
struct Shared {
    begun: Instant,
    measured: Measured,
    blocked_since: Option<Duration>,
    /// Whether bytes were taken since the handler last waited.
    is_writing: bool,
}

impl Measures {
    /// Begins to measure an invocation that has just been delivered.
    pub(crate) fn begin(trigger: Trigger, request: Option<(String, String)>, trace: Option<Trace>) -> Self {
        let measured = Measured {
            delivered: SystemTime::now(),
            trigger,
            request,
            trace,
            head: None,
            status: None,
            first_byte: None,
            last_byte: None,
            end: Duration::ZERO,
            writes: 0,
            longest_silence: Duration::ZERO,
            blocked: Duration::ZERO,
            cpu: Duration::ZERO,
            memory: 0,
            instantiation: None,
            calls: Vec::new(),
            more_calls: 0,
        };
        Self(Arc::new(Mutex::new(Shared { begun: Instant::now(), measured, blocked_since: None, is_writing: false })))
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The trace that the invocation is part of.
    pub(crate) fn trace(&self) -> Option<Trace> {
        self.lock().measured.trace.clone()
    }

    /// The response was started.
    pub(crate) fn started(&self, status: u16) {
        let mut shared = self.lock();
        shared.measured.head = Some(shared.begun.elapsed());
        shared.measured.status = Some(status);
    }

    /// Bytes were taken, for the first time since the handler waited.
    pub(crate) fn writes(&self) {
        let mut shared = self.lock();
        let now = shared.begun.elapsed();
        if shared.measured.first_byte.is_none() {
            shared.measured.first_byte = Some(now);
        }
        let before = shared.measured.last_byte.or(shared.measured.head).unwrap_or_default();
        shared.measured.longest_silence = shared.measured.longest_silence.max(now.saturating_sub(before));
        shared.measured.last_byte = Some(now);
        shared.is_writing = true;
    }

    /// The handler waits, and wrote before.
    pub(crate) fn rests(&self) {
        let mut shared = self.lock();
        if std::mem::take(&mut shared.is_writing) {
            shared.measured.last_byte = Some(shared.begun.elapsed());
        }
    }

    /// The reader is behind, or has caught up.
    pub(crate) fn blocked(&self, is_blocked: bool) {
        let mut shared = self.lock();
        let now = shared.begun.elapsed();
        match (shared.blocked_since, is_blocked) {
            (None, true) => shared.blocked_since = Some(now),
            (Some(since), false) => {
                shared.measured.blocked += now.saturating_sub(since);
                shared.blocked_since = None;
            }
            _ => {}
        }
    }

    /// An instance was made.
    pub(crate) fn instantiated(&self, took: Duration) {
        self.lock().measured.instantiation = Some(took);
    }

    /// A request is sent. None if there are too many to tell them one by one.
    pub(crate) fn call<T>(&self, request: &http::Request<T>, span: u64) -> Option<CallMeasure> {
        let mut shared = self.lock();
        if shared.measured.calls.len() >= CALLS {
            shared.measured.more_calls += 1;
            return None;
        }
        let uri = request.uri();
        let begun = shared.begun.elapsed();
        shared.measured.calls.push(Call {
            method: request.method().as_str().to_owned(),
            scheme: uri.scheme_str().unwrap_or_default().to_owned(),
            host: uri.host().unwrap_or_default().to_owned(),
            port: uri.port_u16(),
            path: uri.path().to_owned(),
            span,
            begun,
            first_byte: None,
            status: None,
            end: None,
            error: None,
        });
        Some(CallMeasure { measures: self.clone(), index: shared.measured.calls.len() - 1 })
    }

    /// All of it, once the response is settled.
    pub(crate) fn read(&self, writes: u64, cpu: Duration, memory: usize) -> Measured {
        let mut shared = self.lock();
        shared.measured.end = shared.begun.elapsed();
        if let Some(since) = shared.blocked_since.take() {
            let more = shared.measured.end.saturating_sub(since);
            shared.measured.blocked += more;
        }
        Measured { writes, cpu, memory, ..shared.measured.clone() }
    }
}

/// One request, as long as it goes on. Dropped, it is over.
#[derive(Debug)]
pub(crate) struct CallMeasure {
    measures: Measures,
    index: usize,
}

impl CallMeasure {
    fn change(&self, change: impl FnOnce(&mut Call, Duration)) {
        let mut shared = self.measures.lock();
        let now = shared.begun.elapsed();
        if let Some(call) = shared.measured.calls.get_mut(self.index) {
            change(call, now);
        }
    }

    /// The head of its answer is there.
    pub(crate) fn answered(&self, status: u16) {
        self.change(|call, now| {
            call.first_byte = Some(now);
            call.status = Some(status);
        });
    }

    /// It has no answer.
    pub(crate) fn failed(&self, error: &dyn std::fmt::Display) {
        self.change(|call, _| call.error = Some(error.to_string()));
    }
}

impl Drop for CallMeasure {
    fn drop(&mut self) {
        self.change(|call, now| call.end = Some(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_count_from_delivery_and_silences_are_between_writes() {
        let wait = |ms| std::thread::sleep(Duration::from_millis(ms));
        let measures = Measures::begin(Trigger::FunctionUrl, None, None);
        wait(10);
        measures.started(206);
        wait(5);
        measures.writes();
        measures.rests();
        wait(60);
        measures.writes();
        measures.blocked(true);
        measures.blocked(true);
        wait(30);
        measures.blocked(false);
        measures.rests();
        let request = http::Request::put("https://host.example:8443/path?secret").body(()).expect("a request");
        let call = measures.call(&request, 7).expect("the first");
        wait(10);
        call.answered(200);
        wait(10);
        drop(call);
        let measured = measures.read(2, Duration::from_millis(1), 65_536);
        let ms = |duration: Option<Duration>| duration.expect("a time").as_millis();
        let (head, first, last) = (ms(measured.head), ms(measured.first_byte), ms(measured.last_byte));
        // A wait may be longer than it was asked to be.
        assert!(head >= 10 && first >= head + 5 && last >= first + 90, "{measured:?}");
        assert!(ms(Some(measured.longest_silence)) >= 60 && ms(Some(measured.blocked)) >= 30, "{measured:?}");
        assert!(measured.longest_silence + measured.blocked <= measured.end, "they are counted once");
        assert_eq!(measured.status, Some(206));
        let [call] = &measured.calls[..] else { panic!("{measured:?}") };
        let (begun, answered, end) = (ms(Some(call.begun)), ms(call.first_byte), ms(call.end));
        assert!(begun >= last && answered >= begun + 10 && end >= answered + 10 && call.end <= Some(measured.end), "{call:?}");
        assert_eq!((call.host.as_str(), call.port, call.path.as_str()), ("host.example", Some(8443), "/path"));
        for _ in 0..CALLS {
            measures.call(&request, 7);
        }
        let measured = measures.read(0, Duration::ZERO, 0);
        assert_eq!((measured.calls.len(), measured.more_calls), (CALLS, 1));
    }
}
