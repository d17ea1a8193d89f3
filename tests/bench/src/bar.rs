//! The bars: what Firstbyte has set itself, and whether a run meets it.

use crate::contender::Name;
use crate::figure::{Chunk, Figure, Figures, Streams};
use Figure::{
    BeforeCompute, BulkCpu, BulkRate, FirstByte, InitResident, InvokeCpu, LayerZip, StartWall, StreamMemory, StreamsRate,
    TokenP99,
};
use Name::{Firstbyte, Native, Node};

/// One demand on one of Firstbyte's figures.
pub(crate) struct Bar {
    figure: Figure,
    limit: Limit,
}

enum Limit {
    /// At most so much.
    Number(f64),
    /// At most so many times another figure.
    AtMost(f64, Name, Figure),
    /// At least so many times another figure.
    AtLeast(f64, Name, Figure),
}

/// How a figure stands to its bar.
pub(crate) struct Verdict {
    pub(crate) figure: Figure,
    pub(crate) is: f64,
    /// Whether more is better than the bar.
    pub(crate) at_least: bool,
    /// The bar as a number; none if what it refers to was not measured.
    pub(crate) limit: Option<f64>,
    /// What the bar refers to; empty if it is a number only.
    pub(crate) of: String,
    pub(crate) met: Option<bool>,
}

const fn bar(figure: Figure, limit: Limit) -> Bar {
    Bar { figure, limit }
}

/// All of them.
pub(crate) const BARS: [Bar; 20] = [
    bar(StartWall, Limit::AtMost(1.5, Native, StartWall)),
    bar(StartWall, Limit::AtMost(0.1, Node, StartWall)),
    bar(InitResident, Limit::Number(8.0)),
    bar(InitResident, Limit::AtMost(0.2, Node, InitResident)),
    bar(FirstByte, Limit::Number(0.2)),
    bar(FirstByte, Limit::AtMost(0.01, Native, FirstByte)),
    bar(FirstByte, Limit::AtMost(1.0, Node, FirstByte)),
    bar(InvokeCpu, Limit::AtMost(1.0 / 3.0, Node, InvokeCpu)),
    bar(BulkRate(Chunk::Kilobyte), Limit::AtLeast(2.0, Node, BulkRate(Chunk::Kilobyte))),
    bar(BulkRate(Chunk::Kilobyte), Limit::AtLeast(6.0, Native, BulkRate(Chunk::Kilobyte))),
    bar(BulkCpu(Chunk::Kilobyte), Limit::AtMost(1.0, Node, BulkCpu(Chunk::Kilobyte))),
    bar(BulkCpu(Chunk::Kilobyte), Limit::AtMost(1.0, Native, BulkCpu(Chunk::Kilobyte))),
    bar(BulkRate(Chunk::Large), Limit::AtLeast(1.0, Native, BulkRate(Chunk::Large))),
    bar(BulkCpu(Chunk::Large), Limit::AtMost(1.1, Native, BulkCpu(Chunk::Large))),
    bar(TokenP99, Limit::Number(1.0)),
    bar(TokenP99, Limit::AtMost(1.0, Node, TokenP99)),
    bar(BeforeCompute, Limit::Number(10.0)),
    bar(StreamsRate(Streams(64)), Limit::AtLeast(0.9, Firstbyte, StreamsRate(Streams(1)))),
    bar(StreamMemory, Limit::Number(1.0)),
    bar(LayerZip, Limit::Number(3.0)),
];

impl Bar {
    /// None if the figure was not measured.
    pub(crate) fn judge(&self, figures: &Figures) -> Option<Verdict> {
        let is = figures.median(Firstbyte, self.figure)?;
        let of = |factor: f64, name, figure| Some(factor * figures.median(name, figure)?);
        let (bar, limit) = match self.limit {
            Limit::Number(limit) => (String::new(), Some(limit)),
            Limit::AtMost(factor, name, figure) => (times(factor, name, figure, self.figure), of(factor, name, figure)),
            Limit::AtLeast(factor, name, figure) => (times(factor, name, figure, self.figure), of(factor, name, figure)),
        };
        let at_least = matches!(self.limit, Limit::AtLeast(..));
        let met = limit.map(|limit| if at_least { is >= limit } else { is <= limit });
        Some(Verdict { figure: self.figure, is, at_least, limit, of: bar, met })
    }
}

/// "1.5 × Node.js", in words that say which figure if it is not the same one.
fn times(factor: f64, name: Name, figure: Figure, same_as: Figure) -> String {
    let factor = match factor {
        1.0 => String::new(),
        ..=0.5 => format!("1/{:.0} of ", 1.0 / factor),
        factor => format!("{factor} × "),
    };
    let figure = if figure == same_as { String::new() } else { format!(", {}", figure.title()) };
    format!("{factor}{}{figure}", name.title())
}
