//! Every way in which an invocation can end, at every door: what the caller sees, what Lambda counts, what the log says; and
//! that the same process serves the next invocation. "Endings" in DESIGN.md has the same table in words: [`table`] has its
//! rows by their first cells, and [`ELSEWHERE`] names the tests of those that take more than a call.

mod rie;
mod row;
mod table;
mod worlds;

use firstbyte_emulator::EventKind;
use firstbyte_tests::{Call, Door, End, Function, Guest, Invoked, send_signal};
use http::Method;
use row::Row;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use table::{ELSEWHERE, Group, pattern, table};

#[tokio::test]
async fn every_ending_at_every_door() {
    for group in table() {
        group.hold().await;
    }
}

#[tokio::test]
async fn buffered_doors_show_successes_whole_and_failures_as_502() {
    for guest in [Guest::Endings, Guest::HttpP2, Guest::HttpP3] {
        let function = Function::of(guest).env("FIRSTBYTE_MEMORY_MB", "48").env("FIRSTBYTE_RESPONSE_LIMIT_MB", "5");
        let mut lambda = function.buffered().start().await;
        let others = ["the response passes its limit", "`failure` before the start, 4xx, `FIRSTBYTE_CLIENT_ERRORS=failed`"];
        let is_quick = |group: &Group| group.deadline.is_none() && !others.contains(&group.row);
        let quick = table().into_iter().filter(|group| group.guest == guest && is_quick(group));
        for ending in quick.flat_map(|group| group.endings) {
            for door in Door::HTTP {
                ending.hold_buffered_at(door, &mut lambda).await;
            }
        }
        assert_eq!(lambda.processes().len(), 1);
    }
}

#[test]
fn the_table_has_the_rows_of_the_design() {
    let design = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../DESIGN.md")).expect("it is there");
    let section = design.split("\n## ").find(|section| section.starts_with("Endings\n")).expect("the section");
    // The first cell, and the last one, which says in what worlds a row is held.
    let cells = |line: &str| {
        let (row, rest) = line.strip_prefix("| ")?.split_once(" |")?;
        Some((row.to_owned(), rest.trim_end_matches(" |").rsplit("| ").next()?.to_owned()))
    };
    // Without the heading.
    let designed: BTreeMap<String, String> = section.lines().filter_map(cells).skip(1).collect();
    let mut guests = BTreeMap::<&str, BTreeSet<Guest>>::new();
    for group in table() {
        guests.entry(group.row).or_default().insert(group.guest);
    }
    let worlds = |guests: &BTreeSet<Guest>| match guests.iter().collect::<Vec<_>>()[..] {
        [Guest::Endings, Guest::HttpP2, Guest::HttpP3] => "all",
        [Guest::Endings] => "ours",
        [Guest::HttpP2, Guest::HttpP3] => "http",
        [Guest::HttpP2] => "http 0.2",
        ref others => panic!("{others:?} have no name in the design"),
    };
    let held = guests.iter().map(|(row, guests)| ((*row).to_owned(), worlds(guests).to_owned()));
    let held: BTreeMap<String, String> = held.chain(ELSEWHERE.map(|(row, _)| (row.to_owned(), "–".to_owned()))).collect();
    assert_eq!(designed, held);
    for (row, test) in ELSEWHERE {
        let here = include_str!("main.rs").contains(&format!("fn {test}("));
        let there = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(test).is_file();
        assert!(here || there, "{row}: {test} is neither a test here nor a file of tests");
    }
}

#[tokio::test]
async fn an_error_that_no_trailer_can_hold_is_cut() {
    let mut lambda = Function::of(Guest::Endings).start().await;
    let message = "a long story, ".repeat(10_000);
    for started in [false, true] {
        let ending = json!({"ending": if started { "err-after" } else { "err-before" }, "message": message});
        for door in Door::ALL {
            let Invoked { answer, seen } = lambda.invoke(door, Call::json(&ending)).await;
            assert_eq!(seen.error_type(), Some("Function.Expected"), "{door}");
            // Only `POST …/error` has room for all of it.
            let whole = door == Door::Direct && !started;
            assert_eq!(seen.error_message().ends_with("bytes left out)"), !whole, "{door}");
            assert_eq!(answer.error_code().is_some(), door == Door::Direct && started);
        }
    }
}

#[tokio::test]
async fn head_requests_end_like_others() {
    let mut lambda = Function::of(Guest::Endings).start().await;
    for door in Door::HTTP {
        // The body of a HEAD request is unusual, but it is how these endings are asked for.
        for (ending, status, error) in [
            (json!({"ending": "ok"}), 200, None),
            (json!({"ending": "head-only"}), 204, None),
            (json!({"ending": "never-started"}), 200, None),
            (json!({"ending": "panic-before"}), 500, Some("Runtime.Panic")),
            (json!({"ending": "panic-after"}), 200, Some("Runtime.Panic")),
        ] {
            let invoked = lambda.invoke(door, Call::json(&ending).method(Method::HEAD)).await;
            let answer = &invoked.answer;
            assert_eq!(
                (answer.status.as_u16(), answer.bytes().len(), &answer.end),
                (status, 0, &End::Clean),
                "{ending} at {door}"
            );
            assert_eq!(invoked.seen.error_type(), error, "{ending} at {door}");
        }
    }
    assert_eq!(lambda.processes().len(), 1);
}

