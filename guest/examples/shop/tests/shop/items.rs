//! Items: who reads and who changes them, in which form, and how many.

use super::{Shop, json_of, request, signed_in};
use firstbyte_testing::Event;
use flate2::read::GzDecoder;
use serde_json::{Value, json};
use std::io::Read as _;
use std::time::Duration;

#[test]
fn anybody_reads_items_in_the_form_that_they_like() {
    let shop = Shop::open();
    let names = |path: &str| {
        let items = json_of(&shop.get(path));
        items.as_array().expect("a list").iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("/items"), ["chair", "lamp"]);
    assert_eq!(names("/items?tag=new&tag=small"), ["lamp"]);
    assert_eq!(names("/items?text=Chai"), ["chair"]);
    assert_eq!(names("/items?limit=1"), ["chair"]);
    let refused = shop.get("/items?limit=all");
    assert_eq!(refused.status(), 400);
    assert_eq!(json_of(&refused)["message"], "the query does not fit: limit: invalid digit found in string");

    let csv = shop.answer(request("GET", "/items").header("accept", "text/csv, */*;q=0.1"));
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    let varies: Vec<&str> = csv.headers().iter().filter(|(name, _)| name == "vary").map(|(_, value)| &**value).collect();
    assert_eq!(varies, ["accept", "accept-encoding"]);
    assert_eq!(csv.text(), "id,name,cents,stock\r\nchair,\"Chair\",4500,1\r\nlamp,\"Lamp, \"\"small\"\"\",1999,3\r\n");
    assert_eq!(shop.answer(request("GET", "/items").header("accept", "image/png")).status(), 406);

    assert_eq!(json_of(&shop.get("/items/lamp"))["cents"], 1999);
    assert_eq!(json_of(&shop.get("/items/a%2Fb%20c"))["message"], "there is no item \"a/b c\"");
}

#[test]
fn only_editors_change_items() {
    let shop = Shop::open();
    let desk = json!({ "id": "desk", "name": "Desk", "cents": 9900 });
    for door in [Event::function_url(), Event::api_gateway()] {
        let create = door.clone().path("/items").json(&desk);
        for (event, status) in [
            (create.clone(), 401),
            (signed_in(create.clone(), "u-1", "customers"), 403),
            (signed_in(create.clone(), "u-2", "customers,editors"), 201),
            (signed_in(create, "u-2", "editors"), 409),
            (
                signed_in(door.clone().path("/items").json(&json!({ "id": "a/b", "name": "x", "cents": 1 })), "u-2", "editors"),
                400,
            ),
            (signed_in(door.clone().path("/items").json(&json!({ "id": "x" })), "u-2", "editors"), 400),
            (signed_in(door.clone().method("PATCH").path("/items/desk").json(&json!({ "stock": 7 })), "u-2", "editors"), 200),
            (signed_in(door.clone().method("PATCH").path("/items/desk").json(&json!({ "id": "x" })), "u-2", "editors"), 400),
            (signed_in(door.clone().method("PATCH").path("/items/none").json(&json!({})), "u-2", "editors"), 404),
        ] {
            let response = shop.answer(event);
            assert_eq!(response.status(), status, "{}", response.text());
        }
        let stored = shop.table.get("items", "desk").expect("it is there");
        assert_eq!(stored, json!({ "id": "desk", "name": "Desk", "cents": 9900, "stock": 7, "tags": [] }));

        let replaced = door.clone().method("PUT").path("/items/desk").json(&json!({ "id": "x", "name": "Big desk", "cents": 1 }));
        assert_eq!(json_of(&shop.answer(signed_in(replaced, "u-2", "editors")))["id"], "desk");
        let removed = shop.answer(signed_in(door.method("DELETE").path("/items/desk"), "u-2", "editors"));
        assert_eq!((removed.status(), removed.body().len()), (204, 0));
        assert_eq!(shop.table.get("items", "desk"), None);
    }
}

