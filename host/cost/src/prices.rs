//! Prices: what AWS asks for each unit, and where each figure was read. Knows no workload.
//!
//! A price that is not in the file is absent, and what depends on it says so. None is made up.

use crate::error::CostError;
use serde::{Deserialize, Serialize};

/// The prices that come with this version: `prices.json` of this package.
const EMBEDDED: &str = include_str!("../prices.json");

/// Bytes of a GB, as AWS's price lists count them.
pub const GB: f64 = 1_073_741_824.0;

/// A price file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// What the file is, for who reads it.
    #[serde(default)]
    pub about: String,
    /// The region that the figures are of.
    pub region: String,
    /// Requests to Lambda.
    pub requests: Option<Price>,
    /// A GB of memory for a second, on demand.
    #[serde(default)]
    pub gb_seconds: ByArchitecture,
    /// GB of streamed responses, beyond what each response has free.
    pub streamed_gb: Option<Price>,
    /// Managed instances.
    #[serde(default)]
    pub managed: Managed,
    /// Requests to API Gateway's REST APIs.
    pub rest_requests: Option<Price>,
    /// GB to the internet.
    pub transfer_out_gb: Option<Price>,
}

/// A price of each architecture.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByArchitecture {
    /// Intel and AMD.
    pub x86_64: Option<Price>,
    /// Graviton.
    pub arm64: Option<Price>,
}

impl ByArchitecture {
    /// The price of an architecture.
    #[must_use]
    pub fn of(&self, arch: Architecture) -> Option<&Price> {
        match arch {
            Architecture::X86_64 => self.x86_64.as_ref(),
            Architecture::Arm64 => self.arm64.as_ref(),
        }
    }
}

/// What managed instances cost.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Managed {
    /// Requests to Lambda.
    pub requests: Option<Price>,
    /// AWS's fee for managing.
    pub fee: Option<Fee>,
    /// The machines, of either architecture.
    #[serde(default)]
    pub instances: Vec<Instance>,
}

/// A processor's architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// Intel and AMD.
    #[serde(rename = "x86_64")]
    X86_64,
    /// Graviton.
    Arm64,
}

impl Architecture {
    /// Its name, as Lambda has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }
}

/// Where a figure comes from. No figure is without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The region that it is of.
    pub region: String,
    /// AWS's page that has it.
    pub source: String,
    /// The date of the copy that was read.
    pub read: String,
    /// The copy, if it was not AWS's page itself.
    pub copy: Option<String>,
}

/// A price per unit, which may fall with the quantity of a month.
#[derive(Clone, Debug, Deserialize)]
pub struct Price {
    /// How many units the tiers' figures are for.
    #[serde(default = "one")]
    pub per: f64,
    /// From the first unit on.
    pub tiers: Vec<Tier>,
    /// Units of each month that an account has free.
    #[serde(default)]
    pub free: f64,
    /// Of responses: the bytes of each that cost nothing here (`streamed_gb`), or that one request pays for (`rest_requests`).
    pub included_bytes: Option<f64>,
    /// Where it was read.
    #[serde(flatten)]
    pub origin: Origin,
    #[serde(flatten)]
    unknown: Unknown,
}

/// Members that nobody knows. A name that is misspelt must not be taken for one that is absent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
struct Unknown(std::collections::BTreeMap<String, serde_json::Value>);

impl Unknown {
    fn check(&self) -> Result<(), String> {
        self.0.keys().next().map_or(Ok(()), |name| Err(format!("has the unknown member `{name}`")))
    }
}

/// A price up to a quantity.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// The month's quantity at which the next tier begins. Absent of the last one.
    pub up_to: Option<f64>,
    /// Dollars.
    pub usd: f64,
}

/// A fee that is a share of something else.
#[derive(Clone, Debug, Deserialize)]
pub struct Fee {
    /// 0.15 is 15 percent.
    pub share: f64,
    /// Where it was read.
    #[serde(flatten)]
    pub origin: Origin,
    #[serde(flatten)]
    unknown: Unknown,
}

/// A type of machine.
#[derive(Clone, Debug, Deserialize)]
pub struct Instance {
    /// Such as `m7g.xlarge`.
    pub name: String,
    /// Its architecture.
    pub arch: Architecture,
    /// Its processors.
    pub vcpus: f64,
    /// Its memory.
    pub memory_gib: f64,
    /// What an hour costs on demand.
    pub usd_per_hour: f64,
    /// Where it was read.
    #[serde(flatten)]
    pub origin: Origin,
    #[serde(flatten)]
    unknown: Unknown,
}

