//! A paused clock, with a guest.

use firstbyte_testing::{Component, Event};
use serde_json::json;
use std::time::{Duration, Instant};

#[test]
fn a_handler_that_computes_for_ever_meets_its_deadline() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/guests/endings");
    let timeout = Duration::from_millis(600);
    let endings = Component::build(folder).unwrap_or_else(|error| panic!("{error}")).paused().timeout(timeout);
    for (ending, started) in [("spin-before", false), ("spin-after", true)] {
        let begun = Instant::now();
        let response = endings.invoke(Event::direct(&json!({ "ending": ending })));
        let took = begun.elapsed();
        let failure = response.outcome().failure().unwrap_or_else(|| panic!("{ending} ended by itself"));
        assert_eq!((failure.error_type.as_str(), response.is_started()), ("Runtime.DeadlineExceeded", started), "{ending}");
        // Computing is not skipped: the deadline is 200 ms before the timeout, and far from the tests' patience.
        assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(30), "{ending}: {took:?}");
    }
}
