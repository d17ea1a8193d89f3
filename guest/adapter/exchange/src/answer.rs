//! Answers in place of the handler.

use crate::bindings::wasi::http::types::{Fields, OutgoingBody, OutgoingResponse, ResponseOutparam};
use serde_json::json;

/// What Lambda's host tells an HTTP caller: a message, as JSON.
pub(crate) fn message(outparam: ResponseOutparam, status: u16, shown: &str) {
    let body = json!({ "message": shown }).to_string();
    send(outparam, status, Some(("content-type", "application/json")), body.as_bytes());
}

/// What a handler that wrote nothing has answered.
pub(crate) fn empty(outparam: ResponseOutparam) {
    send(outparam, 200, None, b"");
}

fn send(outparam: ResponseOutparam, status: u16, header: Option<(&str, &str)>, bytes: &[u8]) {
    let fields = Fields::new();
    if let Some((name, value)) = header {
        // A host that takes no content type has to do without.
        let _ = fields.append(name, value.as_bytes());
    }
    let response = OutgoingResponse::new(fields);
    let _ = response.set_status_code(status);
    let Ok(body) = response.body() else { return };
    ResponseOutparam::set(outparam, Ok(response));
    if let Ok(stream) = body.write() {
        // A message has a few kilobytes at most, of which a write takes four.
        for piece in bytes.chunks(4096) {
            if stream.blocking_write_and_flush(piece).is_err() {
                return;
            }
        }
    }
    let _ = OutgoingBody::finish(body, None);
}
