//! A thousand streams in one process, and what some of them do changes nothing for the others.

#[expect(dead_code, reason = "the other tests use the rest")]
mod support;

use std::time::Duration;
use support::{Next, Post, deadline_in, start_within};

const STREAMS: usize = 1000;

/// Some of the thousand.
const HOSTILE: [&str; 6] = [
    r#"{"ending":"memory","started":true}"#,
    r#"{"ending":"panic-after"}"#,
    r#"{"ending":"stack","started":true}"#,
    r#"{"ending":"spin-after"}"#,
    r#"{"ending":"wait","started":true}"#,
    r#"{"ending":"hoard","what":"fields","count":20000}"#,
];

#[test]
fn what_some_of_a_thousand_do_changes_nothing_for_the_others() {
    let variables = [("AWS_LAMBDA_MAX_CONCURRENCY", "1000"), ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "10240")];
    let mut running = start_within("ulimit -n 8192", &variables);
    running.discard_log();
    let is_hostile = |id: usize| (id % 100 == 50).then(|| HOSTILE[id / 100 % HOSTILE.len()]);
    for id in 0..STREAMS {
        let hostile = is_hostile(id);
        let payload = hostile.unwrap_or(r#"{"ending":"tokens","count":8,"ms":500}"#);
        let patience = Duration::from_secs(if hostile.is_some() { 4 } else { 60 });
        let headers =
            vec![("lambda-runtime-aws-request-id", format!("id-{id}")), ("lambda-runtime-deadline-ms", deadline_in(patience))];
        running.deliver(Next::Deliver(payload.to_owned(), headers), Post::Accept);
    }
    let mut seen = vec![false; STREAMS];
    for _ in 0..STREAMS {
        let request = running.request();
        let id = request.path.split('/').find_map(|part| part.strip_prefix("id-")?.parse::<usize>().ok()).expect("an id");
        assert!(!std::mem::replace(&mut seen[id], true), "{id} was answered twice");
        let told = request.trailer_type().map_or_else(|| String::from_utf8_lossy(&request.body).into_owned(), str::to_owned);
        match is_hostile(id) {
            Some(payload) => assert!(told.contains("Runtime."), "{payload}: {told}"),
            None => {
                assert!(request.complete && request.trailers.is_empty(), "{id}: {told}");
                assert_eq!(request.body.iter().filter(|byte| **byte == b'\n').count(), 8, "{id}: {told}");
            }
        }
    }
    running.assert_is_running();
}
