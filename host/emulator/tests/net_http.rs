//! A runtime's requests that AWS's Runtime API would not take.

mod client;

use client::{post, printed, settings, start, until_over};
use firstbyte_emulator::{EventKind, Verdict};
use std::time::Duration;

#[tokio::test]
async fn what_go_refuses_of_a_runtime_is_refused() {
    let (emulator, mut events) = start(settings()).await;
    assert_eq!(post(&emulator.function_url(), "ending=oddities").await.text().await, "\"answered\"");
    let seen = until_over(&mut events).await;
    let replies: Vec<&str> = printed(&seen).into_iter().skip(1).collect();
    assert_eq!(replies, ["400", "400", "501", "400", "417", "400", "431", "404"]);
    let told: Vec<String> =
        seen.iter().filter(|event| matches!(event.kind, EventKind::RuntimeRefused { .. })).map(ToString::to_string).collect();
    assert_eq!(told.len(), 7, "{told:#?}");
    for part in ["missing required Host header", "too many Host headers", "unsupported transfer encoding", "bad trailer key"] {
        assert!(told.iter().any(|told| told.contains(part)), "{part}: {told:#?}");
    }
    emulator.shutdown().await;
}

#[tokio::test]
async fn trailers_that_go_does_not_take_leave_the_invocation_to_its_timeout() {
    let mut settings = settings();
    settings.timeout = Duration::from_secs(1);
    let (emulator, mut events) = start(settings).await;
    let direct = format!("{}/2021-11-15/functions/raw/response-streaming-invocations", emulator.lambda_url());
    for (bytes, taken) in [(4096, true), (4097, false), (20_000, false)] {
        for url in [&direct, &emulator.function_url(), &emulator.api_url()] {
            let mut answer = post(url, &format!("\"ending=trailers section={bytes}\"")).await;
            let (body, _) = answer.rest().await;
            let body = String::from_utf8_lossy(&body).into_owned();
            assert!(body.contains("chunk 1\n"), "{bytes} at {url}: {body}");
            assert_eq!(*url == direct && body.contains("Function.Broken"), *url == direct && taken, "{bytes} at {url}: {body}");
            let seen = until_over(&mut events).await;
            let refused = seen.iter().find(|event| matches!(event.kind, EventKind::RuntimeRefused { .. }));
            let report = seen.iter().find_map(|event| match &event.kind {
                EventKind::InvocationEnded(report) => Some(report),
                _ => None,
            });
            let report = report.expect("the end");
            if taken {
                assert!(refused.is_none() && report.outcome != Verdict::Timeout, "{bytes} at {url}: {seen:#?}");
            } else {
                let why = refused.expect("it is told").to_string();
                assert!(why.contains(&format!("{bytes} bytes")) && why.contains("4096"), "{why}");
                assert_eq!(report.outcome, Verdict::Timeout, "{bytes} at {url}");
                assert!(printed(&seen).contains(&"no reply"), "{bytes} at {url}: {seen:#?}");
            }
        }
    }
    emulator.shutdown().await;
}