#[test]
fn an_export_streams_page_by_page_compressed_or_not() {
    let shop = Shop::open();
    for number in 0..248 {
        let id = format!("item-{number:03}");
        shop.table.put("items", &id, &json!({ "id": id, "name": format!("Item {number}"), "cents": number }));
    }
    let ids = |text: &str| {
        text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["id"].to_string()).collect::<Vec<_>>()
    };
    let plain = shop.get("/items.ndjson");
    assert_eq!((plain.header("content-type"), plain.header("content-encoding")), (Some("application/x-ndjson"), None));
    assert_eq!((plain.chunks().len(), shop.table.asked()), (3, vec!["Query".to_owned(); 3]));
    assert_eq!(ids(&plain.text()).len(), 250);
    assert_eq!(ids(plain.chunks()[0].text()).len(), 100);

    let zipped = shop.answer(request("GET", "/items.ndjson").header("accept-encoding", "br, gzip"));
    assert_eq!((zipped.header("content-encoding"), zipped.header("vary")), (Some("gzip"), Some("accept-encoding")));
    let decoded = |bytes: &[u8]| {
        let mut text = Vec::new();
        let whole = GzDecoder::new(bytes).read_to_end(&mut text).is_ok();
        (String::from_utf8(text).expect("text"), whole)
    };
    // Each page can be read when it is there, and the end says that it is the end.
    let mut arrived = Vec::new();
    for (chunk, count) in zipped.chunks().iter().zip([100, 200, 250]) {
        arrived.extend_from_slice(&chunk.bytes);
        assert_eq!(ids(&decoded(&arrived).0).len(), count);
    }
    assert_eq!(decoded(&zipped.body()), (plain.text(), true));
    assert!(zipped.body().len() * 4 < plain.body().len());
}

#[test]
fn what_is_left_is_told_until_nothing_is() {
    let shop = Shop::open();
    let nothing = json!({ "id": "lamp", "name": "Lamp", "cents": 1999, "stock": 0 });
    shop.table.put("items", "lamp", &nothing);
    assert_eq!(shop.get("/items/lamp/stock").text(), "data: {\"stock\":0}\n\nevent: done\ndata: \n\n");

    let response = shop.get("/items/chair/stock");
    assert_eq!(response.header("content-type"), Some("text/event-stream"));
    let seconds: Vec<_> = response.chunks().iter().map(|chunk| (chunk.at.as_secs(), chunk.text())).collect();
    assert_eq!(seconds[..4], [(0, "data: {\"stock\":1}\n\n"), (2, ": ping\n\n"), (4, ": ping\n\n"), (7, ": ping\n\n")]);
    let last = response.chunks().last().expect("an end");
    assert!(last.text() == "event: done\ndata: \n\n" && last.at >= Duration::from_secs(60), "{last:?}");
}

#[test]
fn pictures_are_shown_from_files_and_counted_when_they_come() {
    let shop = Shop::open();
    for (item, status, location) in [("lamp", 302, "/assets/lamp.svg"), ("chair", 303, "/assets/none.svg")] {
        let response = shop.get(&format!("/items/{item}/picture"));
        assert_eq!((response.status(), response.header("location")), (status, Some(location)));
    }
    let form = |kind: &str| {
        format!(
            "--x\r\ncontent-disposition: form-data; name=\"p\"; filename=\"a.png\"\r\ncontent-type: {kind}\r\n\r\n\u{1}\r\n23\r\n--x\r\n\
             content-disposition: form-data; name=\"p\"\r\ncontent-type: image/gif\r\n\r\n{}\r\n--x--\r\n",
            "g".repeat(100_000)
        )
    };
    let upload = |kind: &str, body: String| {
        let event = request("POST", "/items/lamp/pictures").header("content-type", kind).body(body);
        shop.answer(signed_in(event, "u-2", "editors"))
    };
    let taken = upload("multipart/form-data; boundary=x", form("image/png"));
    assert_eq!(taken.status(), 202);
    let expected = json!([{ "name": "a.png", "type": "image/png", "bytes": 5 }, { "name": "picture", "type": "image/gif", "bytes": 100_000 }]);
    assert_eq!(json_of(&taken), expected);
    assert_eq!(upload("multipart/form-data; boundary=x", form("text/plain")).status(), 415);
    assert_eq!(upload("multipart/form-data; boundary=x", "--x\r\nnonsense".to_owned()).status(), 400);
    assert_eq!(upload("text/plain", form("image/png")).status(), 400);
}
