//! The log has what a handler prints, and holds neither it nor the host up.

#[expect(dead_code, reason = "the other tests use the rest")]
mod support;

use serde_json::Value;
use std::time::{Duration, Instant};
use support::{FollowedLog, Next, Post, Running, deliver, start};

const TENANT: (&str, &str) = ("lambda-runtime-aws-tenant-id", "blue");

#[test]
fn a_flood_that_nobody_reads_holds_nothing_up_and_is_not_kept() {
    for flood in [
        r#"{"ending":"log-flood","lines":100000}"#,
        r#"{"ending":"log-flood","lines":100000,"stderr":true}"#,
        r#"{"ending":"log-flood","lines":1,"bytes":50000000}"#,
    ] {
        let mut running = start(&[], vec![deliver(r#"{"ending":"ok"}"#)], vec![]);
        assert!(running.request().complete);
        let before = running.peak_rss();
        let begun = Instant::now();
        running.deliver(deliver(flood), Post::Accept);
        let request = running.request();
        assert_eq!((request.body.as_slice(), request.complete), (&b"logged\n"[..], true), "{flood}");
        let (took, peak) = (begun.elapsed(), running.peak_rss());
        println!("{flood}: {took:?}, {before} KiB before, {peak} KiB at the peak");
        assert!(took < Duration::from_secs(15), "{flood}: {took:?}");
        assert!(peak <= before + 3 * 1024, "{flood}: from {before} to {peak} KiB");
        running.assert_alive();
        // A reader who comes back is told what was missed.
        let log = running.follow_log();
        let begun = Instant::now();
        while !log.contains(" log lines were dropped: nobody read them in time") {
            running.assert_alive();
            assert!(begun.elapsed() < Duration::from_secs(15), "{flood}");
        }
    }
}

#[test]
fn a_flood_that_is_read_is_whole_and_in_order() {
    let mut running = start(&[], vec![], vec![]);
    let log = running.follow_log();
    running.deliver(deliver(r#"{"ending":"log-flood","lines":20000}"#), Post::Accept);
    assert_eq!(running.request().body, b"logged\n");
    let log = until_over(running, log);
    let lines: Vec<&str> = log.lines().filter_map(|line| line.split("\tINFO\tline ").nth(1)).collect();
    assert_eq!(lines.len(), 20_000);
    assert!(lines.iter().enumerate().all(|(n, line)| *line == n.to_string()));
}

#[test]
fn every_json_record_names_its_invocation_and_tenant() {
    let lines = |level: &str| {
        let variables = [("AWS_LAMBDA_LOG_FORMAT", "JSON"), ("AWS_LAMBDA_LOG_LEVEL", level)];
        let mut running = start(&variables, vec![], vec![]);
        let log = running.follow_log();
        let payloads = [r#"{"ending":"log-flood","lines":2}"#, r#"{"ending":"log-flood","lines":2,"stderr":true}"#];
        for payload in payloads.into_iter().chain([r#"{"ending":"panic-after"}"#]) {
            let headers = vec![("lambda-runtime-aws-request-id", "id-1".to_owned()), (TENANT.0, TENANT.1.to_owned())];
            running.deliver(Next::Deliver(payload.to_owned(), headers), Post::Accept);
            assert!(running.request().complete);
        }
        let log = until_over(running, log);
        let records: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("a record")).collect();
        let told = records.iter().filter(|record| record["requestId"] == "id-1");
        told.inspect(|record| assert_eq!(record["tenantId"], TENANT.1, "{record}"))
            .map(|record| format!("{} {}", record["level"], record["message"]).replace('"', ""))
            .collect::<Vec<_>>()
    };
    let all = lines("INFO");
    for record in ["INFO line 0", "INFO line 1", "ERROR line 0", "ERROR line 1"] {
        assert!(all.iter().any(|told| told == record), "{record}: {all:?}");
    }
    assert!(all.iter().any(|told| told.starts_with("ERROR Runtime.Panic: ")), "{all:?}");
    let errors = lines("ERROR");
    assert!(errors.iter().all(|record| record.starts_with("ERROR ")) && errors.len() >= 3, "{errors:?}");
}

/// Waits until the invocations so far are over, ends the process, and gives its log.
fn until_over(mut running: Running, log: FollowedLog) -> String {
    running.assert_alive();
    // Over, including its lines, when the next is asked for.
    running.assert_alive();
    drop(running);
    log.whole()
}
