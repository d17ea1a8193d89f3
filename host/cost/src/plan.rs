//! How much of Lambda a workload needs with a runtime: memory, environments and machines. Knows no price but that it picks, among
//! machines that fit, the cheapest.

use crate::error::{CostError, within};
use crate::measured::{Runtime, at};
use crate::prices::{Architecture, Instance, Prices};
use crate::workload::Workload;
use serde::Serialize;

/// The least memory of a function on demand, in MB (Lambda's quotas: 128 to 10,240).
const LEAST_MEMORY_MB: f64 = 128.0;
const MOST_MEMORY_MB: f64 = 10_240.0;
/// The memory with which a function on demand has one vCPU; CPU is in proportion to it ("Configure Lambda function memory").
const MB_PER_VCPU: f64 = 1769.0;
/// What the host's settings leave to its process, of the function's memory (`FIRSTBYTE_MEMORY_MB`).
const PROCESS_MIB: f64 = 16.0;
/// The least memory of a function on managed instances, in GiB, and the most ("Scaling Lambda Managed Instances").
const LEAST_MANAGED_GIB: f64 = 2.0;
const MOST_MANAGED_GIB: f64 = 32.0;
/// GiB per vCPU that a function may choose (`ExecutionEnvironmentMemoryGiBPerVCpu`: 2 to 8).
const GIB_PER_VCPU: [f64; 3] = [2.0, 4.0, 8.0];
/// The most that `PerExecutionEnvironmentMaxConcurrency` takes.
pub const MOST_PER_ENVIRONMENT: f64 = 1600.0;
/// Up to how many per vCPU AWS says that it may be raised ("Scaling Lambda Managed Instances", maximum concurrency).
pub const MOST_PER_VCPU: f64 = 64.0;
/// Descriptors of an environment on demand, and on managed instances (Lambda's quotas).
const DESCRIPTORS_ON_DEMAND: f64 = 1024.0;
const DESCRIPTORS: f64 = 4096.0;
/// Descriptors that are no stream's: the log, the timer, the executor.
const OWN_DESCRIPTORS: f64 = 32.0;
/// What AWS's calculator takes off each machine for the system.
const SYSTEM_VCPUS: f64 = 1.0;
const SYSTEM_GIB: f64 = 1.0;
/// The most headroom that may be asked for: a hundred times as many machines again.
const MOST_HEADROOM_PERCENT: f64 = 10_000.0;
/// Machines that Lambda starts at least, one per availability zone.
const LEAST_INSTANCES: f64 = 3.0;

/// What a caller may decide about managed instances.
#[derive(Clone, Debug, PartialEq)]
pub struct Choices {
    /// The processor.
    pub arch: Architecture,
    /// vCPUs of an environment.
    pub vcpus: f64,
    /// Streams per vCPU at most.
    pub per_vcpu: f64,
    /// Machines beyond those that the average load needs, in percent of them: 50 is half as many again.
    pub headroom_percent: f64,
    /// The type of machine. Absent: the cheapest that is known.
    pub instance: Option<String>,
    /// The function's memory on demand, in MB. Absent: the least that does.
    pub memory_mb: Option<f64>,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            arch: Architecture::Arm64,
            vcpus: 1.0,
            per_vcpu: MOST_PER_VCPU,
            headroom_percent: 50.0,
            instance: None,
            memory_mb: None,
        }
    }
}

/// One stream per environment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OnDemand {
    /// The function's memory.
    pub memory_mb: f64,
    /// What decides it.
    pub memory_because: Reason,
    /// Environments at once.
    pub environments: f64,
    /// What a month is billed.
    pub gb_seconds: f64,
}

/// Many streams per environment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OnInstances {
    /// vCPUs of an environment.
    pub vcpus: f64,
    /// Memory of an environment.
    pub memory_gib: f64,
    /// Streams that it has at most.
    pub streams_per_environment: f64,
    /// What keeps an environment from having more streams.
    pub because: Reason,
    /// What each of the reasons would allow.
    pub allowed: Vec<(Reason, f64)>,
    /// Environments, without headroom.
    pub environments: f64,
    /// The share of a vCPU that is busy with an average load on all machines. Absent if CPU was not measured.
    pub busy: Option<f64>,
    /// The machines. Absent if no type is known that an environment fits.
    pub machines: Option<Machines>,
}

