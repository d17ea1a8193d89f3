use std::time::Duration;

use firstbyte_testing::{Component, Event, Response};
use serde_json::json;

fn get(path: &str) -> Response {
    // On a paused clock the seconds of a stream take no time, and are counted.
    Component::of_this_crate().paused().invoke(Event::function_url().method("GET").path(path))
}

#[test]
fn routes_answer() {
    assert_eq!(get("/hello/hoge").text(), r#"{"message":"Hello, hoge!"}"#);
    assert_eq!(get("/").header("content-type"), Some("text/html; charset=utf-8"));
    let sum = Component::of_this_crate().invoke(Event::api_gateway().path("/sum").json(&json!([1, 2.5])));
    assert_eq!(sum.text(), r#"{"sum":3.5}"#);
}

#[test]
fn the_count_is_a_stream() {
    let response = get("/count?to=2");
    let [first, second] = response.chunks() else { panic!("not two chunks: {:?}", response.chunks()) };
    assert_eq!((first.text(), second.text()), ("1\n", "2\n"));
    assert!(second.at - first.at >= Duration::from_secs(1));
    assert!(response.log().iter().any(|line| line.message.starts_with("GET /count took ")), "{:?}", response.log());
}

#[test]
fn what_is_not_there_is_told() {
    assert_eq!(get("/nowhere").status(), 404);
    let response = get("/sum");
    assert_eq!((response.status(), response.header("allow")), (405, Some("POST")));
    assert_eq!(get("/count?to=many").status(), 400);
}
