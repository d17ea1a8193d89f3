//! The result as Markdown: a table for each group of figures, a row for each contender, and the bars.

use crate::bar::BARS;
use crate::contender::Name;
use crate::figure::{Chunk, Figure, Figures, Many, Spinners, Streams};
use crate::run::Run;
use std::fmt::{self, Display};

/// Which figures stand beside each other, and what there is to know about them.
const GROUPS: [(&str, &[Figure], &str); 11] = [
    (
        "Start",
        &[
            Figure::StartWall,
            Figure::StartCpu,
            Figure::InitResident,
            Figure::InitProportional,
            Figure::PeakResident,
            Figure::PeakProportional,
        ],
        "Files are in the page cache. Peaks are those of 256 MiB responses, one at a time.",
    ),
    (
        "Invocations of a warm process",
        &[Figure::FirstByte, Figure::FirstByteAfterIdle, Figure::InvokeCpu],
        "From the moment the event leaves the Runtime API to the moment the payload's first byte is there; the response is one \
         short line.",
    ),
    (
        "Large responses",
        &[
            Figure::BulkRate(Chunk::Large),
            Figure::BulkCpu(Chunk::Large),
            Figure::BulkRate(Chunk::Kilobyte),
            Figure::BulkCpu(Chunk::Kilobyte),
            Figure::BulkRate(Chunk::Small),
            Figure::BulkCpu(Chunk::Small),
        ],
        "256 MiB; 16 MiB in the smallest writes. CPU is that of the contender's processes, not of who reads.",
    ),
    (
        "Slow responses",
        &[Figure::TokenMedian, Figure::TokenP99, Figure::BeforeCompute],
        "300 tokens 10 ms apart, each of which says when it was due; and a chunk that is written before 500 ms of computation.",
    ),
    (
        "Several responses at once, in one process",
        &[
            Figure::StreamsRate(Streams(1)),
            Figure::StreamsRate(Streams(4)),
            Figure::StreamsRate(Streams(16)),
            Figure::StreamsRate(Streams(64)),
            Figure::StreamMemory,
        ],
        "512 MiB in all, in 64 KiB writes. Memory is the growth of RSS from rest to its peak, a stream.",
    ),
    (
        "64 slow streams in one process",
        &[
            Figure::ManyCpu(Many(64)),
            Figure::ManyMedian(Many(64)),
            Figure::ManyP99(Many(64)),
            Figure::ManyP999(Many(64)),
            Figure::ManyMemory(Many(64)),
            Figure::ManyStart(Many(64)),
        ],
        "100 tokens 50 ms apart in each of them, the process on one CPU. Memory is the growth of RSS from rest to its peak.",
    ),
    (
        "256 slow streams in one process",
        &[
            Figure::ManyCpu(Many(256)),
            Figure::ManyMedian(Many(256)),
            Figure::ManyP99(Many(256)),
            Figure::ManyP999(Many(256)),
            Figure::ManyMemory(Many(256)),
            Figure::ManyStart(Many(256)),
        ],
        "The same.",
    ),
    (
        "1,000 slow streams in one process",
        &[
            Figure::ManyCpu(Many(1000)),
            Figure::ManyMedian(Many(1000)),
            Figure::ManyP99(Many(1000)),
            Figure::ManyP999(Many(1000)),
            Figure::ManyMemory(Many(1000)),
            Figure::ManyStart(Many(1000)),
        ],
        "The same: 20,000 tokens per second.",
    ),
    (
        "1,600 slow streams in one process",
        &[
            Figure::ManyCpu(Many(1600)),
            Figure::ManyMedian(Many(1600)),
            Figure::ManyP99(Many(1600)),
            Figure::ManyP999(Many(1600)),
            Figure::ManyMemory(Many(1600)),
            Figure::ManyStart(Many(1600)),
        ],
        "The same on all CPUs: 32,000 tokens per second.",
    ),
    (
        "How late tokens are beside invocations that only compute",
        &[
            Figure::BesideMedian(Spinners(0)),
            Figure::BesideP99(Spinners(0)),
            Figure::BesideMedian(Spinners(1)),
            Figure::BesideP99(Spinners(1)),
            Figure::BesideMedian(Spinners(16)),
            Figure::BesideP99(Spinners(16)),
        ],
        "64 streams of 60 tokens 50 ms apart, and beside them none, one or 16 invocations that each compute for three seconds, in one process \
         on one CPU.",
    ),
    (
        "Size",
        &[Figure::LayerSize, Figure::LayerZip, Figure::FunctionSize],
        "What is deployed. Lambda brings Node and its client along; a native function has its runtime in it.",
    ),
];

