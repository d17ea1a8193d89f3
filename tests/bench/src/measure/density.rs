//! Many slow streams in one process: what a token costs, how late it is, and what a stream holds.
//!
//! A process with a thousand streams gets one CPU, so that the reader has the other; one with more gets them all.

use super::tokens::lateness;
use super::{KIB, ms, turns};
use crate::contender::Contender;
use crate::environment::{Cpus, Environment};
use crate::figure::{Figure, Figures, Many};
use crate::samples::Samples;
use crate::work::Work;
use anyhow::Result;
use std::time::Duration;

const COUNT: u64 = 100;
const TOKENS: Work = Work::Tokens { count: COUNT, apart: Duration::from_millis(50) };

/// Every round streams for five seconds per contender and number.
const ROUNDS: usize = 5;

pub(super) fn measure(contenders: &[Contender], rounds: usize, figures: &mut Figures) -> Result<()> {
    let concurrent: Vec<&Contender> = contenders.iter().filter(|contender| contender.concurrent).collect();
    for many in Many::ALL {
        for contender in turns(&concurrent, rounds.min(ROUNDS)) {
            round(contender, many, figures)?;
        }
    }
    Ok(())
}

fn round(contender: &Contender, many: Many, figures: &mut Figures) -> Result<()> {
    let Many(count) = many;
    let name = contender.name;
    let environment = Environment::start_on(contender, count, if count > 1000 { Cpus::All } else { Cpus::One })?;
    let started = environment.all_ask(count)?;
    figures.add(name, Figure::ManyStart(many), ms(started));
    environment.idle()?;
    environment.forget_peak()?;
    let at_rest = environment.memory()?.resident;
    let before = environment.cpu()?;
    let answers = environment.invoke(TOKENS, count)?;
    let cpu = environment.cpu()? - before;
    let grown = environment.memory()?.peak.saturating_sub(at_rest);
    figures.add(name, Figure::ManyCpu(many), cpu.as_secs_f64() * 1e6 / (COUNT * count as u64) as f64);
    figures.add(name, Figure::ManyMemory(many), grown as f64 / KIB / count as f64);
    let mut all = Samples::default();
    for answer in &answers {
        all.extend(lateness(&answer.payload)?);
    }
    for (figure, share) in [(Figure::ManyMedian(many), 0.5), (Figure::ManyP99(many), 0.99), (Figure::ManyP999(many), 0.999)] {
        figures.add(name, figure, all.quantile(share));
    }
    Ok(())
}
