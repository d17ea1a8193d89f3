//! Several responses at once, streamed by one process.

use super::{MB, MIB, turns};
use crate::contender::Contender;
use crate::environment::Environment;
use crate::figure::{Chunk, Figure, Figures, Streams};
use crate::work::Work;
use anyhow::{Context, Result};
use std::time::Duration;

/// Of all streams together.
const TOTAL: u64 = 512 << 20;

const START: Duration = Duration::from_secs(1);

pub(super) fn measure(contenders: &[Contender], rounds: usize, figures: &mut Figures) -> Result<()> {
    let most = Streams::ALL.map(|Streams(count)| count).into_iter().max().unwrap_or(1);
    let mut environments = Vec::new();
    for contender in contenders.iter().filter(|contender| contender.concurrent) {
        let environment = Environment::start_with(contender, most)?;
        environment.idle()?;
        // It may go on starting workers after the first.
        std::thread::sleep(START);
        let at_rest = environment.memory()?.resident;
        environments.push((contender.name, environment, at_rest));
    }
    // The growth of memory is that from rest, so the greatest number of streams comes first.
    let mut numbers = Streams::ALL;
    numbers.reverse();
    for streams in numbers {
        for (name, environment, at_rest) in turns(&environments, rounds) {
            environment.idle()?;
            environment.forget_peak()?;
            let rate = rate(environment, streams)?;
            figures.add(*name, Figure::StreamsRate(streams), rate);
            if streams.0 == most {
                let grown = environment.memory()?.peak.saturating_sub(*at_rest);
                figures.add(*name, Figure::StreamMemory, grown as f64 / MIB / most as f64);
            }
        }
    }
    Ok(())
}

/// Of all together, from the first event to the last byte.
fn rate(environment: &Environment, Streams(count): Streams) -> Result<f64> {
    let work = Work::Bulk { bytes: TOTAL / count as u64, chunk: Chunk::Large.bytes() };
    let answers = environment.invoke(work, count)?;
    let begun = answers.iter().map(|answer| answer.sent).min().context("there are answers")?;
    let end = answers.iter().map(|answer| answer.end).max().context("there are answers")?;
    Ok(TOTAL as f64 / MB / (end - begun).as_secs_f64())
}
