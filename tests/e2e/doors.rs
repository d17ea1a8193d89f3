//! The greeting at its three doors: which bytes arrive, under which head, and when.

use firstbyte_tests::{Call, Chunk, Curl, Door, End, Function, Guest, Lambda, Received};
use http::Version;
use serde_json::json;
use std::time::Duration;

const FIRST: &str = "Hello, this is a streamed response!\n";
const SECOND: &str = "Hello, hoge! This is a delayed message.\n";

/// What "at once" may take where tests share a machine with builds. It is 1/4 of the delay: nobody buffers and passes.
const AT_ONCE: Duration = Duration::from_millis(500);

fn hoge() -> Call {
    Call::json(&json!({"name": "hoge"}))
}

/// The greeting with as many warm environments as there are calls at once.
async fn greeting(calls: usize) -> Lambda {
    Function::of(Guest::Greeting).start_warm(calls).await
}

fn assert_arrives_in_time(chunks: &[Chunk]) {
    let [first, second] = chunks else { panic!("not two chunks: {chunks:#?}") };
    assert_eq!((&first.bytes[..], &second.bytes[..]), (FIRST.as_bytes(), SECOND.as_bytes()));
    assert!(first.at < AT_ONCE, "the first line came after {:?}", first.at);
    let between = second.at - first.at;
    assert!(between >= Duration::from_millis(1900) && between < Duration::from_secs(4), "{between:?} between the lines");
}

fn assert_is_the_articles_head(answer: &Received) {
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/plain"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
}

#[tokio::test]
async fn each_line_arrives_when_it_is_written() {
    let lambda = greeting(3).await;
    let (direct, url, api) =
        tokio::join!(lambda.send(Door::Direct, hoge()), lambda.send(Door::Url, hoge()), lambda.send(Door::Api, hoge()));

    assert_arrives_in_time(&direct.chunks);
    assert_eq!(direct.status, 200);
    assert_eq!(direct.header("content-type"), Some("application/vnd.amazon.eventstream"));
    assert_eq!(direct.header("x-amzn-remapped-content-type"), Some("text/plain"));
    assert!(direct.header("x-amzn-requestid").is_some() && direct.header("x-amz-executed-version") == Some("$LATEST"));
    assert_eq!(direct.end, End::Complete { error: None, log: None });

    assert_arrives_in_time(&url.chunks);
    assert_is_the_articles_head(&url);
    assert_eq!((url.version, url.header("transfer-encoding")), (Version::HTTP_11, Some("chunked")));
    assert!(url.header("x-amzn-requestid").is_some() && url.header("content-length").is_none());
    assert_eq!(url.end, End::Clean);

    assert_arrives_in_time(&api.chunks);
    assert_is_the_articles_head(&api);
    assert_eq!(api.version, Version::HTTP_2);
    assert!(api.header("x-amzn-requestid").is_some() && api.header("x-amz-apigw-id").is_some());
    assert_eq!(api.end, End::Clean);
}

#[tokio::test]
async fn the_head_arrives_before_the_last_line_and_the_log_with_invoke_complete() {
    let lambda = greeting(3).await;
    let (direct, url, api) = tokio::join!(
        lambda.send(Door::Direct, hoge().log_tail()),
        lambda.send(Door::Url, hoge()),
        firstbyte_tests::send_to(&lambda.doors.api, hoge(), Version::HTTP_11),
    );
    for answer in [&direct, &url, &api] {
        assert!(answer.head_at < AT_ONCE, "{:?}", answer.head_at);
        assert!(answer.end_at < answer.chunks.last().expect("a chunk").at + AT_ONCE, "the end follows the last line");
    }
    assert_eq!(direct.bytes(), format!("{FIRST}{SECOND}").as_bytes(), "exactly the handler's bytes");
    let request_id = direct.header("x-amzn-requestid").expect("an id");
    let log = direct.log().expect("it was asked for");
    for line in [format!("START RequestId: {request_id} Version: $LATEST"), format!("END RequestId: {request_id}")] {
        assert!(log.contains(&line), "{log}");
    }
    assert!(log.contains(&format!("REPORT RequestId: {request_id}\tDuration: ")), "{log}");

    assert_is_the_articles_head(&api);
    assert_eq!((api.version, api.header("transfer-encoding")), (Version::HTTP_11, Some("chunked")));
    assert_arrives_in_time(&api.chunks);
}

