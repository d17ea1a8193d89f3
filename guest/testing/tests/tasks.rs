//! What an async handler does at once, and that it takes as long as the longest of it.

use firstbyte_testing::{Component, Event, Response};
use serde_json::json;

fn run(tasks: &Component, scenario: &str) -> Response {
    tasks.invoke(Event::direct(&json!(scenario)))
}

#[test]
fn tasks_wait_together_and_end_together() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/guests/tasks");
    let tasks = Component::build(folder).unwrap_or_else(|error| panic!("{error}")).paused();
    for (scenario, expected) in [
        ("join", vec![(3, "one two three\n")]),
        ("many", vec![(1, "499500\n")]),
        ("channel", vec![(1, "word\n")]),
        ("cancel", vec![(1, "dropped\n")]),
        ("detach", vec![(0, "returned\n"), (1, "later\n")]),
        ("busy", vec![(0, "awake\n")]),
        ("timeout", vec![(1, "Err(Elapsed)\n"), (2, "Ok(\"one\") Ok(\"now\")\n")]),
        // One that was missed is not made up for.
        ("interval", vec![(2, "tick\n"), (4, "tick\n"), (9, "tick\n"), (11, "tick\n")]),
    ] {
        let response = run(&tasks, scenario);
        let lines: Vec<_> = response.chunks().iter().map(|chunk| (chunk.at.as_secs(), chunk.text())).collect();
        assert_eq!(lines, expected, "{scenario}");
        assert!(response.outcome().is_success(), "{scenario}: {:?}", response.outcome());
    }

    let stuck = run(&tasks, "stuck");
    let failure = stuck.outcome().failure().expect("it cannot end well");
    assert_eq!(failure.error_type, "Runtime.Panic");
    assert!(failure.error_message.contains("the handler waits for what cannot happen"), "{}", failure.error_message);

    let written = run(&tasks, "async-body");
    assert!(written.outcome().is_success(), "{:?}", written.outcome());
    assert_eq!(written.text(), format!("copied\nabc\n{}\n", "x".repeat(100_000)));
}
