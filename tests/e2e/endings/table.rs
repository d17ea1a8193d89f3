//! The table of DESIGN.md, as data.

use crate::row::{EVENTS, INTERNAL, Row};
use crate::worlds;
use firstbyte_tests::{Door, Function, Guest, Invoked};
use serde_json::{Value, json};
use std::time::Duration;

/// A row of DESIGN.md's table, and the endings that are examples of it.
pub(crate) struct Group {
    /// The first cell.
    pub(crate) row: &'static str,
    /// Whose world it is held in.
    pub(crate) guest: Guest,
    pub(crate) function: Function,
    /// When the handler is ended, if it does not return.
    pub(crate) deadline: Option<Duration>,
    pub(crate) endings: Vec<Row>,
}

/// Rows of DESIGN.md's table that tests of their own hold.
pub(crate) const ELSEWHERE: [(&str, &str); 7] = [
    ("a HEAD request, whatever the ending", "head_requests_end_like_others"),
    ("the client leaves", "a_client_that_leaves_does_not_stop_the_handler"),
    ("Lambda closes its side", "host/runtime/tests/faults.rs"),
    ("the Runtime API refuses what it is sent, by 413 or 431", "host/runtime/tests/faults.rs"),
    ("Lambda's own timeout, after the start", "host/emulator/tests/api_gateway.rs"),
    ("the host's process dies", "a_host_that_dies_is_replaced"),
    ("any of them, `FIRSTBYTE_RESPONSE=buffered`", "buffered_doors_show_successes_whole_and_failures_as_502"),
];

