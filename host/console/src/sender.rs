//! Sends requests to the doors as a client that may leave early or read slowly, and tells what that client saw.

use crate::about::About;
use crate::client::{self, Arrival, Call, ClientError};
use crate::history::{History, now_ms};
use crate::order::{OrderError, Send};
use firstbyte_emulator::Door;
use http::{HeaderMap, HeaderValue};
use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// X-Ray's header, which leads from what was sent to the invocation that it became.
const TRACE: &str = "x-amzn-trace-id";

/// How much the system reads ahead of a client that reads slowly, so that its slowness is felt.
const READ_AHEAD: u32 = 16 * 1024;

/// What is under way.
#[derive(Debug, Default)]
pub(crate) struct Sender {
    count: AtomicU64,
    /// Dropped, they end.
    tasks: Mutex<JoinSet<()>>,
}

/// A request of the console's.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename = "sent")]
struct Sent {
    send: u64,
    door: Door,
    /// The root of its trace, which `trace_id` of the invocation begins with.
    trace: String,
}

/// What the client of a request saw.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename = "client_saw")]
struct ClientSaw {
    send: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// Of the body.
    bytes: u64,
    what: What,
    detail: String,
    /// Since it was sent.
    after_ms: f64,
}

/// How it ended for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
enum What {
    #[serde(rename = "complete")]
    Complete,
    /// The connection ended before the answer did.
    #[serde(rename = "broken")]
    Broken,
    /// The client left.
    #[serde(rename = "cut")]
    Cut,
    #[serde(rename = "no answer")]
    NoAnswer,
}

impl Sender {
    /// Sends a request in the background. Its number.
    pub(crate) fn send(&self, order: &Send, about: &Arc<About>, history: &Arc<History>) -> Result<u64, OrderError> {
        let mut call = order.call()?;
        let pace = order.pace()?;
        let send = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let trace = traced(&mut call.headers);
        let client = Client { send, door: order.door, trace, pace, cut_after: order.cut_after_bytes };
        history.own(Sent { send, door: client.door, trace: client.trace.clone() });
        let (about, history) = (about.clone(), history.clone());
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move { client.run(call, &about, &history).await });
        Ok(send)
    }
}

/// The root of the trace in these headers; one of our own, if they have none.
fn traced(headers: &mut HeaderMap) -> String {
    let root = |value: &HeaderValue| {
        let fields = value.to_str().ok()?.split(';');
        fields.map(str::trim).find(|field| field.starts_with("Root=")).map(ToOwned::to_owned)
    };
    headers.get(TRACE).and_then(root).unwrap_or_else(|| {
        let id = uuid::Uuid::new_v4().simple().to_string();
        let trace = format!("Root=1-{:08x}-{}", (now_ms() / 1000.0) as u64, &id[..24]);
        headers.extend(HeaderValue::try_from(&trace).ok().map(|trace| (http::HeaderName::from_static(TRACE), trace)));
        trace
    })
}

/// The client of one request.
struct Client {
    send: u64,
    door: Door,
    trace: String,
    /// How long it takes to read a byte.
    pace: Option<Duration>,
    cut_after: Option<u64>,
}

impl Client {
    async fn run(self, call: Call, about: &About, history: &History) {
        let begun = Instant::now();
        let mut seen = Seen::default();
        let (what, detail) = self.read(call, about, &mut seen).await;
        history.own(ClientSaw {
            send: self.send,
            request_id: history.request_of(&self.trace),
            status: seen.status,
            bytes: seen.bytes,
            what,
            detail,
            after_ms: begun.elapsed().as_micros() as f64 / 1000.0,
        });
    }

    async fn read(&self, call: Call, about: &About, seen: &mut Seen) -> (What, String) {
        let Some(target) = about.target(self.door, self.pace.map(|_| READ_AHEAD)) else {
            return (What::NoAnswer, "the console does not know this door".to_owned());
        };
        let mut answer = match client::send(target, call).await {
            Ok(answer) => answer,
            Err(error) => return (What::NoAnswer, error.to_string()),
        };
        seen.status = Some(answer.status.as_u16());
        let begun = Instant::now();
        loop {
            if let Some(limit) = self.cut_after.filter(|limit| seen.bytes >= *limit) {
                seen.bytes = limit;
                return (What::Cut, format!("the client left after {limit} bytes"));
            }
            match answer.next().await {
                Ok(Some(Arrival::Chunk(chunk))) => {
                    let bytes = chunk.len() as u64;
                    // What it leaves unread takes it no time.
                    let read = self.cut_after.map_or(bytes, |limit| bytes.min(limit - seen.bytes));
                    if let Some(pace) = self.pace {
                        // As a whole, and not chunk by chunk: timers are coarser than the time for a small chunk.
                        tokio::time::sleep_until((begun + pace.mul_f64((seen.bytes + read) as f64)).into()).await;
                    }
                    seen.bytes += bytes;
                }
                Ok(Some(Arrival::End)) => return (What::Complete, "the response ended as a whole one does".to_owned()),
                Ok(Some(Arrival::Complete(None))) => return (What::Complete, "InvokeComplete".to_owned()),
                Ok(Some(Arrival::Complete(Some(failure)))) => return (What::Complete, format!("InvokeComplete: {failure}")),
                Ok(None) => return (What::Complete, String::new()),
                Err(error @ ClientError::NoAnswer(_)) => return (What::NoAnswer, error.to_string()),
                Err(error) => return (What::Broken, error.to_string()),
            }
        }
    }
}

/// What of an answer has come.
#[derive(Default)]
struct Seen {
    status: Option<u16>,
    bytes: u64,
}
