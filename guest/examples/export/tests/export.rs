//! The export, as its author tests it.

use firstbyte_testing::{Component, Event};
use serde_json::json;
use std::sync::LazyLock;

static EXPORT: LazyLock<Component> = LazyLock::new(Component::of_this_crate);

#[test]
fn every_row_is_there() {
    for event in [Event::direct(&json!({ "rows": 10_000 })), Event::function_url().method("GET").path("/?rows=10000")] {
        let response = EXPORT.invoke(event);
        assert_eq!(response.status(), 200);
        assert_eq!(response.header("content-type"), Some("text/csv; charset=utf-8"));
        let text = response.text();
        let lines: Vec<&str> = text.split_terminator("\r\n").collect();
        assert_eq!(lines.len(), 10_001);
        assert_eq!(lines[0], "order,day,customer,amount");
        assert!(lines[1].starts_with("1,2026-") && lines[10_000].starts_with("10000,2026-"), "{} {}", lines[1], lines[10_000]);
        assert!(response.chunks().len() > 3 && response.outcome().is_success());
    }
}

#[test]
fn a_number_of_rows_is_a_number() {
    let response = EXPORT.invoke(Event::api_gateway().method("GET").path("/?rows=many"));
    assert_eq!(response.status(), 400);
    assert_eq!(response.text(), r#"{"message":"the query does not fit: rows: invalid digit found in string"}"#);
}
