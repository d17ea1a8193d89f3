//! A stream of events, which can say of itself that it failed.

use firstbyte::{Response, Result};
use serde::Deserialize;
use std::thread;
use std::time::Duration;

use crate::{Held, compute, failure, trap};

/// What comes after the events.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Then {
    Complete,
    #[default]
    Fail,
    Panic,
    Spin,
}

pub(crate) fn events(response: Response, events: u64, ms: u64, then: &Then) -> Result {
    let mut body = response.content_type("text/event-stream").header("cache-control", "no-cache").start()?;
    for n in 0..events {
        if ms == 0 {
            body.write(format!("data: {n}\n\n"))?;
            continue;
        }
        for line in [format!("data: {n}\n"), "\n".to_owned()] {
            body.write(line)?;
            thread::sleep(Duration::from_millis(ms));
        }
    }
    let held = Held::Started { _body: body };
    match then {
        Then::Complete => Ok(()),
        Then::Fail => Err(failure::expected(None, None, None)),
        Then::Panic => trap::panic(held),
        Then::Spin => compute::spin(held),
    }
}