pub(crate) fn table() -> Vec<Group> {
    let guest = Guest::Endings;
    let group = |row, endings| Group { row, guest, function: Function::of(guest), deadline: None, endings };
    let expected = "this was to be expected";
    let secret = "the password is hunter2";
    let panic = "this panic was to be expected";
    let returning = "instead of returning";
    let stack = "call stack overflowed";
    let before = |more: Value| {
        let mut ending = json!({"ending": "err-before"});
        ending.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        ending
    };
    let long_content_type = json!({"ending": "big-head", "bytes": 100_000, "name": "content-type"});
    let hoard = |what: &str, count: usize| json!({"ending": "hoard", "what": what, "count": count});
    let mut groups = vec![
        group(
            "`ok` with a body",
            vec![
                Row::complete(json!({"ending": "ok"}), 200, pattern(1000)),
                Row::complete(json!({"ending": "ok", "bytes": 3_000_000, "writes": 7}), 200, pattern(3_000_000)),
                Row::complete(json!({"ending": "ok", "bytes": 20_000, "writes": 2_000}), 200, pattern(20_000)),
                Row::complete(json!({"ending": "drop-body"}), 200, "dropped\n"),
                Row::complete(json!({"ending": "bytes-then-compute", "ms": 50}), 200, "before\nafter\n"),
                Row::complete(json!({"ending": "sse", "then": "complete"}), 200, EVENTS),
            ],
        ),
        group(
            "`ok`, head only (200, 204, 302, 304)",
            vec![
                Row::complete(json!({"ending": "head-only", "status": 200}), 200, ""),
                Row::complete(json!({"ending": "head-only", "status": 204}), 204, ""),
                Row::complete(json!({"ending": "head-only", "status": 302}), 302, ""),
                Row::complete(json!({"ending": "head-only", "status": 304}), 304, ""),
                Row::complete(json!({"ending": "empty-body"}), 200, ""),
            ],
        ),
        group("`ok`, never started", vec![Row::complete(json!({"ending": "never-started"}), 200, "")]),
        group(
            "`failure` before the start, 4xx",
            vec![
                Row::mistaken(before(json!({"status": 404})), 404, expected, "Function.Expected"),
                Row::mistaken(before(json!({"status": 499})), 499, expected, "Function.Expected"),
            ],
        ),
        group(
            "`failure` before the start, 5xx or none",
            vec![
                Row::unstarted(before(json!({})), 500, INTERNAL, "Function.Expected", expected),
                Row::unstarted(before(json!({"status": 503, "message": secret})), 503, INTERNAL, "Function.Expected", secret),
                Row::unstarted(before(json!({"status": 200, "message": secret})), 500, INTERNAL, "Function.Expected", secret),
                Row::unstarted(before(json!({"kind": "no such thing: 7"})), 500, INTERNAL, "Function.Nosuchthing", expected),
            ],
        ),
        group(
            "`failure` after the start",
            vec![
                Row::broken(json!({"ending": "err-after"}), pattern(1000), "Function.Expected", expected),
                Row::event_stream("fail", INTERNAL, "Function.Expected", expected),
            ],
        ),
        group(
            "a head that is refused",
            vec![
                Row::unstarted(json!({"ending": "bad-head"}), 500, INTERNAL, "Function.HeadError", "x-split"),
                Row::unstarted(json!({"ending": "bad-head", "status": 199}), 500, INTERNAL, "Function.HeadError", "199"),
                Row::unstarted(json!({"ending": "big-head"}), 500, INTERNAL, "Function.HeadError", "do not fit"),
                Row::unstarted(long_content_type, 500, INTERNAL, "Function.HeadError", "do not fit"),
            ],
        ),
        group(
            "panic, trap, stack overflow, memory limit, too much held or passed, exit: before the start",
            vec![
                Row::unstarted(json!({"ending": "panic-before"}), 500, INTERNAL, "Runtime.Panic", panic),
                Row::unstarted(json!({"ending": "exit", "code": 0}), 500, INTERNAL, "Runtime.Exit", returning),
                // A guest that keeps its stack in its memory, as Rust's do, runs out of that.
                Row::unstarted(json!({"ending": "stack"}), 500, INTERNAL, "Runtime.Trap", "out of bounds"),
                Row::unstarted(json!({"ending": "native-stack"}), 500, INTERNAL, "Runtime.StackOverflow", stack),
                Row::unstarted(json!({"ending": "memory"}), 500, INTERNAL, "Runtime.OutOfMemory", "48 MiB"),
                Row::unstarted(hoard("fields", 3_000), 500, INTERNAL, "Runtime.OutOfHostMemory", "FIRSTBYTE_HOST_MEMORY_MB"),
                Row::unstarted(hoard("failure", 9_000_000), 500, INTERNAL, "Runtime.CallTooLarge", "8 MiB"),
            ],
        ),
        group(
            "the same after the start",
            vec![
                Row::broken(json!({"ending": "panic-after"}), "started\n", "Runtime.Panic", panic),
                Row::event_stream("panic", INTERNAL, "Runtime.Panic", panic),
                Row::broken(json!({"ending": "exit", "code": 3, "started": true}), "started\n", "Runtime.Exit", returning),
                Row::broken(json!({"ending": "stack", "started": true}), "started\n", "Runtime.Trap", "out of bounds"),
                Row::broken(json!({"ending": "native-stack", "started": true}), "started\n", "Runtime.StackOverflow", stack),
                Row::broken(json!({"ending": "memory", "started": true}), "started\n", "Runtime.OutOfMemory", "48 MiB"),
            ],
        ),
        group("work fails after `finish`", vec![Row::complete(json!({"ending": "finish-then-work"}), 200, "finished\n")]),
    ];
    for group in &mut groups {
        group.function = group.function.clone().env("FIRSTBYTE_MEMORY_MB", "48");
    }
    groups.extend(deadlines());
    let limit = 1 << 20;
    groups.push(Group {
        row: "the response passes its limit",
        guest,
        function: Function::of(guest).env("FIRSTBYTE_RESPONSE_LIMIT_MB", "1"),
        deadline: None,
        endings: vec![
            Row::complete(json!({"ending": "ok", "bytes": limit}), 200, pattern(limit)),
            Row::broken(json!({"ending": "flood"}), pattern(limit), "Function.Refused", "refused after 1048576 bytes"),
            Row::broken(json!({"ending": "flood", "chunk": 1000}), pattern(1_048_000), "Function.Refused", "after 1048000 bytes"),
        ],
    });
    groups.push(Group {
        row: "`failure` before the start, 4xx, `FIRSTBYTE_CLIENT_ERRORS=failed`",
        guest,
        function: Function::of(guest).env("FIRSTBYTE_CLIENT_ERRORS", "failed"),
        deadline: None,
        endings: vec![Row::unstarted(before(json!({"status": 404})), 404, expected, "Function.Expected", expected)],
    });
    groups.push(Group {
        row: "`failure` after the start, `FIRSTBYTE_SSE_ERRORS=off`",
        guest,
        function: Function::of(guest).env("FIRSTBYTE_SSE_ERRORS", "off"),
        deadline: None,
        endings: vec![Row { last_words: None, ..Row::event_stream("fail", INTERNAL, "Function.Expected", expected) }],
    });
    groups.extend(worlds::groups());
    groups
}

