//! The orders, with DynamoDB played by the test: what it is asked, who signed that, and when the lines come.

use firstbyte_testing::{Answer, Component, Event, Response, Upstream, UpstreamRequest};
use serde_json::{Value, json};
use std::time::Duration;

const DYNAMODB: &str = "https://dynamodb.eu-central-1.amazonaws.com";

/// The function's settings, and credentials as Lambda gives them to a function, of nobody's.
const ENVIRONMENT: [(&str, &str); 7] = [
    ("AWS_REGION", "eu-central-1"),
    ("ORDERS_TABLE", "orders"),
    ("FIRSTBYTE_ALLOW_HTTP", DYNAMODB),
    ("FIRSTBYTE_SIGN_AWS", "dynamodb"),
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
    ("AWS_SESSION_TOKEN", "a session"),
];

fn orders(dynamodb: &Upstream) -> Component {
    Component::of_this_crate_with(ENVIRONMENT).answering(DYNAMODB, dynamodb).paused()
}

fn input(request: &UpstreamRequest) -> Value {
    serde_json::from_slice(&request.body).expect("JSON")
}

/// Three pages, each a second after it was asked for; the last is empty, as DynamoDB's may be.
fn three_pages(request: &UpstreamRequest) -> Answer {
    let page = match input(request)["ExclusiveStartKey"]["number"]["N"].as_str() {
        None => json!({
            "Items": [
                { "customer": { "S": "hoge" }, "number": { "N": "1" }, "paid": { "BOOL": true }, "note": { "NULL": true } },
                { "customer": { "S": "hoge" }, "number": { "N": "2" }, "total": { "N": "12.5" }, "tags": { "SS": ["a", "b"] } },
            ],
            "LastEvaluatedKey": { "customer": { "S": "hoge" }, "number": { "N": "2" } },
        }),
        Some("2") => json!({
            "Items": [{
                "customer": { "S": "hoge" },
                "number": { "N": "3" },
                "lines": { "L": [{ "M": { "item": { "S": "lamp" }, "count": { "N": "2" } } }] },
                "exact": { "N": "12345678901234567890123456789.000000001" },
            }],
            "LastEvaluatedKey": { "customer": { "S": "hoge" }, "number": { "N": "3" } },
        }),
        Some(_) => json!({ "Items": [] }),
    };
    Answer::new(200).header("content-type", "application/x-amz-json-1.0").after(Duration::from_secs(1)).chunk(page.to_string())
}

fn refused(kind: &str) -> Answer {
    let body = json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": "the table says no" });
    Answer::new(400).chunk(body.to_string())
}

