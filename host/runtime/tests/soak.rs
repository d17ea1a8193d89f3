//! Every ending mixed with handlers that hold what they can, many at a time, in one process with few descriptors: each
//! invocation is answered exactly once, and memory stays flat.
//!
//! Brief by default; `FIRSTBYTE_SOAK=100000 cargo test -p firstbyte-runtime --test soak -- --nocapture` is the long one.

#[expect(dead_code, reason = "the other tests use the rest")]
mod support;

use std::collections::HashMap;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;
use support::{Door, Next, Post, deadline_in, start_within};

/// Endings by how often they come. The last ones cost time and are rare. `SERVER` is one that never answers.
const ENDINGS: [(&str, usize); 30] = [
    (r#"{"ending":"ok","bytes":100}"#, 20),
    (r#"{"ending":"ok","bytes":100000,"writes":50}"#, 10),
    (r#"{"ending":"head-only","status":204}"#, 10),
    (r#"{"ending":"empty-body"}"#, 10),
    (r#"{"ending":"never-started"}"#, 10),
    (r#"{"ending":"drop-body"}"#, 10),
    (r#"{"ending":"err-before","status":404}"#, 10),
    (r#"{"ending":"err-after"}"#, 10),
    (r#"{"ending":"finish-then-work"}"#, 10),
    (r#"{"ending":"panic-before"}"#, 10),
    (r#"{"ending":"panic-after"}"#, 10),
    (r#"{"ending":"exit","started":true}"#, 10),
    (r#"{"ending":"bad-head","name":"x","value":"a\r\nb"}"#, 10),
    (r#"{"ending":"sse"}"#, 10),
    (r#"{"ending":"log-flood","lines":20,"bytes":5000}"#, 5),
    (r#"{"ending":"memory","started":true}"#, 5),
    (r#"{"ending":"stack"}"#, 5),
    ("not json", 5),
    (r#"{"ending":"hoard","what":"requests","count":200}"#, 3),
    (r#"{"ending":"hoard","what":"fields","count":200}"#, 3),
    (r#"{"ending":"hoard","what":"trailers","count":200}"#, 3),
    (r#"{"ending":"hoard","what":"responses","count":200}"#, 3),
    (r#"{"ending":"hoard","what":"paths","count":200}"#, 3),
    (r#"{"ending":"hoard","what":"pollables","count":1000000}"#, 3),
    (r#"{"ending":"hoard","what":"failure","count":5000000}"#, 3),
    (r#"{"ending":"hoard","what":"write","count":1000000}"#, 3),
    (r#"{"ending":"hoard","what":"connections","count":100,"path":"SERVER"}"#, 2),
    (r#"{"ending":"hoard","what":"lookups","count":100,"path":"localhost:PORT"}"#, 2),
    (r#"{"ending":"wait","started":true}"#, 2),
    (r#"{"ending":"spin-after"}"#, 1),
];

/// Says nothing to a client, for as long as that stays.
fn wait_for_its_end(mut client: TcpStream) {
    std::thread::spawn(move || std::io::copy(&mut client, &mut std::io::sink()));
}

#[test]
fn every_ending_mixed() {
    let count: usize = std::env::var("FIRSTBYTE_SOAK").ok().and_then(|count| count.parse().ok()).unwrap_or(2_000);
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = server.local_addr().expect("bound");
    std::thread::spawn(move || server.incoming().flatten().for_each(wait_for_its_end));
    let with_server =
        |payload: &str| payload.replace("SERVER", &address.to_string()).replace("PORT", &address.port().to_string());
    let mix: Vec<String> =
        ENDINGS.iter().flat_map(|(payload, times)| std::iter::repeat_n(with_server(payload), *times)).collect();
    let allowed = format!("http://{address},http://*.localhost:{}", address.port());
    let variables =
        [("AWS_LAMBDA_MAX_CONCURRENCY", "16"), ("FIRSTBYTE_MEMORY_MB", "8"), ("FIRSTBYTE_ALLOW_HTTP", allowed.as_str())];
    let mut running = start_within("ulimit -n 1024", &variables);
    running.discard_log();

    let mut answers = HashMap::<String, usize>::new();
    // In rounds, so that nothing is under way when the memory is looked at.
    let round = count.div_ceil(20);
    let mut rss = Vec::new();
    let mut delivered = 0;
    let mut answered = 0;
    while answered < count {
        let end = (answered + round).min(count);
        while answered < end {
            // A prime's multiples visit the mix in no obvious order. Deadlines run from delivery, so a few are out at a time.
            while delivered < end && delivered < answered + 32 {
                let payload = mix[(delivered * 101) % mix.len()].as_str();
                let short = payload.contains("wait") || payload.contains("spin");
                let left = Duration::from_millis(if short { 300 } else { 60_000 });
                let id = ("lambda-runtime-aws-request-id", format!("soak-{delivered}"));
                let payload = if delivered % 3 == 0 { Door::Url.event(payload) } else { payload.to_owned() };
                let post = if delivered % 50 == 49 { Post::CloseAfter(50) } else { Post::Accept };
                running.deliver(Next::Deliver(payload, vec![id, ("lambda-runtime-deadline-ms", deadline_in(left))]), post);
                delivered += 1;
            }
            let request = running.request();
            let id = request.path.split('/').nth(4).unwrap_or_default().to_owned();
            *answers.entry(id).or_default() += 1;
            answered += 1;
        }
        rss.push(running.rss());
    }
    println!("{count} invocations, RSS in KiB after each {round}: {rss:?}");
    assert_eq!(answers.len(), count);
    assert!(answers.values().all(|times| *times == 1), "an invocation was answered more than once");
    // Of 20 rounds: the last ones beside the first ones, those in which everything happened for the first time left out.
    let (early, late) = (&rss[2..6], &rss[rss.len() - 4..]);
    let (early, late) = (early.iter().max(), late.iter().min());
    assert!(late.zip(early).is_some_and(|(late, early)| *late * 10 <= *early * 11), "RSS grew: {rss:?}");
    running.assert_is_running();
}