fn deadlines() -> [Group; 2] {
    let kind = "Runtime.DeadlineExceeded";
    let message = "shortly before Lambda's deadline";
    let shown = "Gateway Timeout";
    let (timeout, function) = with_deadline(Guest::Endings);
    let group =
        |row, endings| Group { row, guest: Guest::Endings, function: function.clone(), deadline: Some(timeout / 2), endings };
    [
        group(
            "deadline before the start",
            vec![
                Row::unstarted(json!({"ending": "spin-before"}), 504, shown, kind, message),
                Row::unstarted(json!({"ending": "wait"}), 504, shown, kind, message),
            ],
        ),
        group(
            "deadline after the start",
            vec![
                Row::broken(json!({"ending": "spin-after"}), "started\n", kind, message),
                Row::broken(json!({"ending": "wait", "started": true}), "started\n", kind, message),
                Row::event_stream("spin", shown, kind, message),
            ],
        ),
    ]
}

/// A function that ends its handler after half of its timeout. That reserve is larger than anyone needs, so that a busy machine
/// does not meet Lambda's own deadline.
pub(crate) fn with_deadline(guest: Guest) -> (Duration, Function) {
    let timeout = Duration::from_millis(1500);
    (timeout, Function::of(guest).timeout(timeout).env("FIRSTBYTE_DEADLINE_RESERVE_MS", "3500"))
}

impl Group {
    /// Every ending at every door, one after the other, in one process.
    pub(crate) async fn hold(self) {
        let mut lambda = self.function.start().await;
        for ending in &self.endings {
            for door in Door::ALL {
                let Invoked { answer, seen } = ending.hold_at(door, &mut lambda).await;
                let row = format!("{}: {} at {door}", self.row, ending.ending);
                let logged = |level: &str| seen.printed().iter().any(|line| line.contains(&format!("\t{level}\t")));
                let is_warned = ending.level(door) == Some("WARN") || self.row.contains("trailers");
                assert_eq!(logged("WARN"), is_warned, "{row}: {:?}", seen.printed());
                assert!(ending.error.is_some() || self.row.contains("after `finish`") || !logged("ERROR"), "{row}");
                if let Some(deadline) = self.deadline {
                    let ended = answer.end_at;
                    assert!(ended >= deadline - Duration::from_millis(50), "{row}: ended after {ended:?}");
                    assert!(ended < deadline + Duration::from_millis(500), "{row}: ended after {ended:?}");
                }
            }
        }
        if self.deadline.is_none() {
            Row::complete(json!({"ending": "reuse"}), 200, "1").hold_at(Door::Url, &mut lambda).await;
        }
        assert_eq!(lambda.processes().len(), 1, "{}: no ending took the process with it", self.row);
    }
}

/// The fixture's bytes: the one at offset `n` is `n % 251`.
pub(crate) fn pattern(bytes: usize) -> Vec<u8> {
    (0..=250).cycle().take(bytes).collect()
}