/// A figure that a price list can have: no less than nothing, and none that arithmetic makes infinite.
fn is_price(figure: f64) -> bool {
    (0.0..1e15).contains(&figure)
}

impl Origin {
    fn check(&self) -> Result<(), String> {
        let is_said = [&self.region, &self.source, &self.read].iter().all(|text| !text.trim().is_empty());
        if is_said { Ok(()) } else { Err("needs a region, a source and the date on which it was read".to_owned()) }
    }
}

impl Fee {
    fn check(&self) -> Result<(), String> {
        self.unknown.check()?;
        self.origin.check()?;
        if is_price(self.share) { Ok(()) } else { Err("needs a `share` of 0 or more".to_owned()) }
    }
}

impl Instance {
    fn check(&self) -> Result<(), String> {
        self.unknown.check()?;
        self.origin.check()?;
        let is_machine = |figure: f64| is_price(figure) && figure > 0.0;
        if is_machine(self.vcpus) && is_machine(self.memory_gib) && is_price(self.usd_per_hour) {
            Ok(())
        } else {
            Err("needs `vcpus` and `memory_gib` above 0, and a price of 0 or more".to_owned())
        }
    }
}

fn one() -> f64 {
    1.0
}

impl Prices {
    /// Those that come with this version.
    ///
    /// # Errors
    /// [`CostError::Prices`]: never, as a test sees to.
    pub fn embedded() -> Result<Self, CostError> {
        Self::parse(EMBEDDED)
    }

    /// Those of a file's text.
    ///
    /// # Errors
    /// [`CostError::Prices`].
    pub fn parse(text: &str) -> Result<Self, CostError> {
        let prices: Self = serde_json::from_str(text).map_err(|error| CostError::Prices(error.to_string()))?;
        let invalid = |name: &str, why: String| CostError::Prices(format!("`{name}` {why}"));
        for (name, price) in prices.all() {
            price.check().map_err(|why| invalid(name, why))?;
        }
        if prices.rest_requests.as_ref().is_some_and(|price| price.included_bytes == Some(0.0)) {
            return Err(invalid("rest_requests", "needs `included_bytes` above 0".to_owned()));
        }
        if let Some(fee) = &prices.managed.fee {
            fee.check().map_err(|why| invalid("managed.fee", why))?;
        }
        let mut names = std::collections::HashSet::new();
        for instance in &prices.managed.instances {
            instance.check().map_err(|why| invalid(&instance.name, why))?;
            if !names.insert(&instance.name) {
                return Err(invalid(&instance.name, "is there twice".to_owned()));
            }
        }
        Ok(prices)
    }

    /// The text of the file that comes with this version.
    #[must_use]
    pub fn embedded_text() -> &'static str {
        EMBEDDED
    }

    /// The first and the last date at which a figure was read. Absent if there is no figure.
    #[must_use]
    pub fn read_between(&self) -> Option<(&str, &str)> {
        let reads = || self.origins().map(|origin| origin.read.as_str());
        Some((reads().min()?, reads().max()?))
    }

    /// Where each figure comes from.
    fn origins(&self) -> impl Iterator<Item = &Origin> {
        let prices = self.all().into_iter().map(|(_, price)| &price.origin);
        let instances = self.managed.instances.iter().map(|instance| &instance.origin);
        prices.chain(instances).chain(self.managed.fee.iter().map(|fee| &fee.origin))
    }

    /// All prices per unit, with their place in the file.
    #[must_use]
    pub fn all(&self) -> Vec<(&'static str, &Price)> {
        let named = [
            ("requests", &self.requests),
            ("gb_seconds.x86_64", &self.gb_seconds.x86_64),
            ("gb_seconds.arm64", &self.gb_seconds.arm64),
            ("streamed_gb", &self.streamed_gb),
            ("managed.requests", &self.managed.requests),
            ("rest_requests", &self.rest_requests),
            ("transfer_out_gb", &self.transfer_out_gb),
        ];
        named.into_iter().filter_map(|(name, price)| Some((name, price.as_ref()?))).collect()
    }
}

