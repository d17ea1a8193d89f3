//! Whose requests a door takes: this machine's, and no other site's pages.

mod client;

use client::{over, post, raw, settings, start, until};
use firstbyte_emulator::{Cors, Emulator, EventKind, Settings};
use http::{Method, Request, Version};
use http_body_util::Full;

/// Each door, and a path that it takes.
fn doors(emulator: &Emulator) -> [(String, String); 3] {
    let path = |url: String| url.splitn(4, '/').nth(3).map_or_else(|| "/".to_owned(), |path| format!("/{path}"));
    let lambda = format!("{}/2015-03-31/functions/raw/invocations", emulator.lambda_url());
    [lambda, emulator.function_url(), emulator.api_url()].map(|url| (url.clone(), path(url)))
}

/// The first line of the answer to a request with these headers and no others but its length.
async fn first_line(url: &str, method: &Method, path: &str, headers: &str) -> (String, String) {
    use tokio::io::AsyncWriteExt as _;
    let uri: http::Uri = url.parse().expect("a URL");
    let mut stream = client::connect(&uri).await;
    let request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: 2\r\n{headers}\r\n{{}}");
    stream.write_all(request.as_bytes()).await.expect("the door reads");
    let answer = client::rest(&mut stream).await;
    (answer.lines().next().unwrap_or_default().to_owned(), answer)
}

async fn assert_taken(emulator: &Emulator, method: &Method, headers: &str) {
    for (url, path) in doors(emulator) {
        if url.contains("/2015-03-31/") && *method != Method::POST {
            continue;
        }
        let (line, answer) = first_line(&url, method, &path, headers).await;
        assert!(line.starts_with("HTTP/1.1 20"), "{headers} at {url}: {answer}");
    }
}

async fn assert_refused(emulator: &Emulator, method: &Method, headers: &str, says: &str) {
    let mut events = emulator.events();
    for (url, path) in doors(emulator) {
        let (line, answer) = first_line(&url, method, &path, headers).await;
        assert!(line.starts_with("HTTP/1.1 403"), "{headers} at {url}: {answer}");
        assert!(answer.contains(says), "{headers} at {url}: {answer}");
        let seen = until(&mut events, |kind| matches!(kind, EventKind::Refused { status: 403, .. })).await;
        assert!(!seen.iter().any(|event| matches!(event.kind, EventKind::InvocationStarted { .. })), "{headers} at {url}");
    }
}

fn with_hosts(hosts: &[&str]) -> Settings {
    let mut settings = settings();
    settings.allow_hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
    settings
}

#[tokio::test]
async fn a_host_must_be_this_machine() {
    let (emulator, _) = start(with_hosts(&["my-laptop.example"])).await;
    for host in [
        "localhost",
        "LOCALHOST.:9001",
        "app.localhost:1",
        "127.0.0.1",
        "127.1.2.3:9001",
        "[::1]:9001",
        "my-laptop.example:9001",
        "My-Laptop.Example",
    ] {
        assert_taken(&emulator, &Method::POST, &format!("Host: {host}\r\n")).await;
    }
    for host in [
        "evil.example",
        "evil.example:9001",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evillocalhost",
        "other.my-laptop.example",
        "192.168.7.7",
        "0.0.0.0",
        "[::2]",
        "2130706433",
        "localhost@evil.example",
        "a b",
        "",
    ] {
        assert_refused(&emulator, &Method::POST, &format!("Host: {host}\r\n"), "--allow-host").await;
    }
    assert_refused(&emulator, &Method::POST, "Host: localhost\r\nHost: evil.example\r\n", "--allow-host evil.example").await;
    emulator.shutdown().await;
}