/// The document.
pub(crate) struct Table<'a> {
    pub(crate) run: &'a Run,
    /// The chart's file name, if there is one.
    pub(crate) chart: Option<&'a str>,
}

impl Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Run { machine, contenders, figures, rounds, .. } = self.run;
        writeln!(f, "# Firstbyte beside others\n\n{machine}\n")?;
        writeln!(
            f,
            "Medians of {rounds} rounds (starts: {}), the contenders in turns, with the quartiles in parentheses. `cargo run \
             --profile dist -p firstbyte-bench` in this repository measures the same on another machine.\n",
            rounds * crate::measure::STARTS
        )?;
        if let Some(chart) = self.chart {
            writeln!(f, "![The most telling figures as bars]({chart})\n")?;
        }
        for (name, state) in contenders {
            write!(f, "- **{}**: {}", name.title(), name.description())?;
            match state {
                Ok(versions) => writeln!(f, " ({versions})")?,
                Err(reason) => writeln!(f, ". Absent here: {reason}")?,
            }
        }
        for (title, columns, note) in GROUPS {
            let measured = |figure: &&Figure| contenders.iter().any(|(name, _)| figures.samples(*name, **figure).is_some());
            let columns: Vec<Figure> = columns.iter().filter(measured).copied().collect();
            if !columns.is_empty() {
                writeln!(f, "\n## {title}\n{note}\n")?;
                self.group(f, &columns)?;
            }
        }
        self.bars(f)
    }
}

impl Table<'_> {
    fn group(&self, f: &mut fmt::Formatter<'_>, columns: &[Figure]) -> fmt::Result {
        let headings: Vec<String> = columns.iter().map(|figure| figure.title()).collect();
        writeln!(f, "| | {} |\n|---|{}", headings.join(" | "), "--:|".repeat(columns.len()))?;
        for (name, state) in &self.run.contenders {
            write!(f, "| {} |", name.title())?;
            for figure in columns {
                match state {
                    Ok(_) => write!(f, " {} |", cell(&self.run.figures, *name, *figure))?,
                    Err(_) => write!(f, " absent |")?,
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }

    fn bars(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdicts: Vec<_> = BARS.iter().filter_map(|bar| bar.judge(&self.run.figures)).collect();
        if verdicts.is_empty() {
            return Ok(());
        }
        writeln!(f, "\n## Bars\n| Firstbyte | figure | bar | |\n|---|--:|--:|---|")?;
        for verdict in verdicts {
            let sign = if verdict.at_least { "≥" } else { "≤" };
            let limit = verdict.limit.map_or("not measured".to_owned(), number);
            let of = if verdict.of.is_empty() { String::new() } else { format!(" ({})", verdict.of) };
            let met = match verdict.met {
                Some(true) => "met",
                Some(false) => "**missed**",
                None => "",
            };
            writeln!(f, "| {} | {} | {sign} {limit}{of} | {met} |", verdict.figure.title(), number(verdict.is))?;
        }
        Ok(())
    }
}

fn cell(figures: &Figures, name: Name, figure: Figure) -> String {
    let Some(samples) = figures.samples(name, figure) else { return "–".to_owned() };
    let [low, median, high] = [0.25, 0.5, 0.75].map(|share| number(samples.quantile(share)));
    if low == high { median } else { format!("{median} ({low}–{high})") }
}

/// Three digits that matter.
pub(crate) fn number(value: f64) -> String {
    let digits = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}
