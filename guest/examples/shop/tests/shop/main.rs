//! The shop, as its authors test it: the test is DynamoDB.

mod cart;
mod dynamodb;
mod files;
mod items;
mod orders;

use dynamodb::Table;
use firstbyte_testing::{Component, Event, Response};
use serde_json::{Value, json};
use std::time::Duration;

/// The shop, and what is in its table.
struct Shop {
    component: Component,
    table: Table,
}

impl Shop {
    /// With a lamp and a chair, on a paused clock.
    fn open() -> Self {
        let table = Table::default();
        table.put("items", "chair", &json!({ "id": "chair", "name": "Chair", "cents": 4500, "stock": 1, "tags": ["new"] }));
        table.put(
            "items",
            "lamp",
            &json!({ "id": "lamp", "name": "Lamp, \"small\"", "cents": 1999, "stock": 3, "tags": ["new", "small"] }),
        );
        let assets = concat!(env!("CARGO_MANIFEST_DIR"), "/assets");
        let environment = [
            ("AWS_REGION", "eu-central-1"),
            ("AWS_LAMBDA_FUNCTION_NAME", "shop"),
            ("SHOP_TABLE", dynamodb::TABLE),
            ("SHOP_ASSETS", assets),
            ("FIRSTBYTE_ALLOW_READ", assets),
            ("FIRSTBYTE_ALLOW_HTTP", dynamodb::ORIGIN),
            ("FIRSTBYTE_SIGN_AWS", "dynamodb"),
            ("AWS_ACCESS_KEY_ID", dynamodb::KEY_ID),
            ("AWS_SECRET_ACCESS_KEY", "the handler never sees it"),
        ];
        let component = Component::of_this_crate_with(environment).answering(dynamodb::ORIGIN, &table.upstream());
        Self { component: component.paused().timeout(Duration::from_secs(90)), table }
    }

    fn answer(&self, event: Event) -> Response {
        self.component.invoke(event)
    }

    fn get(&self, path: &str) -> Response {
        self.answer(request("GET", path))
    }
}

fn request(method: &str, path: &str) -> Event {
    Event::function_url().method(method).path(path)
}

fn signed_in(event: Event, sub: &str, groups: &str) -> Event {
    event.claims(&json!({ "sub": sub, "cognito:groups": groups }))
}

fn json_of(response: &Response) -> Value {
    serde_json::from_str(&response.text()).unwrap_or_else(|error| panic!("{error}: {}", response.text()))
}

#[test]
fn what_is_not_there_is_told_and_which_methods_are() {
    let shop = Shop::open();
    for (method, path, status, allow) in [
        ("GET", "/nowhere", 404, None),
        ("GET", "/items/", 404, None),
        ("POST", "/", 405, Some("GET, HEAD")),
        ("POST", "/items/lamp", 405, Some("DELETE, GET, HEAD, PATCH, PUT")),
        ("OPTIONS", "/cart", 405, Some("DELETE, GET, HEAD, POST")),
        ("HEAD", "/health", 200, None),
    ] {
        for door in [Event::function_url(), Event::api_gateway()] {
            let response = shop.answer(signed_in(door.method(method).path(path), "u-1", "editors"));
            assert_eq!((response.status(), response.header("allow")), (status, allow), "{method} {path}");
            assert!(response.outcome().is_success(), "a caller's mistake is none of the function's");
        }
    }
    // API Gateway delivers decoded paths: what is not UTF-8 only comes through a Function URL.
    assert_eq!(shop.get("/items/%FF").status(), 400);
    let direct = shop.answer(Event::direct(&json!({})));
    assert_eq!(json_of(&direct), json!({ "routes": "over HTTP" }));
}

#[test]
fn whoever_calls_is_known_alike_at_both_doors() {
    let shop = Shop::open();
    for (door, stage) in [(Event::function_url(), "$default"), (Event::api_gateway().stage("live"), "live")] {
        let me = door.method("GET").path("/me").header("User-Agent", "curl/8").source_ip("192.0.2.7");
        let known = |event: Event| json_of(&shop.answer(event));
        let anonymous = json!({ "from": "192.0.2.7", "agent": "curl/8", "stage": stage, "signed": null, "subject": null });
        assert_eq!(known(me.clone()), anonymous);
        let arn = "arn:aws:iam::123456789012:user/somebody";
        assert_eq!(known(me.clone().signed_by(arn))["signed"], arn);
        assert_eq!(known(signed_in(me, "u-1", ""))["subject"], "u-1");
    }
    assert_eq!(json_of(&shop.get("/version")), json!({ "function": "shop", "version": null }));
}

#[test]
fn each_request_is_noted_with_its_route() {
    let shop = Shop::open();
    for (path, route, failed) in
        [("/items/lamp", "/items/{id}", false), ("/items/none", "/items/{id}", true), ("/nowhere", "none", true)]
    {
        let response = shop.get(path);
        let noted = response.log().iter().find(|line| line.message == "answered").expect("a note");
        let members = json!({ "route": route, "failed": failed, "target": "shop::access" });
        assert_eq!((noted.level.as_str(), Value::Object(noted.members.clone())), ("INFO", members));
    }
}
