//! Tokens of a slow generator: how late each one arrives after the moment at which it was due.

use super::{ms, turns, warm};
use crate::contender::Contender;
use crate::figure::{Figure, Figures};
use crate::runtime_api::Payload;
use crate::samples::Samples;
use crate::work::Work;
use anyhow::{Context, Result};
use std::time::{Duration, SystemTime};

const TOKENS: Work = Work::Tokens { count: 300, apart: Duration::from_millis(10) };

pub(super) fn measure(contenders: &[Contender], rounds: usize, figures: &mut Figures) -> Result<()> {
    let environments = warm(contenders)?;
    for (name, environment) in turns(&environments, rounds) {
        environment.idle()?;
        let lateness = lateness(&environment.invoke_once(TOKENS)?.payload)?;
        figures.add(*name, Figure::TokenMedian, lateness.median());
        figures.add(*name, Figure::TokenP99, lateness.quantile(0.99));
    }
    Ok(())
}

/// Of each token. It says itself when it was due, by the same clock.
pub(super) fn lateness(payload: &Payload) -> Result<Samples> {
    let mut end = 0;
    let mut arrivals = payload.arrivals.iter();
    let mut arrival = arrivals.next();
    let mut of = |token: &[u8]| {
        end += token.len();
        while arrival.is_some_and(|(arrived, _)| *arrived < end) {
            arrival = arrivals.next();
        }
        let due = std::str::from_utf8(token)?.trim_end().parse().context("a token is not a time")?;
        let due = SystemTime::UNIX_EPOCH + Duration::from_nanos(due);
        let (_, arrived) = arrival.context("a token has not arrived")?;
        // Before it was due, by what a clock is rounded.
        anyhow::Ok(arrived.duration_since(due).map_or_else(|early| -ms(early.duration()), ms))
    };
    payload.kept.split_inclusive(|byte| *byte == b'\n').map(&mut of).collect()
}
