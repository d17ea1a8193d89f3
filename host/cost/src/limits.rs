//! What breaks first: how much of each of AWS's limits a workload wants. Every limit is AWS's default, and says where AWS has it.

use crate::measured::Runtime;
use crate::plan::{OnDemand, OnInstances, held_mib};
use crate::workload::Workload;
use serde::Serialize;

/// A limit, and what a workload wants of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Limit {
    /// Which way of running it is about.
    pub of: Way,
    /// What is limited.
    pub what: &'static str,
    /// How much the workload wants.
    pub wanted: f64,
    /// How much there is.
    pub most: f64,
    /// Whether it can be raised, as far as AWS says.
    pub can_be_raised: &'static str,
    /// Where AWS says so.
    pub source: &'static str,
}

/// A way of running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// One stream per environment.
    OnDemand,
    /// Many.
    OnInstances,
    /// A REST API in front of either.
    Rest,
}

impl Limit {
    /// How many times as much is wanted as there is.
    #[must_use]
    pub fn times(&self) -> f64 {
        self.wanted / self.most
    }
}

/// Environments that a function on demand gets per second: 1,000 in ten.
pub const ENVIRONMENTS_PER_SECOND: f64 = 100.0;
/// Concurrent executions of an account in a region, by default.
pub const CONCURRENCY: f64 = 1000.0;

const QUOTAS: &str = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html";
const SCALING: &str = "https://docs.aws.amazon.com/lambda/latest/api/API_FunctionScalingConfig.html";
const TOOLKIT: &str = "https://github.com/aws/agent-toolkit-for-aws (skill aws-lambda-managed-instances)";
const GATEWAY: &str = "https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html";

/// All limits, what is exceeded most first.
#[must_use]
pub fn limits(workload: &Workload, on_demand: &OnDemand, on_instances: &OnInstances) -> Vec<Limit> {
    let vcpus =
        on_instances.machines.as_ref().map_or(0.0, |machines| machines.count * machines.environments) * on_instances.vcpus;
    let mut limits = vec![
        Limit {
            of: Way::OnDemand,
            what: "concurrent executions of the account",
            wanted: on_demand.environments,
            most: CONCURRENCY,
            can_be_raised: "yes, to tens of thousands",
            source: QUOTAS,
        },
        Limit {
            of: Way::OnInstances,
            what: "environments of the function",
            wanted: on_instances.environments,
            most: 15_000.0,
            can_be_raised: "no, it is the most that the API takes",
            source: SCALING,
        },
        Limit {
            of: Way::OnInstances,
            what: "vCPUs of the capacity provider",
            wanted: vcpus,
            most: 400.0,
            can_be_raised: "yes, by MaxVCpuCount",
            source: TOOLKIT,
        },
        Limit {
            of: Way::Rest,
            what: "requests per second of the account",
            wanted: workload.per_second,
            most: 10_000.0,
            can_be_raised: "yes",
            source: GATEWAY,
        },
    ];
    limits.sort_by(|one, other| other.times().total_cmp(&one.times()));
    limits
}

/// The sizes of a workload, whatever they cost.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sizes {
    /// Seconds until as many environments are there as the streams on demand need, with nothing but this function's rate.
    pub seconds_to_scale: f64,
    /// CPU seconds that all starts of these environments take in the function's own process.
    pub start_cpu_seconds: f64,
    /// GB that the functions' memory on demand is, all of them together.
    pub on_demand_gb: f64,
    /// GB that all processes hold, on demand.
    pub used_on_demand_gb: f64,
    /// GB that all processes hold, with many streams each.
    pub used_on_instances_gb: f64,
    /// Gigabits that leave in a second.
    pub gigabits_per_second: f64,
}

impl Sizes {
    /// Of a workload.
    #[must_use]
    pub fn of(workload: &Workload, runtime: &Runtime, on_demand: &OnDemand, on_instances: &OnInstances) -> Self {
        let OnInstances { environments, streams_per_environment, .. } = on_instances;
        Self {
            seconds_to_scale: ((on_demand.environments - ENVIRONMENTS_PER_SECOND * 10.0) / ENVIRONMENTS_PER_SECOND).max(0.0),
            start_cpu_seconds: on_demand.environments * runtime.start_ms / 1000.0,
            on_demand_gb: on_demand.environments * on_demand.memory_mb / 1024.0,
            used_on_demand_gb: on_demand.environments * held_mib(workload, runtime, 1.0) / 1024.0,
            used_on_instances_gb: environments * held_mib(workload, runtime, *streams_per_environment) / 1024.0,
            gigabits_per_second: workload.bytes_per_second() * 8.0 / 1e9,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Choices;
    use crate::prices::Prices;
    use crate::workload::tests::answers;

    /// The million of DESIGN.md: 50,000 begin per second and last 20 s.
    #[test]
    fn of_a_million_streams_the_account_s_concurrency_breaks_first() {
        let (workload, prices) = (answers(50_000.0), Prices::embedded().expect("valid"));
        let runtime = Runtime::firstbyte().expect("measured");
        let choices = Choices::default();
        let on_demand = OnDemand::of(&workload, &runtime, &choices).expect("fits");
        let on_instances = OnInstances::of(&workload, &runtime, &choices, &prices).expect("fits");
        let limits = limits(&workload, &on_demand, &on_instances);
        assert!(limits.is_sorted_by(|one, other| one.times() >= other.times()), "{limits:?}");
        let times = |what: &str| limits.iter().find(|limit| limit.what.starts_with(what)).expect("a limit").times();
        assert_eq!(limits[0].what, "concurrent executions of the account");
        assert_eq!((limits[0].times(), times("requests per second")), (1000.0, 5.0));
        // 64 per vCPU: 15,625 environments of one vCPU, and half as many again.
        assert_eq!(times("environments"), 15_625.0 / 15_000.0);
        assert!(times("vCPUs") > 15_625.0 * 1.5 / 400.0, "{limits:?}");

        let sizes = Sizes::of(&workload, &runtime, &on_demand, &on_instances);
        // 1,000 at once, then 100 per second.
        assert_eq!(sizes.seconds_to_scale, 9_990.0);
        assert_eq!((sizes.on_demand_gb, sizes.gigabits_per_second), (125_000.0, 8.0));
        assert!(sizes.used_on_instances_gb < sizes.used_on_demand_gb / 10.0, "{sizes:?}");
        assert!((sizes.start_cpu_seconds - 1000.0 * runtime.start_ms).abs() < 1e-6, "{sizes:?}");
    }

    #[test]
    fn few_streams_break_nothing() {
        let (workload, prices) = (answers(5.0), Prices::embedded().expect("valid"));
        let runtime = Runtime::firstbyte().expect("measured");
        let on_demand = OnDemand::of(&workload, &runtime, &Choices::default()).expect("fits");
        let on_instances = OnInstances::of(&workload, &runtime, &Choices::default(), &prices).expect("fits");
        assert!(limits(&workload, &on_demand, &on_instances).iter().all(|limit| limit.times() <= 1.0));
        assert_eq!(Sizes::of(&workload, &runtime, &on_demand, &on_instances).seconds_to_scale, 0.0);
    }
}
