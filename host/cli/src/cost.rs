//! `firstbyte cost`: what streams cost in a month. It reads the arguments and a file, and prints; `host/cost` computes.

mod table;

use crate::compile::ArchName;
use crate::output::{print, say};
use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use firstbyte_cost::measured::{self, Runtime};
use firstbyte_cost::plan::Choices;
use firstbyte_cost::prices::{Architecture, FreeTier};
use firstbyte_cost::simulate::Simulation;
use firstbyte_cost::{Answer, Observed, Prices, Question, Rate, Stream, Workload};
use firstbyte_runtime::engine::Arch;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Args)]
#[command(
    allow_negative_numbers = true,
    after_help = "\
Where the figures of a stream come from, in this order: the options; FILE, which is a recording (the console of `firstbyte serve` saves
one) or a log with lines of FIRSTBYTE_METRICS=emf, of which averages are taken; what the bench has measured of each runtime.

On demand, an environment has one stream and the function's memory is billed for as long as it lasts. On managed instances,
environments have many, and machines are paid by the hour, at least three of them. Prices are list prices of one region, without
savings plans, taxes, logs and what the handler asks of other services. A price that is not in the price file is not made up:
its column then names what is missing.

Examples:
  firstbyte cost --at-once 500 --seconds 20 --bytes 20000 --tokens 400      a chat: 500 answers at once, token by token
  firstbyte cost --at-once 500 --seconds 20 --bytes 20000 --tokens 400 --simulate
  firstbyte cost session.json --per-second 25                               answers as they were recorded
  aws logs tail /aws/lambda/NAME --since 1h > hour.log; firstbyte cost hour.log
  firstbyte cost --at-once 1000000 --seconds 20 --bytes 20000 --tokens 400 --vcpus 4 --format json
  firstbyte cost --show-prices > prices.json; firstbyte cost hour.log --prices prices.json"
)]
pub(crate) struct Arguments {
    /// A recording, or a log with metrics
    file: Option<PathBuf>,

    /// Streams that begin per second, on average over the month
    #[arg(long, value_name = "N", conflicts_with = "at_once")]
    per_second: Option<f64>,

    /// Streams at once, on average over the month
    #[arg(long, value_name = "N")]
    at_once: Option<f64>,

    /// How long a stream lasts
    #[arg(long, value_name = "S")]
    seconds: Option<f64>,

    /// Bytes of a stream
    #[arg(long, value_name = "N")]
    bytes: Option<f64>,

    /// Small writes of a stream; what each takes of the CPU was measured
    #[arg(long, value_name = "N")]
    tokens: Option<f64>,

    /// CPU time of a stream, instead of what was measured of small writes (the metric CpuTime)
    #[arg(long, value_name = "MS")]
    cpu_ms: Option<f64>,

    /// Memory of the handler's own per stream, beside what a handler has that keeps nothing
    #[arg(long, value_name = "MIB")]
    handler_memory: Option<f64>,

    /// Connections to other servers that a stream has open
    #[arg(long, value_name = "N")]
    upstream: Option<f64>,

    /// The function's memory on demand, in MB; the least that does if absent
    #[arg(long, value_name = "MB")]
    memory: Option<f64>,

    /// The processor
    #[arg(long, default_value = "arm64")]
    arch: ArchName,

    /// vCPUs of an environment on managed instances
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    vcpus: f64,

    /// Streams per vCPU at most, on managed instances; AWS says that its setting may be raised to 64
    #[arg(long, value_name = "N", default_value_t = 64.0)]
    per_vcpu: f64,

    /// Machines beyond those that the average load needs, in percent of them: 50 is half as many again
    #[arg(long, value_name = "PERCENT", default_value_t = 50.0)]
    headroom: f64,

    /// The type of machine; the cheapest of the price file if absent
    #[arg(long, value_name = "TYPE")]
    instance: Option<String>,

    /// Takes off what an account has free each month, as if nothing else of the account used it
    #[arg(long)]
    free_tier: bool,

    /// Another price file
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,

    /// Prints the price file with its sources, and does nothing else
    #[arg(long)]
    show_prices: bool,

    /// Simulates the first minutes, too: cold starts, how full environments get, and how late tokens are in the fullest one
    #[arg(long)]
    simulate: bool,

    /// What the simulation's chance comes from; the same seed has the same answer
    #[arg(long, value_name = "N", default_value_t = 1, requires = "simulate")]
    seed: u64,

