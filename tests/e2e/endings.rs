//! Every way in which an invocation can end, at every door: what the caller sees, what Lambda counts, what the log says; and
//! that the same process serves the next invocation. "Endings" in DESIGN.md has the same table in words: [`table`] has its
//! rows by their first cells, and [`ELSEWHERE`] names the tests of those that take more than a call.

use firstbyte_emulator::EventKind;
use firstbyte_tests::{Answer, Call, Door, End, Function, Guest, Invoked, Lambda, send_signal};
use http::Method;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::time::Duration;

/// How the handler leaves its response.
enum Left {
    /// As it meant to.
    Complete,
    /// Not begun: an HTTP caller gets this status and these words.
    Unstarted(u16, &'static str),
    /// Begun, and failed.
    Broken,
}

/// One row of the table.
struct Row {
    /// What the handler is told to do.
    ending: Value,
    left: Left,
    /// The status that the handler gave, if it began.
    status: u16,
    /// What it wrote.
    wrote: Vec<u8>,
    /// What the host adds for readers of an event stream.
    last_words: Option<Value>,
    /// What Lambda counts, and a part of the message. The log has both.
    error: Option<(&'static str, &'static str)>,
}

/// What is said of a failure that is not the caller's business.
const INTERNAL: &str = "Internal Server Error";

/// What the fixture's event stream has before its end.
const EVENTS: &str = "data: 0\n\ndata: 1\n\ndata: 2\n\n";

impl Row {
    fn complete(ending: Value, status: u16, wrote: impl Into<Vec<u8>>) -> Self {
        Self { ending, left: Left::Complete, status, wrote: wrote.into(), last_words: None, error: None }
    }

    /// Fails before the response was started.
    fn unstarted(ending: Value, status: u16, shown: &'static str, error: &'static str, message: &'static str) -> Self {
        let left = Left::Unstarted(status, shown);
        Self { ending, left, status, wrote: Vec::new(), last_words: None, error: Some((error, message)) }
    }

    /// Fails after it was.
    fn broken(ending: Value, wrote: impl Into<Vec<u8>>, error: &'static str, message: &'static str) -> Self {
        let error = Some((error, message));
        Self { ending, left: Left::Broken, status: 200, wrote: wrote.into(), last_words: None, error }
    }

    async fn hold_at(&self, door: Door, lambda: &mut Lambda) -> Invoked {
        let mut invoked = lambda.invoke(door, Call::json(&self.ending)).await;
        let row = format!("{} at {door}", self.ending);
        self.hold_for_the_caller(door, &invoked.answer, &row);
        self.hold_for_lambda(door, &invoked, &row);
        if let Some((error, message)) = self.error {
            let record = format!("\tERROR\t{error}: ");
            lambda.until_printed(&mut invoked.seen, &record).await;
            lambda.until_printed(&mut invoked.seen, message).await;
        }
        invoked
    }

    /// A stream of events that fails after three of them; the host's last words have the same type.
    fn event_stream(then: &str, shown: &str, error: &'static str, message: &'static str) -> Self {
        let last_words = Some(json!({"errorType": error, "message": shown}));
        let ending = json!({"ending": "sse", "then": then});
        Self { last_words, ..Self::broken(ending, EVENTS, error, message) }
    }

