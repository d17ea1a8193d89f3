//! `GET /recording`: what is kept of a session or of one invocation, as one JSON file, the format that `firstbyte replay` reads.

use crate::history::{Entry, History, now_ms};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::StreamBody;
use hyper::body::{Body, Frame};
use serde_json::json;
use std::convert::Infallible;
use std::sync::Arc;

/// How many events are written at once.
const AT_ONCE: usize = 64;

/// The version of the format.
const VERSION: u32 = 1;

/// The file: its head at once, the events as they are taken. None if nothing is kept of that invocation.
pub(crate) fn body(
    history: &History,
    handler: &str,
    request_id: Option<&str>,
) -> Option<impl Body<Data = Bytes, Error = Infallible> + Send + use<>> {
    let (entries, complete) = history.recorded(request_id);
    if request_id.is_some() && entries.is_empty() {
        return None;
    }
    let head = format!(
        "{{\"firstbyte_recording\":{VERSION},\"handler\":{},\"saved_ms\":{},\"complete\":{complete},\"events\":[\n",
        json!(handler),
        json!(now_ms())
    );
    let mut batches: Vec<Vec<Arc<Entry>>> = entries.chunks(AT_ONCE).map(<[_]>::to_vec).rev().collect();
    let mut head = Some(Bytes::from(head));
    let mut end = Some(Bytes::from_static(b"\n]}\n"));
    let mut is_first = true;
    let parts = std::iter::from_fn(move || {
        if let Some(head) = head.take() {
            return Some(head);
        }
        let Some(batch) = batches.pop() else { return end.take() };
        let mut text = Vec::new();
        for entry in batch {
            if !std::mem::take(&mut is_first) {
                text.extend_from_slice(b",\n");
            }
            text.extend_from_slice(&entry.json());
        }
        Some(Bytes::from(text))
    });
    Some(StreamBody::new(stream::iter(parts.map(|part| Ok(Frame::data(part))))))
}
