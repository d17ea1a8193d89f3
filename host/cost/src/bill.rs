//! What a plan costs in a month, line by line. A line whose price is not known has no amount, and so has its sum.

use crate::plan::{OnDemand, OnInstances};
use crate::prices::{Architecture, FreeTier, GB, Price, Prices};
use crate::workload::{HOURS_PER_MONTH, Workload};
use serde::Serialize;

/// The way in to a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// A Function URL, which costs nothing itself.
    FunctionUrl,
    /// A REST API of API Gateway.
    Rest,
}

/// A month's bill.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bill {
    /// Its lines.
    pub lines: Vec<Line>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// What is paid for.
    pub what: &'static str,
    /// How much of it.
    pub quantity: f64,
    /// The unit of that.
    pub unit: &'static str,
    /// Dollars. Absent if the price is not known.
    pub usd: Option<f64>,
    /// Where the price stands in the price file.
    pub price: &'static str,
}

impl Bill {
    /// Dollars. Absent if a line's price is not known.
    #[must_use]
    pub fn usd(&self) -> Option<f64> {
        self.lines.iter().map(|line| line.usd).sum()
    }

    /// What the price file lacks for the sum.
    pub fn unknown(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.usd.is_none())
    }

    /// One stream per environment.
    #[must_use]
    pub fn on_demand(
        plan: &OnDemand,
        workload: &Workload,
        prices: &Prices,
        arch: Architecture,
        door: Door,
        free: FreeTier,
    ) -> Self {
        let streams = workload.per_month();
        let included = prices.streamed_gb.as_ref().and_then(|price| price.included_bytes).unwrap_or(0.0);
        let streamed = streams * (workload.stream.bytes - included).max(0.0) / GB;
        let duration = match arch {
            Architecture::X86_64 => "gb_seconds.x86_64",
            Architecture::Arm64 => "gb_seconds.arm64",
        };
        let mut lines = vec![
            line("duration", plan.gb_seconds, "GB-seconds", prices.gb_seconds.of(arch), duration, free),
            line("requests", streams, "requests", prices.requests.as_ref(), "requests", free),
            line("streamed bytes", streamed, "GB", prices.streamed_gb.as_ref(), "streamed_gb", free),
        ];
        lines.extend(way_in(workload, prices, door, free));
        Self { lines }
    }

    /// Many streams per environment. Absent if no machine is known that fits.
    #[must_use]
    pub fn on_instances(plan: &OnInstances, workload: &Workload, prices: &Prices, door: Door, free: FreeTier) -> Option<Self> {
        let machines = plan.machines.as_ref()?;
        let instance = prices.managed.instances.iter().find(|instance| instance.name == machines.name)?;
        let hours = machines.count * HOURS_PER_MONTH;
        let machines = hours * instance.usd_per_hour;
        let fee = prices.managed.fee.as_ref().map(|fee| machines * fee.share);
        let requests = prices.managed.requests.as_ref();
        let mut lines = vec![
            Line { what: "machines", quantity: hours, unit: "hours", usd: Some(machines), price: "managed.instances" },
            Line { what: "AWS's fee for managing", quantity: hours, unit: "hours", usd: fee, price: "managed.fee" },
            line("requests", workload.per_month(), "requests", requests, "managed.requests", FreeTier::Ignored),
        ];
        lines.extend(way_in(workload, prices, door, free));
        Some(Self { lines })
    }
}

/// What the way in costs, and the way out to the internet.
fn way_in(workload: &Workload, prices: &Prices, door: Door, free: FreeTier) -> Vec<Line> {
    let (streams, bytes) = (workload.per_month(), workload.stream.bytes);
    let mut lines = Vec::new();
    if door == Door::Rest {
        let price = prices.rest_requests.as_ref();
        let of_each = price.and_then(|price| price.included_bytes).map_or(1.0, |included| (bytes / included).ceil().max(1.0));
        lines.push(line("API Gateway", streams * of_each, "requests", price, "rest_requests", free));
    }
    lines.push(line(
        "bytes to the internet",
        streams * bytes / GB,
        "GB",
        prices.transfer_out_gb.as_ref(),
        "transfer_out_gb",
        free,
    ));
    lines
}

