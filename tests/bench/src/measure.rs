//! The measurements. Each takes its turns round-robin over the contenders, so that a busy moment of the machine hits them all,
//! and each round begins with another one.

mod bulk;
mod compute;
mod density;
mod fairness;
mod size;
mod start;
mod streams;
mod tokens;
mod warm;

pub(crate) use start::STARTS;

use crate::contender::{Contender, Name};
use crate::environment::Environment;
use crate::figure::Figures;
use crate::work::Work;
use anyhow::Result;
use clap::ValueEnum;
use std::time::Duration;

/// A measurement; most give several figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Measurement {
    Size,
    Start,
    Warm,
    Bulk,
    Tokens,
    Compute,
    Streams,
    Density,
    Fairness,
}

impl Measurement {
    pub(crate) fn take(self, contenders: &[Contender], rounds: usize, figures: &mut Figures) -> Result<()> {
        match self {
            Self::Size => size::measure(contenders, figures),
            Self::Start => start::measure(contenders, rounds, figures),
            Self::Warm => warm::measure(contenders, rounds, figures),
            Self::Bulk => bulk::measure(contenders, rounds, figures),
            Self::Tokens => tokens::measure(contenders, rounds, figures),
            Self::Compute => compute::measure(contenders, rounds, figures),
            Self::Streams => streams::measure(contenders, rounds, figures),
            Self::Density => density::measure(contenders, rounds, figures),
            Self::Fairness => fairness::measure(contenders, rounds, figures),
        }
    }
}

const KIB: f64 = 1024.0;
const MIB: f64 = (1 << 20) as f64;
const MB: f64 = 1e6;

/// Every one of `items`, `rounds` times, in turns.
fn turns<T>(items: &[T], rounds: usize) -> impl Iterator<Item = &T> {
    (0..rounds).flat_map(move |round| items.iter().cycle().skip(round % items.len().max(1)).take(items.len()))
}

/// A contender for each, started and warm.
fn warm(contenders: &[Contender]) -> Result<Vec<(Name, Environment)>> {
    let start = |contender: &Contender| {
        let environment = Environment::start(contender)?;
        environment.invoke(Work::Greet, 50)?;
        Ok((contender.name, environment))
    };
    contenders.iter().map(start).collect()
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
