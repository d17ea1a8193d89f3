//! What breaks first: how much of each of AWS's limits a workload wants. Every limit is AWS's default, and says where AWS has it.

use crate::measured::Runtime;
use crate::plan::{OnDemand, OnInstances, memory_mib};
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
    /// Whether AWS raises it, as far as it says.
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
    let vcpus = on_instances.machines.as_ref().map_or(0.0, |machines| machines.count * machines.environments) * on_instances.vcpus;
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
            can_be_raised: "it is the most that the API takes",
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
            used_on_demand_gb: on_demand.environments * memory_mib(workload, runtime, 1.0) / 1024.0,
            used_on_instances_gb: environments * memory_mib(workload, runtime, *streams_per_environment) / 1024.0,
            gigabits_per_second: workload.bytes_per_second() * 8.0 / 1e9,
        }
    }
}