/// Machines of one type.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Machines {
    /// Their type.
    pub name: String,
    /// Environments on each.
    pub environments: f64,
    /// How many.
    pub count: f64,
    /// GB-seconds of a month that they have.
    pub gb_seconds: f64,
}

/// What decides a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Lambda's least or most.
    Lambda,
    /// AWS's number per vCPU, or the caller's.
    PerVcpu,
    /// Memory.
    Memory,
    /// CPU time.
    Cpu,
    /// File descriptors.
    Descriptors,
    /// The caller said so.
    Asked,
}

impl Reason {
    /// In a word or two.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lambda => "Lambda's limit",
            Self::PerVcpu => "the limit per vCPU",
            Self::Memory => "memory",
            Self::Cpu => "CPU",
            Self::Descriptors => "descriptors",
            Self::Asked => "as asked",
        }
    }
}

/// CPU milliseconds that one stream takes, where so many share a process. Absent if it was not measured.
#[must_use]
pub fn cpu_ms(workload: &Workload, runtime: &Runtime, streams: f64) -> Option<f64> {
    let stream = &workload.stream;
    let measured = || {
        let tokens = match stream.tokens {
            0.0 => 0.0,
            tokens => tokens * at(&runtime.token_cpu_us, streams)? / 1000.0,
        };
        Some(runtime.invocation_cpu_ms + tokens)
    };
    stream.cpu_ms.or_else(measured)
}

/// Descriptors that a stream has: a connection to Lambda's Runtime API, and those to other servers.
#[must_use]
pub fn descriptors(workload: &Workload) -> f64 {
    1.0 + workload.stream.upstream
}

/// MiB that an environment's process holds with so many streams, as it was measured.
#[must_use]
pub fn held_mib(workload: &Workload, runtime: &Runtime, streams: f64) -> f64 {
    let each = at(&runtime.memory_per_stream_kib, streams).unwrap_or(0.0) / 1024.0 + workload.stream.handler_memory_mib;
    runtime.memory_mib + streams * each
}

/// MiB that an environment needs with so many streams: what its process holds, and what its limits want.
#[must_use]
pub fn memory_mib(workload: &Workload, runtime: &Runtime, streams: f64) -> f64 {
    let held = held_mib(workload, runtime, streams);
    if runtime.limits_memory { held.max(PROCESS_MIB + streams * share_mib(workload.stream.handler_memory_mib)) } else { held }
}

/// What an invocation's share of the function's memory has to be for a handler to have so much by default: besides, the host may
/// hold 16 MiB for it, or a quarter of the share if that is less (`FIRSTBYTE_HOST_MEMORY_MB`). Every handler has 16 MiB, whatever its share.
fn share_mib(handler_mib: f64) -> f64 {
    if handler_mib <= 16.0 { 0.0 } else { (handler_mib / 0.75).min(handler_mib + 16.0) }
}

impl OnDemand {
    /// What the workload needs with one stream per environment.
    ///
    /// # Errors
    /// [`CostError::TooLarge`], and [`CostError::Invalid`] for a memory that Lambda does not have.
    pub fn of(workload: &Workload, runtime: &Runtime, choices: &Choices) -> Result<Self, CostError> {
        let (descriptors, free) = (descriptors(workload), DESCRIPTORS_ON_DEMAND - OWN_DESCRIPTORS);
        if descriptors > free {
            return Err(CostError::TooLarge(format!(
                "a stream with {} connections to other servers needs {descriptors} descriptors, and a function on demand has {free} for it",
                workload.stream.upstream
            )));
        }
        let needed = memory_mib(workload, runtime, 1.0).ceil();
        // In a process with few streams, as few as were measured.
        let busy = cpu_ms(workload, runtime, 1.0).unwrap_or(0.0) / 1000.0 / workload.stream.seconds;
        let for_cpu = (busy * MB_PER_VCPU).ceil();
        let (memory_mb, memory_because) = match choices.memory_mb {
            Some(asked) if !(LEAST_MEMORY_MB..=MOST_MEMORY_MB).contains(&asked) => {
                return Err(CostError::invalid("the function's memory in MB", asked, "Lambda has 128 to 10240"));
            }
            Some(asked) if asked < needed => {
                let Runtime { name, .. } = runtime;
                return Err(CostError::TooLarge(format!("{asked} MB are too little: with {name} a stream needs {needed} MB")));
            }
            Some(asked) => (asked, Reason::Asked),
            None => {
                let candidates = [(LEAST_MEMORY_MB, Reason::Lambda), (needed, Reason::Memory), (for_cpu, Reason::Cpu)];
                candidates.into_iter().fold((0.0, Reason::Lambda), |most, next| if next.0 > most.0 { next } else { most })
            }
        };
        if memory_mb > MOST_MEMORY_MB {
            return Err(CostError::TooLarge(format!(
                "with {} a stream needs a function of {memory_mb} MB for its {}, and Lambda has 10240",
                runtime.name,
                memory_because.name()
            )));
        }
        Ok(Self {
            memory_mb,
            memory_because,
            environments: workload.at_once().ceil(),
            gb_seconds: workload.billed_seconds() * memory_mb / 1024.0,
        })
    }
}

