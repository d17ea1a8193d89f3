//! The chat's page in a real browser: tokens appear one after another, as they come.
//!
//! `tests/upstream/install.sh` installs the browser. Without it the test is passed over, and says so; with
//! `FIRSTBYTE_REQUIRE_CLIENTS=1` that is a failure.

use firstbyte_tests::{soon, tests_folder};
use firstbyte_upstream_tests::{Guest, ModelServer};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::process::Command;

const WORDS: &str = "Streaming sends each word to you the moment the model has it, and not a moment later.";

/// The script that drives the browser, if it can.
async fn browser() -> Option<Command> {
    let script = tests_folder().join("upstream/browser/chat.mjs");
    let command = || {
        let mut command = Command::new("node");
        command.arg(&script).stdin(Stdio::null()).kill_on_drop(true);
        command
    };
    if command().arg("--version").output().await.is_ok_and(|output| output.status.success()) {
        return Some(command());
    }
    let required = std::env::var_os("FIRSTBYTE_REQUIRE_CLIENTS").is_some_and(|value| value == "1");
    assert!(!required, "there is no browser: run tests/upstream/install.sh");
    eprintln!("SKIPPED: there is no browser: run tests/upstream/install.sh");
    None
}

#[tokio::test]
async fn tokens_appear_one_after_another() {
    let Some(mut browser) = browser().await else { return };
    let model = ModelServer::start().await;
    let function = Guest::Chat.function().env("CHAT_BASE_URL", &model.url()).env("FIRSTBYTE_ALLOW_HTTP", &model.url());
    let lambda = function.start().await;

    // FIRSTBYTE_KEEP_SCREENSHOT=1 renews the picture beside the example.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let screenshot: PathBuf = if std::env::var_os("FIRSTBYTE_KEEP_SCREENSHOT").is_some() {
        tests_folder().join("../guest/examples/chat/chat.png")
    } else {
        folder.path().join("chat.png")
    };
    let run = browser.arg(&lambda.doors.url).arg("How does streaming feel?").arg(&screenshot).output();
    let output = soon("the browser's end", run).await.expect("node runs");
    let told: Vec<Value> =
        output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    assert!(output.status.success(), "{told:#?}\n{}", String::from_utf8_lossy(&output.stderr));

    let all = |name: &str| -> Vec<&Value> { told.iter().filter_map(|told| told.get(name)).collect() };
    assert_eq!(all("title"), ["Chat"]);
    assert_eq!(all("pageError"), Vec::<&Value>::new());
    assert_eq!(all("error"), [&Value::Null]);
    let requests = all("request");
    let url = lambda.doors.url.trim_end_matches('/');
    assert_eq!(requests, [format!("GET {url}/").as_str(), format!("POST {url}/").as_str()], "nothing from anywhere else");

    let states: Vec<&str> = all("text").into_iter().filter_map(Value::as_str).collect();
    assert!(states.len() >= 5, "seen one after another: {states:#?}");
    assert!(states.windows(2).all(|pair| pair[1].starts_with(pair[0])), "each goes on from the one before: {states:#?}");
    assert_eq!(states.last(), Some(&WORDS));
    let times: Vec<f64> = all("at").into_iter().filter_map(Value::as_f64).collect();
    let (first, last) = (times[0], times[times.len() - 1]);
    assert!(last - first > 500.0, "the words came over {} ms", last - first);
    let figures = all("figures")[0].as_str().unwrap_or_default();
    assert!(figures.starts_with("first token after ") && figures.contains("17 tokens"), "{figures}");
    assert!(std::fs::metadata(&screenshot).is_ok_and(|picture| picture.len() > 1000), "a screenshot");
}
