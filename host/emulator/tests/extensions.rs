//! Extensions beside a runtime. The tests play both: the process of the environment only says where its Runtime API is.

mod client;

use client::played::{IS_DEAF, LEAVES_A_PROCESS, LISTENS, Played, Script, WAITS, answered, ask, json_of, play};
use client::{LONG, post, printed, settings, start, until, until_over};
use firstbyte_emulator::{Event, EventKind, Events, Verdict};
use http::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

fn is_ready(events: &mut Events) -> bool {
    std::iter::from_fn(|| events.try_next()).any(|event| matches!(event.kind, EventKind::EnvironmentReady { .. }))
}

#[tokio::test]
async fn what_registers_gets_an_identifier_and_what_cannot_is_refused() {
    let played = play(settings(), WAITS).await;
    let name = ("lambda-extension-name", "tracer");
    let id = ("lambda-extension-identifier", "11111111-1111-1111-1111-111111111111");
    let error_type = ("lambda-extension-function-error-type", "Extension.Odd");
    for (method, path, headers, body, kind) in [
        (Method::POST, "register", &[][..], r#"{"events":[]}"#, "Extension.InvalidExtensionName"),
        (Method::POST, "register", &[name], "no json", "InvalidRequestFormat"),
        (Method::POST, "register", &[name], r#"{"events":["OTHER"]}"#, "Extension.InvalidEventType"),
        (Method::GET, "event/next", &[], "", "Extension.MissingExtensionIdentifier"),
        (Method::GET, "event/next", &[("lambda-extension-identifier", "x")], "", "Extension.InvalidExtensionIdentifier"),
        (Method::GET, "event/next", &[id], "", "Extension.UnknownExtensionIdentifier"),
        (Method::POST, "init/error", &[id], "{}", "Extension.MissingHeader"),
        (Method::POST, "exit/error", &[id, error_type], "{}", "Extension.UnknownExtensionIdentifier"),
    ] {
        let mut answer = answered(ask(&played.api, method, &format!("/2020-01-01/extension/{path}"), headers, body)).await;
        assert_eq!((answer.status.as_u16(), &json_of(&mut answer).await["errorType"]), (403, &json!(kind)), "{path} {body}");
    }
    assert_eq!(answered(ask(&played.api, Method::GET, "/2020-01-01/extension/other", &[], "")).await.status, 404);

    let headers = [name, ("lambda-extension-accept-feature", "accountId")];
    let mut answer = answered(ask(&played.api, Method::POST, "/2020-01-01/extension/register", &headers, "{}")).await;
    assert_eq!((answer.status.as_u16(), answer.header("lambda-extension-identifier").len()), (200, 36));
    let expected =
        json!({"functionName": "raw", "functionVersion": "$LATEST", "handler": "handler", "accountId": "123456789012"});
    assert_eq!(json_of(&mut answer).await, expected);
    let mut again = played.try_register("tracer", &[]).await;
    assert_eq!(
        (again.status.as_u16(), &json_of(&mut again).await["errorType"]),
        (403, &json!("Extension.InvalidExtensionState"))
    );
    for number in 1..10 {
        played.register(&format!("extension {number}"), &[]).await;
    }
    let mut eleventh = played.try_register("one more", &[]).await;
    assert_eq!(
        (eleventh.status.as_u16(), &json_of(&mut eleventh).await["errorType"]),
        (403, &json!("Extension.TooManyExtensions"))
    );
    // What AWS's Runtime Interface Emulator says of an API that neither has.
    assert_eq!(answered(ask(&played.api, Method::PUT, "/2022-07-01/telemetry", &[], "{}")).await.status, 202);
    played.emulator.shutdown().await;
}

#[tokio::test]
async fn registration_ends_with_the_runtimes_first_poll() {
    let played = play(settings(), WAITS).await;
    played.serve(played.runtime_polls()).await;
    let mut late = played.try_register("late", &["INVOKE"]).await;
    assert_eq!((late.status.as_u16(), &json_of(&mut late).await["errorType"]), (403, &json!("Extension.RegistrationClosed")));
    played.emulator.shutdown().await;
}

#[tokio::test]
async fn an_environment_is_ready_when_every_extension_is() {
    let mut played = play(settings(), WAITS).await;
    let invoked = played.register("invoked", &["INVOKE"]).await;
    let silent = played.register("silent", &[]).await;
    let next = played.runtime_polls();
    played.extension_polls(&invoked);
    // A request that is answered after those polls were taken.
    played.try_register("late", &[]).await;
    assert!(!is_ready(&mut played.events) && !next.is_finished());
    played.extension_polls(&silent);
    played.serve(next).await;
    assert!(is_ready(&mut played.events));
    assert_eq!(played.answer().await, r#""served""#);
    played.emulator.shutdown().await;
}

#[tokio::test]
async fn an_environment_is_free_when_runtime_and_extensions_have_polled() {
    let mut settings = settings();
    settings.max_environments = 1;
    let mut played = play(settings, WAITS).await;
    let id = played.register("invoked", &["INVOKE"]).await;
    let other = played.register("not invoked", &["SHUTDOWN"]).await;
    let event = played.extension_polls(&id);
    let never = played.extension_polls(&other);
    let request_id = played.serve(played.runtime_polls()).await;

    let mut event = answered(event).await;
    assert!(!event.header("lambda-extension-event-identifier").is_empty());
    let event = json_of(&mut event).await;
    let arn = played.emulator.function_arn();
    assert_eq!((&event["eventType"], &event["requestId"]), (&json!("INVOKE"), &json!(request_id)));
    assert_eq!((&event["invokedFunctionArn"], &event["tracing"]["type"]), (&json!(arn), &json!("X-Amzn-Trace-Id")));
    assert!(event["tracing"]["value"].as_str().is_some_and(|value| value.starts_with("Root=1-")), "{event}");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later").as_millis();
    let left = u128::from(event["deadlineMs"].as_u64().expect("a time")) - now;
    assert!((1..=LONG.as_millis()).contains(&left), "{left} ms are left");

    // The client has its answer, the runtime polls again, and the extension is still at work.
    let url = played.emulator.function_url();
    assert_eq!(played.answer().await, r#""served""#);
    let next = played.runtime_polls();
    assert_eq!(post(&url, "too early").await.status, 429);
    let again = played.extension_polls(&id);
    until_over(&mut played.events).await;
    let second = tokio::spawn(async move { post(&url, "second").await });
    let second_id = answered(next).await.header("lambda-runtime-aws-request-id").to_owned();
    assert_eq!(json_of(&mut answered(again).await).await["requestId"], second_id);
    assert!(!never.is_finished(), "it did not ask for invocations");
    drop(second);
    played.emulator.shutdown().await;
}

#[tokio::test]
async fn an_extension_that_does_not_end_its_work_runs_into_the_timeout() {
    let mut settings = settings();
    settings.timeout = Duration::from_secs(1);
    let mut played = play(settings, WAITS).await;
    let id = played.register("slow", &["INVOKE", "SHUTDOWN"]).await;
    let event = played.extension_polls(&id);
    played.serve(played.runtime_polls()).await;
    answered(event).await;
    assert_eq!(played.answer().await, r#""served""#, "the client does not wait for it");
    let _waits = ask(&played.api, Method::GET, "/2018-06-01/runtime/invocation/next", &[], "");
    until(&mut played.events, |kind| matches!(kind, EventKind::Platform { line } if line.contains("Task timed out"))).await;
    let mut event =
        answered(ask(&played.api, Method::GET, "/2020-01-01/extension/event/next", &[("lambda-extension-identifier", &id)], ""))
            .await;
    let event = json_of(&mut event).await;
    assert_eq!((&event["eventType"], &event["shutdownReason"]), (&json!("SHUTDOWN"), &json!("timeout")));
    let seen = until_over(&mut played.events).await;
    assert!(
        seen.iter()
            .any(|event| { matches!(&event.kind, EventKind::InvocationEnded(report) if report.outcome == Verdict::Timeout) })
    );
    played.emulator.shutdown().await;
}

/// Has an environment with these extensions become ready, ends the emulator, and gives how long that took, what was printed,
/// and the event that the first extension got.
async fn ended(script: Script, extensions: &[&[&str]]) -> (Duration, Vec<String>, Option<Value>) {
    let mut played = play(settings(), script).await;
    let mut polls = Vec::new();
    for (number, events) in extensions.iter().enumerate() {
        let id = played.register(&format!("extension {number}"), events).await;
        polls.push(played.extension_polls(&id));
    }
    played.serve(played.runtime_polls()).await;
    let subscribed = extensions.first().is_some_and(|events| events.contains(&"SHUTDOWN"));
    played.answer().await;
    let Played { emulator, mut events, .. } = played;
    let begun = Instant::now();
    let event = async {
        match polls.into_iter().next() {
            Some(poll) if subscribed => Some(json_of(&mut answered(poll).await).await),
            _ => None,
        }
    };
    let ((), event) = tokio::join!(emulator.shutdown(), event);
    let took = begun.elapsed();
    let seen: Vec<Event> = std::iter::from_fn(|| events.try_next()).collect();
    (took, printed(&seen).into_iter().map(ToOwned::to_owned).collect(), event)
}

#[tokio::test]
async fn the_end_is_announced_only_where_an_extension_is_registered() {
    let (took, printed, _) = ended(LISTENS, &[]).await;
    assert!(took < Duration::from_millis(450) && !printed.contains(&"terminated".to_owned()), "{took:?}: {printed:?}");
    let (_, printed, _) = ended(LISTENS, &[&[]]).await;
    assert!(printed.contains(&"terminated".to_owned()), "{printed:?}");
}

#[tokio::test]
async fn half_a_second_is_left_beside_an_internal_extension_and_two_beside_an_external_one() {
    let (took, printed, _) = ended(IS_DEAF, &[&[]]).await;
    assert!(printed.contains(&"terminated".to_owned()), "{printed:?}");
    // A second of it is for what may be left in sockets, which here stay open: this test holds the other ends.
    assert!((450..1900).contains(&took.as_millis()), "{took:?}");

    // The process of the extension outlives the runtime, and is ended with the grace.
    let begun = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later");
    let (took, printed, event) = ended(LEAVES_A_PROCESS, &[&["SHUTDOWN"]]).await;
    assert!(printed.contains(&"terminated".to_owned()), "{printed:?}");
    assert!((1900..4000).contains(&took.as_millis()), "{took:?}");
    let event = event.expect("an event");
    assert_eq!((&event["eventType"], &event["shutdownReason"]), (&json!("SHUTDOWN"), &json!("spindown")));
    let deadline = Duration::from_millis(event["deadlineMs"].as_u64().expect("a time"));
    assert!(deadline >= begun + Duration::from_secs(2) && deadline < begun + LONG, "{deadline:?} of {begun:?}");

    // Nobody waits for an extension whose process is gone.
    let (took, _, _) = ended(LISTENS, &[&["SHUTDOWN"]]).await;
    assert!(took < Duration::from_millis(1500), "{took:?}");
}

#[tokio::test]
async fn what_an_extension_reports_fails_the_start_or_the_invocation() {
    let document = r#"{"errorType":"Extension.Odd","errorMessage":"an odd thing"}"#;
    for (moment, error_type) in [("init", "Extension.InitError"), ("exit", "Extension.ExitError")] {
        for at_start in [true, false] {
            let mut played = play(settings(), WAITS).await;
            let id = played.register("odd", &["INVOKE"]).await;
            if !at_start {
                played.extension_polls(&id);
                answered(played.runtime_polls()).await;
            }
            let headers =
                [("lambda-extension-identifier", id.as_str()), ("lambda-extension-function-error-type", "Extension.Odd")];
            let path = format!("/2020-01-01/extension/{moment}/error");
            let answer = answered(ask(&played.api, Method::POST, &path, &headers, document)).await;
            if moment == "init" && !at_start {
                assert_eq!(answer.status, 403, "the start is over");
                played.emulator.shutdown().await;
                continue;
            }
            assert_eq!(answer.status, 202);
            let text = played.answer().await;
            for part in [error_type, "Extension.Odd", "an odd thing"] {
                assert!(text.contains(part), "{moment}: {part}: {text}");
            }
            let seen = until(&mut played.events, |kind| matches!(kind, EventKind::EnvironmentExited { .. })).await;
            assert_eq!(seen.iter().any(|event| matches!(event.kind, EventKind::InitFailed { .. })), at_start, "{seen:#?}");
            played.emulator.shutdown().await;
        }
    }
}

#[tokio::test]
async fn a_runtime_that_dies_has_its_extensions_told() {
    let mut played = play(settings(), ("sleep 1000 & :", "wait")).await;
    let id = played.register("survivor", &["SHUTDOWN"]).await;
    let event = played.extension_polls(&id);
    answered(played.runtime_polls()).await;
    let runtime = i32::try_from(played.pid).ok().and_then(Pid::from_raw).expect("a process");
    kill_process(runtime, Signal::KILL).expect("it runs");
    let event = json_of(&mut answered(event).await).await;
    assert_eq!((&event["eventType"], &event["shutdownReason"]), (&json!("SHUTDOWN"), &json!("failure")));
    let text = played.answer().await;
    assert!(text.contains("signal: killed"), "{text}");
    until_over(&mut played.events).await;
    played.emulator.shutdown().await;
}

#[tokio::test]
async fn several_invocations_at_once_leave_nothing_to_tell_extensions_of() {
    let mut settings = settings();
    settings.concurrency = 2;
    let played = play(settings, WAITS).await;
    let mut refused = played.try_register("invoked", &["INVOKE"]).await;
    assert_eq!((refused.status.as_u16(), &json_of(&mut refused).await["errorType"]), (403, &json!("Extension.InvalidEventType")));
    let id = played.register("told", &["SHUTDOWN"]).await;
    let event = played.extension_polls(&id);
    played.serve(played.runtime_polls()).await;
    assert!(!event.is_finished());
    played.emulator.shutdown().await;
}

#[tokio::test]
async fn an_adapter_that_is_runtime_and_extension_in_one_serves_every_door() {
    let mut settings = settings();
    settings.handler = "adapter".to_owned();
    let (emulator, mut events) = start(settings).await;
    emulator.warm_up().await.expect("it starts");
    let direct = format!("{}/2021-11-15/functions/raw/response-streaming-invocations", emulator.lambda_url());
    for url in [&direct, &emulator.function_url(), &emulator.api_url()] {
        let (body, clean) = post(url, "{}").await.rest().await;
        assert!(clean && String::from_utf8_lossy(&body).contains("chunk 1\n"), "{url}");
        let seen = until_over(&mut events).await;
        assert!(seen.iter().all(|event| event.environment.is_none_or(|number| number == 1)), "{url}: {seen:#?}");
    }
    emulator.shutdown().await;
}
