//! The result as a picture: a panel for each of the figures that tell most, a bar for each contender, all on logarithmic scales.

use crate::contender::Name;
use crate::figure::{Chunk, Figure, Spinners, Streams};
use crate::run::Run;
use crate::table::number;
use std::fmt::{self, Display};

const FIGURES: [Figure; 15] = [
    Figure::StartWall,
    Figure::InitResident,
    Figure::FirstByte,
    Figure::FirstByteAfterIdle,
    Figure::InvokeCpu,
    Figure::BeforeCompute,
    Figure::BulkRate(Chunk::Large),
    Figure::BulkRate(Chunk::Kilobyte),
    Figure::BulkCpu(Chunk::Kilobyte),
    Figure::BulkRate(Chunk::Small),
    Figure::TokenP99,
    Figure::StreamsRate(Streams(64)),
    Figure::BesideP99(Spinners(0)),
    Figure::BesideP99(Spinners(1)),
    Figure::BesideP99(Spinners(16)),
];

const COLUMNS: usize = 3;
const PANEL_WIDTH: usize = 340;
const MARGIN: usize = 24;
const NAMES_WIDTH: usize = 118;
const BARS_WIDTH: f64 = 160.0;
const ROW: usize = 20;
const HEADING: usize = 44;

/// A bar is at least so long, so that the best contender can be seen, too.
const SHORTEST: f64 = 3.0;

/// The picture.
pub(crate) struct Chart<'a>(pub(crate) &'a Run);

impl Display for Chart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let run = self.0;
        let names: Vec<Name> = run.contenders.iter().filter(|(_, state)| state.is_ok()).map(|(name, _)| *name).collect();
        let measured = |figure: &&Figure| names.iter().any(|name| run.figures.median(*name, **figure).is_some());
        let figures: Vec<Figure> = FIGURES.iter().filter(measured).copied().collect();
        let panel_height = HEADING + names.len() * ROW + 16;
        let (width, top) = (COLUMNS * PANEL_WIDTH + 2 * MARGIN, 64);
        let height = top + figures.len().div_ceil(COLUMNS) * panel_height + 36;
        writeln!(
            f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             font-family=\"system-ui, sans-serif\" font-size=\"12\">\n\
             <title>Firstbyte beside others</title>\n\
             <style>\n\
             .page {{ fill: #ffffff }} .strong {{ fill: #1c2024 }} .weak {{ fill: #60646c }} .ours {{ fill: #0d74ce }}\n\
             .other {{ fill: #8b8d98 }} .floor {{ fill: #cdced6 }} .line {{ stroke: #e0e1e6 }}\n\
             @media (prefers-color-scheme: dark) {{\n\
             .page {{ fill: #111113 }} .strong {{ fill: #edeef0 }} .weak {{ fill: #b0b4ba }} .ours {{ fill: #70b8ff }}\n\
             .other {{ fill: #777b84 }} .floor {{ fill: #43484e }} .line {{ stroke: #2e3135 }} }}\n\
             </style>\n\
             <rect class=\"page\" width=\"100%\" height=\"100%\"/>\n\
             <text class=\"strong\" x=\"{MARGIN}\" y=\"32\" font-size=\"18\" font-weight=\"600\">Firstbyte beside others</text>\n\
             <text class=\"weak\" x=\"{MARGIN}\" y=\"50\">Medians, same machine, in turns. Lengths are logarithmic: from each thin line to the next is a factor of ten.</text>"
        )?;
        for (number, figure) in figures.iter().enumerate() {
            let x = MARGIN + number % COLUMNS * PANEL_WIDTH;
            let y = top + number / COLUMNS * panel_height;
            writeln!(f, "<g transform=\"translate({x} {y})\">")?;
            panel(f, run, &names, *figure)?;
            writeln!(f, "</g>")?;
        }
        let machine = &run.machine;
        let about = format!(
            "{}, {} cores of {}, {}, commit {}",
            machine.date, machine.cores, machine.cpu, machine.kernel, machine.commit
        );
        writeln!(f, "<text class=\"weak\" x=\"{MARGIN}\" y=\"{}\">{}</text>\n</svg>", height - 16, escaped(&about))
    }
}

fn panel(f: &mut fmt::Formatter<'_>, run: &Run, names: &[Name], figure: Figure) -> fmt::Result {
    let values: Vec<Option<f64>> = names.iter().map(|name| run.figures.median(*name, figure)).collect();
    let shown = || values.iter().flatten().copied().filter(|value| *value > 0.0);
    let (least, most) = (shown().fold(f64::INFINITY, f64::min), shown().fold(0.0, f64::max));
    // From the power of ten below the least, so that lengths can be compared, and a line at each.
    let lowest = least.log10().floor();
    let scale = BARS_WIDTH / (most.log10() - lowest).max(1.0);
    let better = if figure.less_is_better() { "less is better" } else { "more is better" };
    writeln!(
        f,
        "<text class=\"strong\" y=\"16\" font-weight=\"600\">{}</text><text class=\"weak\" y=\"32\" font-size=\"11\">{better}</text>",
        escaped(&figure.title().replace('`', ""))
    )?;
    let bottom = HEADING + names.len() * ROW;
    for power in 0..=(BARS_WIDTH / scale) as usize {
        let x = NAMES_WIDTH as f64 + power as f64 * scale;
        writeln!(f, "<path class=\"line\" d=\"M{x:.1} {} V{bottom}\"/>", HEADING - 6)?;
    }
    for (row, (name, value)) in names.iter().zip(&values).enumerate() {
        let (top, base) = (HEADING + row * ROW, HEADING + row * ROW + 12);
        let weight = if *name == Name::Firstbyte { " font-weight=\"600\"" } else { "" };
        writeln!(f, "<text class=\"strong\" y=\"{base}\"{weight}>{}</text>", escaped(&name.title().replace('`', "")))?;
        let Some(value) = value else {
            writeln!(f, "<text class=\"weak\" x=\"{NAMES_WIDTH}\" y=\"{base}\">–</text>")?;
            continue;
        };
        let length = ((value.log10() - lowest) * scale).max(SHORTEST);
        let class = match name {
            Name::Firstbyte => "ours",
            Name::Raw => "floor",
            _ => "other",
        };
        let text_at = NAMES_WIDTH as f64 + length + 6.0;
        writeln!(
            f,
            "<rect class=\"{class}\" x=\"{NAMES_WIDTH}\" y=\"{top}\" width=\"{length:.1}\" height=\"15\" rx=\"2\"/>\
             <text class=\"strong\" x=\"{text_at:.1}\" y=\"{base}\">{}</text>",
            number(*value)
        )?;
    }
    Ok(())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
