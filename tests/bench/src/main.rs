//! Measures Firstbyte beside other ways to stream from Lambda, on the machine at hand: builds every contender, runs them in
//! turns against a Runtime API of its own, and writes a table and a chart.

mod bar;
mod chart;
mod collector;
mod contender;
mod environment;
mod figure;
mod machine;
mod measure;
mod process;
mod run;
mod runtime_api;
mod samples;
mod table;
mod work;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use contender::{Builder, Name};
use measure::Measurement;
use run::Run;
use std::path::{Path, PathBuf};

/// Measures Firstbyte beside other ways to stream from Lambda; everything is built first
#[derive(Parser)]
struct Arguments {
    /// Rounds of each measurement
    #[arg(long, default_value_t = 11, value_name = "N")]
    runs: usize,

    /// Only these measurements
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    only: Vec<Measurement>,

    /// Only these contenders
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    contenders: Vec<Name>,

    /// The result's name: results/NAME.md and NAME.svg; after the machine otherwise, or, of a part of the comparison, printed
    /// only
    #[arg(long, value_name = "NAME")]
    save: Option<String>,

    /// Another bootstrap of Firstbyte's to measure beside this one, such as that of the commit before, or a folder with a
    /// `bootstrap` and its own `handler.cwasm`
    #[arg(long, value_name = "FILE")]
    before: Option<PathBuf>,

    /// Takes what the last run has built
    #[arg(long)]
    no_build: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let is_whole = arguments.only.is_empty() && arguments.contenders.is_empty();
    let mut contenders = or_all(arguments.contenders);
    contenders.retain(|name| *name != Name::Before);
    if arguments.before.is_some() {
        contenders.insert(0, Name::Before);
    }
    let builder = Builder::new(!arguments.no_build, arguments.before)?;
    let run = Run::take(&builder, &contenders, &or_all(arguments.only), arguments.runs.max(1))?;
    let name = arguments.save.or_else(|| is_whole.then(|| run.machine.name()));
    let chart = name.as_ref().map(|name| format!("{name}.svg"));
    let table = table::Table { run: &run, chart: chart.as_deref() }.to_string();
    println!("{table}");
    if let (Some(name), Some(chart)) = (name, chart) {
        let results = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("results");
        write(&results, &chart, &chart::Chart(&run).to_string())?;
        write(&results, &format!("{name}.md"), &table)?;
    }
    Ok(())
}

fn or_all<T: ValueEnum>(chosen: Vec<T>) -> Vec<T> {
    if chosen.is_empty() { T::value_variants().iter().map(T::clone).collect() } else { chosen }
}

fn write(folder: &Path, name: &str, text: &str) -> Result<()> {
    let path = folder.join(name);
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&path, text))
        .with_context(|| format!("cannot write {}", path.display()))?;
    eprintln!("{}", path.display());
    Ok(())
}
