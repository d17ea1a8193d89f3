//! What a runtime takes, as the bench has measured it: its committed results are read, and no figure is written twice.

use crate::error::CostError;
use crate::markdown::{Table, tables};
use serde::Serialize;

/// One response after the other, and the start.
const SINGLE: Committed =
    Committed { path: "tests/bench/results/x86_64-2-cores.md", text: include_str!("../results/x86_64-2-cores.md") };
/// Many slow streams in one process.
const DENSITY: Committed = Committed {
    path: "tests/bench/results/density-x86_64-2-cores.md",
    text: include_str!("../results/density-x86_64-2-cores.md"),
};

/// A committed result.
struct Committed {
    path: &'static str,
    text: &'static str,
}

/// The architecture that was measured.
pub const MEASURED_ON: &str = "x86_64";

/// The files that all figures are of, in this repository.
#[must_use]
pub fn files() -> [&'static str; 2] {
    [SINGLE.path, DENSITY.path]
}

/// A runtime.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Runtime {
    /// Its name, as the bench has it.
    pub name: &'static str,
    /// From its start to its first request for an event, in milliseconds.
    pub start_ms: f64,
    /// Its memory under load with one response at a time, in MiB.
    pub memory_mib: f64,
    /// What each stream adds to that, in KiB, at the numbers of streams that were measured.
    pub memory_per_stream_kib: Vec<At>,
    /// Whether it gives each invocation a share of the function's memory, and ends those that want more.
    pub limits_memory: bool,
    /// CPU time of one short invocation, in milliseconds.
    pub invocation_cpu_ms: f64,
    /// CPU time of a token, a small write 50 ms after the last one, in microseconds. Empty if it was not measured.
    pub token_cpu_us: Vec<At>,
}

/// A figure at a number of streams in one process.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct At {
    /// The number of streams.
    pub streams: f64,
    /// The figure.
    pub value: f64,
}

/// A row of the density tables.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Density {
    /// Streams in the process.
    pub streams: usize,
    /// CPUs that the process could use.
    pub cpus: usize,
    /// CPU time per token, in microseconds.
    pub token_cpu_us: f64,
    /// How late a token is in the median, in milliseconds.
    pub median_ms: f64,
    /// How late one in a hundred is at least, in milliseconds.
    pub p99_ms: f64,
}

impl Runtime {
    /// This host.
    ///
    /// # Errors
    /// [`CostError::Measured`], if the results have another form.
    pub fn firstbyte() -> Result<Self, CostError> {
        Ok(Self { limits_memory: true, ..Self::read("Firstbyte", &tables(SINGLE.text), &tables(DENSITY.text))? })
    }

    /// Node.js with AWS's client.
    ///
    /// # Errors
    /// As [`firstbyte`](Self::firstbyte).
    pub fn node() -> Result<Self, CostError> {
        Self::read("Node.js", &tables(SINGLE.text), &tables(DENSITY.text))
    }

    fn read(name: &'static str, single: &[Table<'_>], density: &[Table<'_>]) -> Result<Self, CostError> {
        let of = |heading: &str, column: &str| {
            let table = single.iter().find(|table| table.heading.starts_with(heading));
            let figure = table.and_then(|table| table.figure(name, column));
            figure.ok_or_else(|| CostError::Measured(format!("“{column}” of {name} in {}", SINGLE.path)))
        };
        let many = |column: &str| -> Vec<At> {
            density.iter().filter_map(|table| Some(At { streams: streams(table)?, value: table.figure(name, column)? })).collect()
        };
        let mut memory_per_stream_kib = many("memory per stream");
        if memory_per_stream_kib.is_empty() {
            // Of a runtime whose slow streams were not measured: 64 that send as fast as they can.
            let value = of("Several responses at once", "memory per stream")? * 1024.0;
            memory_per_stream_kib.push(At { streams: 64.0, value });
        }
        Ok(Self {
            name,
            start_ms: of("Start", "exec → first `/next`")?,
            memory_mib: of("Start", "RSS at its peak")?,
            memory_per_stream_kib,
            limits_memory: false,
            invocation_cpu_ms: of("Invocations of a warm process", "CPU per invocation")?,
            token_cpu_us: many("CPU per token"),
        })
    }
}

/// The rows of a runtime in the density tables, as far as it was measured.
#[must_use]
pub fn density(name: &str) -> Vec<Density> {
    let tables = tables(DENSITY.text);
    let rows = tables.iter().filter_map(|table| {
        let streams = streams(table)? as usize;
        Some(Density {
            streams,
            // As the bench has it: a thousand streams leave the other CPU to their reader.
            cpus: if streams > 1000 { 2 } else { 1 },
            token_cpu_us: table.figure(name, "CPU per token")?,
            median_ms: table.figure(name, "token lateness, median")?,
            p99_ms: table.figure(name, "p99, ms")?,
        })
    });
    rows.collect()
}

/// Of a heading such as `1,000 slow streams in one process`.
fn streams(table: &Table<'_>) -> Option<f64> {
    let (number, _) = table.heading.split_once(" slow streams")?;
    number.replace(',', "").parse().ok()
}

/// The figure at a number of streams: between two that were measured, in proportion to the logarithm; beyond them, the nearest.
#[must_use]
pub fn at(figures: &[At], streams: f64) -> Option<f64> {
    let after = figures.iter().position(|at| at.streams >= streams);
    match after {
        None => figures.last().map(|at| at.value),
        Some(0) => figures.first().map(|at| at.value),
        Some(index) => {
            let (below, above) = (figures.get(index - 1)?, figures.get(index)?);
            let share = (streams / below.streams).ln() / (above.streams / below.streams).ln();
            Some(below.value + share * (above.value - below.value))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_results_have_all_figures() {
        let (firstbyte, node) = (Runtime::firstbyte().expect("measured"), Runtime::node().expect("measured"));
        // Orders of magnitude: a column or a unit that is mistaken for another one is none of these.
        assert!(
            (1.0..20.0).contains(&firstbyte.memory_mib) && (40.0..200.0).contains(&node.memory_mib),
            "{firstbyte:?} {node:?}"
        );
        assert!((0.01..1.0).contains(&firstbyte.invocation_cpu_ms), "{firstbyte:?}");
        assert!(firstbyte.token_cpu_us.iter().all(|at| (2.0..200.0).contains(&at.value)), "{firstbyte:?}");
        assert!(firstbyte.memory_per_stream_kib.iter().all(|at| (10.0..1000.0).contains(&at.value)), "{firstbyte:?}");
        assert!(firstbyte.token_cpu_us.is_sorted_by(|one, other| one.streams < other.streams), "{firstbyte:?}");
        let rows = density("Firstbyte");
        for row in [(64, 1), (256, 1), (1000, 1), (1600, 2)] {
            assert!(rows.iter().any(|found| (found.streams, found.cpus) == row), "{rows:?}");
        }
        assert!(rows.iter().all(|row| row.median_ms < row.p99_ms), "{rows:?}");
    }

    #[test]
    fn between_two_measured_numbers_a_figure_is_between_them() {
        let figures =
            [At { streams: 64.0, value: 40.0 }, At { streams: 256.0, value: 30.0 }, At { streams: 1024.0, value: 28.0 }];
        assert_eq!(at(&figures, 1.0), Some(40.0));
        assert_eq!(at(&figures, 64.0), Some(40.0));
        let halfway = at(&figures, 128.0).expect("a figure");
        assert!((halfway - 35.0).abs() < 1e-9, "{halfway}");
        assert_eq!(at(&figures, 5000.0), Some(28.0));
        assert_eq!(at(&[], 64.0), None);
    }
}