#[tokio::test]
async fn curl_shows_the_stream_over_each_http_version() {
    let lambda = greeting(3).await;
    let payload = r#"{"name":"hoge"}"#;
    let (url, api) = (lambda.doors.url.as_str(), lambda.doors.api.as_str());
    let over_http2 = ["--http2-prior-knowledge", api, "-d", payload];
    let (Some(url), Some(api), Some(api_http1)) =
        (Curl::new(&[url, "-d", payload]), Curl::new(&over_http2), Curl::new(&["--http1.1", api, "-d", payload]))
    else {
        return;
    };
    let (url, api, api_http1) = tokio::join!(url.run(), api.run(), api_http1.run());

    assert_eq!(url.status_line, "HTTP/1.1 200 OK");
    assert_eq!(url.header("transfer-encoding"), Some("chunked"));
    assert!(url.header("x-amzn-requestid").is_some(), "{}", url.verbose);

    assert_eq!(api.status_line, "HTTP/2 200");
    assert_eq!(api_http1.status_line, "HTTP/1.1 200 OK");
    assert_eq!(api_http1.header("transfer-encoding"), Some("chunked"));
    for answer in [url, api, api_http1] {
        assert_eq!(answer.exit_code, Some(0), "{}", answer.verbose);
        assert_eq!(answer.header("content-type"), Some("text/plain"));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_arrives_in_time(&answer.chunks);
    }
}

#[tokio::test]
async fn curl_agrees_on_http2_by_alpn_over_tls() {
    let lambda = Function::of(Guest::Greeting).tls().start_warm(3).await;
    let url = lambda.doors.api.as_str();
    assert!(url.starts_with("https://localhost:"), "{url}");
    let certificate = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(&certificate, lambda.emulator.certificate().expect("TLS has one")).expect("a temporary file");
    let certificate = certificate.path().to_str().expect("UTF-8");
    let payload = r#"{"name":"hoge"}"#;
    let (Some(trusting), Some(checking), Some(http1)) = (
        Curl::new(&["-k", url, "-d", payload]),
        Curl::new(&["--cacert", certificate, url, "-d", payload]),
        Curl::new(&["-k", "--http1.1", url, "-d", payload]),
    ) else {
        return;
    };
    let (trusting, checking, http1) = tokio::join!(trusting.run(), checking.run(), http1.run());
    assert!(trusting.verbose.contains("ALPN") && trusting.verbose.contains("h2"), "{}", trusting.verbose);
    assert_eq!(trusting.status_line, "HTTP/2 200");
    assert_eq!(checking.status_line, "HTTP/2 200", "{}", checking.verbose);
    assert_eq!(http1.status_line, "HTTP/1.1 200 OK");
    for answer in [trusting, checking, http1] {
        assert_arrives_in_time(&answer.chunks);
    }
}

#[tokio::test]
async fn a_bad_name_is_an_answer_that_helps() {
    let mut lambda = greeting(1).await;
    for body in ["{}", r#"{"name":""}"#, r#"{"name":7}"#] {
        for door in Door::ALL {
            let invoked = lambda.invoke(door, Call::post("application/json", body)).await;
            let text = invoked.answer.text();
            assert!(text.contains(r#"send a JSON object like {\"name\": \"hoge\"}"#), "{door}, {body}: {text}");
            assert_eq!(invoked.answer.status, if door.is_http() { 400 } else { 200 }, "{door}, {body}");
            // It is the caller's mistake, which an HTTP caller was told.
            let failure = (!door.is_http()).then_some("Function.BadRequest");
            assert_eq!(invoked.seen.error_type(), failure, "{door}, {body}");
        }
    }
    // What is no JSON at all cannot be a direct event; the handler is asked at the HTTP doors.
    for door in Door::HTTP {
        let answer = lambda.send(door, Call::post("application/json", "{name: hoge}")).await;
        assert!(answer.status == 400 && answer.text().contains("send a JSON object"), "{}", answer.text());
    }
}
