//! Processes, as Linux shows them.

use crate::soon;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;

/// Whether a process runs; one that was not waited for yet does not.
#[must_use]
pub fn is_alive(pid: u32) -> bool {
    stat(pid).is_some_and(|stat| stat.runs)
}

/// The runtimes that an emulator in the process `parent` started and that still run. The first process of each group is not
/// one of them: the emulator puts a guard there.
///
/// # Panics
/// Where there is no `/proc`.
#[must_use]
pub fn runtimes_of(parent: u32) -> Vec<u32> {
    let all = fs::read_dir("/proc").expect("Linux").filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    all.filter(|pid| stat(*pid).is_some_and(|stat| stat.runs && stat.parent == parent && stat.group != *pid)).collect()
}

/// Sends a signal to a process that runs.
///
/// # Panics
/// If it does not.
pub fn send_signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id");
    kill_process(pid, signal).expect("the process runs");
}

/// Waits until a process that is no child of ours is gone.
///
/// # Panics
/// If it stays.
pub async fn gone(pid: u32) {
    let gone = async {
        while is_alive(pid) {
            tokio::task::yield_now().await;
        }
    };
    soon(&format!("the end of process {pid}"), gone).await;
}

struct Stat {
    runs: bool,
    parent: u32,
    group: u32,
}

fn stat(pid: u32) -> Option<Stat> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name between parentheses may hold anything.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    Some(Stat { runs: fields.next()? != "Z", parent: fields.next()?.parse().ok()?, group: fields.next()?.parse().ok()? })
}
