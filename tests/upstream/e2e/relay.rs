//! Tokens leave as they come: in lockstep with the model, many conversations at once, and only as long as somebody reads.

use firstbyte_tests::{Call, Door, Doors, Function, open};
use firstbyte_upstream_tests::{End, Guest, ModelServer, Script};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const CONVERSATIONS: usize = 50;

/// How long a token may take from the model to the client.
struct Bar {
    median: Duration,
    p99: Duration,
}

/// On a machine that is busy with other things, in a build for tests.
const BUSY: Bar = Bar { median: Duration::from_millis(100), p99: Duration::from_millis(1000) };

/// On a machine of its own, in a release build.
const QUIET: Bar = Bar { median: Duration::from_millis(2), p99: Duration::from_millis(10) };

fn chat(model: &ModelServer) -> Function {
    Guest::Chat.function().env("CHAT_BASE_URL", &model.url()).env("FIRSTBYTE_ALLOW_HTTP", &model.url())
}

#[tokio::test]
async fn the_model_goes_on_only_when_its_last_token_was_seen() {
    let model = ModelServer::start().await;
    let lambda = chat(&model).start().await;
    let tokens: Vec<String> = (0..20).map(|n| format!("token-{n}.")).collect();
    let script = Script { tokens: tokens.clone(), waits: true, ..Script::default() };
    for door in Door::ALL {
        let mut stream = lambda.open(door, Call::json(&script.conversation())).await;
        for token in &tokens {
            model.release(1);
            let chunk = stream.next().await.expect("a token");
            assert!(String::from_utf8_lossy(&chunk.bytes).contains(token.as_str()), "{door}: {token} is not in {chunk:?}");
        }
        assert!(stream.rest().await.looks_complete(), "{door}");
    }
}

/// One conversation, and how long each of its tokens took from the model to the client.
async fn converse(doors: Doors, model: Arc<ModelServer>, door: Door, name: String) -> Vec<Duration> {
    let tokens: Vec<String> = (0..20).map(|n| format!("{name}-{n}.")).collect();
    let script = Script { tokens: tokens.clone(), gap_ms: 100, ..Script::default() };
    let mut stream = open(&doors, door, Call::json(&script.conversation())).await;
    let mut waiting = tokens.iter();
    let mut delays = Vec::new();
    while let Some(chunk) = stream.next().await {
        let now = Instant::now();
        let text = String::from_utf8_lossy(&chunk.bytes).into_owned();
        for _ in text.matches(r#"data: {"token""#) {
            let token = waiting.next().expect("as many tokens as were sent");
            assert!(text.contains(token.as_str()), "{door}: {token} is not in {text}");
            delays.push(now.saturating_duration_since(model.sent_at(token)));
        }
    }
    let answer = stream.rest().await;
    assert!(answer.looks_complete() && answer.text().contains("event: done"), "{door}: {}", answer.text());
    assert_eq!(delays.len(), tokens.len(), "{door}: {}", answer.text());
    delays
}

/// Fifty conversations at once, in one process, and what their tokens took.
async fn assert_keeps(bar: Bar, doors: &[Door]) {
    let model = Arc::new(ModelServer::start().await);
    let lambda = chat(&model).concurrency(CONVERSATIONS).start().await;
    for &door in doors {
        let conversation = |n| converse(lambda.doors.clone(), Arc::clone(&model), door, format!("{door:?}-{n}"));
        let conversations: JoinSet<_> = (0..CONVERSATIONS).map(conversation).collect();
        let mut delays: Vec<Duration> = conversations.join_all().await.into_iter().flatten().collect();
        delays.sort_unstable();
        let (median, p99) = (delays[delays.len() / 2], delays[delays.len() * 99 / 100]);
        println!("{door}: {} tokens, median {median:?}, p99 {p99:?}, slowest {:?}", delays.len(), delays[delays.len() - 1]);
        assert!(median <= bar.median && p99 <= bar.p99, "{door}: median {median:?}, p99 {p99:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_conversations_at_once() {
    assert_keeps(BUSY, &Door::ALL).await;
}

/// `cargo test --profile dist --test relay -- --ignored --nocapture`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "wants a machine of its own, and --profile dist"]
async fn fifty_conversations_on_a_quiet_machine() {
    assert_keeps(QUIET, &[Door::Url]).await;
}

#[tokio::test]
async fn when_a_write_is_refused_the_model_is_read_no_further() {
    let model = ModelServer::start().await;
    let mut lambda = chat(&model).env("FIRSTBYTE_RESPONSE_LIMIT_MB", "1").start().await;
    let endless = Script::says(&["x".repeat(10_000).as_str()]).then(End::Forever);
    for (refused, door) in Door::ALL.into_iter().enumerate() {
        let invoked = lambda.invoke(door, Call::json(&endless.conversation())).await;
        assert_eq!(invoked.seen.error_type(), Some("Function.WriteError"), "{door}");
        let length = invoked.answer.bytes().len();
        assert!((1_000_000..1_100_000).contains(&length), "{door}: {length} bytes");
        model.until_abandoned(refused + 1).await;
    }
}
