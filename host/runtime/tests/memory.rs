//! The host's memory stays within what it was given, whatever a handler and its reader do.
//!
//! `FIRSTBYTE_FLOOD_MB=10240 cargo test -p firstbyte-runtime --test memory -- --nocapture` is the long one: 10 GiB. With
//! `FIRSTBYTE_TEST_BOOTSTRAP`, another bootstrap is tested, such as the one that is deployed. With `FIRSTBYTE_TEST_CGROUP`, the
//! folder of a cgroup of 300 MB, the eight at once are in there, and end as in Lambda if they take more.

#[expect(dead_code, reason = "the other tests use the rest")]
mod support;

use std::path::Path;
use std::time::Duration;
use support::{Bootstrap, Door, ENDINGS, Next, Post, Request, deadline_in, deliver, guest, start, start_with, start_within};

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
fn warm(memory: &str, door: Door, payload: &str) -> (Bootstrap, usize, Request) {
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

/// The most that the host may hold beside a handler's linear memory, in MiB: a budget of 16, a call of 8, and what is copied.
const HELD: usize = 32;

/// Things that a handler without any grant can have the host hold, and how that ends.
const HOARDS: [(&str, &str); 14] = [
    (r#"{"ending":"hoard","what":"pollables","count":1000000000}"#, "Runtime.OutOfHostMemory"),
    (r#"{"ending":"hoard","what":"requests","count":2000}"#, "Runtime.OutOfHostMemory"),
    (r#"{"ending":"hoard","what":"responses","count":2000}"#, "Runtime.OutOfHostMemory"),
    (r#"{"ending":"hoard","what":"paths","count":3000}"#, "Runtime.OutOfHostMemory"),
    (r#"{"ending":"hoard","what":"fields","count":3000}"#, "Runtime.OutOfHostMemory"),
    (r#"{"ending":"hoard","what":"copies","count":3000}"#, "Runtime.OutOfHostMemory"),
    (r#"{"ending":"hoard","what":"trailers","count":3000}"#, "Runtime.OutOfHostMemory"),
    (r#"{"ending":"hoard","what":"random","count":50000000}"#, "Runtime.Trap"),
    (r#"{"ending":"hoard","what":"headers","count":100000}"#, ""),
    (r#"{"ending":"hoard","what":"headers","count":200000}"#, "Runtime.CallTooLarge"),
    (r#"{"ending":"hoard","what":"failure","count":7000000}"#, "Function.Long"),
    (r#"{"ending":"hoard","what":"failure","count":9000000}"#, "Runtime.CallTooLarge"),
    (r#"{"ending":"hoard","what":"write","count":40000000}"#, ""),
    (r#"{"ending":"log-flood","lines":1,"bytes":5000000,"stderr":true}"#, ""),
];

/// The error type of a response, or of an error, if it has one.
fn told(request: &Request) -> &str {
    let reported = request.headers.get("lambda-runtime-function-error-type").map(String::as_str);
    request.trailer_type().or(reported).unwrap_or_default()
}

/// What components of the standard worlds can.
const HTTP_HOARDS: [(&str, &str, &str); 9] = [
    ("http-p2", r#"{"ending":"hoard","what":"fields","count":3000}"#, "Runtime.OutOfHostMemory"),
    ("http-p2", r#"{"ending":"hoard","what":"headers","count":1000000}"#, "Runtime.OutOfHostMemory"),
    ("http-p2", r#"{"ending":"hoard","what":"requests","count":3000}"#, "Runtime.OutOfHostMemory"),
    ("http-p3", r#"{"ending":"hoard","what":"fields","count":3000}"#, "Runtime.OutOfHostMemory"),
    ("http-p3", r#"{"ending":"hoard","what":"headers","count":1000000}"#, "Runtime.OutOfHostMemory"),
    ("http-p3", r#"{"ending":"hoard","what":"requests","count":3000}"#, "Runtime.OutOfHostMemory"),
    ("http-p3", r#"{"ending":"hoard","what":"streams","count":1000000}"#, "Runtime.OutOfHostMemory"),
    ("http-p3", r#"{"ending":"hoard","what":"futures","count":1000000}"#, "Runtime.OutOfHostMemory"),
    ("http-p3", r#"{"ending":"hoard","what":"waits","count":100000}"#, "Runtime.OutOfHostMemory"),
];

/// Has a handler hoard, and looks at what the host takes for it, and keeps.
fn assert_charged_and_given_back(component: &Path, hoard: &str, expected: &str) {
    let mut running = start_with(component, &[("FIRSTBYTE_MEMORY_MB", "64")], vec![], vec![]);
    running.discard_log();
    for _ in 0..20 {
        running.assert_alive();
    }
    let before = running.rss();
    running.deliver(Next::Deliver(Door::Url.event(hoard), vec![]), Post::Accept);
    let request = running.request();
    assert_eq!(told(&request), expected, "{hoard}: {request:?}");
    for _ in 0..20 {
        running.assert_alive();
    }
    let (peak, after) = (running.peak_rss(), running.rss());
    println!("{} {hoard}: {before} KiB before, {peak} KiB at the peak, {after} KiB after", component.display());
    // A write and a log line are taken from the handler's own memory; the rest of the handlers is small.
    let linear = if hoard.contains("write") { 48 } else { 16 };
    assert!(peak <= before + (HELD + linear) * MIB, "{hoard}: from {before} to {peak} KiB");
    // glibc keeps what lies between what is still in use. What goes to Lambda has musl's allocator.
    let kept = if std::env::var_os(support::BOOTSTRAP).is_some() { before / 10 } else { HELD * MIB };
    assert!(after <= before + kept, "{hoard}: {after} KiB are left of {before}");
}

#[test]
fn what_a_handler_without_grants_makes_the_host_hold_is_charged_to_it_and_given_back() {
    for (hoard, expected) in HOARDS {
        assert_charged_and_given_back(&ENDINGS, hoard, expected);
    }
}

#[test]
fn what_a_component_of_wasi_http_makes_the_host_hold_is_charged_to_it_and_given_back() {
    let guests = ["http-p2", "http-p3"].map(|name| (name, guest(name)));
    // What is deployed runs WASI 0.3 only where it is asked to.
    let is_deployed = std::env::var_os(support::BOOTSTRAP).is_some();
    for (name, hoard, expected) in HTTP_HOARDS.into_iter().filter(|(name, ..)| *name != "http-p3" || !is_deployed) {
        let (_, component) = guests.iter().find(|(guest, _)| *guest == name).expect("it was built");
        assert_charged_and_given_back(component, hoard, expected);
    }
}

#[test]
fn what_a_handler_makes_the_host_hold_of_what_it_is_granted_is_charged_to_it() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("file"), vec![b'f'; 1 << 20]).expect("ours");
    for name in 0..1000 {
        std::fs::write(folder.path().join(format!("{name:0>200}")), "").expect("ours");
    }
    let path = folder.path().to_str().expect("text");
    let variables = [
        ("FIRSTBYTE_MEMORY_MB", "64"),
        ("FIRSTBYTE_ALLOW_READ", path),
        ("FIRSTBYTE_ALLOW_HTTP", "*.amazonaws.com"),
        ("FIRSTBYTE_SIGN_AWS", "sqs"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];
    // A body that is signed is refused by what signs it or by what takes it from the handler, whichever comes first.
    for (what, count, expected) in [
        ("streams", 9000, &["Runtime.OutOfHostMemory"][..]),
        ("listings", 1000, &["Runtime.OutOfHostMemory"]),
        ("signed", 10, &["", "Runtime.OutOfHostMemory"]),
        ("files", 9000, &[""]),
    ] {
        let hoard = serde_json::json!({ "ending": "hoard", "what": what, "count": count, "path": path }).to_string();
        let mut running = start(&variables, vec![], vec![]);
        let log = running.follow_log();
        running.assert_alive();
        let before = running.rss();
        running.deliver(Next::Deliver(Door::Url.event(&hoard), vec![]), Post::Accept);
        let request = running.request();
        assert!(expected.contains(&told(&request)), "{hoard}: {request:?}");
        running.assert_alive();
        let (peak, after) = (running.peak_rss(), running.rss());
        println!("{hoard}: {before} KiB before, {peak} KiB at the peak, {after} KiB after");
        assert!(peak <= before + (HELD + 16) * MIB, "{hoard}: from {before} to {peak} KiB");
        assert!(what != "files" || log.contains("FIRSTBYTE_OPEN_FILES"), "the operator is told");
        assert!(what != "signed" || log.contains("FIRSTBYTE_HOST_MEMORY_MB"), "the operator is told: {}", log.so_far());
    }
}

/// The most that a function with 300 MB has, in KiB.
const FUNCTION: usize = 300 * MIB;

#[test]
fn one_hostile_handler_of_eight_leaves_seven_unharmed_in_300_mb() {
    let cgroup = std::env::var("FIRSTBYTE_TEST_CGROUP").map(|folder| format!("echo $$ > {folder}/cgroup.procs"));
    let limits = cgroup.as_deref().unwrap_or("true");
    let mut running = start_within(limits, &[("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "300"), ("AWS_LAMBDA_MAX_CONCURRENCY", "8")]);
    running.discard_log();
    let memory = [(r#"{"ending":"memory","started":true}"#, "Runtime.OutOfMemory")];
    for (hoard, _) in HOARDS.into_iter().chain(memory) {
        for number in 0..8 {
            let payload = if number == 3 { hoard } else { r#"{"ending":"tokens","count":20,"ms":10}"# };
            let id = ("lambda-runtime-aws-request-id", number.to_string());
            running.deliver(Next::Deliver(Door::Url.event(payload), vec![id]), Post::Accept);
        }
        for _ in 0..8 {
            let request = running.request();
            if request.path.split('/').nth(4) != Some("3") {
                assert!(request.complete && request.trailers.is_empty(), "{hoard}: {request:?}");
                assert_eq!(Door::Url.body(&request.body).split(|byte| *byte == b'\n').count(), 21, "{hoard}: {request:?}");
            }
        }
        assert!(running.peak_rss() <= FUNCTION, "{hoard}: {} KiB", running.peak_rss());
    }
    println!("one hostile of eight: {} KiB at the peak", running.peak_rss());

    // All of them.
    for (hoard, _) in HOARDS.into_iter().chain(memory) {
        (0..8).for_each(|_| running.deliver(Next::Deliver(Door::Url.event(hoard), vec![]), Post::Accept));
        (0..8).for_each(|_| assert!(running.request().complete, "{hoard}"));
    }
    println!("all eight hostile: {} KiB at the peak", running.peak_rss());
    running.assert_alive();
    // glibc keeps some of what each thread gave back, which adds up where all of it is in use. What goes to Lambda has to fit.
    let kept = if std::env::var_os(support::BOOTSTRAP).is_some() { 0 } else { FUNCTION / 4 };
    assert!(running.peak_rss() <= FUNCTION + kept, "{} KiB", running.peak_rss());
}
