//! Files, as browsers ask for them.

use super::{Shop, request};
use firstbyte_testing::{Event, Response};
use flate2::read::GzDecoder;
use std::io::Read as _;

const CSS: &str = include_str!("../../assets/shop.css");

fn css() -> Event {
    request("GET", "/assets/shop.css")
}

#[test]
fn a_file_that_is_known_is_not_sent_again() {
    let shop = Shop::open();
    let first = shop.answer(css());
    let head = |response: &Response, name: &str| response.header(name).map(str::to_owned);
    assert_eq!((first.status(), first.text()), (200, CSS.to_owned()));
    assert_eq!(head(&first, "content-type").as_deref(), Some("text/css; charset=utf-8"));
    assert_eq!(head(&first, "cache-control").as_deref(), Some("max-age=3600"));
    let etag = head(&first, "etag").expect("a tag");
    for known in [etag.clone(), "*".to_owned(), format!("\"other\", {etag}")] {
        let again = shop.answer(css().header("if-none-match", &known));
        assert_eq!((again.status(), again.body().len(), head(&again, "etag")), (304, 0, Some(etag.clone())), "{known}");
    }
    assert_eq!(shop.answer(css().header("if-none-match", "\"other\"")).status(), 200);
    assert_ne!(shop.get("/assets/lamp.svg").header("etag"), Some(&*etag));
    let probed = shop.answer(css().method("HEAD"));
    assert_eq!((probed.status(), probed.body().len(), head(&probed, "etag")), (200, 0, Some(etag)));
}

#[test]
fn a_part_of_a_file_is_sent_to_whoever_asks_for_one() {
    let shop = Shop::open();
    let length = CSS.len();
    // Parts of one state of the file: the tag is weak, because it may be sent compressed.
    for (range, part) in
        [("bytes=0-4", 0..5), ("bytes=5-", 5..length), ("bytes=-7", length - 7..length), ("bytes=2-99999", 2..length)]
    {
        let response = shop.answer(css().header("range", range).header("accept-encoding", "gzip"));
        assert_eq!((response.status(), response.text()), (206, CSS[part.clone()].to_owned()), "{range}");
        let expected = format!("bytes {}-{}/{length}", part.start, part.end - 1);
        assert_eq!((response.header("content-range"), response.header("content-encoding")), (Some(&*expected), None));
    }
    let beyond = shop.answer(css().header("range", "bytes=99999-"));
    assert_eq!(
        (beyond.status(), beyond.header("content-range"), beyond.body().len()),
        (416, Some(&*format!("bytes */{length}")), 0)
    );
    for (range, stale) in [("bytes=0-1,4-5", None), ("lines=1", None), ("bytes=0-4", Some("\"old\""))] {
        let event = stale.into_iter().fold(css().header("range", range), |event, tag| event.header("if-range", tag));
        assert_eq!(shop.answer(event).status(), 200, "{range}");
    }
    // The icon is never compressed, so that its tag is strong, and parts can be asked for by it.
    let icon = shop.get("/favicon.ico");
    let etag = icon.header("etag").expect("a tag");
    let part = shop.answer(request("GET", "/favicon.ico").header("range", "bytes=0-3").header("if-range", etag));
    assert_eq!((part.status(), part.body()), (206, icon.body()[..4].to_vec()));
}

#[test]
fn text_is_compressed_for_whoever_takes_that() {
    let shop = Shop::open();
    let home = shop.answer(request("GET", "/").header("accept-encoding", "gzip;q=0.5"));
    assert_eq!((home.header("content-encoding"), home.header("content-type")), (Some("gzip"), Some("text/html; charset=utf-8")));
    let mut page = String::new();
    GzDecoder::new(&home.body()[..]).read_to_string(&mut page).expect("a whole page");
    assert_eq!(page, shop.get("/").text());
    assert!(home.header("etag").expect("a tag").starts_with("W/\""));
}

#[test]
fn nothing_outside_of_the_folder_is_shown() {
    let shop = Shop::open();
    for path in
        ["/assets/../Cargo.toml", "/assets/..%2fCargo.toml", "/assets/%2e%2e/Cargo.toml", "/assets/none.png", "/assets/x%00y"]
    {
        let response = shop.get(path);
        assert_eq!((response.status(), response.text()), (404, r#"{"message":"there is no such file"}"#.to_owned()), "{path}");
    }
    let page = shop.answer(request("GET", "/nowhere").header("accept", "text/html,*/*;q=0.8"));
    assert_eq!((page.status(), page.header("content-type"), page.header("etag")), (404, Some("text/html; charset=utf-8"), None));
    assert!(page.text().contains("There is nothing here."));
}
