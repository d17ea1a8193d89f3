//! Taking more memory than there is: the handler's own, and the host's on its behalf.

use std::hint::black_box;

use firstbyte::{Error, Response, Result};
use serde::Deserialize;
use wasip2::{clocks::monotonic_clock, random::random};

use crate::Held;

pub(crate) fn exhaust(_held: Held) -> Result {
    let mut hoard = Vec::new();
    loop {
        hoard.push(black_box(vec![1_u8; 1 << 20]));
    }
}

/// What a handler can make the host keep.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Hoard {
    /// Pollables that are never dropped.
    Pollables,
    /// Random bytes.
    Random,
    /// A head of many headers.
    Headers,
    /// A failure with a long message.
    Failure,
    /// One write of many bytes.
    Write,
}

/// Takes `count` of them.
pub(crate) fn hoard(response: Response, what: &Hoard, count: usize) -> Result {
    match what {
        Hoard::Pollables => {
            for _ in 0..count {
                std::mem::forget(monotonic_clock::subscribe_duration(u64::MAX));
            }
        }
        Hoard::Random => drop(random::get_random_bytes(count as u64)),
        Hoard::Headers => {
            let response = (0..count).fold(response, |response, _| response.header("te", "7"));
            response.content_type("text/plain").start()?.write("kept\n")?;
        }
        Hoard::Failure => return Err(Error::new("Long", "\u{1}".repeat(count))),
        Hoard::Write => response.content_type("application/octet-stream").start()?.write(vec![1; count])?,
    }
    Ok(())
}
