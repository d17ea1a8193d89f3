//! Processes of runtimes: that none is left behind, and what they say before they die.

mod client;

use client::{LONG, post, printed, settings, start, until, until_over};
use firstbyte_emulator::{Event, EventKind, Settings};
use std::time::Duration;

#[tokio::test]
async fn processes_end_with_the_emulator() {
    for explicit in [true, false] {
        let (emulator, mut events) = start(settings()).await;
        let mut answer = post(&emulator.function_url(), "ending=hang").await;
        answer.next().await.expect("a chunk").expect("no cut");
        let seen = until(&mut events, |kind| matches!(kind, EventKind::EnvironmentStarted { .. })).await;
        let Some(EventKind::EnvironmentStarted { pid }) = seen.last().map(|event| event.kind.clone()) else {
            panic!("{seen:#?}")
        };
        if explicit {
            emulator.shutdown().await;
            assert!(!is_alive(pid));
        } else {
            drop(emulator);
            until_gone(pid).await;
        }
    }
}

#[tokio::test]
async fn what_a_runtime_started_ends_with_it() {
    let (emulator, mut events) = start(with_a_straggler("exec \"$0\"")).await;
    emulator.warm_up().await.expect("it starts");
    let seen = until(&mut events, |kind| matches!(kind, EventKind::Log { .. })).await;
    let pid = straggler(&seen);
    assert!(is_alive(pid));
    emulator.shutdown().await;
    until_gone(pid).await;
}

/// `sh`, which starts a process that nobody waits for, prints its id after `started `, and goes on as `script` says.
fn with_a_straggler(script: &str) -> Settings {
    let mut settings = settings();
    let script = format!("sleep 1000 & echo started $!; {script}");
    settings.command = ["sh".into(), "-c".into(), script.into()].into_iter().chain(settings.command).collect();
    settings
}

/// The process whose id was printed after `started `.
fn straggler(events: &[Event]) -> u32 {
    let pid = printed(events).into_iter().find_map(|line| line.strip_prefix("started ")?.parse().ok());
    pid.unwrap_or_else(|| panic!("no process: {events:#?}"))
}

#[tokio::test]
async fn a_runtime_that_dies_takes_what_it_started_along() {
    for (ending, url) in [("exit", "direct"), ("exit-early", "url"), ("exit", "api")] {
        let (emulator, mut events) = start(with_a_straggler("exec \"$0\"")).await;
        let url = match url {
            "direct" => format!("{}/2015-03-31/functions/raw/invocations", emulator.lambda_url()),
            "url" => emulator.function_url(),
            _ => emulator.api_url(),
        };
        post(&url, &format!("\"ending={ending}\"")).await.rest().await;
        let pid = straggler(&until_over(&mut events).await);
        until_gone(pid).await;
        emulator.shutdown().await;
    }
}

#[tokio::test]
async fn a_runtime_that_dies_at_start_takes_what_it_started_along_and_its_last_words_are_told() {
    for (script, error_type, told) in [
        ("echo one; echo two >&2; exit 7", "Runtime.ExitError", &["exit status 7", "two", "one"][..]),
        ("echo three; kill -9 $$", "Runtime.ExitError", &["signal: killed", "three"]),
        ("_HANDLER=init-error \"$0\"; echo four", "Runtime.NoSuchHandler", &["there is no such handler", "four"]),
        ("echo five; exec sleep 1000", "Sandbox.Timedout", &["timed out", "five"]),
    ] {
        let mut settings = with_a_straggler(script);
        settings.init_timeout = Duration::from_millis(500);
        settings.timeout = Duration::from_millis(500);
        if error_type != "Sandbox.Timedout" {
            (settings.init_timeout, settings.timeout) = (LONG, LONG);
        }
        let (emulator, mut events) = start(settings).await;
        let error = emulator.warm_up().await.expect_err("it cannot start");
        assert_eq!(error.error_type, error_type, "{script}: {error}");
        let text = error.to_string();
        assert!(told.iter().all(|told| text.contains(told)), "{script}: {text}");
        let pid = straggler(&until(&mut events, |kind| matches!(kind, EventKind::EnvironmentExited { .. })).await);
        until_gone(pid).await;
        emulator.shutdown().await;
    }
}

#[tokio::test]
async fn last_words_are_few_and_do_not_repeat_the_failure() {
    let mut many = settings();
    many.command = ["sh", "-c", "seq 1000; exit 1"].map(Into::into).to_vec();
    let (emulator, _) = start(many).await;
    let error = emulator.warm_up().await.expect_err("it cannot start");
    assert_eq!((error.printed.len(), error.printed.last().map(String::as_str)), (20, Some("1000")), "{error}");
    emulator.shutdown().await;

    let mut same = settings();
    same.handler = "init-error".to_owned();
    let script = "echo FATAL there is no such handler; exec \"$0\"".into();
    same.command = ["sh".into(), "-c".into(), script].into_iter().chain(same.command).collect();
    let (emulator, _) = start(same).await;
    let error = emulator.warm_up().await.expect_err("it cannot start");
    assert_eq!((error.message.as_str(), error.printed.len()), ("there is no such handler", 0), "{error}");
    emulator.shutdown().await;
}

async fn until_gone(pid: u32) {
    let gone = async {
        while is_alive(pid) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, gone).await.expect("it ends");
}

/// Whether a process runs; one that was not waited for yet does not.
fn is_alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}
