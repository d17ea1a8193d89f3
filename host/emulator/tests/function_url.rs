//! The Function URL as an HTTP client sees it.

mod client;

use client::{assert_told, not_shown, post, send, settings, shown, start, until, until_over};
use firstbyte_emulator::{Cors, EventKind, Transfer};
use http::{Request, Version};
use std::time::{Duration, Instant};

#[tokio::test]
async fn status_headers_and_cookies_come_at_once_then_chunks() {
    let (emulator, _) = start(settings()).await;
    let mut answer = post(&emulator.function_url(), "chunks=3 gap=500").await;
    assert_eq!((answer.status.as_u16(), answer.version), (201, Version::HTTP_11));
    assert_eq!((answer.header("content-type"), answer.header("x-a")), ("text/plain", "b"));
    assert_eq!(answer.header("transfer-encoding"), "chunked");
    let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["c=1", "d=2; Path=/"]);
    assert!(!answer.header("x-amzn-requestid").is_empty() && answer.header("x-amzn-trace-id").starts_with("Root=1-"));
    let first = Instant::now();
    for number in 0..3 {
        assert_eq!(answer.next().await.expect("a chunk").expect("no cut"), format!("chunk {number}\n"));
    }
    assert!(first.elapsed() > Duration::from_millis(800), "they were held back");
    assert!(answer.next().await.is_none());
    emulator.shutdown().await;
}

#[tokio::test]
async fn failures_look_as_they_do_on_aws_and_are_told() {
    let (emulator, mut events) = start(settings()).await;
    for (ending, status, content_type, body, told) in [
        ("clean", 201, "text/plain", "chunk 0\nchunk 1\n", ""),
        ("trailers", 201, "text/plain", "chunk 0\nchunk 1\n", "looks complete"),
        ("exit", 201, "text/plain", "chunk 0\nchunk 1\n", "looks complete"),
        ("typeless", 200, "text/plain", "chunk 0\nchunk 1\n", ""),
        ("bad-prelude", 502, "application/json", "Internal Server Error", "502"),
        ("buffered", 201, "application/json", r#"{"statusCode":201,"headers":{"x-a":"b"},"body":"hello"}"#, "envelope"),
        (
            "error",
            200,
            "application/json",
            r#"{"errorType":"Function.Refused","errorMessage":"refused","stackTrace":["frame"]}"#,
            "200",
        ),
    ] {
        let mut answer = post(&emulator.function_url(), &format!("ending={ending}")).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (status, content_type), "{ending}");
        assert_eq!(answer.text().await, body, "{ending}");
        assert_told(&until_over(&mut events).await, told, ending);
    }
    emulator.shutdown().await;
}

#[tokio::test]
async fn a_status_that_tells_of_the_failure_is_told_as_what_the_client_got() {
    let (emulator, mut events) = start(settings()).await;
    for (url, status) in [(emulator.function_url(), 400), (emulator.api_url(), 503)] {
        let answer = post(&url, &format!("ending=trailers status={status}")).await.rest().await;
        assert_eq!(answer, (b"chunk 0\nchunk 1\n".to_vec(), true));
        let seen = until_over(&mut events).await;
        assert!(not_shown(&seen).is_empty(), "{:?}", not_shown(&seen));
        let [what] = shown(&seen)[..] else { panic!("{seen:#?}") };
        for part in [&format!("the client got {status}"), "chunk 1", "Function.Broken", "broken"] {
            assert!(what.contains(part), "{part}: {what}");
        }
        // Without a failure, it is the function's business.
        post(&url, &format!("status={status}")).await.rest().await;
        assert_told(&until_over(&mut events).await, "", "clean");
    }
    emulator.shutdown().await;
}

#[tokio::test]
async fn a_timeout_after_the_head_looks_complete() {
    let mut settings = settings();
    settings.timeout = Duration::from_millis(700);
    let (emulator, mut events) = start(settings).await;
    let mut answer = post(&emulator.function_url(), "ending=hang").await;
    assert_eq!((answer.status.as_u16(), answer.rest().await), (201, (b"chunk 0\nchunk 1\n".to_vec(), true)));
    assert_told(&until_over(&mut events).await, "looks complete", "hang");
    emulator.shutdown().await;
}

