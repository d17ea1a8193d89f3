//! Whatever the Runtime API does, the bootstrap answers what can be answered and goes on.

#[expect(dead_code, reason = "the soak uses the rest")]
mod support;

use std::time::{Duration, Instant};
use support::{Door, Next, Post, deadline_in, deliver, deliver_by_url, start};

const ID: &str = "lambda-runtime-aws-request-id";
const DEADLINE: &str = "lambda-runtime-deadline-ms";

#[test]
fn an_invocation_that_cannot_be_understood_is_refused() {
    for (name, value) in [(DEADLINE, String::new()), (DEADLINE, "soon".to_owned()), (DEADLINE, "-1".to_owned())] {
        let next = vec![Next::Deliver("{}".to_owned(), vec![(name, value)])];
        let mut running = start(&[], next, vec![]);
        let request = running.request();
        assert!(request.path.ends_with("/error"), "{request:?}");
        assert!(String::from_utf8_lossy(&request.body).contains("Runtime.InvalidInvocation"), "{request:?}");
        running.assert_alive();
    }
}

#[test]
fn an_invocation_without_a_usable_id_is_passed_over() {
    for id in ["", "../../../x", "a b"] {
        let next = vec![Next::Deliver("{}".to_owned(), vec![(ID, id.to_owned())])];
        start(&[], next, vec![]).assert_alive();
    }
}

