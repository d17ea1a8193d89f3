//! Computing, during which nothing else of the component runs.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use firstbyte::{Response, Result};

use crate::Held;

pub(crate) fn spin(_held: Held) -> Result {
    while black_box(true) {}
    Ok(())
}

pub(crate) fn between_lines(response: Response, ms: u64) -> Result {
    let mut body = response.content_type("text/plain").start()?;
    body.write("before\n")?;
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(ms) {
        for n in 0..100_000 {
            black_box(n);
        }
    }
    body.write("after\n")?;
    Ok(())
}
