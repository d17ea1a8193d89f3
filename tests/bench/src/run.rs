//! One run of the comparison: who took part, where, and what came of it.

use crate::contender::{Builder, Built, Contender, Name};
use crate::figure::Figures;
use crate::machine::Machine;
use crate::measure::Measurement;
use anyhow::Result;

/// The result of a run.
pub(crate) struct Run {
    pub(crate) machine: Machine,
    /// Each with its versions, or with the reason why it is absent.
    pub(crate) contenders: Vec<(Name, Result<String, String>)>,
    pub(crate) rounds: usize,
    pub(crate) figures: Figures,
}

impl Run {
    /// Builds the contenders and takes the measurements.
    pub(crate) fn take(builder: &Builder, names: &[Name], measurements: &[Measurement], rounds: usize) -> Result<Self> {
        let (present, contenders) = build(builder, names)?;
        let mut this = Self { machine: Machine::here(), contenders, rounds, figures: Figures::default() };
        for measurement in measurements {
            eprintln!("measuring: {measurement:?}");
            measurement.take(&present, rounds, &mut this.figures)?;
        }
        Ok(this)
    }
}

type Contenders = (Vec<Contender>, Vec<(Name, Result<String, String>)>);

fn build(builder: &Builder, names: &[Name]) -> Result<Contenders> {
    let (mut present, mut all) = (Vec::new(), Vec::new());
    for name in names {
        match name.build(builder)? {
            Built::Contender(contender) => {
                all.push((*name, Ok(contender.versions.clone())));
                present.push(contender);
            }
            Built::Absent(reason) => {
                eprintln!("without {}: {reason}", name.title());
                all.push((*name, Err(reason)));
            }
        }
    }
    Ok((present, all))
}
