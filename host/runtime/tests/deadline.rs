//! A handler that computes for ever is ended at its deadline, and its caller is told, at every door.
//!
//! `FIRSTBYTE_SPINS=50 cargo test -p firstbyte-runtime --test deadline -- --nocapture` measures how late that is.

#[expect(dead_code, reason = "the other tests use the rest")]
mod support;

use std::time::{Duration, Instant};
use support::{Door, Next, Post, deadline_in, start};

/// What Lambda gives, and how much of it is reserved for telling.
const TIMEOUT: Duration = Duration::from_millis(600);
const RESERVE: Duration = Duration::from_millis(300);

#[test]
fn a_handler_that_spins_is_ended_in_time_at_every_door() {
    let rounds: usize = std::env::var("FIRSTBYTE_SPINS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1);
    let mut running = start(&[("FIRSTBYTE_DEADLINE_RESERVE_MS", "300")], vec![], vec![]);
    // As in Lambda, somebody reads the log.
    running.discard_log();
    // The first invocation pays for pages and connections.
    running.assert_alive();
    for door in Door::ALL {
        for started in [false, true] {
            let mut late: Vec<Duration> = (0..rounds).map(|_| spin(&running, door, started)).collect();
            late.sort_unstable();
            let (median, most) = (late[rounds / 2], late[rounds - 1]);
            println!("{door:?}, started: {started}: {median:?} late in the median of {rounds}, {most:?} at most");
        }
    }
    running.assert_alive();
}

/// How long after the handler's deadline its end was at the Runtime API.
fn spin(running: &support::Bootstrap, door: Door, started: bool) -> Duration {
    let payload = if started { r#"{"ending":"spin-after"}"# } else { r#"{"ending":"spin-before"}"# };
    let deadline = Instant::now() + TIMEOUT - RESERVE;
    let headers = vec![("lambda-runtime-deadline-ms", deadline_in(TIMEOUT))];
    running.deliver(Next::Deliver(door.event(payload), headers), Post::Accept);
    let request = running.request();
    let now = Instant::now();
    let told = "Runtime.DeadlineExceeded";
    assert!(request.complete, "{request:?}");
    match (door, started) {
        (Door::Direct, false) => {
            assert!(request.path.ends_with("/error"), "{request:?}");
            assert_eq!(request.headers.get("lambda-runtime-function-error-type").map(String::as_str), Some(told));
        }
        (_, false) => {
            assert_eq!(request.trailer_type(), Some(told), "{request:?}");
            assert_eq!(door.body(&request.body), br#"{"message":"Gateway Timeout"}"#);
        }
        (_, true) => {
            assert_eq!(request.trailer_type(), Some(told), "{request:?}");
            assert_eq!(door.body(&request.body), b"started\n");
        }
    }
    // The deadline is told in whole milliseconds.
    assert!(now + Duration::from_millis(2) > deadline, "it was ended {:?} early", deadline - now);
    let late = now.saturating_duration_since(deadline);
    assert!(late < Duration::from_secs(1), "{door:?}, started: {started}: ended {late:?} late");
    late
}
