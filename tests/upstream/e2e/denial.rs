//! What a handler must not reach, it does not reach: nothing is sent, nobody is connected to, and the operator is told which
//! setting says so. What it may reach works all the while.

use firstbyte_emulator::EventKind;
use firstbyte_tests::{Call, Door, Function, Lambda, Program};
use firstbyte_upstream_tests::{Guest, ModelServer};
use serde_json::{Value, json};

async fn fetch(lambda: &Lambda, request: &Value) -> Value {
    lambda.send(Door::Direct, Call::json(request)).await.json()
}

/// The handler is refused, for a reason that names the setting.
async fn assert_denied(lambda: &Lambda, request: &Value) {
    let told = fetch(lambda, request).await;
    let message = told["message"].as_str().unwrap_or_default();
    assert!(told["error"] == "denied" && message.contains("FIRSTBYTE_ALLOW_HTTP"), "{request}: {told}");
}

async fn assert_works(lambda: &Lambda, url: &str) {
    let told = fetch(lambda, &json!({ "url": url })).await;
    assert_eq!(told, json!({ "status": 200, "body": "hello" }), "{url}");
}

fn allowing(list: &str) -> Function {
    Guest::Fetch.function().env("FIRSTBYTE_ALLOW_HTTP", list)
}

#[tokio::test]
async fn nothing_is_allowed_unless_it_is_named() {
    let server = ModelServer::start().await;
    let lambda = Guest::Fetch.function().start().await;
    for url in [format!("{}/hello", server.url()), "https://example.com/".to_owned()] {
        assert_denied(&lambda, &json!({ "url": url })).await;
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn other_hosts_ports_and_schemes_are_refused() {
    let (allowed, other) = tokio::join!(ModelServer::start(), ModelServer::start());
    let lambda = allowing(&allowed.url()).start().await;
    let port = allowed.port();
    for url in [
        other.url(),
        allowed.url_as("localhost"),
        allowed.url_as("127.0.0.2"),
        allowed.url_as("0.0.0.0"),
        allowed.url_as("[::1]"),
        allowed.url_as("[::ffff:127.0.0.1]"),
        // The allowed address in other ways of writing it.
        allowed.url_as("2130706433"),
        allowed.url_as("0177.0.0.1"),
        allowed.url_as("127.1"),
        allowed.url_as("0x7f000001"),
        format!("https://127.0.0.1:{port}"),
        "http://127.0.0.1".to_owned(),
        "http://127.0.0.1.example.com".to_owned(),
        format!("http://127.0.0.1.example.com:{port}"),
    ] {
        assert_denied(&lambda, &json!({ "url": format!("{url}/hello") })).await;
    }
    for url in [format!("http://127.0.0.1:{port}@{}/", other.port()), format!("http://127.0.0.1@127.0.0.2:{port}/")] {
        let told = fetch(&lambda, &json!({ "url": url })).await;
        assert_eq!(told["error"], "invalid", "{url}: {told}");
    }
    for scheme in ["ftp", "file", "ws"] {
        let told = fetch(&lambda, &json!({ "url": format!("{scheme}://127.0.0.1:{port}/hello") })).await;
        assert!(told["error"].is_string(), "{scheme}: {told}");
    }
    assert_eq!((allowed.connections(), other.connections()), (0, 0), "nobody was connected to");

    // What a handler says of its request's host changes nothing.
    let told = fetch(&lambda, &json!({ "url": other.url(), "headers": [["host", format!("127.0.0.1:{port}")]] })).await;
    assert!(told["error"].is_string(), "{told}");
    assert_works(&lambda, &format!("{}/hello", allowed.url())).await;
    assert_eq!((allowed.connections(), other.connections()), (1, 0));
}

#[tokio::test]
async fn a_redirect_is_a_request_like_any_other() {
    let (allowed, other) = tokio::join!(ModelServer::start(), ModelServer::start());
    let lambda = allowing(&allowed.url()).start().await;
    let through = |to: &str| json!({ "url": format!("{}/redirect?to={to}", allowed.url()), "redirects": 3 });
    for to in [other.url(), allowed.url_as("localhost"), "http://169.254.169.254/latest/meta-data/".to_owned()] {
        assert_denied(&lambda, &through(&to)).await;
    }
    assert_eq!(other.connections(), 0);
    let told = fetch(&lambda, &through(&format!("{}/hello", allowed.url()))).await;
    assert_eq!(told, json!({ "status": 200, "body": "hello" }));
    let told = fetch(&lambda, &json!({ "url": format!("{}/redirect?to={}", allowed.url(), other.url()) })).await;
    assert_eq!(told["status"], 302, "the host follows none: {told}");
}

#[tokio::test]
async fn a_name_is_as_good_as_the_address_that_it_stands_for() {
    let server = ModelServer::start().await;
    // Every name is allowed, and this machine's address is not named.
    let lambda = allowing(&format!("http://*:{}", server.port())).start().await;
    for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.1", "2130706433", "[::ffff:127.0.0.1]", "0.0.0.0"] {
        assert_denied(&lambda, &json!({ "url": format!("{}/hello", server.url_as(host)) })).await;
    }
    assert_eq!(server.connections(), 0);
    // As soon as it is, it is reached.
    let lambda = allowing(&server.url_as("localhost")).start().await;
    assert_works(&lambda, &format!("{}/hello", server.url_as("localhost"))).await;
}

#[tokio::test]
async fn the_metadata_service_is_refused_however_it_is_written() {
    let server = ModelServer::start().await;
    let mut lambda = allowing(&format!("http://*,https://*,{}", server.url())).start().await;
    for host in [
        "169.254.169.254",
        "169.254.170.2",
        "2852039166",
        "0xa9fea9fe",
        "0xa9.0xfe.0xa9.0xfe",
        "0251.0376.0251.0376",
        "025177524776",
        "169.254.43518",
        "169.16689662",
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "[0:0:0:0:0:ffff:a9fe:a9fe]",
        "[::a9fe:a9fe]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::1]",
        "[fd00:ec2::254]",
        "[fe80::a9fe:a9fe]",
    ] {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{host}/latest/meta-data/iam/security-credentials/");
            assert_denied(&lambda, &json!({ "url": url })).await;
        }
    }
    let line = "169.254.169.254 was refused: 169.254.169.254 is not a public address";
    let mut seen = lambda.until_over().await;
    lambda.until_printed(&mut seen, line).await;
    assert_works(&lambda, &format!("{}/hello", server.url())).await;
}

