//! Waiting in a call to the host.

use std::{thread, time::Duration};

use firstbyte::{Response, Result};

use crate::Held;

pub(crate) fn sleep(_held: Held, seconds: u64) -> Result {
    thread::sleep(Duration::from_secs(seconds));
    Ok(())
}

pub(crate) fn tokens(response: Response, count: u64, ms: u64) -> Result {
    let mut body = response.content_type("text/plain").start()?;
    for n in 0..count {
        if n > 0 {
            thread::sleep(Duration::from_millis(ms));
        }
        body.write(format!("token {n}\n"))?;
    }
    Ok(())
}
