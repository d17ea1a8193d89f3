//! Execution environments: how many there are, what they may say, and how they end.

mod client;

use client::{post, printed, settings, start, until, until_over};
use firstbyte_emulator::{EventKind, Preparation, Settings, StartError, Verdict};
use std::collections::HashSet;
use std::time::Duration;

#[tokio::test]
async fn concurrent_requests_have_environments_of_their_own_and_idle_ones_are_reused() {
    let (emulator, mut events) = start(settings()).await;
    let url = emulator.function_url();
    let mut answers = Vec::new();
    for _ in 0..3 {
        let mut answer = post(&url, "chunks=2 gap=500").await;
        answer.next().await.expect("a chunk").expect("no cut");
        answers.push(answer);
    }
    for answer in &mut answers {
        answer.text().await;
    }
    let mut over = 0;
    let seen = until(&mut events, |kind| {
        over += usize::from(matches!(kind, EventKind::InvocationEnded(_)));
        over == 3
    })
    .await;
    let used: HashSet<u32> = seen.iter().filter_map(|event| event.environment).collect();
    assert_eq!(used, HashSet::from([1, 2, 3]));
    for _ in 0..3 {
        post(&url, "").await.text().await;
        let seen = until_over(&mut events).await;
        let used: HashSet<u32> = seen.iter().filter_map(|event| event.environment).collect();
        assert_eq!(used, HashSet::from([3]), "the one used last");
    }
    emulator.shutdown().await;
}

#[tokio::test]
async fn what_is_done_before_an_invocation_takes_nothing_of_its_timeout() {
    let mut settings = settings();
    settings.timeout = Duration::from_secs(2);
    settings.before_invocation = Some(Preparation::new(|| tokio::time::sleep(Duration::from_millis(2500))));
    let (emulator, mut events) = start(settings).await;
    assert_eq!(post(&emulator.function_url(), "chunks=1").await.text().await, "chunk 0\n");
    let seen = until_over(&mut events).await;
    let report = seen.iter().find_map(|event| match &event.kind {
        EventKind::InvocationEnded(report) => Some(report),
        _ => None,
    });
    assert_eq!(report.map(|report| &report.outcome), Some(&Verdict::Success));
    emulator.shutdown().await;
}

#[tokio::test]
async fn callers_beyond_the_limit_are_throttled() {
    let mut settings = settings();
    settings.max_environments = 1;
    let (emulator, _) = start(settings).await;
    let mut busy = post(&emulator.function_url(), "ending=hang").await;
    busy.next().await.expect("a chunk").expect("no cut");
    assert_eq!(post(&emulator.function_url(), "").await.status, 429);
    assert_eq!(post(&emulator.api_url(), "").await.status, 500);
    let url = format!("{}/2015-03-31/functions/raw/invocations", emulator.lambda_url());
    let answer = post(&url, "{}").await;
    assert_eq!((answer.status.as_u16(), answer.header("x-amzn-errortype")), (429, "TooManyRequestsException"));
    emulator.shutdown().await;
}

#[tokio::test]
async fn one_environment_can_serve_several_at_once() {
    let mut settings = settings();
    settings.concurrency = 4;
    settings.timeout = Duration::from_secs(3);
    let (emulator, mut events) = start(settings).await;
    let url = emulator.function_url();
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(post(&url, "chunks=3 gap=200").await);
    }
    answers.push(post(&url, "ending=hang").await);
    for answer in &mut answers[..3] {
        assert_eq!(answer.text().await, "chunk 0\nchunk 1\nchunk 2\n");
    }
    assert_eq!(answers[3].text().await, "chunk 0\nchunk 1\n", "cut by its timeout");
    let seen =
        until(&mut events, |kind| matches!(kind, EventKind::InvocationEnded(report) if report.outcome == Verdict::Timeout)).await;
    assert!(seen.iter().all(|event| event.environment == Some(1)));
    assert_eq!(post(&url, "").await.text().await, "chunk 0\nchunk 1\n", "the environment lives on");
    emulator.shutdown().await;
}

