//! The signals that ask the program to end.

use std::task::Poll;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Waits for Ctrl-C, a request to terminate or the terminal's end, of which none is missed from now on.
pub(crate) fn stop() -> impl Future<Output = ()> {
    let mut kinds = vec![SignalKind::interrupt(), SignalKind::terminate()];
    if !ignores_hangup() {
        kinds.push(SignalKind::hangup());
    }
    let mut signals: Vec<Signal> = kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect();
    std::future::poll_fn(move |cx| {
        let seen = signals.iter_mut().any(|signal| signal.poll_recv(cx).is_ready());
        if seen { Poll::Ready(()) } else { Poll::Pending }
    })
}

/// Whether the program was started by something like `nohup`, whose point is to outlive the terminal. Known on Linux only.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix("SigIgn:")).is_some_and(|mask| is_in(mask.trim(), SignalKind::hangup()))
}

/// Whether a mask in hexadecimal digits, the first signal in its lowest bit, has a signal.
fn is_in(mask: &str, kind: SignalKind) -> bool {
    let bit = u32::try_from(kind.as_raw_value() - 1).ok().and_then(|shift| 1u64.checked_shl(shift)).unwrap_or_default();
    u64::from_str_radix(mask, 16).is_ok_and(|mask| mask & bit != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_read() {
        assert!(is_in("0000000000000001", SignalKind::hangup()));
        assert!(is_in("0000000000001005", SignalKind::hangup()));
        assert!(!is_in("0000000000001004", SignalKind::hangup()));
        assert!(is_in("0000000000001004", SignalKind::from_raw(3)));
        assert!(!is_in("", SignalKind::hangup()) && !is_in("x", SignalKind::hangup()));
    }
}