    /// A table, or JSON with every line of every bill
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Table,
    Json,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let (prices, text) = prices(arguments)?;
    if arguments.show_prices {
        print(text.as_bytes());
        return Ok(ExitCode::SUCCESS);
    }
    let question = question(arguments)?;
    if let Some(name) = &arguments.instance {
        let known = || prices.managed.instances.iter().filter(|instance| instance.arch == question.choices.arch);
        if !known().any(|instance| instance.name == *name) {
            let names: Vec<&str> = known().map(|instance| instance.name.as_str()).collect();
            let arch = question.choices.arch.name();
            bail!("the price file has no instance {name} of {arch}; it has {}: add a line to it (--show-prices)", list(&names));
        }
    }
    let answers: Vec<Answer> = [Runtime::firstbyte()?, Runtime::node()?]
        .into_iter()
        .map(|runtime| Answer::to(&question, runtime, &prices))
        .collect::<Result<_, _>>()?;
    let simulation = match answers.first().filter(|_| arguments.simulate) {
        Some(answer) => Some(Simulation::of(&question.workload, &answer.on_instances, arguments.seed)?),
        None => None,
    };
    match arguments.format {
        Format::Table => {
            say(table::Table { question: &question, prices: &prices, answers: &answers, simulation: simulation.as_ref() });
        }
        Format::Json => say(json!({
            "workload": question.workload,
            "arch": question.choices.arch,
            "headroom_percent": question.choices.headroom_percent,
            "region": prices.region,
            "prices_read": prices.read_between(),
            "measured": { "files": measured::files(), "arch": measured::MEASURED_ON },
            "answers": answers,
            "simulation": simulation,
        })),
    }
    Ok(ExitCode::SUCCESS)
}

fn prices(arguments: &Arguments) -> Result<(Prices, String)> {
    let Some(path) = &arguments.prices else {
        return Ok((Prices::embedded()?, Prices::embedded_text().to_owned()));
    };
    let text = text(path)?;
    Ok((Prices::parse(&text).with_context(|| path.display().to_string())?, text))
}

/// What is asked, of the options and of the file.
fn question(arguments: &Arguments) -> Result<Question> {
    let observed = match &arguments.file {
        None => None,
        Some(path) => Some(Observed::read(&text(path)?).with_context(|| path.display().to_string())?),
    };
    let seen = observed.as_ref().map(|observed| &observed.stream);
    let seconds = arguments.seconds.or(seen.map(|stream| stream.seconds));
    let bytes = arguments.bytes.or(seen.map(|stream| stream.bytes));
    let tokens = arguments.tokens.or(seen.map(|stream| stream.tokens));
    let cpu_ms = match arguments.tokens {
        // Whoever says how many tokens there are wants to know what they take.
        Some(_) => arguments.cpu_ms,
        None => arguments.cpu_ms.or(seen.and_then(|stream| stream.cpu_ms)),
    };
    let asked = arguments.per_second.map(Rate::PerSecond).or(arguments.at_once.map(Rate::AtOnce));
    let rate = asked.or(observed.as_ref().and_then(|observed| observed.per_second).map(Rate::PerSecond));
    let has_cpu = tokens.is_some() || cpu_ms.is_some();
    let (Some(rate), Some(seconds), Some(bytes), true) = (rate, seconds, bytes, has_cpu) else {
        let needed = [
            (
                rate.is_some(),
                "how many streams there are: `--per-second N` that begin, or `--at-once N` that go on at the same time",
            ),
            (seconds.is_some(), "how long a stream lasts: `--seconds S`"),
            (bytes.is_some(), "how many bytes a stream has: `--bytes N`"),
            (has_cpu, "what CPU time a stream takes: `--tokens N` small writes, or `--cpu-ms MS`"),
        ];
        let missing: String = needed.iter().filter(|(is_known, _)| !is_known).map(|(_, what)| format!("\n  {what}")).collect();
        let or_file =
            if observed.is_none() { "\nFILE, a recording or a log with metrics, says most of it: see --help" } else { "" };
        bail!("to tell what streams cost, this is missing:{missing}{or_file}");
    };
    let stream = Stream {
        seconds,
        bytes,
        tokens: tokens.unwrap_or(0.0),
        cpu_ms,
        handler_memory_mib: arguments.handler_memory.or(seen.map(|stream| stream.handler_memory_mib)).unwrap_or(0.0),
        upstream: arguments.upstream.or(seen.map(|stream| stream.upstream)).unwrap_or(0.0),
    };
    let choices = Choices {
        arch: match arguments.arch.into() {
            Arch::X86_64 => Architecture::X86_64,
            Arch::Arm64 => Architecture::Arm64,
        },
        vcpus: arguments.vcpus,
        per_vcpu: arguments.per_vcpu,
        headroom_percent: arguments.headroom,
        instance: arguments.instance.clone(),
        memory_mb: arguments.memory,
    };
    let free = if arguments.free_tier { FreeTier::Used } else { FreeTier::Ignored };
    Ok(Question { workload: Workload::new(rate, stream)?, choices, free })
}

/// A file's text, without the mark of the byte order with which Windows' programs begin one.
fn text(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        bail!("{} is in UTF-16; save it in UTF-8", path.display());
    }
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