impl OnInstances {
    /// What the workload needs with as many streams per environment as go.
    ///
    /// # Errors
    /// [`CostError::TooLarge`], and [`CostError::Invalid`] for choices that AWS does not have.
    pub fn of(workload: &Workload, runtime: &Runtime, choices: &Choices, prices: &Prices) -> Result<Self, CostError> {
        let Choices { vcpus, per_vcpu, headroom_percent, .. } = *choices;
        if !(1.0..=16.0).contains(&vcpus) || vcpus.fract() != 0.0 {
            return Err(CostError::invalid(
                "the vCPUs of an environment",
                vcpus,
                "managed instances have a whole number from 1 to 16",
            ));
        }
        within("the number of streams per vCPU", per_vcpu, 1.0..=MOST_PER_ENVIRONMENT, ", the most of a whole environment")?;
        within("the headroom in percent", headroom_percent, 0.0..=MOST_HEADROOM_PERCENT, "; 50 is half as many machines again")?;
        let (mut best, mut impossible): (Option<Self>, Option<Self>) = (None, None);
        let mut least = f64::INFINITY;
        for ratio in GIB_PER_VCPU {
            let memory_gib = (ratio * vcpus).max(LEAST_MANAGED_GIB);
            if memory_gib > MOST_MANAGED_GIB {
                continue;
            }
            let plan = Self::with(workload, runtime, choices, prices, memory_gib);
            let hourly = plan.machines.as_ref().and_then(|machines| {
                let of_type = |instance: &&Instance| instance.name == machines.name;
                Some(machines.count * prices.managed.instances.iter().find(of_type)?.usd_per_hour)
            });
            if plan.streams_per_environment < 1.0 {
                impossible = Some(plan);
            } else if hourly.unwrap_or(f64::MAX) < least {
                least = hourly.unwrap_or(f64::MAX);
                best = Some(plan);
            }
        }
        best.ok_or_else(|| {
            let because = impossible.map_or(Reason::Lambda, |plan| plan.because);
            let needs = match because {
                Reason::Memory => format!("needs {:.0} MiB", memory_mib(workload, runtime, 1.0)),
                Reason::Cpu => {
                    let ms = cpu_ms(workload, runtime, 1.0).unwrap_or(0.0);
                    format!("takes {ms:.0} ms of CPU in {} s", workload.stream.seconds)
                }
                Reason::Descriptors => {
                    let free = DESCRIPTORS - OWN_DESCRIPTORS;
                    format!("needs {} descriptors, and the environment has {free} for streams", descriptors(workload))
                }
                Reason::Lambda | Reason::PerVcpu | Reason::Asked => format!("is beyond {}", because.name()),
            };
            CostError::TooLarge(format!(
                "with {} not even one stream fits an environment of {vcpus} vCPU on managed instances: it {needs}",
                runtime.name
            ))
        })
    }

