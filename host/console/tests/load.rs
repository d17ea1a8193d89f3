//! What a console costs the streams that it shows: 200 at once, without one and with one that nobody reads, that somebody reads, and
//! whose reader has stopped reading. Takes half a minute, and a machine with nothing else to do:
//! `cargo test --profile dist -p firstbyte-console --test load -- --ignored --nocapture`.

mod browser;

use browser::{Watch, serve_with, settings, soon};
use bytes::Bytes;
use firstbyte_console::Bounds;
use firstbyte_emulator::Emulator;
use http::{Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use std::time::Instant;
use tokio::net::TcpStream;
use tokio::sync::Barrier;

const STREAMS: usize = 200;
const ROUNDS: usize = 15;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Console {
    Absent,
    Unread,
    Read,
    Stalled,
}

/// First bytes of all streams of a round, in milliseconds.
async fn first_bytes(url: &str) -> Vec<f64> {
    let uri: Uri = url.parse().expect("a URL");
    let host = uri.authority().expect("a host").to_string();
    let start = Arc::new(Barrier::new(STREAMS));
    let streams: Vec<_> = (0..STREAMS)
        .map(|_| {
            let (host, start) = (host.clone(), start.clone());
            tokio::spawn(async move {
                let stream = TcpStream::connect(&host).await.expect("the door listens");
                stream.set_nodelay(true).expect("a socket");
                let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
                tokio::spawn(connection);
                let request = Request::post("/").header("host", host).header("content-type", "text/plain");
                let request = request.body(Full::new(Bytes::from_static(b"chunks=20 gap=10 size=40"))).expect("a request");
                start.wait().await;
                let begun = Instant::now();
                let mut body = sender.send_request(request).await.expect("it answers").into_body();
                body.frame().await.expect("a byte").expect("it does not break");
                let first = begun.elapsed().as_secs_f64() * 1000.0;
                while body.frame().await.is_some() {}
                first
            })
        })
        .collect();
    let mut times = Vec::new();
    for stream in streams {
        times.push(soon("a stream's end", stream).await.expect("it ends"));
    }
    times
}

struct Setup {
    console: Console,
    emulator: Emulator,
    _others: Option<(firstbyte_console::OpenConsole, Option<Watch>)>,
    medians: Vec<f64>,
    all: Vec<f64>,
}

async fn setup(console: Console) -> Setup {
    let mut settings = settings();
    settings.concurrency = STREAMS;
    let (emulator, others) = if console == Console::Absent {
        (firstbyte_emulator::start(settings).await.expect("ports are free"), None)
    } else {
        let served = serve_with(settings, Bounds::default()).await;
        let watch = match console {
            Console::Read => {
                tokio::spawn(served.watch().await.drain());
                None
            }
            Console::Stalled => Some(served.watch().await),
            _ => None,
        };
        (served.emulator, Some((served.console, watch)))
    };
    let setup = Setup { console, emulator, _others: others, medians: Vec::new(), all: Vec::new() };
    first_bytes(&setup.emulator.function_url()).await;
    setup
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures, which takes a machine with nothing else to do"]
async fn the_first_bytes_of_200_streams_are_as_early_with_a_console() {
    let mut setups = Vec::new();
    for console in [Console::Absent, Console::Unread, Console::Read, Console::Stalled] {
        setups.push(setup(console).await);
    }
    // By turns, so that whatever else the machine does meets all of them.
    for _ in 0..ROUNDS {
        for setup in &mut setups {
            let mut times = first_bytes(&setup.emulator.function_url()).await;
            times.sort_by(f64::total_cmp);
            setup.medians.push(quantile(&times, 0.5));
            setup.all.extend(times);
        }
    }
    println!("first byte of {STREAMS} streams that begin at once, {ROUNDS} rounds by turns, ms");
    for setup in &mut setups {
        setup.medians.sort_by(f64::total_cmp);
        setup.all.sort_by(f64::total_cmp);
        println!(
            "{:<8} median of the rounds' medians {:7.2} (quartiles {:.2} to {:.2}), p99 of all {:7.2}",
            format!("{:?}", setup.console),
            quantile(&setup.medians, 0.5),
            quantile(&setup.medians, 0.25),
            quantile(&setup.medians, 0.75),
            quantile(&setup.all, 0.99)
        );
    }
    let without = quantile(&setups[0].medians, 0.75);
    for setup in &setups[1..] {
        let with = quantile(&setup.medians, 0.5);
        assert!(with <= without, "{:?}: {with} ms, and {without} ms is the upper quartile without a console", setup.console);
    }
}
