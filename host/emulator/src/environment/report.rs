//! Lambda's `REPORT` line, and the figures in it.

use crate::feed::{Report, Verdict};
use crate::invocation::Running;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Gathers the figures of an invocation that is over.
pub(super) fn report(running: &Running, init: Option<Duration>, pid: Option<u32>) -> Report {
    Report {
        outcome: running.outcome(),
        duration: running.started.elapsed(),
        init,
        max_memory_mb: pid.and_then(max_memory_mb),
        bytes: running.bytes(),
    }
}

/// The line.
pub(super) fn line(request_id: &str, report: &Report, memory_mb: u32) -> String {
    let duration = report.duration.as_secs_f64() * 1000.0;
    let billed = duration + report.init.unwrap_or_default().as_secs_f64() * 1000.0;
    let mut line = format!(
        "REPORT RequestId: {request_id}\tDuration: {duration:.2} ms\tBilled Duration: {:.0} ms\tMemory Size: {memory_mb} MB",
        billed.ceil()
    );
    let mut add = |text: String| {
        line.push('\t');
        line.push_str(&text);
    };
    if let Some(memory) = report.max_memory_mb {
        add(format!("Max Memory Used: {memory} MB"));
    }
    if let Some(init) = report.init {
        add(format!("Init Duration: {:.2} ms", init.as_secs_f64() * 1000.0));
    }
    match &report.outcome {
        Verdict::Success => {}
        Verdict::Timeout => add("Status: timeout".to_owned()),
        Verdict::Error { error_type, .. } => {
            add("Status: error".to_owned());
            add(format!("Error Type: {error_type}"));
        }
    }
    line
}

/// The most memory that a process has had, in MB; none where the system does not tell, or the process is gone.
fn max_memory_mb(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib.div_ceil(1024))
}

/// The time as Lambda's log has it: `2026-01-02T03:04:05.678Z`.
pub(super) fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let date = crate::date::Date::from_unix(since.as_secs());
    let mut text = String::new();
    let (year, month, day) = (date.year, date.month, date.day);
    write!(
        text,
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        date.hour,
        date.minute,
        date.second,
        since.subsec_millis()
    )
    .expect("writing to a string does not fail");
    text
}
