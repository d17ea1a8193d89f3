use std::time::Duration;

use firstbyte_testing::{Component, Event};
use serde_json::json;

#[test]
fn greets_at_every_door() {
    // On a paused clock two seconds take no time, and are counted.
    let greeting = Component::of_this_crate().paused();
    for event in Event::at_every_door(&json!({ "name": "hoge" })) {
        let response = greeting.invoke(event);
        assert!(response.outcome().is_success());
        let [first, second] = response.chunks() else { panic!("not two chunks: {:?}", response.chunks()) };
        assert_eq!(first.text(), "Hello, this is a streamed response!\n");
        assert_eq!(second.text(), "Hello, hoge! This is a delayed message.\n");
        assert!(second.at - first.at >= Duration::from_secs(2));
    }
}

#[test]
fn asks_for_a_name() {
    let response = Component::of_this_crate().invoke(Event::function_url().json(&json!({})));
    assert_eq!(response.status(), 400);
}
