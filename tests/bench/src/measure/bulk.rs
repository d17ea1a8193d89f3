//! Many bytes, in writes of several sizes: how fast, for how much CPU, and in how much memory.

use super::{MB, MIB, turns, warm};
use crate::contender::Contender;
use crate::environment::Environment;
use crate::figure::{Chunk, Figure, Figures};
use crate::work::Work;
use anyhow::Result;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Written before the first turn, so that code that is compiled as it runs is.
const WARM_UP: u64 = 8 << 20;

const MEMORY_LOOKS_APART: Duration = Duration::from_millis(25);

pub(super) fn measure(contenders: &[Contender], rounds: usize, figures: &mut Figures) -> Result<()> {
    let environments = warm(contenders)?;
    for chunk in Chunk::ALL {
        for (_, environment) in &environments {
            environment.invoke_once(Work::Bulk { bytes: WARM_UP, chunk: chunk.bytes() })?;
        }
        for (name, environment) in turns(&environments, rounds) {
            environment.idle()?;
            let before = environment.cpu()?;
            let answer = environment.invoke_once(Work::Bulk { bytes: chunk.total(), chunk: chunk.bytes() })?;
            environment.idle()?;
            let cpu = environment.cpu()? - before;
            let megabytes = answer.payload.length as f64 / MB;
            figures.add(*name, Figure::BulkRate(chunk), megabytes / (answer.end - answer.sent).as_secs_f64());
            figures.add(*name, Figure::BulkCpu(chunk), cpu.as_secs_f64() / megabytes * 1000.0);
        }
    }
    // On their own: looking takes the kernel time that would be the contender's.
    for (name, environment) in &environments {
        let proportional = most_proportional(environment)?;
        figures.add(*name, Figure::PeakProportional, proportional as f64 / MIB);
        figures.add(*name, Figure::PeakResident, environment.memory()?.peak as f64 / MIB);
    }
    Ok(())
}

/// The most that was seen while large writes were under way.
fn most_proportional(environment: &Environment) -> Result<u64> {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let looks = scope.spawn(|| {
            let mut most = 0;
            while !over.load(Ordering::Relaxed) {
                most = most.max(environment.memory()?.proportional);
                std::thread::sleep(MEMORY_LOOKS_APART);
            }
            Ok(most)
        });
        let answer = environment.invoke_once(Work::Bulk { bytes: Chunk::Large.total(), chunk: Chunk::Large.bytes() });
        over.store(true, Ordering::Relaxed);
        let most = looks.join().map_err(|_| anyhow::anyhow!("the thread that looks at the memory panicked"))?;
        answer.and(most)
    })
}
