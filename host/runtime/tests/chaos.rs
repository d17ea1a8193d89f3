//! Handlers that do whatever comes to mind, eight at once: each is answered once, as the Runtime API wants it, and the host lives.
//!
//! `FIRSTBYTE_CHAOS=100000 cargo test -p firstbyte-runtime --test chaos -- --nocapture` is the long one.

#[expect(dead_code, reason = "the other tests use the rest")]
mod support;

use std::collections::HashSet;
use std::time::Duration;
use support::{Door, Next, Post, Request, deadline_in, start};

#[test]
fn a_handler_may_do_anything() {
    let count: usize = std::env::var("FIRSTBYTE_CHAOS").ok().and_then(|count| count.parse().ok()).unwrap_or(600);
    let mut running = start(&[("AWS_LAMBDA_MAX_CONCURRENCY", "8")], vec![], vec![]);
    running.discard_log();
    let mut answered = HashSet::new();
    let mut failed = 0;
    let mut delivered = 0;
    while answered.len() < count {
        while delivered < count && delivered < answered.len() + 16 {
            let payload = Door::ALL[delivered % 3].event(&format!(r#"{{"ending":"chaos","seed":{delivered}}}"#));
            let headers = vec![
                ("lambda-runtime-aws-request-id", format!("chaos-{delivered}")),
                ("lambda-runtime-deadline-ms", deadline_in(Duration::from_secs(60))),
            ];
            running.deliver(Next::Deliver(payload, headers), Post::Accept);
            delivered += 1;
        }
        let request = running.request();
        failed += usize::from(is_failure(&request));
        let id = request.path.split('/').nth(4).unwrap_or_default().to_owned();
        assert!(answered.insert(id), "answered twice: {}", request.path);
    }
    println!("{count} invocations, {failed} of them failed; {} KiB", running.rss());
    // Of every eight endings five are failures, besides heads that are refused.
    assert!(failed > count / 3 && failed < count, "{failed} of {count}");
    running.assert_alive();
}

/// Whether an answer tells of a failure; it is well-formed in any case.
fn is_failure(request: &Request) -> bool {
    assert!(request.complete, "{} {:?}", request.path, request.headers);
    let header = request.headers.get("lambda-runtime-function-error-type").map(String::as_str);
    let told = header.or(request.trailer_type());
    if let Some(told) = told {
        let (whose, reason) = told.split_once('.').expect("two parts");
        assert!(["Runtime", "Function"].contains(&whose) && reason.bytes().all(|byte| byte.is_ascii_alphabetic()), "{told}");
    }
    assert_eq!(request.path.ends_with("/error"), header.is_some(), "{}", request.path);
    let names = ["lambda-runtime-function-error-type", "lambda-runtime-function-error-body"];
    assert!(request.trailers.keys().all(|name| names.contains(&name.as_str())), "{:?}", request.trailers);
    told.is_some()
}
