//! One contender at work: its processes, as Lambda would start them, and the Runtime API in front of them.

use crate::contender::{Contender, Name};
use crate::process::{self, Memory};
use crate::runtime_api::{Received, RuntimeApi};
use crate::work::Work;
use anyhow::{Context, Result, ensure};
use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The CPUs that a contender may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cpus {
    All,
    One,
}

/// A running contender. Ends with it.
pub(crate) struct Environment {
    name: Name,
    api: RuntimeApi,
    processes: Vec<Child>,
    begun: Instant,
}

impl Environment {
    /// Starts the contender for one invocation at a time.
    pub(crate) fn start(contender: &Contender) -> Result<Self> {
        Self::start_with(contender, 1)
    }

    /// Starts the contender for so many invocations at once.
    pub(crate) fn start_with(contender: &Contender, concurrency: usize) -> Result<Self> {
        Self::start_on(contender, concurrency, Cpus::All)
    }

    /// The same on some of the CPUs.
    pub(crate) fn start_on(contender: &Contender, concurrency: usize, cpus: Cpus) -> Result<Self> {
        let api = RuntimeApi::start()?;
        // Only a web adapter and its application use it. It is free by the time that they do.
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let mut commands = Vec::new();
        for program in &contender.programs {
            // Each of these becomes the next, so that the process is the same. Every contender may have as many descriptors as any.
            let mut command = Command::new("prlimit");
            command.arg("--nofile=20000");
            if cpus == Cpus::One {
                command.args(["taskset", "-c", "0"]);
            }
            command.arg(&program.path);
            command.args(&program.arguments).env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
            command.envs(LAMBDA.iter().copied()).env("AWS_LAMBDA_RUNTIME_API", api.address.to_string());
            command.env("LAMBDA_TASK_ROOT", &contender.root).env("_HANDLER", contender.handler).current_dir(&contender.root);
            command.envs(contender.environment.iter().map(|(name, value)| (name, value))).env("AWS_LWA_PORT", port.to_string());
            if concurrency > 1 {
                command.env("AWS_LAMBDA_MAX_CONCURRENCY", concurrency.to_string());
            }
            let log = File::options().create(true).append(true).open(&contender.log)?;
            command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
            commands.push((command, program.path.clone()));
        }
        let mut this = Self { name: contender.name, api, processes: Vec::new(), begun: Instant::now() };
        for (mut command, path) in commands {
            let process = command.spawn().with_context(|| format!("cannot run {}", path.display()))?;
            let (id, log) = (process.id(), contender.log.clone());
            this.processes.push(process);
            this.api.watch(move || {
                let status = process::ended(id)?;
                Some(format!(
                    "{} has ended ({status}); the last lines of {}:\n{}",
                    path.display(),
                    log.display(),
                    last_lines(&log)
                ))
            });
        }
        Ok(this)
    }

    /// From the start to the first request for an event.
    pub(crate) fn first_next(&self) -> Result<Duration> {
        Ok(self.api.first_next().with_context(|| format!("{:?} does not start", self.name))? - self.begun)
    }

    /// From the start until `count` requests for an event wait at once.
    pub(crate) fn all_ask(&self, count: usize) -> Result<Duration> {
        let asked = self.api.ask(count).with_context(|| format!("{:?} does not start {count} workers", self.name))?;
        Ok(asked - self.begun)
    }

    /// Waits until the contender waits for an event, and has gone to sleep.
    pub(crate) fn idle(&self) -> Result<()> {
        self.api.idle().with_context(|| format!("{:?} does not ask for another event", self.name))?;
        std::thread::sleep(Duration::from_millis(5));
        Ok(())
    }

    /// Has the contender do `work` so many times, as fast as it asks for it.
    pub(crate) fn invoke(&self, work: Work, times: usize) -> Result<Vec<Received>> {
        self.invoke_all(&[(work, times)])
    }

    /// Has the contender do all of this, as fast as it asks for it, in that order.
    pub(crate) fn invoke_all(&self, works: &[(Work, usize)]) -> Result<Vec<Received>> {
        let events = works.iter().flat_map(|(work, times)| std::iter::repeat_n(work.event(), *times)).collect();
        let answers = self.api.invoke(events).with_context(|| format!("{:?} fails at {works:?}", self.name))?;
        for answer in &answers {
            let length = answer.payload.length;
            let is_right = works.iter().any(|(work, _)| work.is_answered_by(&answer.payload));
            ensure!(is_right, "{:?} answers {works:?} with {length} other bytes", self.name);
        }
        Ok(answers)
    }

    /// The same, once.
    pub(crate) fn invoke_once(&self, work: Work) -> Result<Received> {
        self.invoke(work, 1)?.pop().context("an invocation has an answer")
    }

    /// CPU time that all its processes have used.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        self.processes.iter().map(|child| process::cpu(child.id())).sum()
    }

    /// Memory of all its processes.
    pub(crate) fn memory(&self) -> Result<Memory> {
        self.processes.iter().try_fold(Memory::default(), |sum, child| {
            let memory = process::memory(child.id())?;
            Ok(Memory {
                resident: sum.resident + memory.resident,
                proportional: sum.proportional + memory.proportional,
                peak: sum.peak + memory.peak,
            })
        })
    }

    pub(crate) fn forget_peak(&self) -> Result<()> {
        self.processes.iter().try_for_each(|child| process::forget_peak(child.id()))
    }
}

/// How many lines of a log are shown.
const LINES: usize = 10;

fn last_lines(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

impl Drop for Environment {
    fn drop(&mut self) {
        for child in &mut self.processes {
            // It may have exited by itself, which a measurement has noticed.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What Lambda sets for every function.
const LAMBDA: [(&str, &str); 9] = [
    ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
    ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
    ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench"),
    ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/01/[$LATEST]00000000000000000000000000000000"),
    ("AWS_REGION", "us-east-1"),
    ("AWS_DEFAULT_REGION", "us-east-1"),
    ("TZ", ":UTC"),
];

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use crate::contender::{Files, Program};

    #[test]
    fn a_contender_that_ends_is_told_at_once_with_its_last_words() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let script = "seq 100; echo 'there is no such library' >&2; exit 3";
        let contender = Contender {
            name: Name::Raw,
            versions: String::new(),
            programs: vec![Program { path: "/bin/sh".into(), arguments: vec!["-c".into(), script.into()] }],
            root: std::env::temp_dir(),
            handler: "none",
            environment: Vec::new(),
            log: log.path().to_owned(),
            concurrent: false,
            files: Files::default(),
        };
        let told = format!("{:#}", Environment::start(&contender).unwrap().first_next().unwrap_err());
        assert!(told.starts_with("Raw does not start: /bin/sh has ended (exit status: 3); the last lines of "), "{told}");
        assert!(told.ends_with(":\n92\n93\n94\n95\n96\n97\n98\n99\n100\nthere is no such library"), "{told}");
    }
}
