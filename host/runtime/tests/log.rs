//! The log has what a handler prints, and holds neither it nor the host up.

#[expect(dead_code, reason = "the other tests use the rest")]
mod support;

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::{Bootstrap, FollowedLog, Next, Post, deliver, start};

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

#[test]
fn what_a_handler_says_of_a_record_is_in_it_and_the_rest_is_the_hosts() {
    let log = |variables: &[(&str, &str)]| {
        let mut running = start(variables, vec![], vec![]);
        let log = running.follow_log();
        let headers = vec![("lambda-runtime-aws-request-id", "id-1".to_owned())];
        running.deliver(Next::Deliver(r#"{"ending":"log-records"}"#.to_owned(), headers), Post::Accept);
        assert!(running.request().complete);
        until_over(running, log)
    };
    let records = |level: &str| {
        let log = log(&[("AWS_LAMBDA_LOG_FORMAT", "JSON"), ("AWS_LAMBDA_LOG_LEVEL", level)]);
        let records = log.lines().map(|line| serde_json::from_str::<Value>(line).expect("a record"));
        let own = records.filter(|record| record["requestId"] == "id-1").map(|mut record| {
            let record = record.as_object_mut().expect("an object");
            let timestamp = record.remove("timestamp").expect("a time");
            assert!(timestamp.as_str().expect("text").starts_with("20"), "{timestamp}");
            record.remove("requestId");
            Value::Object(record.clone())
        });
        own.collect::<Vec<_>>()
    };
    let all = [
        json!({ "level": "WARN", "message": "low on stock", "item": 7 }),
        json!({ "level": "DEBUG", "message": "by the SDK" }),
        json!({ "level": "ERROR", "message": "by log", "target": "shop", "item": 8 }),
        json!({ "level": "INFO", "message": "by tracing", "target": "shop", "span": "order", "item": 9, "left": 3 }),
        json!({ "level": "INFO", "message": "it was formatted" }),
        json!({ "level": "DEBUG", "message": "below INFO", "target": "shop", "formatted": "formatted" }),
        json!({ "level": "FATAL", "message": "by hand" }),
        json!({ "level": "ERROR", "message": "on standard error" }),
        json!({ "level": "INFO", "message": r#"{"level":"INFO","message":"broken""# }),
    ];
    let of = |levels: &[&str]| {
        all.iter().filter(|record| levels.iter().any(|level| record["level"] == *level)).cloned().collect::<Vec<_>>()
    };
    assert_eq!(records("DEBUG"), all);
    // What is left out was not even formatted.
    let info: Vec<Value> =
        of(&["INFO", "WARN", "ERROR", "FATAL"]).into_iter().filter(|record| record["message"] != "it was formatted").collect();
    assert_eq!(records("INFO"), info);
    assert_eq!(records("WARN"), of(&["WARN", "ERROR", "FATAL"]));
    assert_eq!(records("FATAL"), of(&["FATAL"]));

    let text = log(&[]);
    let lines: Vec<&str> = text.lines().filter_map(|line| line.split("\tid-1\t").nth(1)).collect();
    assert_eq!(lines[0], "WARN\tlow on stock {\"item\":7}");
    assert_eq!(lines[2], r#"INFO	by tracing {"item":9,"left":3,"span":"order","target":"shop"}"#);
    assert_eq!(lines[3], "FATAL\tby hand");
    assert_eq!(lines.len(), info.len(), "{lines:?}");
}

/// Waits until the invocations so far are over, ends the process, and gives its log.
fn until_over(mut running: Bootstrap, log: FollowedLog) -> String {
    running.assert_alive();
    // Over, including its lines, when the next is asked for.
    running.assert_alive();
    drop(running);
    log.whole()
}
