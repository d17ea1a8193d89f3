//! What has happened, as far as it is kept: every event under a number, the latest of them, bounded in number and bytes.
//!
//! The emulator's events enter on the way of the streams that they tell of. So nothing is made of them here that can wait until
//! somebody asks: they are written as JSON by whoever reads, and a history that nobody reads costs little more than a copy.

use crate::redact::Redaction;
use bytes::Bytes;
use firstbyte_emulator::{Event, EventKind};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// Pieces of a response below this size are copied, so that they do not hold the larger buffer that they were read into.
const COPIED: usize = 32 * 1024;

/// What an event takes beside its bytes, about.
const FRAME: usize = 256;

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How many events.
    pub events: usize,
    /// How many bytes, with those of the responses.
    pub bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { events: 100_000, bytes: 64 * 1024 * 1024 }
    }
}

/// The history.
#[derive(Debug)]
pub(crate) struct History {
    redaction: Redaction,
    bounds: Bounds,
    kept: Mutex<Kept>,
    /// The number of the latest event.
    latest: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
    /// The number of the latest event; they are counted from 1.
    latest: u64,
}

/// An event and its number.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    pub(crate) seq: u64,
    #[serde(skip)]
    weight: usize,
    #[serde(flatten)]
    what: What,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "nearly all are of the large one")]
enum What {
    /// The emulator's.
    Emulator(Event),
    /// The console's own, or a runtime's.
    Json(Map<String, Value>),
}

/// Events from some number on.
#[derive(Debug)]
pub(crate) struct Page {
    /// How many are not kept any more that would have come first.
    pub(crate) missed: u64,
    pub(crate) entries: Vec<Arc<Entry>>,
}

impl History {
    pub(crate) fn new(redaction: Redaction, bounds: Bounds) -> Self {
        Self { redaction, bounds, kept: Mutex::default(), latest: watch::Sender::new(0) }
    }

    /// Takes an event of the emulator's.
    pub(crate) fn emulator(&self, event: &Event) {
        let mut event = event.clone();
        self.redaction.apply(&mut event.kind);
        let bytes = match &mut event.kind {
            EventKind::Chunk { data, .. } => {
                if data.len() < COPIED {
                    *data = Bytes::copy_from_slice(data);
                }
                data.len()
            }
            EventKind::InvocationStarted { event, .. } => event.len(),
            EventKind::ResponseHead { headers, .. } => headers.iter().map(|(name, value)| name.len() + value.len()).sum(),
            EventKind::Log { line, .. } | EventKind::Platform { line } => line.len(),
            _ => 0,
        };
        self.push(What::Emulator(event), bytes);
    }

    /// Takes an event of a runtime's, with the time and the request that it says.
    pub(crate) fn runtime(&self, mut event: Map<String, Value>, bytes: usize) {
        event.remove("seq");
        self.redaction.apply_to_json(&mut event);
        self.push(What::Json(event), bytes);
    }

    /// Takes an event of the console's own, which happens now.
    pub(crate) fn own(&self, event: impl Serialize) {
        let Ok(Value::Object(mut event)) = serde_json::to_value(event) else { return };
        event.insert("at".to_owned(), now_ms().into());
        self.push(What::Json(event), 0);
    }

    fn push(&self, what: What, bytes: usize) {
        let weight = FRAME + bytes;
        let dropped: Vec<Arc<Entry>>;
        let latest;
        {
            let mut kept = self.kept();
            kept.latest += 1;
            latest = kept.latest;
            kept.bytes += weight;
            kept.entries.push_back(Arc::new(Entry { seq: latest, weight, what }));
            dropped = std::iter::from_fn(|| kept.shrink(self.bounds)).collect();
        }
        drop(dropped);
        // Of two that come at once, the later one may get here first.
        self.latest.send_if_modified(|known| {
            let is_news = latest > *known;
            *known = latest.max(*known);
            is_news
        });
    }

    /// The number of the latest event, and word of later ones.
    pub(crate) fn latest(&self) -> watch::Receiver<u64> {
        self.latest.subscribe()
    }

    /// Events that came after the one with this number, some of them if there are many. Of a number that is yet to come, which
    /// another console gave, all.
    pub(crate) fn after(&self, seq: u64, at_most: usize) -> Page {
        let kept = self.kept();
        let seq = if seq > kept.latest { 0 } else { seq };
        let first = kept.entries.front().map_or(kept.latest + 1, |entry| entry.seq);
        let missed = first.saturating_sub(seq + 1);
        let passed = usize::try_from((seq + 1).saturating_sub(first)).unwrap_or(usize::MAX).min(kept.entries.len());
        Page { missed, entries: kept.entries.range(passed..).take(at_most).cloned().collect() }
    }

    /// All that is kept, or all of one invocation; and whether nothing is missing in it.
    pub(crate) fn recorded(&self, request_id: Option<&str>) -> (Vec<Arc<Entry>>, bool) {
        let (entries, nothing_dropped) = {
            let kept = self.kept();
            let entries: Vec<Arc<Entry>> = kept.entries.iter().cloned().collect();
            (entries, kept.entries.len() as u64 == kept.latest)
        };
        // What a runtime could not tell is in no recording.
        let nothing_missed = |entries: &[Arc<Entry>]| !entries.iter().any(|entry| entry.is("missed"));
        let Some(request_id) = request_id else {
            let complete = nothing_dropped && nothing_missed(&entries);
            return (entries, complete);
        };
        let of_it: Vec<Arc<Entry>> = entries.into_iter().filter(|entry| entry.request_id() == Some(request_id)).collect();
        // The oldest events are dropped first: with its start, all that came after it is there.
        let has = |kind: &str| of_it.iter().any(|entry| entry.is(kind));
        let complete = has("invocation_started") && has("invocation_ended") && nothing_missed(&of_it);
        (of_it, complete)
    }

    /// The request id of the invocation whose trace has this root.
    pub(crate) fn request_of(&self, root: &str) -> Option<String> {
        let kept = self.kept();
        kept.entries.iter().rev().find_map(|entry| match &entry.what {
            What::Emulator(Event { request_id, kind: EventKind::InvocationStarted { trace_id, .. }, .. }) => {
                trace_id.split(';').any(|field| field == root).then(|| request_id.as_deref().map(ToOwned::to_owned))?
            }
            _ => None,
        })
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing that may panic happens under the lock.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Takes out the oldest event, if there is too much.
    fn shrink(&mut self, bounds: Bounds) -> Option<Arc<Entry>> {
        if self.entries.len() <= bounds.events && self.bytes <= bounds.bytes {
            return None;
        }
        let oldest = self.entries.pop_front()?;
        self.bytes -= oldest.weight;
        Some(oldest)
    }
}

impl Entry {
    fn request_id(&self) -> Option<&str> {
        match &self.what {
            What::Emulator(event) => event.request_id.as_deref(),
            What::Json(event) => event.get("request_id").and_then(Value::as_str),
        }
    }

    fn is(&self, kind: &str) -> bool {
        match &self.what {
            What::Emulator(event) => match event.kind {
                EventKind::InvocationStarted { .. } => kind == "invocation_started",
                EventKind::InvocationEnded(_) => kind == "invocation_ended",
                _ => false,
            },
            What::Json(event) => event.get("kind").is_some_and(|known| known == kind),
        }
    }

    /// The event as JSON.
    pub(crate) fn json(&self) -> Vec<u8> {
        // Strings, numbers, and maps of them: this cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// Milliseconds since the Unix epoch, with microseconds as their fraction.
pub(crate) fn now_ms() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_micros() as f64 / 1000.0
}
