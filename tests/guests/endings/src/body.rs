//! Successes, with bodies and without.

use std::sync::atomic::{AtomicU64, Ordering};

use firstbyte::{Response, Result};

use crate::pattern::Pattern;

pub(crate) fn ok(response: Response, bytes: usize, writes: usize) -> Result {
    let mut body = response.content_type("application/octet-stream").start()?;
    let size = bytes.div_ceil(writes.max(1)).max(1);
    let pattern = Pattern::new(size);
    for offset in (0..bytes).step_by(size) {
        body.write(pattern.chunk(offset as u64, size.min(bytes - offset)))?;
    }
    Ok(())
}

pub(crate) fn empty(response: Response) -> Result {
    response.content_type("text/plain").start()?.write("")?;
    Ok(())
}

pub(crate) fn never_started(response: Response) -> Result {
    drop(response);
    Ok(())
}

pub(crate) fn dropped(response: Response) -> Result {
    let mut body = response.content_type("text/plain").start()?;
    body.write("dropped\n")?;
    drop(body);
    Ok(())
}

pub(crate) fn reuse(response: Response) -> Result {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
    response.content_type("text/plain").start()?.write(calls.to_string())?;
    Ok(())
}