    fn with(workload: &Workload, runtime: &Runtime, choices: &Choices, prices: &Prices, memory_gib: f64) -> Self {
        let Choices { vcpus, per_vcpu, headroom_percent, .. } = *choices;
        let most = (per_vcpu * vcpus).min(MOST_PER_ENVIRONMENT).floor();
        let mut allowed = vec![
            (Reason::Lambda, MOST_PER_ENVIRONMENT),
            (Reason::PerVcpu, (per_vcpu * vcpus).floor()),
            (Reason::Memory, largest(most, |streams| memory_mib(workload, runtime, streams) <= memory_gib * 1024.0)),
            (Reason::Descriptors, ((DESCRIPTORS - OWN_DESCRIPTORS) / descriptors(workload)).floor()),
        ];
        let busy = |streams: f64| Some(streams * cpu_ms(workload, runtime, streams)? / 1000.0 / workload.stream.seconds);
        if busy(1.0).is_some() {
            allowed.push((Reason::Cpu, largest(most, |streams| busy(streams).is_some_and(|busy| busy <= vcpus))));
        }
        let fewest = |least: (Reason, f64), next: &(Reason, f64)| if next.1 < least.1 { *next } else { least };
        let (because, streams_per_environment) = allowed.iter().fold((Reason::Lambda, f64::INFINITY), fewest);
        let environments = (workload.at_once() / streams_per_environment).ceil();
        let fits = |instance: &&Instance| {
            instance.arch == choices.arch && choices.instance.as_ref().is_none_or(|name| *name == instance.name)
        };
        let of_type = |instance: &Instance| {
            let by_cpu = ((instance.vcpus - SYSTEM_VCPUS) / vcpus).floor();
            let on_each = by_cpu.min(((instance.memory_gib - SYSTEM_GIB) / memory_gib).floor());
            let base = (environments / on_each).ceil();
            let count = (base * (1.0 + headroom_percent / 100.0)).ceil().max(LEAST_INSTANCES);
            let gb_seconds = count * instance.memory_gib * crate::workload::HOURS_PER_MONTH * 3600.0;
            (on_each >= 1.0 && count.is_finite()).then(|| {
                (
                    count * instance.usd_per_hour,
                    Machines { name: instance.name.clone(), environments: on_each, count, gb_seconds },
                )
            })
        };
        let candidates = prices.managed.instances.iter().filter(fits).filter_map(of_type);
        let machines = candidates.min_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, machines)| machines);
        let vcpus_of_all = machines.as_ref().map_or(environments, |machines| machines.count * machines.environments) * vcpus;
        let together = cpu_ms(workload, runtime, streams_per_environment).map(|ms| ms / 1000.0 * workload.per_second);
        let busy = together.map(|together| together / vcpus_of_all);
        Self { vcpus, memory_gib, streams_per_environment, because, allowed, environments, busy, machines }
    }
}