fn line(
    what: &'static str,
    quantity: f64,
    unit: &'static str,
    price: Option<&Price>,
    place: &'static str,
    free: FreeTier,
) -> Line {
    // Nothing costs nothing, whatever its price is.
    let usd = if quantity == 0.0 { Some(0.0) } else { price.map(|price| price.of(quantity, free)) };
    Line { what, quantity, unit, usd, price: place }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measured::Runtime;
    use crate::plan::Choices;
    use crate::workload::tests::answers;

    const ORIGIN: &str = r#""region":"r","source":"s","read":"2026-01-01""#;

    /// Prices with which sums can be done in one's head.
    fn round() -> Prices {
        let json = format!(
            r#"{{"region":"r",
                "requests":{{"tiers":[{{"usd":1}}],{ORIGIN}}},
                "gb_seconds":{{"arm64":{{"tiers":[{{"usd":2}}],"free":1000,{ORIGIN}}}}},
                "streamed_gb":{{"tiers":[{{"usd":4}}],"included_bytes":0,{ORIGIN}}},
                "managed":{{"requests":{{"tiers":[{{"usd":1}}],{ORIGIN}}},"fee":{{"share":0.5,{ORIGIN}}},
                    "instances":[{{"name":"m","arch":"arm64","vcpus":4,"memory_gib":16,"usd_per_hour":10,{ORIGIN}}}]}},
                "rest_requests":{{"tiers":[{{"usd":3}}],"included_bytes":1073741824,{ORIGIN}}},
                "transfer_out_gb":{{"tiers":[{{"usd":5}}],{ORIGIN}}}}}"#
        );
        Prices::parse(&json).expect("valid")
    }

    /// A stream per hour, of two seconds and 1.5 GB.
    fn hourly() -> Workload {
        let mut workload = answers(1.0 / 3600.0);
        workload.stream.seconds = 2.0;
        workload.stream.bytes = 1.5 * GB;
        workload
    }

    fn amounts(bill: &Bill) -> Vec<(&str, f64)> {
        bill.lines.iter().map(|line| (line.what, (line.usd.expect("known") * 1e6).round() / 1e6)).collect()
    }

    #[test]
    fn on_demand_is_duration_requests_streamed_bytes_and_the_way() {
        let (workload, prices) = (hourly(), round());
        let plan =
            OnDemand { memory_mb: 512.0, memory_because: crate::plan::Reason::Asked, environments: 1.0, gb_seconds: 730.0 };
        let bill = |door, free| Bill::on_demand(&plan, &workload, &prices, Architecture::Arm64, door, free);
        let url = bill(Door::FunctionUrl, FreeTier::Ignored);
        let lines = [("duration", 1460.0), ("requests", 730.0), ("streamed bytes", 4380.0), ("bytes to the internet", 5475.0)];
        assert_eq!(amounts(&url), lines);
        assert_eq!(url.usd().map(f64::round), Some(12_045.0));
        let rest = bill(Door::Rest, FreeTier::Ignored);
        // A response of 1.5 times what a request pays for is two.
        assert!(amounts(&rest).contains(&("API Gateway", 730.0 * 2.0 * 3.0)), "{rest:?}");
        assert!(amounts(&bill(Door::FunctionUrl, FreeTier::Used)).contains(&("duration", 0.0)));
    }

    #[test]
    fn machines_are_paid_by_the_hour_with_a_fee() {
        let (workload, prices) = (hourly(), round());
        let runtime = Runtime::firstbyte().expect("measured");
        let plan = OnInstances::of(&workload, &runtime, &Choices::default(), &prices).expect("fits");
        let bill = Bill::on_instances(&plan, &workload, &prices, Door::FunctionUrl, FreeTier::Ignored).expect("a machine");
        let three = 3.0 * 730.0 * 10.0;
        assert_eq!(amounts(&bill)[..3], [("machines", three), ("AWS's fee for managing", three / 2.0), ("requests", 730.0)]);
    }

    #[test]
    fn what_has_no_price_has_no_sum_and_is_named() {
        let mut prices = round();
        prices.transfer_out_gb = None;
        let plan =
            OnDemand { memory_mb: 512.0, memory_because: crate::plan::Reason::Asked, environments: 1.0, gb_seconds: 730.0 };
        let bill = Bill::on_demand(&plan, &hourly(), &prices, Architecture::X86_64, Door::FunctionUrl, FreeTier::Ignored);
        assert_eq!(bill.usd(), None);
        assert_eq!(bill.unknown().map(|line| line.price).collect::<Vec<_>>(), ["gb_seconds.x86_64", "transfer_out_gb"]);
        let mut silent = hourly();
        silent.stream.bytes = 0.0;
        let bill = Bill::on_demand(&plan, &silent, &prices, Architecture::Arm64, Door::FunctionUrl, FreeTier::Ignored);
        assert_eq!(bill.usd(), Some(1460.0 + 730.0));
    }
}
