//! A shop. Items and orders are in DynamoDB, to which the host signs what this asks, so that no key is in here; the cart is in a
//! cookie; pictures and pages are files. Who may change items, and whose orders are whose, an API's authorizer says.
//!
//! `SHOP_TABLE` is the table's name, with the keys `pk` and `sk`, both text; `SHOP_ASSETS` the folder of the files, which
//! `FIRSTBYTE_ALLOW_READ` has to name, too. `FIRSTBYTE_ALLOW_HTTP` has to name DynamoDB, and `FIRSTBYTE_SIGN_AWS` `dynamodb`.

#![allow(clippy::needless_pass_by_value, reason = "routes are given their request and response")]

mod access;
mod cart;
mod files;
mod items;
mod orders;
mod pictures;
mod table;

use firstbyte::{Request, Response, Result, Router, handler, log};
use serde_json::json;

#[handler]
async fn shop(request: Request, response: Response) -> Result {
    log::init();
    routes().run(request, response).await
}

fn routes() -> Router {
    Router::new()
        .with(access::noted)
        .with(access::only_editors_change_items)
        // Files.
        .get("/", files::home)
        .get("/favicon.ico", files::favicon)
        .get("/assets/{*path}", files::asset)
        .otherwise(files::not_found)
        // Items: anybody reads them, editors change them.
        .get("/items", items::list)
        .post("/items", items::create)
        .get("/items.ndjson", items::export)
        .get("/items/{id}", items::show)
        .put("/items/{id}", items::replace)
        .patch("/items/{id}", items::change)
        .delete("/items/{id}", items::remove)
        .get("/items/{id}/stock", items::stock)
        .get("/items/{id}/picture", pictures::show)
        .post("/items/{id}/pictures", pictures::upload)
        // The cart of this browser.
        .get("/cart", cart::show)
        .post("/cart", cart::add)
        .delete("/cart", cart::clear)
        .put("/cart/{item}", cart::set)
        .delete("/cart/{item}", cart::remove)
        // Orders of who is signed in.
        .get("/orders", orders::list)
        .post("/orders", orders::place)
        .get("/orders/{id}", orders::show)
        .get("/orders/{id}/events", orders::events)
        .post("/orders/{id}/cancel", orders::cancel)
        // And around it.
        .get("/me", access::me)
        .get("/version", access::version)
        .get("/health", |_: Request, response: Response| response.text("ok\n"))
        .post("/webhooks/payment", orders::paid)
        .direct(|_: Request, response: Response| response.json(&json!({ "routes": "over HTTP" })))
}
