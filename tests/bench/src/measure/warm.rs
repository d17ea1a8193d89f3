//! Short invocations of a process that has answered before.

use super::{ms, turns, warm};
use crate::contender::Contender;
use crate::figure::{Figure, Figures};
use crate::samples::Samples;
use crate::work::Work;
use anyhow::Result;
use std::time::Duration;

/// Invocations of one turn, one right after the other.
const BACK_TO_BACK: usize = 100;

/// Invocations of one turn, each after a while of nothing.
const AFTER_IDLE: usize = 5;

const IDLE: Duration = Duration::from_millis(100);

pub(super) fn measure(contenders: &[Contender], rounds: usize, figures: &mut Figures) -> Result<()> {
    let environments = warm(contenders)?;
    for (name, environment) in turns(&environments, rounds) {
        environment.idle()?;
        let before = environment.cpu()?;
        let answers = environment.invoke(Work::Greet, BACK_TO_BACK)?;
        environment.idle()?;
        let cpu = environment.cpu()? - before;
        figures.add(*name, Figure::InvokeCpu, ms(cpu) / BACK_TO_BACK as f64);
        let first_bytes: Samples = answers.iter().map(|answer| ms(answer.first_byte())).collect();
        figures.add(*name, Figure::FirstByte, first_bytes.median());
    }
    for (name, environment) in turns(&environments, rounds) {
        for _ in 0..AFTER_IDLE {
            environment.idle()?;
            std::thread::sleep(IDLE);
            figures.add(*name, Figure::FirstByteAfterIdle, ms(environment.invoke_once(Work::Greet)?.first_byte()));
        }
    }
    Ok(())
}
