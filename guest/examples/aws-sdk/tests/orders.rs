//! What AWS's SDK makes of the host: pages, retries that wait, and the host's signature in the place of its own.

use firstbyte_testing::{Answer, Component, Event, Upstream, UpstreamRequest};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const DYNAMODB: &str = "https://dynamodb.eu-central-1.amazonaws.com";

fn orders(dynamodb: &Upstream) -> Component {
    let environment = [
        ("AWS_REGION", "eu-central-1"),
        ("ORDERS_TABLE", "orders"),
        ("FIRSTBYTE_ALLOW_HTTP", DYNAMODB),
        ("FIRSTBYTE_SIGN_AWS", "dynamodb"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
    ];
    Component::of_this_crate_with(environment).answering(DYNAMODB, dynamodb).paused()
}

/// Two pages.
fn page(request: &UpstreamRequest) -> Answer {
    let item = |number: u32| json!({ "number": { "N": number.to_string() } });
    let input: Value = serde_json::from_slice(&request.body).expect("JSON");
    let page = if input["ExclusiveStartKey"].is_null() {
        json!({ "Items": [item(1), item(2)], "LastEvaluatedKey": item(2) })
    } else {
        json!({ "Items": [item(3)] })
    };
    Answer::new(200).header("content-type", "application/x-amz-json-1.0").chunk(page.to_string())
}

#[test]
fn a_query_is_answered_page_by_page_and_signed_by_the_host() {
    let dynamodb = Upstream::new(page);
    let response = orders(&dynamodb).invoke(Event::direct(&json!({ "customer": "hoge" })));
    assert!(response.outcome().is_success(), "{:?}", response.outcome());
    assert_eq!(response.text(), "1\n2\n3\n");
    let requests = dynamodb.requests();
    assert_eq!(requests.len(), 2);
    for request in requests {
        assert_eq!(request.header("x-amz-target"), Some("DynamoDB_20120810.Query"));
        let signed = request.signed().expect("a signature");
        assert_eq!((&*signed.key_id, &*signed.service), ("AKIDEXAMPLE", "dynamodb"));
    }
}

#[test]
fn a_table_without_capacity_is_asked_again_after_a_while() {
    let asked = AtomicUsize::new(0);
    let dynamodb = Upstream::new(move |request| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => Answer::new(400).chunk(json!({ "__type": "x#ProvisionedThroughputExceededException", "message": "no" }).to_string()),
        1 => Answer::new(500).after(Duration::from_secs(2)).chunk("{}"),
        _ => page(request),
    });
    let response = orders(&dynamodb).invoke(Event::direct(&json!({ "customer": "hoge" })));
    assert_eq!(response.text(), "1\n2\n3\n", "{:?}", response.outcome());
    assert_eq!(dynamodb.requests().len(), 4);
    assert!(response.chunks()[0].at >= Duration::from_secs(2));
}