    fn hold_for_the_caller(&self, door: Door, answer: &Answer, row: &str) {
        let (error, message) = self.error.unwrap_or_default();
        match (&self.left, door) {
            (Left::Complete, Door::Direct) => assert_eq!(answer.end, End::Complete { error: None, log: None }, "{row}"),
            (Left::Complete | Left::Broken, Door::Url | Door::Api) => {
                assert_eq!((answer.status.as_u16(), &answer.end), (self.status, &End::Clean), "{row}");
            }
            (Left::Broken, Door::Direct) => {
                assert_eq!(answer.error_code(), Some(error), "{row}: {:?}", answer.end);
                let details = answer.error_details().expect("details");
                assert_eq!(details["errorType"], error, "{row}");
                assert!(details["errorMessage"].as_str().is_some_and(|text| text.contains(message)), "{row}: {details}");
            }
            (Left::Unstarted(..), Door::Direct) => {
                // As on AWS: the document is the payload, and nothing says that it is one.
                assert_eq!((answer.content_type(), answer.error_code()), (Some("application/json"), None), "{row}");
                let document = answer.json();
                assert_eq!(document["errorType"], error, "{row}");
                assert!(document["errorMessage"].as_str().is_some_and(|text| text.contains(message)), "{row}: {document}");
                return;
            }
            (Left::Unstarted(status, shown), Door::Url | Door::Api) => {
                assert_eq!((answer.status.as_u16(), &answer.end), (*status, &End::Clean), "{row}: {}", answer.text());
                assert_eq!(answer.content_type(), Some("application/json"), "{row}");
                assert_eq!(answer.json(), json!({"message": shown}), "{row}: and nothing internal");
                return;
            }
        }
        let bytes = answer.bytes();
        let (wrote, rest) = bytes.split_at_checked(self.wrote.len()).unwrap_or((&bytes, &[]));
        assert_eq!((wrote.len(), wrote == self.wrote), (self.wrote.len(), true), "{row}: {}", answer.text());
        let rest = String::from_utf8_lossy(rest);
        match &self.last_words {
            None => assert_eq!(rest, "", "{row}"),
            Some(data) => {
                let event = rest.strip_prefix("\n\nevent: error\ndata: ").unwrap_or_else(|| panic!("{row}: {rest:?}"));
                assert_eq!(&serde_json::from_str::<Value>(event.trim_end()).expect("JSON"), data, "{row}");
                assert!(event.ends_with("\n\n"), "{row}");
            }
        }
    }

    fn hold_for_lambda(&self, door: Door, invoked: &Invoked, row: &str) {
        let seen = &invoked.seen;
        let (error, message) = self.error.unzip();
        assert_eq!(seen.error_type(), error, "{row}");
        assert!(seen.error_message().contains(message.unwrap_or_default()), "{row}: {}", seen.error_message());
        assert!(!seen.platform().iter().any(|line| line.contains("Task timed out")), "{row}");
        let hidden = door.is_http() && error.is_some();
        assert_eq!(!seen.not_shown().is_empty(), hidden, "{row}: {:?}", seen.not_shown());
    }
}

/// A row of DESIGN.md's table, and the endings that are examples of it.
struct Group {
    /// The first cell.
    row: &'static str,
    function: Function,
    /// When the handler is ended, if it does not return.
    deadline: Option<Duration>,
    endings: Vec<Row>,
}

/// Rows of DESIGN.md's table that tests of their own hold.
const ELSEWHERE: [(&str, &str); 5] = [
    ("a HEAD request, whatever the ending", "head_requests_end_like_others"),
    ("the client leaves", "a_client_that_leaves_does_not_stop_the_handler"),
    ("Lambda closes its side", "host/runtime/tests/faults.rs"),
    ("the host's process dies", "a_host_that_dies_is_replaced"),
    ("any of them, `FIRSTBYTE_RESPONSE=buffered`", "buffered_doors_show_successes_whole_and_failures_as_502"),
];

fn table() -> Vec<Group> {
    let group = |row, endings| Group { row, function: Function::of(Guest::Endings), deadline: None, endings };
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
            vec![Row::unstarted(before(json!({"status": 404})), 404, expected, "Function.Expected", expected)],
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
            ],
        ),
        group(
            "panic, trap, stack overflow, memory limit, exit: before the start",
            vec![
                Row::unstarted(json!({"ending": "panic-before"}), 500, INTERNAL, "Runtime.Panic", panic),
                Row::unstarted(json!({"ending": "exit", "code": 0}), 500, INTERNAL, "Runtime.Exit", returning),
                // A guest that keeps its stack in its memory, as Rust's do, runs out of that.
                Row::unstarted(json!({"ending": "stack"}), 500, INTERNAL, "Runtime.Trap", "out of bounds"),
                Row::unstarted(json!({"ending": "native-stack"}), 500, INTERNAL, "Runtime.StackOverflow", stack),
                Row::unstarted(json!({"ending": "memory"}), 500, INTERNAL, "Runtime.OutOfMemory", "48 MiB"),
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
        function: Function::of(Guest::Endings).env("FIRSTBYTE_RESPONSE_LIMIT_MB", "1"),
        deadline: None,
        endings: vec![
            Row::complete(json!({"ending": "ok", "bytes": limit}), 200, pattern(limit)),
            Row::broken(json!({"ending": "flood"}), pattern(limit), "Function.Refused", "refused after 1048576 bytes"),
            Row::broken(json!({"ending": "flood", "chunk": 1000}), pattern(1_048_000), "Function.Refused", "after 1048000 bytes"),
        ],
    });
    groups.push(Group {
        row: "`failure` after the start, `FIRSTBYTE_SSE_ERRORS=off`",
        function: Function::of(Guest::Endings).env("FIRSTBYTE_SSE_ERRORS", "off"),
        deadline: None,
        endings: vec![Row { last_words: None, ..Row::event_stream("fail", INTERNAL, "Function.Expected", expected) }],
    });
    groups
}

