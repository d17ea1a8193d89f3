//! The answer for a person: a row for each runtime and way of running it, and below what is worth knowing about it.

use firstbyte_cost::bill::Bill;
use firstbyte_cost::compare::Bills;
use firstbyte_cost::limits::Way;
use firstbyte_cost::measured;
use firstbyte_cost::plan::{Reason, descriptors};
use firstbyte_cost::simulate::Simulation;
use firstbyte_cost::{Answer, Prices, Question};
use std::fmt;

/// Prints the answers to a question.
pub(super) struct Table<'a> {
    pub(super) question: &'a Question,
    pub(super) prices: &'a Prices,
    pub(super) answers: &'a [Answer],
    pub(super) simulation: Option<&'a Simulation>,
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let workload = &self.question.workload;
        let stream = &workload.stream;
        writeln!(
            f,
            "{} streams at once: {} begin per second, of {} s and {} each; {} per month",
            short(workload.at_once()),
            short(workload.per_second),
            short(stream.seconds),
            bytes(stream.bytes),
            short(workload.per_month())
        )?;
        writeln!(f, "Dollars per month in {}, {}\n", self.prices.region, self.question.choices.arch.name())?;
        row(f, ["", "environments", "GB-seconds", "Function URL", "REST API"], "")?;
        writeln!(f, "On demand, one stream in each")?;
        for answer in self.answers {
            let plan = &answer.on_demand;
            let name = format!("  {}, {} MB", answer.runtime.name, whole(plan.memory_mb));
            let bills = Some(&answer.on_demand_bills);
            row(f, [&name, &whole(plan.environments), &short(plan.gb_seconds), &url(bills), &rest(bills)], "")?;
        }
        let headroom = short(self.question.choices.headroom_percent);
        writeln!(
            f,
            "On managed instances, many in each, with {headroom} % more machines than the average load needs, three at least"
        )?;
        for answer in self.answers {
            let plan = &answer.on_instances;
            let name = format!("  {}, {} in each", answer.runtime.name, whole(plan.streams_per_environment));
            let gb_seconds = plan.machines.as_ref().map_or_else(|| "–".to_owned(), |machines| short(machines.gb_seconds));
            let machines = plan.machines.as_ref().map(|machines| format!("{} × {}", whole(machines.count), machines.name));
            let busy = plan.busy.map(|busy| format!("vCPUs {} % busy", whole(busy * 100.0)));
            let after: Vec<String> = [machines, busy].into_iter().flatten().collect();
            let bills = answer.on_instances_bills.as_ref();
            let cells = [&*name, &whole(plan.environments), &gb_seconds, &url(bills), &rest(bills)];
            row(f, cells, &after.join(", "))?;
        }
        writeln!(f)?;
        self.spent(f)?;
        self.density(f)?;
        self.limits(f)?;
        self.simulated(f)?;
        self.missing(f)?;
        let read = match self.prices.read_between() {
            Some((first, last)) if first == last => format!("read on {first}"),
            Some((first, last)) => format!("read from {first} to {last}"),
            None => "of which there are none".to_owned(),
        };
        writeln!(f, "Prices: list prices {read}; --show-prices has the source of each.")?;
        write!(f, "Runtimes: as measured on {} ({}).", measured::MEASURED_ON, measured::files().join(", "))
    }
}

