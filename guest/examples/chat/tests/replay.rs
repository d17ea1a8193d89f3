//! A failure that was recorded: the model stalls for 17 seconds, goes on, and breaks off. `firstbyte serve` and a model on the same
//! machine made the file.

use firstbyte_testing::{Component, Recording};

const FAILURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stalls-and-breaks.json");

fn failure() -> Recording {
    Recording::open(FAILURE).unwrap_or_else(|error| panic!("{error}"))
}

fn chat(recording: &Recording, model: &str) -> Component {
    let servers = recording.servers();
    let [server] = &servers[..] else { panic!("one model was asked, and not {servers:?}") };
    // What the handler saw, but for the key.
    Component::of_this_crate_with([("CHAT_BASE_URL", &**server), ("CHAT_MODEL", model), ("FIRSTBYTE_ALLOW_HTTP", server)])
}

#[test]
fn a_model_that_stalls_and_breaks_is_told_as_it_was_recorded_a_hundred_times() {
    let failure = failure();
    let chat = chat(&failure, "small");
    let mut bodies = std::collections::BTreeSet::new();
    for _ in 0..100 {
        let replay = failure.replay(&chat);
        replay.assert_same();
        bodies.insert(replay.response().text());
    }
    let [body] = &bodies.iter().collect::<Vec<_>>()[..] else { panic!("not one body: {bodies:?}") };
    assert!(body.contains(": ping\n\n") && body.contains("event: error\n"), "{body}");
}

#[test]
fn another_model_is_a_difference() {
    let failure = failure();
    let replay = failure.replay(&chat(&failure, "large"));
    let difference = replay.difference().expect("it asks for another model").to_string();
    assert!(difference.contains("\"model\":\"small\"") && difference.contains("\"model\":\"large\""), "{difference}");
}