#[test]
fn a_caller_cannot_end_the_process_with_a_client_context() {
    let context = |json: &str| {
        vec![("lambda-runtime-client-context", json.to_owned()), ("lambda-runtime-cognito-identity", json.to_owned())]
    };
    let next = [r#"{"custom":{"a":1}}"#, "not json", "[]", "{"];
    let next = next.map(|json| Next::Deliver(r#"{"ending":"ok","bytes":3}"#.to_owned(), context(json)));
    let count = next.len();
    let mut running = start(&[], next.into(), vec![]);
    for _ in 0..count {
        assert_eq!(running.request().body.len(), 3);
    }
    running.assert_alive();
}

#[test]
fn garbage_from_next_is_waited_out() {
    let next = [
        &b"garbage\r\n\r\n"[..],
        b"HTTP/1.1 200 OK\r\n\x00: \xff\r\n\r\n",
        b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort",
    ];
    start(&[], next.map(|bytes| Next::Raw(bytes.to_vec())).into(), vec![]).assert_alive();
}

#[test]
fn a_500_from_next_ends_the_process_as_lambda_wants() {
    let next = vec![Next::Raw(b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 2\r\n\r\n{}".to_vec())];
    let (success, log) = start(&[], next, vec![]).ended();
    assert!(!success);
    assert!(log.contains("environment is broken"), "{log}");
}

#[test]
fn refused_responses_are_logged_and_passed_over() {
    for status in [400, 403, 410, 413, 500] {
        for post in [Post::Answer(status), Post::AnswerEarly(status)] {
            let mut running = start(&[], vec![deliver_by_url(r#"{"ending":"ok","bytes":1000,"writes":10}"#)], vec![post]);
            running.request();
            if status == 413 {
                // What is too large is told in short.
                let told = running.request();
                assert!(told.path.ends_with("/error") && told.body.len() < 1024, "{told:?}");
                assert!(String::from_utf8_lossy(&told.body).contains("Runtime.ResponseRefused"), "{told:?}");
            }
            running.assert_alive();
            let log = running.log();
            assert!(log.contains(&format!("the Runtime API answered {status}")), "{status}: {log}");
        }
    }
}

#[test]
fn a_connection_that_closes_mid_body_is_a_refused_write() {
    let flood = r#"{"ending":"flood","bytes":100000000,"chunk":1000}"#;
    let mut running = start(&[], vec![deliver(flood)], vec![Post::CloseAfter(100_000)]);
    let request = running.request();
    assert!(!request.complete);
    running.assert_alive();
    // The handler saw the refusal and said so; so did the host.
    let log = running.log();
    assert!(log.contains("\tERROR\tFunction.Refused") && log.contains("\tWARN\t"), "{log}");
}

#[test]
fn an_answer_that_never_comes_is_given_up_at_the_deadline() {
    let soon = vec![(DEADLINE, deadline_in(Duration::from_secs(2)))];
    let next = vec![Next::Deliver(r#"{"ending":"ok","bytes":3}"#.to_owned(), soon)];
    let mut running = start(&[], next, vec![Post::NeverAnswer]);
    assert!(running.request().complete);
    running.assert_alive();
}

#[test]
fn a_reader_that_stalls_holds_the_handler_until_the_deadline() {
    let soon = vec![(DEADLINE, deadline_in(Duration::from_secs(3)))];
    let next = vec![Next::Deliver(r#"{"ending":"flood","bytes":1000000000}"#.to_owned(), soon)];
    let begun = Instant::now();
    let mut running = start(&[], next, vec![Post::Stall]);
    running.assert_alive();
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(running.log().contains("Runtime.DeadlineExceeded"));
}

#[test]
fn a_handler_that_computes_or_waits_past_its_deadline_is_ended_in_time() {
    for ending in [r#"{"ending":"spin-after"}"#, r#"{"ending":"wait","started":true}"#] {
        let soon = vec![(DEADLINE, deadline_in(Duration::from_secs(2)))];
        let begun = Instant::now();
        let mut running =
            start(&[("FIRSTBYTE_DEADLINE_RESERVE_MS", "500")], vec![Next::Deliver(ending.to_owned(), soon)], vec![]);
        let request = running.request();
        assert!(begun.elapsed() < Duration::from_secs(2), "Lambda would have killed it: {:?}", begun.elapsed());
        assert!(request.complete, "{request:?}");
        assert_eq!(request.body, b"started\n");
        assert_eq!(request.trailer_type(), Some("Runtime.DeadlineExceeded"));
        running.assert_alive();
    }
}

#[test]
fn a_sleep_for_ever_is_a_wait_like_any_other() {
    let payload = format!(r#"{{"ending":"wait","seconds":{},"started":true}}"#, u64::MAX);
    let soon = vec![(DEADLINE, deadline_in(Duration::from_secs(1)))];
    let mut running = start(&[], vec![Next::Deliver(payload, soon)], vec![]);
    assert_eq!(running.request().trailer_type(), Some("Runtime.DeadlineExceeded"));
    running.assert_alive();
}

#[test]
fn a_deadline_that_is_past_or_never_is_a_deadline_like_any_other() {
    for (deadline, told) in [("0", Some("Runtime.DeadlineExceeded")), ("18446744073709551615", None)] {
        let payload = if told.is_some() { r#"{"ending":"spin-after"}"# } else { r#"{"ending":"ok"}"# };
        let next = Next::Deliver(Door::Url.event(payload), vec![(DEADLINE, deadline.to_owned())]);
        let mut running = start(&[], vec![next], vec![]);
        let request = running.request();
        assert_eq!((request.complete, request.trailer_type()), (true, told), "{request:?}");
        running.assert_alive();
    }
}

#[test]
fn the_nonce_of_a_delivery_is_echoed() {
    let nonce = || vec![("lambda-runtime-invocation-id", "nonce-1".to_owned())];
    let next = [r#"{"ending":"ok"}"#, r#"{"ending":"err-before"}"#].map(|payload| Next::Deliver(payload.to_owned(), nonce()));
    let running = start(&[], next.into(), vec![]);
    for end in ["/response", "/error"] {
        let request = running.request();
        assert!(request.path.ends_with(end), "{request:?}");
        assert_eq!(request.headers.get("lambda-runtime-invocation-id").map(String::as_str), Some("nonce-1"));
    }
}

#[test]
fn a_runtime_that_cannot_start_says_why() {
    for (variables, kind, help) in [
        (&[("_HANDLER", "nobody")][..], "Runtime.NoSuchHandler", "neither"),
        (&[("FIRSTBYTE_RESPONSE", "sometimes")], "Runtime.InvalidSetting", "`stream` or `buffered`"),
        (&[("FIRSTBYTE_REUSE", "0")], "Runtime.InvalidSetting", "at least 1. Correct it, or remove it for its default: 1"),
        (&[("FIRSTBYTE_SIGN_AWS", "bedrock-runtime")], "Runtime.InvalidSetting", "signed for the service bedrock: name that"),
        (&[("AWS_LAMBDA_LOG_LEVEL", "loud")], "Runtime.InvalidSetting", "expected `TRACE`, `DEBUG`"),
        (&[("FIRSTBYTE_ALLOW_READ", "/tmp,/no/such")], "Runtime.InvalidSetting", "names /no/such: No such file"),
        (
            &[("FIRSTBYTE_CA_FILE", "/no/such.pem")],
            "Runtime.InvalidSetting",
            "FIRSTBYTE_CA_FILE names /no/such.pem: No such file",
        ),
        (&[("_HANDLER", "")], "Runtime.NotInLambda", "_HANDLER is not set"),
    ] {
        let running = start(variables, vec![], vec![]);
        let request = running.request();
        assert!(request.path.ends_with("/init/error"), "{request:?}");
        let body = String::from_utf8_lossy(&request.body).into_owned();
        assert!(body.contains(kind) && body.contains(help), "{body}");
        let (success, log) = running.ended();
        assert!(!success);
        assert!(log.contains(kind), "{log}");
    }
}

#[test]
fn invocations_run_at_once_in_one_process() {
    let wait = r#"{"ending":"wait","seconds":2,"started":true}"#;
    let begun = Instant::now();
    let running = start(&[("AWS_LAMBDA_MAX_CONCURRENCY", "8")], (0..8).map(|_| deliver(wait)).collect(), vec![]);
    for _ in 0..8 {
        assert!(running.request().complete);
    }
    // One after the other would take 16 seconds.
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
}

#[test]
fn a_fresh_instance_for_every_invocation_unless_set_otherwise() {
    let calls = |reuse: &str, between: &str| {
        let next = vec![deliver(r#"{"ending":"reuse"}"#), deliver(between), deliver(r#"{"ending":"reuse"}"#)];
        let running = start(&[("FIRSTBYTE_REUSE", reuse)], next, vec![]);
        let first = running.request().body;
        running.request();
        let last = running.request().body;
        [first, last].map(|body| String::from_utf8_lossy(&body).trim().to_owned())
    };
    let plain = r#"{"ending":"ok"}"#;
    assert_eq!(calls("1", plain), ["1", "1"]);
    assert_eq!(calls("10", plain), ["1", "2"]);
    assert_eq!(calls("2", plain), ["1", "1"]);
    // A failure ends the instance.
    assert_eq!(calls("10", r#"{"ending":"panic-after"}"#), ["1", "1"]);
    assert_eq!(calls("10", r#"{"ending":"err-after"}"#), ["1", "1"]);
}

#[test]
fn snap_start_waits_at_the_snapshot() {
    let running = start(&[("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")], vec![deliver(r#"{"ending":"ok"}"#)], vec![]);
    assert!(running.request().path.ends_with("/restore/next"));
    assert!(running.request().path.ends_with("/response"));
}

#[test]
fn a_connection_that_is_closed_while_the_handler_thinks_loses_nothing() {
    let closes = Post::CloseIdle(Duration::from_millis(200));
    for (ending, path) in [(r#"{"ending":"wait","seconds":1}"#, "/response"), (r#"{"ending":"nonsense"}"#, "/error")] {
        let mut running = start(&[], vec![deliver(r#"{"ending":"ok","bytes":10}"#)], vec![closes]);
        assert!(running.request().complete);
        if path == "/error" {
            // It is closed before the next invocation comes.
            std::thread::sleep(Duration::from_millis(500));
        }
        running.deliver(deliver(ending), Post::Accept);
        let request = running.request();
        assert!(request.complete && request.path.ends_with(path), "{request:?}");
        running.assert_alive();
        assert!(!running.log().contains("WARN"));
    }
}

#[test]
fn a_stream_says_that_it_failed_however_far_its_reader_is_behind() {
    let soon = vec![(DEADLINE, deadline_in(Duration::from_secs(4)))];
    let next = vec![Next::Deliver(r#"{"ending":"sse","events":100000000}"#.to_owned(), soon)];
    // The handler is ended, with all buffers full, a second before anybody reads.
    let variables = [("FIRSTBYTE_DEADLINE_RESERVE_MS", "3000")];
    let mut running = start(&variables, next, vec![Post::ReadAfter(Duration::from_secs(2))]);
    let request = running.request();
    assert_eq!(request.trailer_type(), Some("Runtime.DeadlineExceeded"));
    let end = String::from_utf8_lossy(&request.body[request.body.len().saturating_sub(200)..]).into_owned();
    assert!(end.contains("event: error\ndata: {\"errorType\":\"Runtime.DeadlineExceeded\""), "{end}");
    assert!(request.complete);
    running.assert_alive();
}

#[test]
fn a_head_that_is_too_large_is_refused_at_every_door() {
    for (door, name) in Door::ALL.into_iter().flat_map(|door| ["content-type", "x-big"].map(|name| (door, name))) {
        let payload = format!(r#"{{"ending":"big-head","bytes":100000,"name":"{name}"}}"#);
        let mut running = start(&[], vec![Next::Deliver(door.event(&payload), vec![])], vec![]);
        let request = running.request();
        let told = request.headers.get("lambda-runtime-function-error-type").map(String::as_str).or(request.trailer_type());
        assert_eq!(told, Some("Function.HeadError"), "{door:?} {name}: {request:?}");
        running.assert_alive();
    }
}

#[test]
fn a_failure_of_any_size_is_told_in_a_document_that_lambda_takes() {
    for door in Door::ALL {
        for mode in ["stream", "buffered"] {
            let payload = r#"{"ending":"hoard","what":"failure","count":3000000}"#;
            let next = vec![Next::Deliver(door.event(payload), vec![])];
            let mut running = start(&[("FIRSTBYTE_RESPONSE", mode), ("FIRSTBYTE_MEMORY_MB", "64")], next, vec![]);
            running.discard_log();
            let request = running.request();
            let told = request.headers.get("lambda-runtime-function-error-type").map(String::as_str).or(request.trailer_type());
            assert_eq!(told, Some("Function.Long"), "{door:?} {mode}");
            assert!(request.body.len() <= 256 * 1024, "{door:?} {mode}: {}", request.body.len());
            let section: usize = request.trailers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
            assert!(section + 2 <= 4096, "{door:?} {mode}: {section}");
            running.assert_alive();
        }
    }
}

#[test]
fn a_report_that_is_too_large_for_the_api_is_told_in_short() {
    for status in [413, 431] {
        let mut running = start(&[], vec![deliver(r#"{"ending":"err-before"}"#)], vec![Post::Answer(status)]);
        assert!(running.request().path.ends_with("/error"));
        let told = running.request();
        assert!(told.path.ends_with("/error") && told.body.len() <= 1024, "{told:?}");
        assert_eq!(told.headers["lambda-runtime-function-error-type"], "Function.Expected");
        running.assert_alive();
        assert!(running.log().contains(&format!("answered {status}, and took a shorter report")));

        // If that is refused, too, nothing more is tried.
        let posts = vec![Post::Answer(status), Post::Answer(status)];
        let mut running = start(&[], vec![deliver(r#"{"ending":"err-before"}"#)], posts);
        assert!(running.request().complete && running.request().complete);
        running.assert_alive();
    }
}

#[test]
fn a_connection_that_the_api_closes_with_the_event_is_replaced() {
    let event = r#"{"ending":"ok","bytes":10}"#;
    let head = format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\nlambda-runtime-aws-request-id: one\r\nlambda-runtime-deadline-ms: {}\r\n\
         transfer-encoding: chunked\r\n\r\n5\r\n{}\r\n{:x}\r\n{}\r\n0\r\n\r\n",
        deadline_in(Duration::from_secs(20)),
        &event[..5],
        event.len() - 5,
        &event[5..]
    );
    let mut running = start(&[], vec![Next::Raw(head.into_bytes())], vec![]);
    let request = running.request();
    assert!(request.complete && request.body.len() == 10 && request.path.contains("/one/"), "{request:?}");
    running.assert_alive();
    assert!(!running.log().contains("WARN"));
}

#[test]
fn sigterm_ends_the_process_when_its_invocations_have_ended() {
    let wait = r#"{"ending":"tokens","count":3,"ms":50}"#;
    let mut running = start(&[("AWS_LAMBDA_LOG_LEVEL", "DEBUG")], vec![deliver(wait)], vec![]);
    let log = running.follow_log();
    while !running.is_busy() {
        std::thread::sleep(Duration::from_millis(1));
    }
    running.terminate();
    let request = running.request();
    assert!(request.complete && request.trailers.is_empty(), "{request:?}");
    assert!(running.ended().0, "a regular end");
    assert!(log.whole().contains("SIGTERM"));

    // What was to be told together with later ones is told.
    let telemetry = [("FIRSTBYTE_METRICS", "emf"), ("FIRSTBYTE_TELEMETRY_GATHER_MS", "50000")];
    let mut running = start(&telemetry, vec![deliver(r#"{"ending":"ok"}"#), deliver(r#"{"ending":"ok"}"#)], vec![]);
    let log = running.follow_log();
    assert!(running.request().complete && running.request().complete);
    assert_eq!(log.so_far().matches("\"_aws\"").count(), 1, "the first at once, and the second not yet");
    running.terminate();
    assert!(running.ended().0);
    assert_eq!(log.whole().matches("\"_aws\"").count(), 2);

    // What does not end by itself is not waited for.
    let running = start(&[], vec![deliver(r#"{"ending":"wait"}"#)], vec![]);
    while !running.is_busy() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let begun = Instant::now();
    running.terminate();
    assert!(running.ended().0 && begun.elapsed() < Duration::from_secs(5));
}