#[tokio::test]
async fn headers_of_the_connection_are_dropped_and_said() {
    let mut lambda = Function::of(Guest::Endings).start().await;
    let row = Row::complete(json!({"ending": "dropped-headers"}), 200, "kept\n");
    for door in Door::ALL {
        let Invoked { answer, mut seen } = row.hold_at(door, &mut lambda).await;
        lambda.until_printed(&mut seen, "content-length").await;
        if door.is_http() {
            assert_eq!(answer.header("x-kept"), Some("yes"), "{door}");
            assert_ne!(answer.header("content-length"), Some("7"), "{door}");
            assert_ne!(answer.header("date"), Some("7"), "{door}");
        }
    }
}

#[tokio::test]
async fn work_after_a_finished_response_fails_in_the_log_alone() {
    let mut lambda = Function::of(Guest::Endings).start().await;
    for door in Door::ALL {
        let row = Row::complete(json!({"ending": "finish-then-work"}), 200, "finished\n");
        let mut invoked = row.hold_at(door, &mut lambda).await;
        lambda.until_printed(&mut invoked.seen, "working after the response").await;
        lambda.until_printed(&mut invoked.seen, "Function.Expected: this was to be expected").await;
    }
    assert_eq!(lambda.processes().len(), 1);
}

#[tokio::test]
async fn an_instance_is_never_used_twice() {
    let mut lambda = Function::of(Guest::Endings).start().await;
    for door in Door::ALL {
        for _ in 0..3 {
            Row::complete(json!({"ending": "reuse"}), 200, "1").hold_at(door, &mut lambda).await;
        }
    }
}

#[tokio::test]
async fn a_client_that_leaves_does_not_stop_the_handler() {
    let mut lambda = Function::of(Guest::Endings).start().await;
    for door in Door::ALL {
        let mut answer = lambda.open(door, Call::json(&json!({"ending": "tokens", "count": 4, "ms": 100}))).await;
        assert_eq!(answer.next().await.expect("a chunk").bytes, "token 0\n");
        drop(answer);
        let seen = lambda.until_over().await;
        assert!(seen.0.iter().any(|event| matches!(event.kind, EventKind::ClientLeft)), "{door}");
        assert_eq!((seen.error_type(), seen.report().expect("it is over").bytes > 30), (None, true), "{door}");
    }
    assert_eq!(lambda.processes().len(), 1);
}

#[tokio::test]
async fn a_host_that_dies_is_replaced() {
    let mut lambda = Function::of(Guest::Endings).start().await;
    for (died, door) in Door::ALL.into_iter().enumerate() {
        let mut answer = lambda.open(door, Call::json(&json!({"ending": "wait", "started": true}))).await;
        assert_eq!(answer.next().await.expect("a chunk").bytes, "started\n");
        let processes = lambda.processes();
        assert_eq!(processes.len(), died + 1);
        send_signal(processes[died], Signal::KILL);
        let answer = answer.rest().await;
        assert_eq!(answer.text(), "started\n");
        // The HTTP doors show a clean end, as AWS does.
        assert_eq!(answer.error_code(), (door == Door::Direct).then_some("Runtime.ExitError"));
        assert_eq!(lambda.until_over().await.error_type(), Some("Runtime.ExitError"));
        Row::complete(json!({"ending": "ok"}), 200, pattern(1000)).hold_at(door, &mut lambda).await;
    }
}

#[tokio::test]
async fn json_records_name_invocation_tenant_and_failure() {
    let mut lambda = Function::of(Guest::Endings).json_log().start().await;
    let call = |ending: Value| Call::json(&ending).header("x-amz-tenant-id", "blue");
    for (ending, error) in [
        (json!({"ending": "err-before"}), "Function.Expected"),
        (json!({"ending": "panic-after"}), "Runtime.Panic"),
        (json!({"ending": "memory"}), "Runtime.OutOfMemory"),
    ] {
        let Invoked { answer, mut seen } = lambda.invoke(Door::Direct, call(ending)).await;
        lambda.until_printed(&mut seen, "\"errorType\"").await;
        let records = lambda.records();
        let record = records.iter().rev().find(|record| record["errorType"] == error).expect("a record of the failure");
        assert_eq!(record["requestId"].as_str(), answer.header("x-amzn-requestid"));
        assert_eq!((&record["level"], &record["tenantId"]), (&json!("ERROR"), &json!("blue")));
        assert!(
            record["errorMessage"].is_string() && record["stackTrace"].is_array() && record["timestamp"].is_string(),
            "{record}"
        );
        assert!(records.iter().all(|record| record["level"].is_string()), "every line is a record: {records:#?}");
    }
}