fn deadlines() -> [Group; 2] {
    let kind = "Runtime.DeadlineExceeded";
    let message = "shortly before Lambda's deadline";
    let shown = "Gateway Timeout";
    // The reserve is larger than anyone needs, so that a busy machine does not meet Lambda's own deadline. At most half of the
    // time is reserved.
    let timeout = Duration::from_millis(1500);
    let function = Function::of(Guest::Endings).timeout(timeout).env("FIRSTBYTE_DEADLINE_RESERVE_MS", "3500");
    let group = |row, endings| Group { row, function: function.clone(), deadline: Some(timeout / 2), endings };
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

impl Group {
    /// Every ending at every door, one after the other, in one process.
    async fn hold(self) {
        let mut lambda = self.function.start().await;
        for ending in &self.endings {
            for door in Door::ALL {
                let Invoked { answer, seen } = ending.hold_at(door, &mut lambda).await;
                let row = format!("{}: {} at {door}", self.row, ending.ending);
                let logged = |level: &str| seen.printed().iter().any(|line| line.contains(&format!("\t{level}\t")));
                assert!(!logged("WARN"), "{row}: {:?}", seen.printed());
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

#[tokio::test]
async fn every_ending_at_every_door() {
    for group in table() {
        group.hold().await;
    }
}

#[tokio::test]
async fn buffered_doors_show_successes_whole_and_failures_as_502() {
    let function = Function::of(Guest::Endings).env("FIRSTBYTE_MEMORY_MB", "48").env("FIRSTBYTE_RESPONSE_LIMIT_MB", "5");
    let mut lambda = function.buffered().start().await;
    let quick = table().into_iter().filter(|group| group.deadline.is_none() && group.row != "the response passes its limit");
    for ending in quick.flat_map(|group| group.endings) {
        for door in Door::HTTP {
            let Invoked { answer, mut seen } = lambda.invoke(door, Call::json(&ending.ending)).await;
            let row = format!("{} at {door}, buffered", ending.ending);
            assert_eq!((seen.error_type(), &answer.end), (ending.error.map(|(error, _)| error), &End::Clean), "{row}");
            if let Some((error, _)) = ending.error {
                let said = if door == Door::Url { "Internal Server Error" } else { r#"{"message":"Internal server error"}"# };
                assert_eq!((answer.status.as_u16(), answer.text().as_str()), (502, said), "{row}");
                lambda.until_printed(&mut seen, &format!("\tERROR\t{error}: ")).await;
            } else {
                assert_eq!((answer.status.as_u16(), answer.bytes() == ending.wrote), (ending.status, true), "{row}");
            }
        }
    }
    assert_eq!(lambda.processes().len(), 1);
}

#[test]
fn the_table_has_the_rows_of_the_design() {
    let design = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../DESIGN.md")).expect("it is there");
    let section = design.split("\n## ").find(|section| section.starts_with("Endings\n")).expect("the section");
    let cells = |line: &str| line.strip_prefix("| ").and_then(|line| line.split(" |").next()).map(str::to_owned);
    // Without the heading.
    let mut designed: Vec<String> = section.lines().filter_map(cells).skip(1).collect();
    let table = table();
    let mut held: Vec<&str> = table.iter().map(|group| group.row).chain(ELSEWHERE.map(|(row, _)| row)).collect();
    designed.sort_unstable();
    held.sort_unstable();
    assert_eq!(designed, held);
}

fn pattern(bytes: usize) -> Vec<u8> {
    (0..=250).cycle().take(bytes).collect()
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
async fn a_head_that_api_gateway_cannot_take() {
    let mut lambda = Function::of(Guest::Endings).start().await;
    let ending = json!({"ending": "big-head", "bytes": 20_000});
    let row = Row::unstarted(ending.clone(), 500, INTERNAL, "Function.HeadError", "do not fit");
    for door in Door::HTTP {
        row.hold_at(door, &mut lambda).await;
    }
    // A direct caller gets no head.
    Row::complete(ending, 200, "accepted\n").hold_at(Door::Direct, &mut lambda).await;
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