#[tokio::test]
async fn a_runtime_that_cannot_start_is_told_and_tried_again() {
    for (handler, error) in [
        ("init-error", r#""errorMessage":"there is no such handler""#),
        ("init-exit", "Runtime exited with error: exit status 3"),
    ] {
        let mut settings = settings();
        settings.handler = handler.to_owned();
        let (emulator, mut events) = start(settings).await;
        for environment in 1..3 {
            let mut answer = post(&emulator.function_url(), "").await;
            let text = answer.text().await;
            assert!(answer.status == 200 && text.contains(error), "{handler}: {text}");
            let failed = until(&mut events, |kind| matches!(kind, EventKind::InitFailed { .. })).await;
            assert_eq!(failed.last().and_then(|event| event.environment), Some(environment));
        }
        assert_eq!(post(&emulator.api_url(), "").await.status, 500);
        let error = emulator.warm_up().await.expect_err("it cannot");
        assert!(error.error_type.starts_with("Runtime."), "{error}");
        emulator.shutdown().await;
    }
}

#[tokio::test]
async fn a_runtime_that_never_asks_is_started_once_more() {
    let mut settings = settings();
    settings.handler = "init-hang".to_owned();
    settings.init_timeout = Duration::from_millis(200);
    settings.timeout = Duration::from_millis(300);
    let (emulator, mut events) = start(settings).await;
    let text = post(&emulator.function_url(), "").await.text().await;
    assert!(text.contains("Task timed out after 0.30 seconds"), "{text}");
    let seen = until(&mut events, |kind| matches!(kind, EventKind::EnvironmentExited { .. })).await;
    assert!(seen.iter().any(|event| event.to_string().starts_with("INIT_REPORT Init Duration: 200.00 ms")));
    emulator.shutdown().await;
}

#[tokio::test]
async fn a_command_that_is_not_there_is_told() {
    let settings = Settings::new("f", vec!["/nowhere/bootstrap".into()]);
    let (emulator, _) = start(settings).await;
    let error = emulator.warm_up().await.expect_err("it cannot");
    assert_eq!(error.error_type, "Runtime.InvalidEntrypoint");
    assert!(error.message.contains("/nowhere/bootstrap"), "{error}");
    emulator.shutdown().await;
}

#[tokio::test]
async fn what_a_runtime_may_not_do_is_refused() {
    let (emulator, mut events) = start(settings()).await;
    assert_eq!(post(&emulator.function_url(), "ending=refusals").await.text().await, "\"answered\"");
    let seen = until_over(&mut events).await;
    let refusals: Vec<&str> = printed(&seen).into_iter().skip(1).collect();
    let expected = [
        ("403", "InvalidStateTransition"),
        ("400", "InvalidRequestID"),
        ("410", "InvokeTimeout"),
        ("403", "InvalidStateTransition"),
        ("403", "InvalidStateTransition"),
        ("403", "InvalidStateTransition"),
    ];
    assert_eq!(refusals.len(), expected.len(), "{refusals:#?}");
    for (refusal, (status, kind)) in refusals.iter().zip(expected) {
        assert!(refusal.starts_with(status) && refusal.contains(kind), "{refusal}");
    }
    let text = post(&emulator.function_url(), "ending=bad-mode").await.text().await;
    assert!(text.contains("Runtime.InvalidResponseModeHeader"), "{text}");
    emulator.shutdown().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_stops_the_runtime() {
    let mut settings = settings();
    settings.timeout = Duration::from_secs(2);
    let (emulator, mut events) = start(settings).await;
    let answer = post(&emulator.function_url(), "chunks=1000 size=1000000").await;
    let seen = until_over(&mut events).await;
    let report = seen.iter().find_map(|event| match &event.kind {
        EventKind::InvocationEnded(report) => Some(report.clone()),
        _ => None,
    });
    let report = report.expect("the end");
    assert_eq!(report.outcome, Verdict::Timeout);
    assert!(report.bytes < 100_000_000, "sockets take some, nothing else does: {}", report.bytes);
    drop(answer);
    emulator.shutdown().await;
}

#[tokio::test]
async fn the_bandwidth_of_a_stream_is_limited() {
    let mut settings = settings();
    settings.throttle = true;
    let (emulator, _) = start(settings).await;
    let start = std::time::Instant::now();
    let (bytes, clean) = post(&emulator.function_url(), "chunks=8 size=1000000").await.rest().await;
    assert!(clean && bytes.len() > 8_000_000);
    assert!(start.elapsed() > Duration::from_millis(500), "1.7 MB more than at once are 0.8 s: {:?}", start.elapsed());
    emulator.shutdown().await;
}

#[tokio::test]
async fn a_port_in_use_is_said_in_one_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let with = |url| {
        let mut settings = settings();
        (settings.api, settings.url) = (address, url);
        firstbyte_emulator::start(settings)
    };
    let free = (std::net::Ipv4Addr::LOCALHOST, 0).into();
    let error = with(free).await.expect_err("it is taken");
    assert!(matches!(error, StartError::PortsInUse { .. }));
    let of_api = format!("port {} is in use: choose another one for the API Gateway with --api-port", address.port());
    assert_eq!(error.to_string(), format!("{of_api}, or 0 for any free one"));
    // Who serves twice is told of all doors at once.
    let of_url = format!("port {} is in use: choose another one for the Function URL with --url-port", address.port());
    let error = with(address).await.expect_err("it is taken");
    assert_eq!(error.to_string(), format!("{of_url}; {of_api}, or 0 for any free one"));
}
