//! Bytes in number: another server's answer passed on, bodies sent, and a file that is made as it is read.

use firstbyte_tests::{Call, Door};
use firstbyte_upstream_tests::{End, Guest, ModelServer, Script};
use serde_json::json;
use socket2::{Domain, Socket, Type};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

const MEGABYTE: usize = 1024 * 1024;

#[tokio::test]
async fn an_answer_is_passed_on_as_it_is() {
    let server = ModelServer::start().await;
    // Less memory than what passes through it.
    let function = Guest::Fetch.function().env("FIRSTBYTE_ALLOW_HTTP", &server.url()).env("FIRSTBYTE_MEMORY_MB", "8");
    let lambda = function.start().await;
    let expected: Vec<u8> = (0..=250).cycle().take(20 * MEGABYTE).collect();
    for door in Door::ALL {
        let url = format!("{}/bytes?{}", server.url(), expected.len());
        let answer = lambda.send(door, Call::json(&json!({ "url": url, "pipe": true }))).await;
        assert!(answer.looks_complete() && answer.bytes() == expected, "{door}: {} bytes", answer.bytes().len());
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_does_not_look_complete() {
    let server = ModelServer::start().await;
    let mut lambda = Guest::Fetch.function().env("FIRSTBYTE_ALLOW_HTTP", &server.url()).start().await;
    for end in [End::Broken, End::Reset] {
        for door in Door::ALL {
            let body = Script::says(&["one"]).every_ms(30).then(end.clone()).conversation().to_string();
            let url = format!("{}/v1/chat/completions", server.url());
            let call = Call::json(&json!({ "url": url, "method": "POST", "body": body, "pipe": true }));
            let invoked = lambda.invoke(door, call).await;
            assert!(invoked.answer.text().contains("one"), "{door}: {}", invoked.answer.text());
            assert_eq!(invoked.seen.error_type(), Some("Function.CopyError"), "{door}, {end:?}");
        }
    }
}

#[tokio::test]
async fn a_handler_knows_why_an_answer_is_not_complete() {
    for tls in [None, Some("http/1.1"), Some("h2")] {
        let server = match tls {
            Some(protocol) => ModelServer::start_tls(&[protocol]).await,
            None => ModelServer::start().await,
        };
        let mut function = Guest::Fetch.function().env("FIRSTBYTE_ALLOW_HTTP", &server.url());
        if tls.is_some() {
            function = function.env("FIRSTBYTE_CA_FILE", server.root());
        }
        let lambda = function.start().await;
        let url = format!("{}/v1/chat/completions", server.url());
        for (end, kind, expected) in [
            (End::Broken, "connection", "failed: "),
            (End::Reset, "connection", "failed: "),
            (End::Stall, "timeout", "stopped in the middle of its answer"),
        ] {
            let body = Script::says(&["one"]).then(end.clone()).conversation().to_string();
            let call = Call::json(&json!({ "url": url, "method": "POST", "body": body, "pause_ms": 500 }));
            let told = lambda.send(Door::Direct, call).await.json();
            let message = told["message"].as_str().unwrap_or_default();
            assert!(told["error"] == kind && message.contains(expected), "{tls:?}, {end:?}: {told}");
            assert!(message.contains(&server.url()) && !message.contains("hyper"), "{tls:?}, {end:?}: {told}");
        }
    }
}

#[tokio::test]
async fn a_body_of_any_length_arrives() {
    let server = ModelServer::start().await;
    let lambda = Guest::Fetch.function().env("FIRSTBYTE_ALLOW_HTTP", &server.url()).start().await;
    let url = format!("{}/echo", server.url());
    for length in [0, 1, 70_000, 3 * MEGABYTE] {
        let body = "x".repeat(length);
        let told = lambda.send(Door::Direct, Call::json(&json!({ "url": url, "method": "PUT", "body": body }))).await.json();
        let echoed: serde_json::Value = serde_json::from_str(told["body"].as_str().expect("text")).expect("JSON");
        assert_eq!(echoed, json!({ "line": "PUT /echo", "length": length }), "{told}");
        assert_eq!(server.seen().pop().expect("a request").headers["content-length"], length.to_string());
    }
    // Without a body there is no length, and no empty body in pieces either.
    let told = lambda.send(Door::Direct, Call::json(&json!({ "url": url }))).await.json();
    assert_eq!(told["status"], 200);
    let headers = server.seen().pop().expect("a request").headers;
    assert!(!headers.contains_key("content-length") && !headers.contains_key("transfer-encoding"), "{headers:?}");
}

#[tokio::test]
async fn a_million_rows_fit_little_memory() {
    let lambda = Guest::Export.function().env("FIRSTBYTE_MEMORY_MB", "4").start().await;
    for (door, call) in
        [(Door::Direct, Call::json(&json!({}))), (Door::Url, Call::get("/")), (Door::Api, Call::get("/orders.csv"))]
    {
        let answer = lambda.send(door, call).await;
        assert!(answer.looks_complete() && answer.status == 200, "{door}: {:?}", answer.end);
        assert_eq!(answer.content_type(), Some("text/csv; charset=utf-8"), "{door}");
        if door.is_http() {
            assert_eq!(answer.header("content-disposition"), Some(r#"attachment; filename="orders.csv""#), "{door}");
        }
        let bytes = answer.bytes();
        assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 1_000_001, "{door}");
        assert!(bytes.len() > 30 * MEGABYTE && bytes.ends_with(b"\r\n"), "{door}: {} bytes", bytes.len());
    }
}

/// A port that takes no connections: its queue is full, and nobody empties it. It is so for as long as the sockets live.
fn unreachable() -> (SocketAddr, Vec<Socket>) {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("a port is free");
    listener.listen(0).expect("it listens");
    let address = listener.local_addr().ok().and_then(|address| address.as_socket()).expect("an address");
    let mut sockets = vec![listener];
    loop {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        match socket.connect_timeout(&address.into(), Duration::from_millis(200)) {
            Ok(()) => sockets.push(socket),
            Err(error) if error.kind() == std::io::ErrorKind::TimedOut => return (address, sockets),
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_given_up_when_the_handler_says() {
    let (address, _sockets) = unreachable();
    let url = format!("http://{address}");
    let lambda = Guest::Fetch.function().env("FIRSTBYTE_ALLOW_HTTP", &url).start().await;
    let begun = Instant::now();
    let told = lambda.send(Door::Direct, Call::json(&json!({ "url": url, "connect_ms": 300 }))).await.json();
    assert_eq!(told, json!({ "error": "timeout", "message": format!("{url} cannot be reached in time") }));
    // The host's own limit is 10 s.
    let taken = begun.elapsed();
    assert!(taken >= Duration::from_millis(300) && taken < Duration::from_secs(5), "{taken:?}");
}
