//! What is measured: every figure with its unit, and the figures of one run.

use crate::contender::Name;
use crate::samples::Samples;
use std::collections::HashMap;

/// One thing that is measured of every contender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Figure {
    StartWall,
    StartCpu,
    InitResident,
    InitProportional,
    PeakResident,
    PeakProportional,
    FirstByte,
    FirstByteAfterIdle,
    InvokeCpu,
    BulkRate(Chunk),
    BulkCpu(Chunk),
    TokenMedian,
    TokenP99,
    BeforeCompute,
    StreamsRate(Streams),
    StreamMemory,
    ManyStart(Many),
    ManyCpu(Many),
    ManyMedian(Many),
    ManyP99(Many),
    ManyP999(Many),
    ManyMemory(Many),
    BesideMedian(Spinners),
    BesideP99(Spinners),
    LayerSize,
    LayerZip,
    FunctionSize,
}

/// The size of the writes of a bulk of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Chunk {
    Large,
    Kilobyte,
    Small,
}

impl Chunk {
    pub(crate) const ALL: [Self; 3] = [Self::Large, Self::Kilobyte, Self::Small];

    pub(crate) fn bytes(self) -> u64 {
        match self {
            Self::Large => 64 * 1024,
            Self::Kilobyte => 1024,
            Self::Small => 64,
        }
    }

    /// How much is written.
    pub(crate) fn total(self) -> u64 {
        match self {
            Self::Large | Self::Kilobyte => 256 << 20,
            // Some contenders take a second for this much.
            Self::Small => 16 << 20,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Large => "64 KiB",
            Self::Kilobyte => "1 KiB",
            Self::Small => "64 B",
        }
    }
}

/// A number of responses that are streamed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Streams(pub(crate) usize);

impl Streams {
    pub(crate) const ALL: [Self; 4] = [Self(1), Self(4), Self(16), Self(64)];
}

/// A number of slow streams in one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Many(pub(crate) usize);

impl Many {
    pub(crate) const ALL: [Self; 4] = [Self(64), Self(256), Self(1000), Self(1600)];
}

/// A number of invocations that compute without a pause, in a process that streams besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Spinners(pub(crate) usize);

impl Spinners {
    pub(crate) const ALL: [Self; 3] = [Self(0), Self(1), Self(16)];
}

impl Figure {
    /// The heading of its column.
    pub(crate) fn title(self) -> String {
        match self {
            Self::StartWall => "exec → first `/next`, ms".to_owned(),
            Self::StartCpu => "CPU until then, ms".to_owned(),
            Self::InitResident => "RSS after init, MiB".to_owned(),
            Self::InitProportional => "PSS after init, MiB".to_owned(),
            Self::PeakResident => "RSS at its peak, MiB".to_owned(),
            Self::PeakProportional => "PSS under load, MiB".to_owned(),
            Self::FirstByte => "first byte, back to back, ms".to_owned(),
            Self::FirstByteAfterIdle => "first byte after 100 ms idle, ms".to_owned(),
            Self::InvokeCpu => "CPU per invocation, ms".to_owned(),
            Self::BulkRate(chunk) => format!("{} writes, MB/s", chunk.title()),
            Self::BulkCpu(chunk) => format!("{} writes, CPU s/GB", chunk.title()),
            Self::TokenMedian => "token lateness, median, ms".to_owned(),
            Self::TokenP99 => "token lateness, p99, ms".to_owned(),
            Self::BeforeCompute => "chunk before 500 ms of computation, ms".to_owned(),
            Self::StreamsRate(Streams(1)) => "1 stream, MB/s".to_owned(),
            Self::StreamsRate(Streams(count)) => format!("{count} streams, MB/s"),
            Self::StreamMemory => "memory per stream of 64, MiB".to_owned(),
            Self::ManyStart(_) => "exec → all workers ask, ms".to_owned(),
            Self::ManyCpu(_) => "CPU per token, µs".to_owned(),
            Self::ManyMedian(_) => "token lateness, median, ms".to_owned(),
            Self::ManyP99(_) => "p99, ms".to_owned(),
            Self::ManyP999(_) => "p99.9, ms".to_owned(),
            Self::ManyMemory(_) => "memory per stream, KiB".to_owned(),
            Self::BesideMedian(Spinners(count)) => format!("token lateness beside {count} computing, median, ms"),
            Self::BesideP99(Spinners(count)) => format!("token lateness beside {count} computing, p99, ms"),
            Self::LayerSize => "runtime, MB".to_owned(),
            Self::LayerZip => "its layer zip, MB".to_owned(),
            Self::FunctionSize => "handler, MB".to_owned(),
        }
    }

    /// Whether a smaller number is the better one.
    pub(crate) fn less_is_better(self) -> bool {
        !matches!(self, Self::BulkRate(_) | Self::StreamsRate(_))
    }
}

/// The figures of one run. What a contender does not have was not measured.
#[derive(Default)]
pub(crate) struct Figures(HashMap<(Name, Figure), Samples>);

impl Figures {
    pub(crate) fn add(&mut self, name: Name, figure: Figure, value: f64) {
        self.0.entry((name, figure)).or_default().push(value);
    }

    pub(crate) fn samples(&self, name: Name, figure: Figure) -> Option<&Samples> {
        self.0.get(&(name, figure))
    }

    pub(crate) fn median(&self, name: Name, figure: Figure) -> Option<f64> {
        Some(self.samples(name, figure)?.median())
    }
}
