//! All doors and endings at once: each request is answered once, each invocation ends once, and nothing is left over.

mod client;

use client::{post, settings, start};
use firstbyte_emulator::EventKind;
use std::collections::HashMap;
use std::sync::Arc;

const CLIENTS: usize = 8;
const ROUNDS: usize = 6;
const ENDINGS: [&str; 9] =
    ["clean", "trailers", "odd-trailers", "error", "exit", "exit-early", "buffered", "bad-prelude", "leave"];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_invocation_is_accounted_for() {
    let mut settings = settings();
    settings.max_environments = CLIENTS * 2;
    let (emulator, mut events) = start(settings).await;
    let urls = Arc::new([
        emulator.function_url(),
        emulator.api_url(),
        format!("{}/2015-03-31/functions/raw/invocations", emulator.lambda_url()),
        format!("{}/2021-11-15/functions/raw/response-streaming-invocations", emulator.lambda_url()),
    ]);
    let watching = tokio::spawn(async move {
        let mut begun: HashMap<Arc<str>, usize> = HashMap::new();
        let mut ended = 0;
        while ended < CLIENTS * ROUNDS * ENDINGS.len() {
            let event = events.next().await.expect("the emulator lives");
            let id = event.request_id.clone();
            match event.kind {
                EventKind::InvocationStarted { .. } => {
                    assert!(begun.insert(id.expect("an id"), 0).is_none(), "started twice");
                }
                EventKind::InvocationEnded(_) => {
                    let count = begun.get_mut(&id.expect("an id")).expect("it was started");
                    *count += 1;
                    assert_eq!(*count, 1, "ended twice");
                    ended += 1;
                }
                EventKind::Missed { .. } => panic!("too slow to tell"),
                _ => {}
            }
        }
    });
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let urls = urls.clone();
            tokio::spawn(async move {
                for round in 0..ROUNDS {
                    for (number, ending) in ENDINGS.iter().enumerate() {
                        let url = &urls[(client + round + number) % urls.len()];
                        let mut answer = post(url, &format!("\"ending={ending}\"")).await;
                        assert!([200, 201, 500, 502].contains(&answer.status.as_u16()), "{ending}: {}", answer.status);
                        if *ending != "leave" {
                            assert!(answer.rest().await.1, "{ending} at {url}");
                        }
                    }
                }
            })
        })
        .collect();
    for client in clients {
        client.await.expect("all were answered");
    }
    tokio::time::timeout(client::LONG, watching).await.expect("all ended").expect("once each");
    emulator.shutdown().await;
}
