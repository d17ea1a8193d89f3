//! Streams beside invocations that only compute, in one process on one CPU: how late a token is that shares the CPU with them.

use super::tokens::lateness;
use super::turns;
use crate::contender::Contender;
use crate::environment::{Cpus, Environment};
use crate::figure::{Figure, Figures, Spinners};
use crate::samples::Samples;
use crate::work::Work;
use anyhow::Result;
use std::time::Duration;

const STREAMS: usize = 64;
const TOKENS: Work = Work::Tokens { count: 60, apart: Duration::from_millis(50) };
/// As long as a stream goes on.
const COMPUTATION: Work = Work::Compute { span: Duration::from_secs(3) };

/// Where nobody gives way, 16 computations take 48 seconds.
const ROUNDS: usize = 5;

pub(super) fn measure(contenders: &[Contender], rounds: usize, figures: &mut Figures) -> Result<()> {
    let concurrent: Vec<&Contender> = contenders.iter().filter(|contender| contender.concurrent).collect();
    for spinners in Spinners::ALL {
        for contender in turns(&concurrent, rounds.min(ROUNDS)) {
            round(contender, spinners, figures)?;
        }
    }
    Ok(())
}

fn round(contender: &Contender, spinners: Spinners, figures: &mut Figures) -> Result<()> {
    let Spinners(count) = spinners;
    let environment = Environment::start_on(contender, STREAMS + count, Cpus::One)?;
    environment.all_ask(STREAMS + count)?;
    environment.idle()?;
    let answers = environment.invoke_all(&[(TOKENS, STREAMS), (COMPUTATION, count)])?;
    let mut all = Samples::default();
    for answer in answers.iter().filter(|answer| TOKENS.is_answered_by(&answer.payload)) {
        all.extend(lateness(&answer.payload)?);
    }
    figures.add(contender.name, Figure::BesideMedian(spinners), all.quantile(0.5));
    figures.add(contender.name, Figure::BesideP99(spinners), all.quantile(0.99));
    Ok(())
}
