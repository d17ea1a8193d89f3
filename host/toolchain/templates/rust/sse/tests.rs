use firstbyte_testing::{Component, Event};

#[test]
fn counts_and_says_that_it_is_done() {
    // On a paused clock the seconds take no time, and are counted.
    let response = Component::of_this_crate().paused().invoke(Event::function_url().method("GET").path("/?count=2"));
    assert_eq!(response.header("content-type"), Some("text/event-stream"));
    let events: Vec<(u64, &str)> = response.chunks().iter().map(|chunk| (chunk.at.as_secs(), chunk.text())).collect();
    assert_eq!(
        events,
        [(1, "data: {\"tick\":1}\n\n"), (2, "data: {\"tick\":2}\n\n"), (2, "event: done\ndata: \n\n")]
    );
    assert!(response.outcome().is_success());
}

#[test]
fn asks_for_a_number() {
    let response = Component::of_this_crate().invoke(Event::function_url().method("GET").path("/?count=many"));
    assert_eq!(response.status(), 400);
}
