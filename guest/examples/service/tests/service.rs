//! The service as it is, in front of Lambda's doors.

use firstbyte_testing::{Component, Event};
use serde_json::json;
use std::sync::LazyLock;
use std::time::Duration;

static SERVICE: LazyLock<Component> = LazyLock::new(|| Component::of_this_crate().paused());

#[test]
fn the_greeting_streams_at_every_door() {
    for event in Event::at_every_door(&json!({ "name": "hoge" })) {
        let response = SERVICE.invoke(event);
        assert!(response.outcome().is_success(), "{response:?}");
        assert_eq!(response.header("content-type"), Some("text/plain"));
        let [first, second] = response.chunks() else { panic!("not two chunks: {:?}", response.chunks()) };
        assert_eq!(first.text(), "Hello, this is a streamed response!\n");
        assert_eq!(second.text(), "Hello, hoge! This is a delayed message.\n");
        assert!(second.at - first.at >= Duration::from_secs(2), "{:?} and {:?}", first.at, second.at);
    }
}

#[test]
fn a_bad_payload_has_a_status_of_its_own() {
    let response = SERVICE.invoke(Event::function_url().json(&json!([])));
    assert_eq!((response.status(), response.text().contains("send a JSON object")), (400, true));
    assert!(response.outcome().is_success());
    let response = SERVICE.invoke(Event::direct(&json!([])));
    assert_eq!(response.outcome().failure().map(|failure| failure.error_type.as_str()), Some("Function.HttpStatus"));
}