#[tokio::test]
async fn the_runtime_api_is_refused_even_if_it_is_named() {
    let server = ModelServer::start().await;
    let component = Guest::Fetch.component();
    // The Runtime API's port is known to nobody before the function starts.
    let script = r#"
        echo "the runtime api is at $AWS_LAMBDA_RUNTIME_API"
        export FIRSTBYTE_ALLOW_HTTP="$FIRSTBYTE_ALLOW_HTTP,http://$AWS_LAMBDA_RUNTIME_API,http://localhost:${AWS_LAMBDA_RUNTIME_API##*:}"
        exec "$0"
    "#;
    let bootstrap = Program::Bootstrap.path().into();
    let function = Function::of_command("fetch", vec!["/bin/sh".into(), "-c".into(), script.into(), bootstrap]);
    let function = function.task_root(component.parent().expect("a folder"));
    let function = function.handler(&component.file_name().expect("a file").to_string_lossy());
    let mut lambda = function.env("FIRSTBYTE_ALLOW_HTTP", &server.url()).start().await;

    const SAID: &str = "the runtime api is at ";
    let is_said = |kind: &EventKind| matches!(kind, EventKind::Log { line, .. } if line.contains(SAID));
    let seen = lambda.until("the Runtime API's address", is_said).await;
    let printed = seen.printed().join("\n");
    let address = printed.split_once(SAID).and_then(|(_, rest)| rest.split_whitespace().next()).expect("an address");
    let port = address.rsplit_once(':').expect("a port").1;
    for host in
        [address.to_owned(), format!("localhost:{port}"), format!("2130706433:{port}"), format!("[::ffff:127.0.0.1]:{port}")]
    {
        let url = format!("http://{host}/2018-06-01/runtime/invocation/next");
        assert_denied(&lambda, &json!({ "url": url })).await;
    }
    assert_works(&lambda, &format!("{}/hello", server.url())).await;
}

#[tokio::test]
async fn the_operator_is_told_what_to_set() {
    let server = ModelServer::start().await;
    let mut lambda = Guest::Fetch.function().start().await;
    let mut invoked = lambda.invoke(Door::Direct, Call::json(&json!({ "url": format!("{}/secret?key=1", server.url()) }))).await;
    assert_eq!(invoked.answer.json()["error"], "denied");
    lambda.until_printed(&mut invoked.seen, &format!("add {} to FIRSTBYTE_ALLOW_HTTP", server.url())).await;
    assert!(!invoked.seen.printed().iter().any(|line| line.contains("key=1")), "{:?}", invoked.seen.printed());
}
