//! Every ending mixed with handlers that hold what they can, many at a time, in a process with few descriptors for each of the three
//! worlds, side by side: each invocation is answered exactly once, and memory stays flat.
//!
//! Brief by default; `FIRSTBYTE_SOAK=100000 cargo test -p firstbyte-runtime --test soak -- --nocapture` is the long one.

#[expect(dead_code, reason = "the other tests use the rest")]
mod support;

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;
use support::{Bootstrap, Door, Next, Post, deadline_in, guest, start_as};

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

/// The same for components of the standard worlds.
const HTTP_ENDINGS: [(&str, usize); 17] = [
    (r#"{"ending":"ok","bytes":100}"#, 20),
    (r#"{"ending":"ok","bytes":100000,"writes":50}"#, 10),
    (r#"{"ending":"head-only","status":204}"#, 10),
    (r#"{"ending":"status","status":404}"#, 10),
    (r#"{"ending":"trailers"}"#, 10),
    (r#"{"ending":"echo"}"#, 10),
    (r#"{"ending":"err-before"}"#, 10),
    (r#"{"ending":"err-after"}"#, 10),
    (r#"{"ending":"never-answered"}"#, 10),
    (r#"{"ending":"work-after"}"#, 10),
    (r#"{"ending":"panic","started":true}"#, 10),
    (r#"{"ending":"exit"}"#, 10),
    ("not json", 5),
    (r#"{"ending":"memory","started":true}"#, 5),
    (r#"{"ending":"hoard","what":"fields","count":200}"#, 5),
    (r#"{"ending":"wait","started":true}"#, 2),
    (r#"{"ending":"spin","started":true}"#, 1),
];

/// A component in a process of its own, and what was asked of it.
struct Soaked {
    name: &'static str,
    running: Bootstrap,
    mix: Vec<String>,
    delivered: usize,
    answered: usize,
    answers: HashMap<String, usize>,
    rss: Vec<usize>,
}

impl Soaked {
    fn start(name: &'static str, endings: &[(&str, usize)], server: SocketAddr) -> Self {
        let with_server =
            |payload: &str| payload.replace("SERVER", &server.to_string()).replace("PORT", &server.port().to_string());
        let mix = endings.iter().flat_map(|(payload, times)| std::iter::repeat_n(with_server(payload), *times)).collect();
        let allowed = format!("http://{server},http://*.localhost:{}", server.port());
        let variables = [
            ("AWS_LAMBDA_MAX_CONCURRENCY", "16"),
            ("FIRSTBYTE_MEMORY_MB", "8"),
            ("FIRSTBYTE_ALLOW_HTTP", allowed.as_str()),
            // What glibc keeps for each thread depends on how busy the machine is. The build for Lambda has musl's allocator.
            ("MALLOC_ARENA_MAX", "1"),
            ("MALLOC_MMAP_THRESHOLD_", "131072"),
            ("MALLOC_TRIM_THRESHOLD_", "131072"),
        ];
        let mut running = start_as(Some("ulimit -n 1024"), &guest(name), &variables, vec![], vec![]);
        running.discard_log();
        Self { name, running, mix, delivered: 0, answered: 0, answers: HashMap::new(), rss: Vec::new() }
    }

    /// Has so many invocations answered, and looks at the memory while nothing is under way.
    fn round(&mut self, count: usize) {
        let end = self.answered + count;
        while self.answered < end {
            // A prime's multiples visit the mix in no obvious order. Deadlines run from delivery, so a few are out at a time.
            while self.delivered < end && self.delivered < self.answered + 32 {
                let number = self.delivered;
                let payload = self.mix[(number * 101) % self.mix.len()].as_str();
                let short = payload.contains("wait") || payload.contains("spin");
                let left = Duration::from_millis(if short { 300 } else { 60_000 });
                let id = ("lambda-runtime-aws-request-id", format!("soak-{number}"));
                let payload = if number.is_multiple_of(3) { Door::Url.event(payload) } else { payload.to_owned() };
                let post = if number % 50 == 49 { Post::CloseAfter(50) } else { Post::Accept };
                self.running.deliver(Next::Deliver(payload, vec![id, ("lambda-runtime-deadline-ms", deadline_in(left))]), post);
                self.delivered += 1;
            }
            let request = self.running.request();
            let id = request.path.split('/').nth(4).unwrap_or_default().to_owned();
            *self.answers.entry(id).or_default() += 1;
            self.answered += 1;
        }
        self.rss.push(self.running.rss());
    }

    fn check(mut self) {
        let Self { name, rss, answers, answered, .. } = &self;
        println!("{name}: {answered} invocations, RSS in KiB after each round: {rss:?}");
        assert_eq!(answers.len(), *answered, "{name}");
        assert!(answers.values().all(|times| *times == 1), "{name}: an invocation was answered more than once");
        // The last rounds beside the first half, without the rounds in which most happened for the first time. What seldom happens
        // comes first some rounds later: four rounds of a brief run were once below all that followed, where a long one was flat.
        let (early, late) = (&rss[2..rss.len() / 2], &rss[rss.len() - 4..]);
        let (early, late) = (early.iter().max(), late.iter().min());
        assert!(late.zip(early).is_some_and(|(late, early)| *late * 10 <= *early * 11), "{name}: RSS grew: {rss:?}");
        self.running.assert_is_running();
    }
}

#[test]
fn every_ending_mixed() {
    let count: usize = std::env::var("FIRSTBYTE_SOAK").ok().and_then(|count| count.parse().ok()).unwrap_or(2_000);
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = server.local_addr().expect("bound");
    std::thread::spawn(move || server.incoming().flatten().for_each(wait_for_its_end));
    // Half of them are of our own world.
    let mut soaked = [("endings", &ENDINGS[..], 2), ("http-p2", &HTTP_ENDINGS, 4), ("http-p3", &HTTP_ENDINGS, 4)]
        .map(|(name, endings, share)| (Soaked::start(name, endings, address), share));
    for _ in 0..20 {
        std::thread::scope(|scope| {
            for (soaked, share) in &mut soaked {
                scope.spawn(|| soaked.round(count.div_ceil(20 * *share)));
            }
        });
    }
    for (soaked, _) in soaked {
        soaked.check();
    }
}
