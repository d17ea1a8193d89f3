//! The rows of the table that components of the standard worlds can express, and those that only they have.

use crate::row::{INTERNAL, Row};
use crate::table::{Group, pattern, with_deadline};
use firstbyte_tests::{Function, Guest};
use serde_json::{Value, json};

/// What both generations of `wasi:http` do alike, and what each does in its own way.
pub(crate) fn groups() -> Vec<Group> {
    [Guest::HttpP2, Guest::HttpP3].into_iter().flat_map(of).collect()
}

fn started(ending: &str) -> Value {
    json!({"ending": ending, "started": true})
}

fn of(guest: Guest) -> Vec<Group> {
    let function = Function::of(guest).env("FIRSTBYTE_MEMORY_MB", "48");
    let group = |row, endings| Group { row, guest, function: function.clone(), deadline: None, endings };
    let expected = "this was to be expected";
    let panic = "this panic was to be expected";
    let returning = "instead of returning";
    let head = |status: u16| Row::complete(json!({"ending": "head-only", "status": status}), status, "");
    let status = |status: u16, message| {
        Row::told_by_status(json!({"ending": "status", "status": status}), status, format!("this is a {status}\n"), message)
    };
    let mut groups = vec![
        group(
            "`ok` with a body",
            vec![
                Row::complete(json!({"ending": "ok"}), 200, pattern(1000)),
                Row::complete(json!({"ending": "ok", "bytes": 3_000_000, "writes": 7}), 200, pattern(3_000_000)),
                Row::complete(json!({"ending": "ok", "bytes": 20_000, "writes": 2_000}), 200, pattern(20_000)),
                Row::complete(json!({"ending": "status", "status": 206}), 206, "this is a 206\n"),
            ],
        ),
        group("`ok`, head only (200, 204, 302, 304)", [200, 204, 302, 304].map(head).into()),
        group(
            "a status of 400 or more (`wasi:http`)",
            vec![status(404, "the handler answered with status 404 Not Found"), status(503, "503 Service Unavailable")],
        ),
        group("trailers (`wasi:http`)", vec![Row::complete(json!({"ending": "trailers"}), 200, pattern(1000))]),
        group(
            "an error in place of a response (`wasi:http`)",
            vec![Row::unstarted(json!({"ending": "err-before"}), 500, INTERNAL, "Function.InternalError", expected)],
        ),
        group(
            "a head that is refused",
            vec![Row::unstarted(
                json!({"ending": "big-head", "bytes": 32 << 10}),
                500,
                INTERNAL,
                "Function.HeadError",
                "do not fit",
            )],
        ),
        group(
            "panic, trap, stack overflow, memory limit, too much held or passed, exit: before the start",
            vec![
                Row::unstarted(json!({"ending": "panic"}), 500, INTERNAL, "Runtime.Panic", panic),
                Row::unstarted(json!({"ending": "exit"}), 500, INTERNAL, "Runtime.Exit", returning),
                Row::unstarted(json!({"ending": "memory"}), 500, INTERNAL, "Runtime.OutOfMemory", "48 MiB"),
            ],
        ),
        group(
            "the same after the start",
            vec![
                Row::broken(started("panic"), "started\n", "Runtime.Panic", panic),
                Row::broken(started("exit"), "started\n", "Runtime.Exit", returning),
                Row::broken(started("memory"), "started\n", "Runtime.OutOfMemory", "48 MiB"),
                Row::broken(
                    json!({"ending": "hoard", "count": 3_000}),
                    "started\n",
                    "Runtime.OutOfHostMemory",
                    "FIRSTBYTE_HOST_MEMORY_MB",
                ),
            ],
        ),
        group("work fails after `finish`", vec![Row::complete(json!({"ending": "work-after"}), 200, "finished\n")]),
    ];
    let unfinished = "a body that is not finished, or ends with an error (`wasi:http`)";
    if guest == Guest::HttpP2 {
        let without = "the handler returned without a response";
        let never = Row::unstarted(json!({"ending": "never-answered"}), 500, INTERNAL, "Function.NoResponse", without);
        groups.push(group("no response (`wasi:http` 0.2)", vec![never]));
        let left = Row::broken(json!({"ending": "err-after"}), pattern(1000), "Function.BodyNotFinished", "did not finish");
        groups.push(group(unfinished, vec![left]));
    } else {
        let error = Row::broken(json!({"ending": "err-after"}), pattern(1000), "Function.InternalError", expected);
        groups.push(group(unfinished, vec![error]));
    }
    let flood = pattern(64 << 10).repeat(16);
    groups.push(Group {
        row: "the response passes its limit",
        guest,
        function: Function::of(guest).env("FIRSTBYTE_RESPONSE_LIMIT_MB", "1"),
        deadline: None,
        endings: vec![Row::broken(json!({"ending": "flood"}), flood, "Function.ResponseTooLarge", "FIRSTBYTE_RESPONSE_LIMIT_MB")],
    });
    groups.extend(deadlines(guest));
    groups
}

fn deadlines(guest: Guest) -> [Group; 2] {
    let kind = "Runtime.DeadlineExceeded";
    let message = "shortly before Lambda's deadline";
    let (timeout, function) = with_deadline(guest);
    let group = |row, endings| Group { row, guest, function: function.clone(), deadline: Some(timeout / 2), endings };
    let before = |ending: &str| Row::unstarted(json!({"ending": ending}), 504, "Gateway Timeout", kind, message);
    let after = |ending: &str| Row::broken(started(ending), "started\n", kind, message);
    [
        group("deadline before the start", ["spin", "wait"].map(before).into()),
        group("deadline after the start", ["spin", "wait"].map(after).into()),
    ]
}