#[tokio::test]
async fn a_stream_without_a_byte_hangs_and_is_cut() {
    let mut settings = settings();
    settings.url_hang = Duration::from_millis(100);
    let (emulator, mut events) = start(settings).await;
    for ending in ["empty", "empty-trailers"] {
        let mut answer = post(&emulator.function_url(), &format!("ending={ending}")).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/octet-stream"));
        assert_eq!(answer.rest().await, (Vec::new(), false), "{ending}");
        let seen = until_over(&mut events).await;
        assert!(not_shown(&seen).iter().any(|shown| shown.contains("waits until it gives up")), "{seen:#?}");
    }
    let mut answer = post(&emulator.function_url(), "chunks=0").await;
    assert_eq!((answer.status.as_u16(), answer.text().await.as_str()), (201, ""), "a prelude is enough");
    emulator.shutdown().await;
}

#[tokio::test]
async fn head_has_no_body_and_runs_to_its_end() {
    let (emulator, mut events) = start(settings()).await;
    let mut answer = send(Request::head(emulator.function_url()), "", Version::HTTP_11).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-length")), (201, "0"));
    assert_eq!(answer.text().await, "");
    let seen = until_over(&mut events).await;
    assert!(!seen.iter().any(|event| matches!(event.kind, EventKind::ClientLeft)), "{seen:#?}");
    emulator.shutdown().await;
}

#[tokio::test]
async fn a_client_that_leaves_does_not_stop_the_function() {
    let (emulator, mut events) = start(settings()).await;
    let mut answer = post(&emulator.function_url(), "chunks=20 gap=20").await;
    answer.next().await.expect("a chunk").expect("no cut");
    drop(answer);
    until(&mut events, |kind| matches!(kind, EventKind::ClientLeft)).await;
    let seen = until_over(&mut events).await;
    let report = seen.iter().find_map(|event| match &event.kind {
        EventKind::InvocationEnded(report) => Some(report),
        _ => None,
    });
    let report = report.expect("the end");
    assert!(report.bytes > 20 * 8, "all of it was taken: {report:?}");
    assert_eq!(report.outcome, firstbyte_emulator::Verdict::Success);
    emulator.shutdown().await;
}

#[tokio::test]
async fn cors_is_answered_in_front_of_the_function() {
    let mut settings = settings();
    settings.cors = Some(Cors {
        allow_origins: vec!["https://page".into()],
        allow_methods: vec!["*".into()],
        allow_headers: vec!["content-type".into()],
        ..Cors::default()
    });
    let (emulator, mut events) = start(settings).await;
    let preflight = Request::options(emulator.function_url())
        .header("origin", "https://page")
        .header("access-control-request-method", "POST");
    let mut answer = send(preflight, "", Version::HTTP_11).await;
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (200, "https://page"));
    assert_eq!(answer.text().await, "");
    assert!(events.try_next().is_none(), "the function was not asked");
    let request = Request::post(emulator.function_url()).header("origin", "https://page");
    let answer = send(request, "", Version::HTTP_11).await;
    assert_eq!(answer.header("access-control-allow-origin"), "https://page");
    emulator.shutdown().await;
}

#[tokio::test]
async fn more_than_lambda_takes_is_refused() {
    let (emulator, _) = start(settings()).await;
    let answer = post(&emulator.function_url(), &"x".repeat(6 * 1024 * 1024 + 1)).await;
    assert_eq!(answer.status, 413);
    emulator.shutdown().await;
}

