//! The application as it is, in front of Lambda's doors.

use firstbyte_testing::{Component, Event};
use serde_json::json;
use std::sync::LazyLock;
use std::time::Duration;

static APP: LazyLock<Component> = LazyLock::new(|| Component::of_this_crate().paused());

fn get(door: Event, path: &str) -> Event {
    door.method("GET").path(path)
}

#[test]
fn the_greeting_streams_at_every_door() {
    for event in Event::at_every_door(&json!({ "name": "hoge" })) {
        let response = APP.invoke(event);
        assert!(response.outcome().is_success(), "{response:?}");
        let [first, second] = response.chunks() else { panic!("not two chunks: {:?}", response.chunks()) };
        assert_eq!(first.text(), "Hello, this is a streamed response!\n");
        assert_eq!(second.text(), "Hello, hoge! This is a delayed message.\n");
        assert!(second.at - first.at >= Duration::from_secs(2), "{:?} and {:?}", first.at, second.at);
    }
}

#[test]
fn routes_answer_with_their_status() {
    for door in [Event::function_url(), Event::api_gateway()] {
        let response = APP.invoke(get(door, "/items/7"));
        assert_eq!((response.status(), response.text()), (200, r#"{"id":7,"name":"item 7"}"#.to_owned()));
    }
    let response = APP.invoke(get(Event::function_url(), "/items/0"));
    assert_eq!((response.status(), response.text()), (404, "there is no item 0\n".to_owned()));
    assert!(response.outcome().is_success(), "a 404 is an answer: {response:?}");
    assert_eq!(APP.invoke(get(Event::function_url(), "/nowhere")).status(), 404);
    let response = APP.invoke(Event::function_url().path("/sum").json(&json!([1, 2, 39])));
    assert_eq!((response.status(), response.text()), (200, "42".to_owned()));
    let response = APP.invoke(Event::function_url().path("/sum").json(&json!("no numbers")));
    assert_eq!(response.status(), 422, "axum's own answer: {response:?}");
}

#[test]
fn events_leave_one_by_one() {
    let response = APP.invoke(get(Event::function_url(), "/ticks?count=3"));
    assert_eq!(response.header("content-type"), Some("text/event-stream"));
    assert_eq!(response.chunks().len(), 3, "{:?}", response.chunks());
    assert_eq!(response.chunks()[2].text(), "event: tick\ndata: 2\n\n");
    assert!(response.chunks()[2].at >= Duration::from_millis(300));
}

#[test]
fn what_lambda_knows_cannot_be_forged() {
    let response = APP.invoke(get(Event::function_url(), "/whoami").header("x-firstbyte-request-id", "forged"));
    assert_eq!(response.text(), "00000000-0000-4000-8000-000000000000\n");
}
