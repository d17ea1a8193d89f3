//! `FIRSTBYTE_RECORD`: what whoever listens is told, and that nobody who listens, or does not, holds an invocation up.

#[expect(dead_code, reason = "the other tests use the rest")]
mod support;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::LazyLock;
use support::{Bootstrap, Next, Post, Request, deliver, guest, start_with};

static FETCH: LazyLock<PathBuf> = LazyLock::new(|| guest("fetch"));

/// Somewhere to listen, and how others name it.
fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    (listener, address)
}

/// A server that answers each connection with these bytes, once it has read a request with the body `body`.
fn server(answer: Vec<u8>) -> String {
    let (listener, address) = listener();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let answer = answer.clone();
            std::thread::spawn(move || {
                let mut read = Vec::new();
                let mut piece = [0; 4096];
                while !read.ends_with(b"to it") {
                    match stream.read(&mut piece) {
                        Ok(0) | Err(_) => return,
                        Ok(length) => read.extend_from_slice(&piece[..length]),
                    }
                }
                // Who does not read it to its end closes first.
                let _ = stream.write_all(&answer);
            });
        }
    });
    format!("http://{address}")
}

fn start(server: &str, record: &str) -> Bootstrap {
    let variables = [("FIRSTBYTE_ALLOW_HTTP", server), ("FIRSTBYTE_RECORD", record), ("TABLE", "a secret")];
    start_with(&FETCH, &variables, vec![], vec![])
}

/// Has the handler ask the server.
fn ask(running: &Bootstrap, id: &str, server: &str, pipe: bool) -> Request {
    let event = json!({ "url": format!("{server}/path"), "method": "POST", "body": "to it", "pipe": pipe });
    let id = ("lambda-runtime-aws-request-id", id.to_owned());
    running.deliver(Next::Deliver(event.to_string(), vec![id]), Post::Accept);
    running.request()
}

fn lines(stream: TcpStream) -> impl Iterator<Item = Value> {
    BufReader::new(stream).lines().map(|line| serde_json::from_str(&line.expect("text")).expect("one JSON object per line"))
}

fn bytes(line: &Value) -> Vec<u8> {
    STANDARD.decode(line["data"].as_str().expect("base64")).expect("base64")
}

#[test]
fn a_listener_is_told_what_a_replay_needs() {
    let (listener, record) = listener();
    let whole = server(b"HTTP/1.1 201 Created\r\nx-own: 1\r\ncontent-length: 5\r\nconnection: close\r\n\r\nHello".to_vec());
    let broken = server(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nHel".to_vec());
    let running = start(&format!("{whole},{broken}"), &record);
    let mut lines = lines(listener.accept().expect("the runtime connects").0);
    let mut seeds = Vec::new();
    for (id, server, status, body, error) in
        [("one", &whole, 201, "Hello", Value::Null), ("two", &broken, 200, "Hel", json!("HttpResponseIncomplete"))]
    {
        assert!(ask(&running, id, server, false).complete);
        let mut told: Vec<Value> = Vec::new();
        while told.last().is_none_or(|line| line["kind"] != "upstream_ended") {
            told.push(lines.next().expect("a line"));
        }
        assert!(told.iter().all(|line| line["request_id"] == id), "{told:#?}");
        let times: Vec<f64> = told.iter().map(|line| line["at"].as_f64().expect("milliseconds")).collect();
        assert!(times.is_sorted() && times[0] > 1.7e12, "{times:?}");

        let [began, asked, more @ ..] = &told[..] else { panic!("{told:#?}") };
        assert_eq!((&began["kind"], &began["clock_ms"]), (&json!("began"), &began["at"]));
        let variables = began["variables"].as_array().expect("names");
        // No values, and no settings of ours.
        assert!(variables.contains(&json!("TABLE")) && !began.to_string().contains("secret"), "{began}");
        assert!(!began.to_string().contains("FIRSTBYTE") && began.get("reused").is_none(), "{began}");
        seeds.push(began["seed"].as_str().expect("text").parse::<u64>().expect("64 bits"));

        let url = format!("{server}/path");
        assert_eq!((&asked["kind"], &asked["method"], &asked["url"]), (&json!("upstream_asked"), &json!("POST"), &json!(url)));
        let is = |kind: &'static str| move |line: &&Value| line["kind"] == kind;
        let sent: Vec<u8> = more.iter().filter(is("upstream_sent")).flat_map(bytes).collect();
        assert_eq!(sent, b"to it");
        let answered = more.iter().find(is("upstream_answered")).expect("a head");
        assert_eq!(answered["status"], status);
        assert_eq!(answered.to_string().contains("[\"x-own\",\"1\"]"), status == 201, "{answered}");
        let read: Vec<u8> = more.iter().filter(is("upstream_chunk")).flat_map(bytes).collect();
        assert_eq!(String::from_utf8_lossy(&read), body);
        let ended = told.last().expect("an end");
        assert_eq!((&ended["call"], &ended["error"], ended.get("left")), (&json!(1), &error, None));
    }
    assert_ne!(seeds[0], seeds[1], "nobody can guess the numbers of an invocation by those of another");
}

#[test]
fn without_a_listener_invocations_go_on() {
    let (gone, record) = listener();
    drop(gone);
    let server = server(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nHello".to_vec());
    let mut running = start(&server, &record);
    let log = running.follow_log();
    for id in ["one", "two", "three"] {
        let answer = ask(&running, id, &server, true);
        assert!(answer.complete && answer.body == b"Hello", "{answer:?}");
    }
    drop(running);
    let log = log.whole();
    let told = format!("nothing is recorded any more: FIRSTBYTE_RECORD={record} cannot be told");
    assert_eq!(log.matches(&told).count(), 1, "{log}");
}

#[test]
fn a_listener_that_does_not_read_holds_nothing_up_and_learns_that_it_missed_something() {
    let (listener, record) = listener();
    // More than the queue and the sockets' buffers take.
    let length = 64 << 20;
    let mut answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n").into_bytes();
    answer.resize(answer.len() + length, b'x');
    let server = server(answer);
    let running = start(&server, &record);
    let stream = listener.accept().expect("the runtime connects").0;
    let answer = ask(&running, "one", &server, true);
    assert!(answer.complete && answer.body.len() == length, "{} bytes", answer.body.len());
    // It reads again, and is told.
    let mut told = 0;
    let missed = lines(stream).find(|line| {
        told += line["data"].as_str().map_or(0, str::len);
        line["kind"] == "missed"
    });
    let missed = missed.expect("the connection lasts");
    assert!(missed["request_id"] == "one" && missed["events"].as_u64() > Some(0), "{missed}");
    assert!(told < length, "all of it was kept");
    drop(running);
}

#[test]
fn an_instance_that_serves_again_is_told_as_such() {
    let (listener, record) = listener();
    let variables = [("FIRSTBYTE_RECORD", &*record), ("FIRSTBYTE_REUSE", "2")];
    let running = start_with(&support::ENDINGS, &variables, vec![], vec![]);
    let mut lines = lines(listener.accept().expect("the runtime connects").0);
    for reused in [Value::Null, json!(true)] {
        running.deliver(deliver(r#"{"ending":"reuse"}"#), Post::Accept);
        assert!(running.request().complete);
        let began = lines.next().expect("a line");
        assert_eq!((&began["kind"], &began["reused"]), (&json!("began"), &reused));
    }
}
