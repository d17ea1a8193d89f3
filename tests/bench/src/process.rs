//! What the kernel says of a running process: CPU time and memory.

use anyhow::{Context, Result};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use std::time::Duration;

/// Memory in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) resident: u64,
    /// Resident, with shared pages divided among those who share them.
    pub(crate) proportional: u64,
    /// The most that was resident since [`forget_peak`].
    pub(crate) peak: u64,
}

/// Waits until a child ends, and says how. It stays for its parent's own wait. None if the parent has waited for it.
pub(crate) fn ended(pid: u32) -> Option<String> {
    let child = Id::Pid(Pid::from_raw(pid.try_into().ok()?));
    match waitid(child, WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).ok()? {
        WaitStatus::Exited(_, code) => Some(format!("exit status: {code}")),
        WaitStatus::Signaled(_, signal, _) => Some(format!("signal: {signal:?}")),
        _ => None,
    }
}

/// CPU time that the process has used, user and system, of all its threads.
pub(crate) fn cpu(pid: u32) -> Result<Duration> {
    let clock = clock_getcpuclockid(Pid::from_raw(pid.try_into()?)).context("a contender has exited")?;
    Ok(clock_gettime(clock)?.into())
}

pub(crate) fn memory(pid: u32) -> Result<Memory> {
    let status = read(pid, "status")?;
    Ok(Memory {
        resident: kib(&status, "VmRSS:"),
        proportional: kib(&read(pid, "smaps_rollup")?, "Pss:"),
        peak: kib(&status, "VmHWM:"),
    })
}

/// Lets the peak begin anew.
pub(crate) fn forget_peak(pid: u32) -> Result<()> {
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5").context("cannot reset a process's peak memory")
}

fn read(pid: u32, file: &str) -> Result<String> {
    let path = format!("/proc/{pid}/{file}");
    std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
}

fn kib(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0) * 1024
}
