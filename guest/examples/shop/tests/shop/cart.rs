//! The cart, which lives in a cookie.

use super::{Shop, json_of, request};
use firstbyte_testing::{Event, Response};
use serde_json::json;

fn cookie_of(response: &Response) -> &str {
    response.header("set-cookie").expect("a cookie")
}

#[test]
fn a_cart_lives_in_a_cookie() {
    let shop = Shop::open();
    for door in [Event::function_url(), Event::api_gateway()] {
        let form = |event: Event, form: &str| event.header("content-type", "application/x-www-form-urlencoded").body(form);
        let added = shop.answer(form(door.clone().path("/cart"), "item=lamp&count=2"));
        assert_eq!((added.status(), added.header("location")), (303, Some("/cart")));
        assert_eq!(cookie_of(&added), "cart=lamp.2; Path=/; Max-Age=2592000; Secure; HttpOnly; SameSite=Lax");

        let with = |event: Event| event.cookie("theme=dark").cookie("cart=chair.1%2Clamp.2");
        assert_eq!(json_of(&shop.answer(with(door.clone().method("GET").path("/cart")))), json!({ "chair": 1, "lamp": 2 }));
        let more = shop.answer(with(form(door.clone().path("/cart"), "item=lamp")));
        assert!(cookie_of(&more).starts_with("cart=chair.1%2Clamp.3;"), "{}", cookie_of(&more));

        let set = shop.answer(with(door.clone().method("PUT").path("/cart/lamp").json(&json!({ "count": 5 }))));
        assert_eq!(json_of(&set), json!({ "chair": 1, "lamp": 5 }));
        assert_eq!(shop.answer(with(door.clone().method("PUT").path("/cart/desk").json(&json!({ "count": 5 })))).status(), 404);
        let removed = shop.answer(with(door.clone().method("DELETE").path("/cart/lamp")));
        assert_eq!((json_of(&removed), cookie_of(&removed).split(';').next()), (json!({ "chair": 1 }), Some("cart=chair.1")));
        let cleared = shop.answer(door.clone().method("DELETE").path("/cart"));
        assert_eq!((cleared.status(), cookie_of(&cleared).starts_with("cart=; Path=/; Max-Age=0;")), (204, true));

        for (body, status) in [("item=desk", 404), ("count=1", 400), ("item=lamp&count=-1", 400), ("", 400)] {
            assert_eq!(shop.answer(form(door.clone().path("/cart"), body)).status(), status, "{body}");
        }
    }
}

#[test]
fn a_cookie_that_somebody_wrote_does_no_harm() {
    let shop = Shop::open();
    for cookie in ["cart=", "cart=..,,.1,lamp.x,lamp", "cart=%FF", "cart=lamp.99999999999"] {
        let response = shop.answer(request("GET", "/cart").cookie(cookie));
        let cart = json_of(&response);
        assert!(cart.as_object().expect("an object").keys().all(String::is_empty), "{cookie}: {cart}");
    }
    let overfull = shop.answer(request("POST", "/cart").cookie("cart=lamp.4294967295").body("item=lamp"));
    assert!(cookie_of(&overfull).starts_with("cart=lamp.4294967295;"), "{}", cookie_of(&overfull));
}
