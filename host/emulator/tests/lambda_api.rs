//! The Lambda API as an SDK's client sees it.

mod client;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use client::lambda::{invoke, stream};
use client::{not_shown, settings, start, until_over};
use firstbyte_emulator::{EventKind, Verdict};

#[tokio::test]
async fn chunks_come_one_by_one() {
    let (emulator, _) = start(settings()).await;
    let mut frames = stream(&emulator, r#""chunks=3 gap=500""#, &[]).await;
    assert_eq!(frames.answer.header("x-amzn-remapped-content-type"), "text/plain");
    assert_eq!(frames.answer.header("x-amz-executed-version"), "$LATEST");
    assert!(!frames.answer.header("x-amzn-requestid").is_empty());
    let first = std::time::Instant::now();
    for number in 0..3 {
        assert_eq!(frames.next().await, Some(("PayloadChunk".into(), Bytes::from(format!("chunk {number}\n")))));
    }
    assert!(first.elapsed().as_millis() > 800, "they were held back");
    assert_eq!(frames.next().await, Some(("InvokeComplete".into(), Bytes::from_static(b"{}"))));
    assert_eq!(frames.next().await, None);
    emulator.shutdown().await;
}

#[tokio::test]
async fn endings_are_told_as_lambda_tells_them() {
    let (emulator, mut events) = start(settings()).await;
    let broken = r#"{"errorType":"Function.Broken","errorMessage":"broken"}"#;
    for (ending, payload, complete, told) in [
        ("clean", "chunk 0\nchunk 1\n", serde_json::json!({}), 0),
        ("trailers", "chunk 0\nchunk 1\n", serde_json::json!({"ErrorCode": "Function.Broken", "ErrorDetails": broken}), 0),
        ("odd-trailers", "chunk 0\nchunk 1\n", serde_json::json!({}), 1),
        ("empty", "", serde_json::json!({}), 0),
        ("empty-trailers", "", serde_json::json!({"ErrorCode": "Function.Broken", "ErrorDetails": broken}), 0),
        ("buffered", r#"{"statusCode":201,"headers":{"x-a":"b"},"body":"hello"}"#, serde_json::json!({}), 0),
    ] {
        let frames = stream(&emulator, &format!("\"ending={ending}\""), &[]).await;
        assert_eq!(frames.rest().await, (payload.to_owned(), complete), "{ending}");
        let seen = until_over(&mut events).await;
        assert_eq!(not_shown(&seen).len(), told, "{ending}: {seen:#?}");
    }
    let frames = stream(&emulator, r#""ending=error""#, &[]).await;
    assert_eq!(frames.answer.header("x-amzn-remapped-content-type"), "application/json");
    assert_eq!(frames.answer.header("x-amz-function-error"), "");
    let (payload, complete) = frames.rest().await;
    assert!(payload.contains("refused"), "{payload}");
    assert_eq!(complete, serde_json::json!({}));
    emulator.shutdown().await;
}

#[tokio::test]
async fn a_dead_runtime_is_told_and_replaced() {
    let (emulator, mut events) = start(settings()).await;
    let (payload, complete) = stream(&emulator, r#""ending=exit""#, &[]).await.rest().await;
    assert_eq!(payload, "chunk 0\nchunk 1\n");
    assert_eq!(complete["ErrorCode"], "Runtime.ExitError");
    let seen = until_over(&mut events).await;
    let last = &seen.last().expect("the end").kind;
    assert!(matches!(last, EventKind::InvocationEnded(report) if matches!(report.outcome, Verdict::Error { .. })), "{last:?}");

    let (payload, complete) = stream(&emulator, r#""ending=exit-early""#, &[]).await.rest().await;
    assert!(payload.contains("Runtime exited with error: exit status 1"), "{payload}");
    assert_eq!(complete, serde_json::json!({}));

    let (payload, _) = stream(&emulator, r#""ending=break""#, &[]).await.rest().await;
    assert_eq!(payload, "chunk 0\nchunk 1\n");
    let (payload, _) = stream(&emulator, "{}", &[]).await.rest().await;
    assert_eq!(payload, "chunk 0\nchunk 1\n");
    emulator.shutdown().await;
}

#[tokio::test]
async fn a_timeout_ends_the_environment() {
    let mut settings = settings();
    settings.timeout = std::time::Duration::from_millis(700);
    let (emulator, mut events) = start(settings).await;
    let (payload, complete) = stream(&emulator, r#""ending=hang""#, &[("x-amz-log-type", "Tail")]).await.rest().await;
    assert_eq!(payload, "chunk 0\nchunk 1\n");
    assert!(complete.get("ErrorCode").is_none(), "{complete}");
    let log = STANDARD.decode(complete["LogResult"].as_str().expect("a log")).expect("base64");
    let log = String::from_utf8(log).expect("UTF-8");
    assert!(log.contains("Task timed out after 0.70 seconds") && log.contains("Status: timeout"), "{log}");
    let seen = until_over(&mut events).await;
    assert!(seen.iter().any(|event| matches!(event.kind, EventKind::EnvironmentExited { .. })));
    assert_eq!(not_shown(&seen).len(), 1);

    let (payload, _) = stream(&emulator, r#""ending=hang-early""#, &[]).await.rest().await;
    let error: serde_json::Value = serde_json::from_str(&payload).expect("JSON");
    assert_eq!(error["errorType"], "Sandbox.Timedout");
    assert!(error["errorMessage"].as_str().expect("text").ends_with("Error: Task timed out after 0.70 seconds"), "{error}");
    emulator.shutdown().await;
}

#[tokio::test]
async fn the_log_has_what_was_printed() {
    let (emulator, _) = start(settings()).await;
    let (_, complete) = stream(&emulator, "{}", &[("x-amz-log-type", "Tail")]).await.rest().await;
    let log = STANDARD.decode(complete["LogResult"].as_str().expect("a log")).expect("base64");
    let log = String::from_utf8(log).expect("UTF-8");
    let starts: Vec<&str> = log.lines().map(|line| line.split(' ').next().unwrap_or_default()).collect();
    assert_eq!(starts, ["START", "working", "END", "REPORT"], "{log}");
    assert!(log.contains("Init Duration"), "{log}");
    let answer = invoke(&emulator, "raw", "{}", &[("x-amz-log-type", "Tail")]).await;
    assert!(!answer.header("x-amz-log-result").is_empty());
    emulator.shutdown().await;
}

#[tokio::test]
async fn buffered_invoke() {
    let (emulator, _) = start(settings()).await;
    for (payload, body, error) in [
        ("", "chunk 0\nchunk 1\n", ""),
        (r#""ending=trailers""#, "chunk 0\nchunk 1\n", ""),
        (r#""ending=buffered""#, r#"{"statusCode":201,"headers":{"x-a":"b"},"body":"hello"}"#, ""),
        (r#""ending=error""#, r#"{"errorType":"Function.Refused","errorMessage":"refused","stackTrace":["frame"]}"#, "Unhandled"),
    ] {
        let mut answer = invoke(&emulator, "raw", payload, &[]).await;
        assert_eq!((answer.status.as_u16(), answer.header("x-amz-function-error")), (200, error), "{payload}");
        assert_eq!(answer.text().await, body, "{payload}");
    }
    let mut answer = invoke(&emulator, "raw", r#""chunks=8 size=1000000""#, &[]).await;
    assert_eq!(answer.header("x-amz-function-error"), "Unhandled");
    assert!(answer.text().await.contains("Function.ResponseSizeTooLarge"));
    let mut answer = invoke(&emulator, "raw", r#""ending=too-large""#, &[]).await;
    assert_eq!(answer.header("x-amz-function-error"), "Unhandled");
    assert!(answer.text().await.contains("Function.ResponseSizeTooLarge"));
    assert_eq!(invoke(&emulator, "raw", "{}", &[("x-amz-invocation-type", "DryRun")]).await.status, 204);
    emulator.shutdown().await;
}

#[tokio::test]
async fn an_event_is_answered_before_it_is_run() {
    let (emulator, mut events) = start(settings()).await;
    assert_eq!(invoke(&emulator, "raw", r#""gap=300""#, &[("x-amz-invocation-type", "Event")]).await.status, 202);
    let seen = until_over(&mut events).await;
    assert!(!seen.iter().any(|event| matches!(event.kind, EventKind::ClientLeft)));
    emulator.shutdown().await;
}

#[tokio::test]
async fn what_cannot_be_invoked_is_refused() {
    let (emulator, _) = start(settings()).await;
    let large = format!("\"{}\"", "x".repeat(6 * 1024 * 1024));
    for (name, payload, headers, status, kind) in [
        ("other", "{}", ("x", "y"), 404, "ResourceNotFoundException"),
        ("raw", "not json", ("x", "y"), 400, "InvalidRequestContentException"),
        ("raw", large.as_str(), ("x", "y"), 413, "RequestTooLargeException"),
        ("raw", "{}", ("x-amz-client-context", "!"), 400, "InvalidRequestContentException"),
        ("raw", "{}", ("x-amz-tenant-id", "a*b"), 400, "InvalidParameterValueException"),
        ("raw", "{}", ("x-amz-log-type", "All"), 400, "InvalidParameterValueException"),
        ("r%20w", "{}", ("x", "y"), 400, "InvalidParameterValueException"),
    ] {
        let answer = invoke(&emulator, name, payload, &[headers]).await;
        assert_eq!((answer.status.as_u16(), answer.header("x-amzn-errortype")), (status, kind), "{name} {headers:?}");
    }
    let mut answer = invoke(&emulator, "other", "{}", &[]).await;
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&answer.text().await).expect("JSON"),
        serde_json::json!({"Type": "User", "Message": format!("Function not found: {}", emulator.function_arn().replace("raw", "other"))})
    );
    emulator.shutdown().await;
}

#[tokio::test]
async fn contexts_reach_the_runtime() {
    let (emulator, _) = start(settings()).await;
    let context = STANDARD.encode(r#"{ "client": {"a": "ü"} }"#);
    let headers = [("x-amz-tenant-id", "blue tenant"), ("x-amz-client-context", context.as_str())];
    let name = emulator.function_arn().replace(':', "%3A");
    let mut answer = invoke(&emulator, &name, r#""ending=context""#, &headers).await;
    assert_eq!(answer.text().await, r#"{"tenant":"blue tenant","client":{"client":{"a":"ü"}}}"#);
    emulator.shutdown().await;
}

#[tokio::test]
async fn refusals_have_the_members_of_awss_model() {
    let mut settings = settings();
    settings.max_environments = 1;
    let (emulator, _) = start(settings).await;
    let mut busy = stream(&emulator, r#""ending=hang""#, &[]).await;
    busy.next().await.expect("a chunk");
    let large = format!("\"{}\"", "x".repeat(6 * 1024 * 1024));
    let size = large.len();
    let event = ("x-amz-invocation-type", "Event");
    for (payload, header, status, error) in [
        (
            "{}",
            ("x", "y"),
            429,
            serde_json::json!({
                "Type": "User", "message": "Rate Exceeded.", "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded"
            }),
        ),
        (
            &large,
            ("x", "y"),
            413,
            serde_json::json!({
                "Type": "User",
                "message": format!("{size} byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)")
            }),
        ),
        (
            &large[size - 2_000_000..].replacen('x', "\"", 1),
            event,
            413,
            serde_json::json!({
                "Type": "User",
                "message": "2000000 byte payload is too large for the Event invocation type (limit 1048576 bytes)"
            }),
        ),
    ] {
        let mut answer = invoke(&emulator, "raw", payload, &[header]).await;
        assert_eq!((answer.status.as_u16(), !answer.header("retry-after").is_empty()), (status, status == 429));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&answer.text().await).expect("JSON"), error);
    }
    emulator.shutdown().await;
}