fn lines(response: &Response) -> Vec<Value> {
    response.text().lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

#[test]
fn every_page_is_on_its_way_when_it_has_come() {
    let dynamodb = Upstream::new(three_pages);
    let orders = orders(&dynamodb);
    for event in [
        Event::direct(&json!({ "customer": "hoge" })),
        Event::function_url().method("GET").path("/?customer=hoge"),
        Event::api_gateway().method("GET").path("/?customer=hoge"),
    ] {
        let response = orders.invoke(event);
        assert!(response.outcome().is_success(), "{:?}", response.outcome());
        assert_eq!(response.header("content-type"), Some("application/x-ndjson"));
        assert_eq!(
            lines(&response),
            [
                json!({ "customer": "hoge", "number": 1, "paid": true, "note": null }),
                json!({ "customer": "hoge", "number": 2, "total": 12.5, "tags": ["a", "b"] }),
                json!({
                    "customer": "hoge",
                    "number": 3,
                    "lines": [{ "item": "lamp", "count": 2 }],
                    "exact": "12345678901234567890123456789.000000001",
                }),
                json!({ "orders": 3 }),
            ]
        );
        let seconds: Vec<u64> = response.chunks().iter().map(|chunk| chunk.at.as_secs()).collect();
        assert_eq!(seconds, [1, 2, 3], "{:?}", response.chunks());
    }
}

#[test]
fn what_is_asked_is_signed_by_the_host_with_the_functions_role() {
    let dynamodb = Upstream::new(three_pages);
    let response = orders(&dynamodb).invoke(Event::direct(&json!({ "customer": "hoge" })));
    assert!(response.outcome().is_success());
    let requests = dynamodb.requests();
    assert_eq!(requests.len(), 3);
    for request in &requests {
        assert_eq!(request.header("x-amz-target"), Some("DynamoDB_20120810.Query"));
        let input = input(request);
        assert_eq!((&input["TableName"], &input["KeyConditionExpression"]), (&json!("orders"), &json!("customer = :customer")));
        assert_eq!(input["ExpressionAttributeValues"], json!({ ":customer": { "S": "hoge" } }));
        let signed = request.signed().expect("a signature");
        assert_eq!((&*signed.key_id, &*signed.region, &*signed.service), ("AKIDEXAMPLE", "eu-central-1", "dynamodb"));
        assert_eq!(request.header("x-amz-security-token"), Some("a session"));
    }
}

#[test]
fn without_credentials_nothing_is_sent_whoever_runs_the_test() {
    let dynamodb = Upstream::new(three_pages);
    let own = ENVIRONMENT.into_iter().filter(|(name, _)| !name.contains("KEY") && !name.contains("TOKEN"));
    let orders = Component::of_this_crate_with(own).answering(DYNAMODB, &dynamodb).paused();
    let response = orders.invoke(Event::function_url().method("GET").path("/?customer=hoge"));
    assert_eq!(response.status(), 500);
    let log = response.log().iter().map(|line| &*line.message).collect::<Vec<_>>().join("\n");
    assert!(log.contains("a request to AWS was not signed: neither AWS_ACCESS_KEY_ID nor"), "{log}");
    assert!(dynamodb.requests().is_empty());
}

#[test]
fn a_table_without_capacity_is_asked_again_and_then_the_caller_is_told() {
    let dynamodb = Upstream::new(|_| refused("ProvisionedThroughputExceededException"));
    let response = orders(&dynamodb).invoke(Event::function_url().method("GET").path("/?customer=hoge"));
    assert_eq!((response.status(), dynamodb.requests().len()), (503, 4));
    assert_eq!(response.outcome().failure().map(|failure| failure.error_type.as_str()), Some("Function.DynamoDb"));

    let dynamodb = Upstream::new(|_| refused("ResourceNotFoundException"));
    let response = orders(&dynamodb).invoke(Event::direct(&json!({ "customer": "hoge" })));
    let failure = response.outcome().failure().expect("a failure");
    assert_eq!(failure.error_message, "ResourceNotFoundException: the table says no");
    assert_eq!(dynamodb.requests().len(), 1);
}

#[test]
fn a_query_that_fails_half_way_does_not_look_complete() {
    let dynamodb = Upstream::new(|request| {
        let first = input(request)["ExclusiveStartKey"].is_null();
        if first { three_pages(request) } else { refused("ResourceNotFoundException") }
    });
    let response = orders(&dynamodb).invoke(Event::function_url().method("GET").path("/?customer=hoge"));
    assert_eq!((response.status(), lines(&response).len()), (200, 2));
    assert!(lines(&response).iter().all(|line| line["orders"].is_null()), "the last line is missing");
    assert!(!response.outcome().is_success());
}

#[test]
fn who_names_no_customer_is_told() {
    let dynamodb = Upstream::new(three_pages);
    let orders = orders(&dynamodb);
    for event in [Event::function_url().method("GET").path("/"), Event::api_gateway().method("GET").path("/?customers=hoge")] {
        let response = orders.invoke(event);
        assert_eq!(response.status(), 400);
        assert!(response.text().contains("customer"), "{}", response.text());
    }
    assert!(dynamodb.requests().is_empty());
}
