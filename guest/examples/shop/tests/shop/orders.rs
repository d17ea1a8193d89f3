//! Orders, which only those see who made them.

use super::{Shop, json_of, request, signed_in};
use firstbyte_testing::Event;
use serde_json::json;

const PLACED: &str = "00000000-0000-4000-8000-000000000000";

fn of(user: &str, method: &str, path: &str) -> Event {
    signed_in(request(method, path), user, "")
}

#[test]
fn an_order_is_placed_and_paid_and_its_owners_only() {
    let shop = Shop::open();
    assert_eq!(shop.answer(request("POST", "/orders").cookie("cart=lamp.2")).status(), 401);
    assert_eq!(shop.answer(of("u-1", "POST", "/orders")).status(), 400);
    assert_eq!(shop.answer(of("u-1", "POST", "/orders").cookie("cart=desk.1")).status(), 404);

    let placed = shop.answer(of("u-1", "POST", "/orders").cookie("cart=lamp.2,chair.1"));
    assert_eq!((placed.status(), placed.header("location")), (201, Some(&*format!("/orders/{PLACED}"))));
    let order = json!({ "id": PLACED, "items": { "chair": 1, "lamp": 2 }, "cents": 8498, "state": "placed" });
    assert_eq!(json_of(&placed), order);
    assert!(placed.header("set-cookie").expect("a cookie").starts_with("cart=;"));
    let ordered = placed.log().iter().find(|line| line.message == "ordered").expect("a note");
    assert_eq!((ordered.level.as_str(), &ordered.members["cents"]), ("INFO", &json!(8498)));

    let path = format!("/orders/{PLACED}");
    assert_eq!(json_of(&shop.answer(of("u-1", "GET", "/orders"))), json!([order]));
    assert_eq!(json_of(&shop.answer(of("u-1", "GET", &path))), order);
    assert_eq!(json_of(&shop.answer(of("u-2", "GET", "/orders"))), json!([]));
    assert_eq!(shop.answer(of("u-2", "GET", &path)).status(), 404);
    assert_eq!(shop.answer(of("u-2", "POST", &format!("{path}/cancel"))).status(), 404);

    let payment = |event: Event| event.path("/webhooks/payment").json(&json!({ "user": "u-1", "order": PLACED }));
    for door in [Event::function_url(), Event::api_gateway()] {
        assert_eq!(shop.answer(payment(door.clone())).status(), 403);
        assert_eq!(shop.answer(payment(door.signed_by("arn:aws:sts::123456789012:assumed-role/other/x"))).status(), 403);
    }
    let role = "arn:aws:sts::123456789012:assumed-role/payments/x";
    assert_eq!(shop.answer(payment(Event::api_gateway().signed_by(role))).status(), 204);
    assert_eq!(json_of(&shop.answer(of("u-1", "GET", &path)))["state"], "paid");
    assert_eq!(shop.answer(of("u-1", "POST", &format!("{path}/cancel"))).status(), 409);
}

#[test]
fn an_order_tells_of_its_states_until_there_is_a_last_one() {
    let shop = Shop::open();
    let order = json!({ "id": "7", "items": {}, "cents": 1, "state": "placed" });
    shop.table.put("orders of u-1", "7", &order);
    assert_eq!(json_of(&shop.answer(of("u-1", "POST", "/orders/7/cancel")))["state"], "cancelled");
    let cancelled = "event: state\ndata: {\"id\":\"7\",\"items\":{},\"cents\":1,\"state\":\"cancelled\"}\n\n";
    let events = shop.answer(of("u-1", "GET", "/orders/7/events"));
    assert_eq!(events.text(), format!("retry: 3000\n\nid: Cancelled\n{cancelled}"));
    // A browser that knows the last state is told nothing twice.
    let again = shop.answer(of("u-1", "GET", "/orders/7/events").header("last-event-id", "Cancelled"));
    assert_eq!((again.text(), again.status()), (String::new(), 200));
    assert_eq!(shop.answer(of("u-2", "GET", "/orders/7/events")).status(), 404);

    // One that nobody pays is waited for, with pings, until the deadline.
    shop.table.put("orders of u-1", "8", &order);
    let waited = shop.answer(of("u-1", "GET", "/orders/8/events"));
    assert!(waited.text().contains(": ping\n\n") && !waited.outcome().is_success(), "{}", waited.text());
}
