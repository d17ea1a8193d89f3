//! The answer: one workload with several runtimes, on demand and on managed instances, at both doors.

use crate::bill::{Bill, Door};
use crate::error::CostError;
use crate::limits::{Limit, Sizes, limits};
use crate::measured::Runtime;
use crate::plan::{Choices, MOST_PER_ENVIRONMENT, OnDemand, OnInstances, Reason};
use crate::prices::{FreeTier, Prices};
use crate::workload::Workload;
use serde::Serialize;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// What the function has to do.
    pub workload: Workload,
    /// What was decided about how it runs.
    pub choices: Choices,
    /// Whether it has the account's free tier.
    pub free: FreeTier,
}

/// One runtime's part of the answer.
#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    /// The runtime, with the figures that it was computed from.
    pub runtime: Runtime,
    /// One stream per environment.
    pub on_demand: OnDemand,
    /// What that costs.
    pub on_demand_bills: Bills,
    /// Many.
    pub on_instances: OnInstances,
    /// What that costs. Absent if no machine is known that fits.
    pub on_instances_bills: Option<Bills>,
    /// As many as memory, CPU and descriptors allow, were it not for AWS's number per vCPU.
    pub own_streams_per_environment: f64,
    /// What keeps an environment from having more streams.
    pub own_because: Reason,
    /// What breaks first.
    pub limits: Vec<Limit>,
    /// Sizes.
    pub sizes: Sizes,
}

/// The same at both doors.
#[derive(Clone, Debug, Serialize)]
pub struct Bills {
    /// By a Function URL.
    pub function_url: Bill,
    /// By a REST API.
    pub rest: Bill,
}

impl Answer {
    /// The answer for one runtime.
    ///
    /// # Errors
    /// [`CostError`]: what does not fit, or was chosen as AWS does not have it.
    pub fn to(question: &Question, runtime: Runtime, prices: &Prices) -> Result<Self, CostError> {
        let Question { workload, choices, free } = question;
        let on_demand = OnDemand::of(workload, &runtime, choices)?;
        let on_instances = OnInstances::of(workload, &runtime, choices, prices)?;
        let uncapped = Choices { per_vcpu: MOST_PER_ENVIRONMENT, ..choices.clone() };
        let own = OnInstances::of(workload, &runtime, &uncapped, prices)?;
        let bill = |door| Bill::on_demand(&on_demand, workload, prices, choices.arch, door, *free);
        let on_demand_bills = Bills { function_url: bill(Door::FunctionUrl), rest: bill(Door::Rest) };
        let bill = |door| Bill::on_instances(&on_instances, workload, prices, door, *free);
        let on_instances_bills =
            bill(Door::FunctionUrl).zip(bill(Door::Rest)).map(|(function_url, rest)| Bills { function_url, rest });
        Ok(Self {
            limits: limits(workload, &on_demand, &on_instances),
            sizes: Sizes::of(workload, &runtime, &on_demand, &on_instances),
            runtime,
            on_demand,
            on_demand_bills,
            on_instances,
            on_instances_bills,
            own_streams_per_environment: own.streams_per_environment,
            own_because: own.because,
        })
    }
}
