//! `GET /events`: the history from some number on and all that follows, as server-sent events.
//!
//! What a reader does not take stays in the history, which goes on without it: it costs nobody anything, and when it reads again
//! it is told how much it missed.

use crate::history::{History, Page, now_ms};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::StreamBody;
use hyper::body::{Body, Frame};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// How many events are written at once.
const AT_ONCE: usize = 1024;

/// How long what comes behind them waits to be written together: a write for each event of many streams would take the CPU from
/// them. When an event happened is told by itself.
const PAUSE: Duration = Duration::from_millis(15);

/// The body of the answer: what comes after the event with the number `since`.
pub(crate) fn body(history: Arc<History>, since: u64) -> impl Body<Data = Bytes, Error = Infallible> + Send + 'static {
    let latest = history.latest();
    let beginning_at = since;
    // Something has to be sent at once: a browser counts a stream as open when its head is there.
    let beginning = stream::once(async { Ok(Frame::data(Bytes::from_static(b"retry: 1000\n\n"))) });
    let events = stream::unfold((history, latest, since), move |(history, mut latest, since)| async move {
        if since != beginning_at {
            tokio::time::sleep(PAUSE).await;
        }
        loop {
            latest.borrow_and_update();
            let page = history.after(since, AT_ONCE);
            if let Some(last) = page.entries.last().map(|entry| entry.seq) {
                return Some((Ok(Frame::data(written(&page))), (history, latest, last)));
            }
            // The history is ours, so its sender is there.
            latest.changed().await.ok()?;
        }
    });
    StreamBody::new(futures_util::StreamExt::chain(beginning, events))
}

fn written(page: &Page) -> Bytes {
    let mut text = Vec::new();
    if let Some(first) = page.entries.first().filter(|_| page.missed > 0) {
        let seq = first.seq - 1;
        let missed = serde_json::json!({"seq": seq, "at": now_ms(), "kind": "missed", "events": page.missed});
        event(&mut text, seq, missed.to_string().as_bytes());
    }
    for entry in &page.entries {
        event(&mut text, entry.seq, &entry.json());
    }
    text.into()
}

fn event(text: &mut Vec<u8>, seq: u64, json: &[u8]) {
    text.extend_from_slice(format!("id: {seq}\ndata: ").as_bytes());
    text.extend_from_slice(json);
    text.extend_from_slice(b"\n\n");
}