impl Table<'_> {
    /// Where the first runtime's money goes.
    fn spent(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(answer) = self.answers.first() else { return Ok(()) };
        let mut line = |name: &str, bill: &Bill| {
            let lines = bill.lines.iter().filter(|line| line.quantity > 0.0);
            let lines = lines.map(|line| format!("{} {}", line.what, line.usd.map_or_else(|| "?".to_owned(), money)));
            writeln!(f, "{} {name}, by REST: {}.", answer.runtime.name, lines.collect::<Vec<_>>().join(", "))
        };
        line("on demand", &answer.on_demand_bills.rest)?;
        answer.on_instances_bills.as_ref().map_or(Ok(()), |bills| line("on managed instances", &bills.rest))
    }

    /// What decides how many streams are in an environment, and how many could be.
    fn density(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for answer in self.answers {
            let plan = &answer.on_instances;
            let (most, own) = (plan.streams_per_environment, answer.own_streams_per_environment);
            let unmeasured = if plan.busy.is_none() { "; its CPU per token was not measured" } else { "" };
            write!(f, "{}: {} in each by {}", answer.runtime.name, whole(most), self.reason(plan.because))?;
            if own > most {
                write!(f, "; {} would fit by {}{unmeasured} (--per-vcpu)", whole(own), self.reason(answer.own_because))?;
            } else {
                write!(f, "{unmeasured}")?;
            }
            writeln!(f, ".")?;
        }
        Ok(())
    }

    /// What decides a number of streams, with what a stream takes of it.
    fn reason(&self, reason: Reason) -> String {
        let stream = &self.question.workload.stream;
        match reason {
            Reason::Descriptors if stream.upstream > 0.0 => {
                format!(
                    "descriptors: {} per stream, {} of them --upstream",
                    short(descriptors(&self.question.workload)),
                    short(stream.upstream)
                )
            }
            other => other.name().to_owned(),
        }
    }

    /// AWS's limits that the first runtime is beyond.
    fn limits(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(answer) = self.answers.first() else { return Ok(()) };
        for limit in answer.limits.iter().filter(|limit| limit.times() > 1.0) {
            let of = match limit.of {
                Way::OnDemand => "on demand",
                Way::OnInstances => "on managed instances",
                Way::Rest => "by REST",
            };
            let (wanted, most) = (whole(limit.wanted), whole(limit.most));
            writeln!(
                f,
                "Beyond AWS's limit {of}: {wanted} {}, {most} by default (can be raised: {}).",
                limit.what, limit.can_be_raised
            )?;
        }
        if answer.sizes.seconds_to_scale > 0.0 {
            let minutes = whole((answer.sizes.seconds_to_scale / 60.0).ceil());
            writeln!(f, "From none to all on demand takes {minutes} minutes: a function gets 1,000 environments per 10 s.")?;
        }
        Ok(())
    }

    /// What a simulation says of this host.
    fn simulated(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(simulation) = self.simulation else { return Ok(()) };
        let refused = |refused: u64, streams: u64| match refused {
            0 => "no stream is refused".to_owned(),
            _ => format!("{:.1} % of the streams are refused", 100.0 * refused as f64 / streams.max(1) as f64),
        };
        let count = |number: u64| whole(number as f64);
        let seconds = short(simulation.seconds);
        writeln!(
            f,
            "Simulated, from the first stream on for {seconds} s, in which {} streams come, independently of each other:",
            count(simulation.on_demand.streams)
        )?;
        let on_demand = &simulation.on_demand;
        writeln!(
            f,
            "  on demand, no environment is there at first: {} wait for a cold start, {} of them in the same second; {} go on at once at most; {}.",
            count(on_demand.cold_starts),
            count(on_demand.cold_starts_in_a_second),
            count(on_demand.at_once),
            refused(on_demand.refused, on_demand.streams)
        )?;
        let on_instances = &simulation.on_instances;
        let [fewest, median, most] = on_instances.in_each;
        writeln!(
            f,
            "  on managed instances, all {} environments are there at first: in the end each has {median} streams, the emptiest {fewest}, the fullest {most}; {}.",
            count(simulation.environments.into()),
            refused(on_instances.refused, on_instances.streams)
        )?;
        let Some(fullest) = &simulation.fullest else { return Ok(()) };
        writeln!(
            f,
            "  in the fullest, vCPUs are {:.1} % busy; half of the tokens leave {:.2} ms late at most, and 99 of 100 {:.2} ms.",
            fullest.busy * 100.0,
            fullest.late_median_ms,
            fullest.late_p99_ms
        )
    }

    /// What the price file lacks.
    fn missing(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(answer) = self.answers.first() else { return Ok(()) };
        let mut missing: Vec<&str> = Vec::new();
        for bills in [Some(&answer.on_demand_bills), answer.on_instances_bills.as_ref()].into_iter().flatten() {
            missing.extend(bills.function_url.unknown().chain(bills.rest.unknown()).map(|line| line.price));
        }
        let no_machine = format!("managed.instances of {} that an environment fits", self.question.choices.arch.name());
        if answer.on_instances.machines.is_none() {
            missing.push(&no_machine);
        }
        missing.sort_unstable();
        missing.dedup();
        if missing.is_empty() {
            return Ok(());
        }
        let missing = missing.join(", ");
        writeln!(f, "–: the price file does not have {missing}. Add it to a copy (--show-prices) and name that with --prices.")
    }
}

fn row(f: &mut fmt::Formatter<'_>, [name, others @ ..]: [&str; 5], after: &str) -> fmt::Result {
    let mut line = format!("{name:<28}");
    for cell in others {
        line.push_str(&format!("{cell:>14}"));
    }
    line.push_str("   ");
    line.push_str(after);
    writeln!(f, "{}", line.trim_end())
}

fn url(bills: Option<&Bills>) -> String {
    bills.and_then(|bills| bills.function_url.usd()).map_or_else(|| "–".to_owned(), money)
}

fn rest(bills: Option<&Bills>) -> String {
    bills.and_then(|bills| bills.rest.usd()).map_or_else(|| "–".to_owned(), money)
}

/// Dollars, with cents where they matter.
fn money(usd: f64) -> String {
    if usd < 100.0 { format!("{usd:.2}") } else { whole(usd) }
}

/// A whole number with commas.
fn whole(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number in three digits or a few more.
fn short(number: f64) -> String {
    match number {
        n if n >= 1e12 => format!("{:.1} trillion", n / 1e12),
        n if n >= 1e9 => format!("{:.1} billion", n / 1e9),
        n if n >= 1e6 => format!("{:.1} million", n / 1e6),
        n if n >= 1000.0 || n.fract() == 0.0 => whole(n),
        n if n >= 10.0 => format!("{n:.1}"),
        n => format!("{n:.2}"),
    }
}

fn bytes(number: f64) -> String {
    match number {
        n if n >= 1e9 => format!("{:.1} GB", n / 1e9),
        n if n >= 1e6 => format!("{:.1} MB", n / 1e6),
        n if n >= 1e3 => format!("{:.1} kB", n / 1e3),
        n => format!("{n:.0} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([whole(999.0), whole(1000.0), whole(1_234_567.4)], ["999", "1,000", "1,234,567"]);
        assert_eq!([money(0.0), money(12.345), money(2292.6)], ["0.00", "12.35", "2,293"]);
        assert_eq!([short(0.25), short(25.0), short(12.34), short(65_700_000.0)], ["0.25", "25", "12.3", "65.7 million"]);
        assert_eq!([bytes(307.0), bytes(20_000.0)], ["307 bytes", "20.0 kB"]);
    }
}
