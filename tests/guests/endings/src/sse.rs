//! A stream of events, which can say of itself that it failed.

use firstbyte::{Response, Result};

use crate::failure;

pub(crate) fn events(response: Response, events: u64, complete: bool) -> Result {
    let mut body = response.content_type("text/event-stream").header("cache-control", "no-cache").start()?;
    for n in 0..events {
        body.write(format!("data: {n}\n\n"))?;
    }
    if complete { Ok(()) } else { Err(failure::expected(None, None, None)) }
}