#[tokio::test]
async fn an_authority_of_http2_or_of_the_request_line_must_be_this_machine_too() {
    let (emulator, _) = start(settings()).await;
    for (authority, status) in [("localhost:9", 201), ("evil.example", 403)] {
        let stream = client::connect(&emulator.api_url().parse().expect("a URL")).await;
        let request = Request::post(format!("http://{authority}/dev")).body(Full::default()).expect("a request");
        assert_eq!(over(stream, request, Version::HTTP_2).await.status, status, "{authority}");
    }
    let answer = raw(&emulator.function_url(), "POST http://evil.example/ HTTP/1.1\r\nConnection: close\r\n", "{}").await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    emulator.shutdown().await;
}

#[tokio::test]
async fn pages_of_other_sites_cannot_invoke_and_those_of_this_machine_can() {
    let (emulator, _) = start(with_hosts(&["my-laptop.example"])).await;
    let navigation = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n";
    let document = "Sec-Fetch-Dest: document\r\n";
    let image = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n";
    for (method, headers) in [
        (Method::POST, "Origin: http://localhost:5173\r\nSec-Fetch-Site: same-site\r\nSec-Fetch-Mode: cors\r\n".to_owned()),
        (Method::POST, "Origin: http://127.0.0.1:5173\r\nSec-Fetch-Site: cross-site\r\n".to_owned()),
        (Method::POST, "Origin: https://[::1]\r\n".to_owned()),
        (Method::POST, "Origin: http://my-laptop.example:3000\r\n".to_owned()),
        // What a user types, and links that a user clicks.
        (Method::GET, format!("Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\n{document}")),
        (Method::GET, format!("{navigation}{document}Sec-Fetch-User: ?1\r\nReferer: https://evil.example/\r\n")),
        (Method::GET, format!("{image}Referer: http://127.0.0.1:5173/page\r\n")),
        (Method::GET, "Sec-Fetch-Site: same-origin\r\n".to_owned()),
        (Method::GET, "Referer: https://evil.example/\r\n".to_owned()),
    ] {
        assert_taken(&emulator, &method, &format!("Host: localhost\r\n{headers}")).await;
    }
    for (method, headers, says) in [
        (Method::POST, "Origin: https://evil.example\r\n".to_owned(), "--allow-host evil.example"),
        (Method::POST, "Origin: https://localhost.evil.example\r\n".to_owned(), "evil.example"),
        (Method::POST, "Origin: null\r\n".to_owned(), "null"),
        (Method::OPTIONS, "Origin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n".to_owned(), "evil"),
        (Method::GET, image.to_owned(), "another site"),
        (Method::GET, format!("{image}Referer: https://evil.example/\r\n"), "another site"),
        // What a page does without its user, or within itself.
        (Method::GET, format!("{navigation}{document}"), "another site"),
        (Method::GET, format!("{navigation}Sec-Fetch-Dest: iframe\r\nSec-Fetch-User: ?1\r\n"), "another site"),
        (Method::POST, format!("{navigation}{document}Sec-Fetch-User: ?1\r\n"), "another site"),
    ] {
        assert_refused(&emulator, &method, &format!("Host: localhost\r\n{headers}"), says).await;
    }
    emulator.shutdown().await;
}

#[tokio::test]
async fn origins_that_a_function_url_grants_may_call_it() {
    for origins in [vec!["https://page.example".to_owned()], vec!["*".to_owned()]] {
        let mut settings = settings();
        settings.cors = Some(Cors { allow_origins: origins, ..Cors::default() });
        let (emulator, _) = start(settings).await;
        let [(lambda, lambda_path), (url, url_path), (api, api_path)] = doors(&emulator);
        let headers = "Host: localhost\r\nOrigin: https://page.example\r\n";
        assert!(first_line(&url, &Method::POST, &url_path, headers).await.0.starts_with("HTTP/1.1 201"));
        for (other, path) in [(lambda, lambda_path), (api, api_path)] {
            assert!(first_line(&other, &Method::POST, &path, headers).await.0.starts_with("HTTP/1.1 403"), "{other}");
        }
        assert_eq!(post(&emulator.function_url(), "").await.status, 201);
        emulator.shutdown().await;
    }
}