impl Price {
    fn check(&self) -> Result<(), String> {
        self.unknown.check()?;
        self.origin.check()?;
        let Some((last, others)) = self.tiers.split_last() else { return Err("has no tier".to_owned()) };
        if last.up_to.is_some() {
            return Err("needs a last tier without `up_to`".to_owned());
        }
        let bounds: Option<Vec<f64>> = others.iter().map(|tier| tier.up_to).collect();
        let Some(bounds) = bounds else { return Err("has a tier without `up_to` before the last one".to_owned()) };
        let is_ascending = std::iter::once(&0.0).chain(&bounds).is_sorted_by(|before, after| before < after);
        if !is_ascending || !is_price(self.per) || self.per < 1.0 {
            return Err("needs tiers in their order, and a `per` of 1 or more".to_owned());
        }
        let is_valid = self.tiers.iter().all(|tier| is_price(tier.usd)) && is_price(self.free);
        if !is_valid || !self.included_bytes.is_none_or(is_price) {
            return Err("has a figure below 0, or one that nobody pays".to_owned());
        }
        Ok(())
    }

    /// What a month's quantity costs.
    #[must_use]
    pub fn of(&self, quantity: f64, free: FreeTier) -> f64 {
        let mut left = match free {
            FreeTier::Used => (quantity - self.free).max(0.0),
            FreeTier::Ignored => quantity,
        };
        let (mut dollars, mut begun) = (0.0, 0.0);
        for tier in &self.tiers {
            let of_tier = tier.up_to.map_or(left, |up_to| left.min(up_to - begun));
            dollars += of_tier * tier.usd / self.per;
            left -= of_tier;
            begun = tier.up_to.unwrap_or(begun);
        }
        dollars
    }
}

/// What an account has free each month. Only one workload of the account can use it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FreeTier {
    /// This workload pays for all.
    #[default]
    Ignored,
    /// This workload has it.
    Used,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(json: &str) -> Price {
        serde_json::from_str(json).expect("a price")
    }

    #[test]
    fn every_figure_of_the_embedded_file_says_where_it_was_read() {
        let prices = Prices::embedded().expect("valid");
        let origins: Vec<&Origin> = prices.origins().collect();
        assert_eq!(origins.len(), 17);
        for origin in origins {
            assert!(origin.source.starts_with("https://aws.amazon.com/"), "{origin:?}");
            assert!(origin.read.len() == 10 && origin.read.as_str() > "2025-01-01", "{origin:?}");
            assert_eq!(origin.region, prices.region);
        }
        assert_eq!(prices.read_between(), Some(("2025-10-28", "2026-11-27")));
    }

    #[test]
    fn tiers_are_paid_one_after_the_other() {
        let price = price(
            r#"{"per":10,"tiers":[{"up_to":100,"usd":5},{"up_to":300,"usd":4},{"usd":1}],"free":50,
                "region":"r","source":"s","read":"2026-01-01"}"#,
        );
        let of = |quantity| price.of(quantity, FreeTier::Ignored);
        assert_eq!([of(0.0), of(60.0), of(100.0), of(200.0), of(400.0)], [0.0, 30.0, 50.0, 90.0, 140.0]);
        assert_eq!([price.of(40.0, FreeTier::Used), price.of(110.0, FreeTier::Used)], [0.0, 30.0]);
    }

    #[test]
    fn a_figure_without_its_source_is_refused() {
        for (json, why) in [
            (r#"{"region":"r","requests":{"tiers":[{"usd":1}],"region":"r","read":"2026-01-01"}}"#, "missing field `source`"),
            (r#"{"region":"r","requests":{"tiers":[{"usd":1}],"region":"r","source":"s"}}"#, "missing field `read`"),
            (r#"{"region":"r","request":{}}"#, "unknown field `request`"),
            (r#"{"region":"r","requests":{"tiers":[],"region":"r","source":"s","read":"d"}}"#, "`requests` has no tier"),
            (
                r#"{"region":"r","requests":{"tiers":[{"up_to":1,"usd":1}],"region":"r","source":"s","read":"d"}}"#,
                "`requests` needs a last tier without `up_to`",
            ),
            (
                r#"{"region":"r","requests":{"pre":5,"tiers":[{"usd":1}],"region":"r","source":"s","read":"d"}}"#,
                "`requests` has the unknown member `pre`",
            ),
            (r#"{"region":"r","requests":{"tiers":[{"usd":-1}],"region":"r","source":"s","read":"d"}}"#, "below 0"),
            (r#"{"region":"r","requests":{"tiers":[{"usd":1e308}],"region":"r","source":"s","read":"d"}}"#, "nobody pays"),
            (
                r#"{"region":"r","requests":{"tiers":[{"usd":1}],"region":"r","source":" ","read":"d"}}"#,
                "needs a region, a source",
            ),
        ] {
            let error = Prices::parse(json).expect_err(why).to_string();
            assert!(error.contains(why), "{error}");
        }
        assert!(Prices::parse(r#"{"region":"r"}"#).expect("nothing is known").all().is_empty());
    }
}
