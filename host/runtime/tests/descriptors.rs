//! A process with few descriptors answers every invocation that it takes.

#[expect(dead_code, reason = "the other tests use the rest")]
mod support;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::{Bootstrap, Next, Post, deadline_in, start_within};

/// Lambda's limit, as the one that nobody can raise.
const LIMIT: &str = "ulimit -n 1024";

fn deliver(running: &Bootstrap, id: usize, payload: &str) {
    let id = ("lambda-runtime-aws-request-id", format!("id-{id}"));
    let deadline = ("lambda-runtime-deadline-ms", deadline_in(Duration::from_secs(25)));
    running.deliver(Next::Deliver(payload.to_owned(), vec![id, deadline]), Post::Accept);
}

/// Which of the ids up to `count` were answered well.
fn answered(running: &Bootstrap, count: usize) -> Vec<bool> {
    let mut answered = vec![false; count];
    for _ in 0..count {
        let request = running.request();
        let id = request.path.split('/').find_map(|part| part.strip_prefix("id-")?.parse::<usize>().ok()).expect("an id");
        answered[id] = request.complete && request.trailers.is_empty() && request.path.ends_with("/response");
    }
    answered
}

#[test]
fn more_streams_than_there_are_descriptors_for_are_all_answered() {
    const STREAMS: usize = 450;
    let variables = [("AWS_LAMBDA_MAX_CONCURRENCY", "450"), ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "10240")];
    for limit in [LIMIT, "ulimit -n 256"] {
        let mut running = start_within(limit, &variables);
        for id in 0..STREAMS {
            deliver(&running, id, r#"{"ending":"tokens","count":2,"ms":1000}"#);
        }
        let lost = answered(&running, STREAMS).iter().filter(|answered| !**answered).count();
        assert_eq!(lost, 0, "{limit}");
        running.assert_is_running();
        let log = running.log();
        assert_eq!(log.contains("invocations are taken at once instead of 450"), limit != LIMIT, "{log}");
    }
}

#[test]
fn one_handlers_connections_do_not_cost_another_its_answer() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = server.local_addr().expect("bound").to_string();
    let connected = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connected);
    std::thread::spawn(move || {
        let mut streams = Vec::new();
        for stream in server.incoming() {
            streams.push(stream);
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    let allowed = format!("http://{address}");
    let variables = [
        ("AWS_LAMBDA_MAX_CONCURRENCY", "8"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "2048"),
        ("FIRSTBYTE_ALLOW_HTTP", allowed.as_str()),
    ];
    let mut running = start_within(LIMIT, &variables);
    running.discard_log();
    deliver(&running, 0, &format!(r#"{{"ending":"hoard","what":"connections","count":1100,"path":"{address}"}}"#));
    for id in 1..8 {
        deliver(&running, id, r#"{"ending":"tokens","count":10,"ms":100}"#);
    }
    let answered = answered(&running, 8);
    assert!(answered[1..].iter().all(|answered| *answered), "{answered:?}");
    let connected = connected.load(Ordering::Relaxed);
    assert!((1..=64).contains(&connected), "{connected} connections");
    running.assert_is_running();
}
