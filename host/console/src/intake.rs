//! Takes what runtimes record of the worlds that they give their handlers: one JSON object in each line, over TCP on this machine.
//!
//! What is no such line ends its connection. A runtime is held up by nothing here: lines are kept as they come.

use crate::history::History;
use crate::listener::each;
use serde_json::{Map, Value};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The longest line, which has a piece of an upstream's body in base64.
const LINE: u64 = 16 * 1024 * 1024;

/// What runtimes tell of.
const KINDS: [&str; 7] =
    ["began", "upstream_asked", "upstream_sent", "upstream_answered", "upstream_chunk", "upstream_ended", "missed"];

/// Takes connections until it is dropped, and all of them with it.
pub(crate) async fn serve(listener: TcpListener, history: Arc<History>) {
    each(listener, |stream| take(stream, history.clone())).await;
}

async fn take(stream: TcpStream, history: Arc<History>) {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut stream).take(LINE).read_until(b'\n', &mut line).await;
        if !matches!(read, Ok(1..)) || line.last() != Some(&b'\n') {
            return;
        }
        let Some(event) = event(&line) else { return };
        history.runtime(event, line.len());
    }
}

/// The event in a line, if it is one that a runtime may tell.
fn event(line: &[u8]) -> Option<Map<String, Value>> {
    let event: Map<String, Value> = serde_json::from_slice(line).ok()?;
    let kind = event.get("kind")?.as_str()?;
    let is_whole = event.get("at").is_some_and(Value::is_number) && event.get("request_id").is_some_and(Value::is_string);
    (is_whole && KINDS.contains(&kind)).then_some(event)
}
