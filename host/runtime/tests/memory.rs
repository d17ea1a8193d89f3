//! The host's memory stays within what it was given, whatever a handler and its reader do.
//!
//! `FIRSTBYTE_FLOOD_MB=10240 cargo test -p firstbyte-runtime --test memory -- --nocapture` is the long one: 10 GiB.

#[expect(dead_code, reason = "the other tests use the rest")]
mod support;

use std::time::Duration;
use support::{Door, Next, Post, Request, Running, deadline_in, deliver, start};

/// KiB in a MiB.
const MIB: usize = 1024;

fn long_flood(mib: u64) -> Next {
    let payload = format!(r#"{{"ending":"flood","bytes":{}}}"#, mib << 20);
    Next::Deliver(payload, vec![("lambda-runtime-deadline-ms", deadline_in(Duration::from_secs(60 * 60)))])
}

#[test]
fn a_slow_reader_of_much_is_waited_for() {
    let mib: u64 = std::env::var("FIRSTBYTE_FLOOD_MB").ok().and_then(|mib| mib.parse().ok()).unwrap_or(256);
    let mut running = start(&[("FIRSTBYTE_RESPONSE_LIMIT_MB", "0")], vec![long_flood(mib)], vec![Post::Slowly]);
    let mut early = None;
    let mut most = 0;
    let request = loop {
        let rss = running.rss();
        if early.is_none() && running.read_slowly() >= 8 << 20 {
            early = Some(rss);
        }
        most = most.max(rss);
        if let Some(request) = running.request_within(Duration::from_millis(5)) {
            break request;
        }
    };
    let (early, peak) = (early.expect("more than 8 MiB"), running.peak_rss());
    println!("{mib} MiB to a slow reader: RSS {early} KiB after 8 MiB, {most} KiB at most in samples, {peak} KiB at its peak");
    assert!(request.complete && request.trailers.is_empty(), "{request:?}");
    assert_eq!(request.length, mib << 20);
    assert!(peak <= early + 4 * MIB, "RSS grew from {early} to {peak} KiB");
    running.assert_is_running();
}

/// A host that has served a little, with so many MiB for a handler.
fn warm(memory: &str, door: Door, payload: &str) -> (Running, usize, Request) {
    let running = start(&[("FIRSTBYTE_MEMORY_MB", memory)], vec![deliver(r#"{"ending":"ok"}"#)], vec![]);
    assert!(running.request().complete);
    let before = running.peak_rss();
    running.deliver(Next::Deliver(door.event(payload), vec![]), Post::Accept);
    let request = running.request();
    assert!(request.complete, "{request:?}");
    (running, before, request)
}

#[test]
fn a_handler_that_allocates_without_end_is_stopped_at_its_limit() {
    for (door, payload) in Door::ALL
        .into_iter()
        .flat_map(|door| [r#"{"ending":"memory"}"#, r#"{"ending":"memory","started":true}"#].map(|payload| (door, payload)))
    {
        let (mut running, before, request) = warm("48", door, payload);
        let told = request.trailer_type().or(request.headers.get("lambda-runtime-function-error-type").map(String::as_str));
        assert_eq!(told, Some("Runtime.OutOfMemory"), "{door:?} {payload}");
        let peak = running.peak_rss();
        running.assert_alive();
        let after = running.rss();
        println!("{door:?} {payload}: {before} KiB before, {peak} KiB at the peak, {after} KiB after");
        assert!(peak <= before + 48 * MIB + 4 * MIB, "{door:?} {payload}: from {before} to {peak} KiB");
        assert!(after <= before + 4 * MIB, "{door:?} {payload}: {after} KiB are left of {before}");
    }
}

#[test]
fn what_a_handler_makes_the_host_hold_is_limited() {
    for (hoard, most, told) in [
        (r#"{"ending":"hoard","what":"pollables","count":1000000000}"#, 24, Some("Runtime.Trap")),
        (r#"{"ending":"hoard","what":"random","count":50000000}"#, 4, Some("Runtime.Trap")),
        (r#"{"ending":"hoard","what":"headers","count":200000}"#, 120, None),
        (r#"{"ending":"hoard","what":"failure","count":20000000}"#, 120, Some("Function.Long")),
        (r#"{"ending":"hoard","what":"write","count":40000000}"#, 48, None),
    ] {
        let (mut running, before, request) = warm("64", Door::Url, hoard);
        assert_eq!(request.trailer_type(), told, "{hoard}");
        let peak = running.peak_rss();
        println!("hoarding {hoard}: {before} KiB before, {peak} KiB at the peak");
        assert!(peak <= before + most * MIB, "{hoard}: from {before} to {peak} KiB");
        running.assert_alive();
    }
}
