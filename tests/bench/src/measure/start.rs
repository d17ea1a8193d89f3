//! From exec to the first request for an event, and what is in memory then.

use super::{MIB, ms, turns};
use crate::contender::Contender;
use crate::environment::Environment;
use crate::figure::{Figure, Figures};
use anyhow::Result;

/// Starts are cheap: more of them than of other measurements.
pub(crate) const STARTS: usize = 3;

pub(super) fn measure(contenders: &[Contender], rounds: usize, figures: &mut Figures) -> Result<()> {
    // Files are in the page cache for everybody.
    for contender in contenders {
        Environment::start(contender)?.first_next()?;
    }
    for contender in turns(contenders, rounds * STARTS) {
        let environment = Environment::start(contender)?;
        let wall = environment.first_next()?;
        let cpu = environment.cpu()?;
        environment.idle()?;
        let memory = environment.memory()?;
        figures.add(contender.name, Figure::StartWall, ms(wall));
        figures.add(contender.name, Figure::StartCpu, ms(cpu));
        figures.add(contender.name, Figure::InitResident, memory.resident as f64 / MIB);
        figures.add(contender.name, Figure::InitProportional, memory.proportional as f64 / MIB);
    }
    Ok(())
}