#[tokio::test]
async fn a_buffered_url_gives_what_it_has_at_the_end() {
    let mut settings = settings();
    settings.url_transfer = Transfer::Buffered;
    let (emulator, mut events) = start(settings).await;
    for (ending, status, content_type, body, told) in [
        ("buffered", 201, "application/json", "hello", ""),
        // Of a stream, the head counts and the body does not.
        ("clean", 201, "text/plain", "", "dropped"),
        ("trailers", 201, "text/plain", "", "dropped"),
        ("typeless", 200, "application/octet-stream", "chunk 0\nchunk 1\n", ""),
        ("empty", 200, "application/json", "", ""),
        ("empty-trailers", 200, "application/json", "", "looks complete"),
        ("bad-prelude", 502, "application/json", "Internal Server Error", ""),
        ("error", 502, "application/json", "Internal Server Error", ""),
        ("exit", 502, "application/json", "Internal Server Error", ""),
        ("too-large", 502, "application/json", "Internal Server Error", ""),
    ] {
        let mut answer = post(&emulator.function_url(), &format!("ending={ending}")).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (status, content_type), "{ending}");
        assert_eq!(answer.header("transfer-encoding"), "", "{ending}");
        assert_eq!(answer.header("set-cookie"), if matches!(ending, "clean" | "trailers") { "c=1" } else { "" }, "{ending}");
        assert_eq!(answer.text().await, body, "{ending}");
        assert_told(&until_over(&mut events).await, told, ending);
    }
    emulator.shutdown().await;
}

#[tokio::test]
async fn header_values_besides_text_reach_the_client() {
    for transfer in [Transfer::Stream, Transfer::Buffered] {
        let mut settings = settings();
        settings.url_transfer = transfer;
        let (emulator, _) = start(settings).await;
        for ending in ["clean", "buffered"] {
            let answer = post(&emulator.function_url(), &format!("ending={ending} heads=values")).await;
            assert_eq!((answer.status.as_u16(), answer.all("x-list")), (201, vec!["a", "b"]), "{ending}");
            assert_eq!((answer.header("x-number"), answer.header("x-true")), ("7", "true"), "{ending}");
            assert_eq!((answer.headers.contains_key("x-null"), answer.header("set-cookie")), (false, "c=1"), "{ending}");
        }
        emulator.shutdown().await;
    }
}

#[tokio::test]
async fn more_headers_than_can_be_held_are_a_bad_envelope() {
    let (emulator, _) = start(settings()).await;
    let mut answer = post(&emulator.function_url(), "ending=buffered heads=many").await;
    assert_eq!((answer.status.as_u16(), answer.text().await.as_str()), (502, "Internal Server Error"));
    emulator.shutdown().await;
}

#[tokio::test]
async fn every_cookie_is_spelled_the_same() {
    let (emulator, _) = start(settings()).await;
    let head = client::raw(&emulator.function_url(), "POST / HTTP/1.1\r\nConnection: close\r\n", "heads=cookies").await;
    assert_eq!(head.matches("\r\nSet-Cookie: ").count(), 3, "{head}");
    assert!(!head.contains("set-cookie"), "{head}");
    emulator.shutdown().await;
}

#[tokio::test]
async fn which_bodies_are_text_can_be_narrowed_for_the_function_url() {
    let strict = ["application/json".to_owned(), "text/*".to_owned()];
    for (narrowed, base64) in
        [(None, [false, false, false, false, false, true]), (Some(strict), [false, false, true, true, true, true])]
    {
        let mut settings = settings();
        settings.url_text = narrowed.map(Vec::from);
        let (emulator, _) = start(settings).await;
        let types = [
            "application/json; charset=utf-8",
            "TEXT/csv",
            "application/xml",
            "application/x-www-form-urlencoded",
            "",
            "image/png",
        ];
        for (content_type, base64) in types.into_iter().zip(base64) {
            let mut request = Request::post(emulator.function_url());
            if !content_type.is_empty() {
                request = request.header("content-type", content_type);
            }
            let event = send(request, r#"{"a": "ending=echo"}"#, Version::HTTP_11).await.text().await;
            // A runtime that cannot read the body ends otherwise, and its answer is no event.
            let event = serde_json::from_str::<serde_json::Value>(&event);
            assert_eq!(event.is_err() || event.is_ok_and(|event| event["isBase64Encoded"] == true), base64, "{content_type}");
        }
        // API Gateway has a list of its own.
        let form = Request::post(emulator.api_url()).header("content-type", "application/x-www-form-urlencoded");
        let answer = send(form, "status=418", Version::HTTP_11).await;
        assert_eq!(answer.status, 418, "the runtime reads it");
        emulator.shutdown().await;
    }
}