/// The largest number of streams up to `most` that is possible, where fewer always are.
fn largest(most: f64, is_possible: impl Fn(f64) -> bool) -> f64 {
    let (mut possible, mut impossible) = (0_u32, most as u32 + 1);
    while impossible - possible > 1 {
        let middle = possible + (impossible - possible) / 2;
        if is_possible(f64::from(middle)) { possible = middle } else { impossible = middle }
    }
    f64::from(possible)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::tests::answers;

    fn runtimes() -> (Runtime, Runtime) {
        (Runtime::firstbyte().expect("measured"), Runtime::node().expect("measured"))
    }

    fn managed(workload: &Workload, runtime: &Runtime, choices: &Choices) -> OnInstances {
        OnInstances::of(workload, runtime, choices, &Prices::embedded().expect("valid")).expect("fits")
    }

    #[test]
    fn memory_on_demand_is_what_the_process_and_the_handler_need_and_128_mb_at_least() {
        let (firstbyte, node) = runtimes();
        let mut workload = answers(100.0);
        let of = |workload: &Workload, runtime| OnDemand::of(workload, runtime, &Choices::default()).expect("fits");
        for runtime in [&firstbyte, &node] {
            let plan = of(&workload, runtime);
            assert_eq!((plan.memory_mb, plan.memory_because, plan.environments), (128.0, Reason::Lambda, 2000.0));
            assert_eq!(plan.gb_seconds, workload.billed_seconds() / 8.0);
        }
        workload.stream.handler_memory_mib = 96.0;
        let (ours, theirs) = (of(&workload, &firstbyte), of(&workload, &node));
        assert_eq!((ours.memory_mb, theirs.memory_because), (128.0, Reason::Memory));
        assert_eq!(theirs.memory_mb, memory_mib(&workload, &node, 1.0).ceil());
        assert!(theirs.memory_mb > node.memory_mib + 96.0);
        // By default a handler has the function's memory less 32 MiB.
        workload.stream.handler_memory_mib = 97.0;
        assert_eq!(of(&workload, &firstbyte).memory_mb, 129.0);
    }

    #[test]
    fn a_handler_that_computes_needs_the_memory_that_its_cpu_comes_with() {
        let (firstbyte, _) = runtimes();
        let mut workload = answers(1.0);
        workload.stream.cpu_ms = Some(10_000.0);
        let plan = OnDemand::of(&workload, &firstbyte, &Choices::default()).expect("fits");
        assert_eq!((plan.memory_mb, plan.memory_because), (885.0, Reason::Cpu));
        workload.stream.cpu_ms = Some(2_000_000.0);
        let error = OnDemand::of(&workload, &firstbyte, &Choices::default()).expect_err("100 vCPUs").to_string();
        assert!(error.contains("for its CPU, and Lambda has 10240"), "{error}");
        let small = Choices { memory_mb: Some(128.0), ..Choices::default() };
        workload.stream.handler_memory_mib = 200.0;
        let error = OnDemand::of(&workload, &firstbyte, &small).expect_err("too little").to_string();
        assert!(error.starts_with("128 MB are too little: with Firstbyte a stream needs 232 MB"), "{error}");
    }

    /// The example of AWS's calculator (CALCULATOR_METHODOLOGY.md): 100 at once, 4 per environment of 1 vCPU and 2,048 MB, on
    /// c7g.xlarge: 25 environments, 3 on each machine, 9 machines, with half as many again 14.
    #[test]
    fn machines_are_counted_as_aws_counts_them() {
        let (firstbyte, _) = runtimes();
        let choices = Choices { per_vcpu: 4.0, instance: Some("c7g.xlarge".to_owned()), ..Choices::default() };
        let plan = managed(&answers(5.0), &firstbyte, &choices);
        assert_eq!((plan.vcpus, plan.memory_gib, plan.streams_per_environment, plan.environments), (1.0, 2.0, 4.0, 25.0));
        let machines = plan.machines.expect("known");
        assert_eq!((machines.environments, machines.count), (3.0, 14.0));
        assert_eq!(machines.gb_seconds, 14.0 * 8.0 * 730.0 * 3600.0);
        // Few streams want three machines all the same.
        let few = managed(&answers(0.1), &firstbyte, &choices);
        assert_eq!(few.machines.map(|machines| machines.count), Some(3.0));
    }

    #[test]
    fn what_is_scarcest_decides_how_many_streams_share_an_environment() {
        let (firstbyte, node) = runtimes();
        let workload = answers(1000.0);
        let plan = managed(&workload, &firstbyte, &Choices::default());
        assert_eq!((plan.streams_per_environment, plan.because), (MOST_PER_VCPU, Reason::PerVcpu));
        let four = Choices { vcpus: 4.0, ..Choices::default() };
        assert_eq!(managed(&workload, &firstbyte, &four).streams_per_environment, 256.0);

        // Without that number it is the CPU, where a stream has 200 tokens per second.
        let uncapped = Choices { per_vcpu: 1600.0, ..Choices::default() };
        let mut busy = workload.clone();
        busy.stream.tokens = 4000.0;
        let plan = managed(&busy, &firstbyte, &uncapped);
        let share = |streams: f64| streams * cpu_ms(&busy, &firstbyte, streams).expect("measured") / 20_000.0;
        assert_eq!(plan.because, Reason::Cpu);
        assert!(share(plan.streams_per_environment) <= 1.0 && share(plan.streams_per_environment + 1.0) > 1.0, "{plan:?}");

        // Of Node.js no CPU per token was measured, so CPU decides nothing.
        if node.token_cpu_us.is_empty() {
            assert!(managed(&busy, &node, &uncapped).allowed.iter().all(|(reason, _)| *reason != Reason::Cpu));
        }

        let mut wide = workload.clone();
        wide.stream.upstream = 7.0;
        let plan = managed(&wide, &firstbyte, &uncapped);
        assert_eq!((plan.streams_per_environment, plan.because), (508.0, Reason::Descriptors));

        let mut large = workload;
        large.stream.handler_memory_mib = 100.0;
        let plan = managed(&large, &firstbyte, &Choices { instance: Some("c7g.xlarge".to_owned()), ..uncapped });
        // c7g.xlarge has 7 GiB beside the system's: three environments of 2 GiB or one of 4.
        assert_eq!((plan.memory_gib, plan.because), (2.0, Reason::Memory));
        assert!(memory_mib(&large, &firstbyte, plan.streams_per_environment) <= 2048.0);
        assert!(memory_mib(&large, &firstbyte, plan.streams_per_environment + 1.0) > 2048.0);
    }

    #[test]
    fn what_a_stream_has_too_much_of_is_named() {
        let (firstbyte, _) = runtimes();
        let prices = Prices::embedded().expect("valid");
        let on_instances = |workload: &Workload| OnInstances::of(workload, &firstbyte, &Choices::default(), &prices);
        let on_demand = |workload: &Workload| OnDemand::of(workload, &firstbyte, &Choices::default());
        // 1,024 descriptors on demand and 4,096 on managed instances, 32 of them the process's own, and one to Lambda.
        let mut workload = answers(1.0);
        for (upstream, here, there) in [(991.0, true, true), (992.0, false, true), (4063.0, false, true), (4064.0, false, false)]
        {
            workload.stream.upstream = upstream;
            assert_eq!((on_demand(&workload).is_ok(), on_instances(&workload).is_ok()), (here, there), "{upstream}");
        }
        let errors =
            (on_demand(&workload).expect_err("4,065").to_string(), on_instances(&workload).expect_err("4,065").to_string());
        assert!(errors.0.ends_with("needs 4065 descriptors, and a function on demand has 992 for it"), "{errors:?}");
        assert!(errors.1.ends_with("it needs 4065 descriptors, and the environment has 4064 for streams"), "{errors:?}");

        let mut busy = answers(1.0);
        busy.stream.cpu_ms = Some(30_000.0);
        let error = on_instances(&busy).expect_err("1.5 vCPUs").to_string();
        assert!(error.ends_with("it takes 30000 ms of CPU in 20 s"), "{error}");
    }

    #[test]
    fn a_machine_that_is_not_known_is_absent_and_impossible_choices_are_refused() {
        let (firstbyte, _) = runtimes();
        let intel = Choices { arch: Architecture::X86_64, ..Choices::default() };
        assert_eq!(managed(&answers(1.0), &firstbyte, &intel).machines, None);
        let prices = Prices::embedded().expect("valid");
        for (choices, why) in [
            (Choices { vcpus: 0.5, ..Choices::default() }, "the vCPUs of an environment cannot be 0.5"),
            (Choices { vcpus: f64::NAN, ..Choices::default() }, "managed instances have a whole number from 1 to 16"),
            (
                Choices { per_vcpu: 0.0, ..Choices::default() },
                "streams per vCPU cannot be 0: it has to be a number from 1 to 1600",
            ),
            (Choices { per_vcpu: 1e308, ..Choices::default() }, "streams per vCPU cannot be 1e308"),
            (Choices { headroom_percent: -1.0, ..Choices::default() }, "the headroom in percent cannot be -1"),
            (
                Choices { headroom_percent: 1e308, ..Choices::default() },
                "a number from 0 to 10000; 50 is half as many machines again",
            ),
        ] {
            let error = OnInstances::of(&answers(1.0), &firstbyte, &choices, &prices).expect_err(why).to_string();
            assert!(error.contains(why), "{error}");
        }
        let mut huge = answers(1.0);
        huge.stream.handler_memory_mib = 9000.0;
        let error = OnInstances::of(&huge, &firstbyte, &Choices::default(), &prices).expect_err("9 GB").to_string();
        assert!(
            error.ends_with("not even one stream fits an environment of 1 vCPU on managed instances: it needs 9032 MiB"),
            "{error}"
        );
    }
}
