//! A chunk that is written before a long computation: when does it arrive?

use super::{ms, turns, warm};
use crate::contender::Contender;
use crate::figure::{Figure, Figures};
use crate::work::Work;
use anyhow::Result;
use std::time::Duration;

const WORK: Work = Work::Compute { span: Duration::from_millis(500) };

pub(super) fn measure(contenders: &[Contender], rounds: usize, figures: &mut Figures) -> Result<()> {
    let environments = warm(contenders)?;
    for (name, environment) in turns(&environments, rounds) {
        environment.idle()?;
        figures.add(*name, Figure::BeforeCompute, ms(environment.invoke_once(WORK)?.first_byte()));
    }
    Ok(())
}
