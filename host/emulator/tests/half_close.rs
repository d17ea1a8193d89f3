//! Clients that end their side of the connection behind the request, as `nc -N` does, and clients that leave.

mod client;

use client::{LONG, connect, request, rest, settings, start, until};
use firstbyte_emulator::{Emulator, EventKind, Events};
use http::Uri;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// Every door with its path, API Gateway within TLS too. The last one is that.
fn doors(plain: &Emulator, tls: &Emulator) -> [(String, &'static str); 5] {
    let lambda = |path: &str| format!("{}{path}", plain.lambda_url());
    [
        (lambda("/2021-11-15/functions/raw/response-streaming-invocations"), "POST"),
        (lambda("/2015-03-31/functions/raw/invocations"), "POST"),
        (plain.function_url(), "PUT"),
        (plain.api_url(), "POST"),
        (tls.api_url(), "POST"),
    ]
}

async fn both() -> [(Emulator, Events); 2] {
    let mut secure = settings();
    secure.tls = true;
    [start(settings()).await, start(secure).await]
}

/// A connection to a door, on which a request was sent.
async fn asked(url: &str, method: &str, body: &str, tls: &Emulator) -> Box<dyn Stream> {
    let uri: Uri = url.parse().expect("a URL");
    let stream = connect(&uri).await;
    let mut stream: Box<dyn Stream> = if uri.scheme_str() == Some("https") {
        let certificate = CertificateDer::from_pem_slice(tls.certificate().expect("a certificate").as_bytes()).expect("PEM");
        let mut roots = rustls::RootCertStore::empty();
        roots.add(certificate).expect("a root");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").expect("a name");
        Box::new(tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("TLS"))
    } else {
        Box::new(stream)
    };
    let path = uri.path_and_query().expect("a path");
    let head = format!("{method} {path} HTTP/1.1\r\nContent-Type: text/plain\r\n");
    stream.write_all(request(&uri, &head, body).as_bytes()).await.expect("the door reads");
    stream
}

/// Reads until `text` was there.
async fn read_until(stream: &mut dyn Stream, text: &str) {
    let mut seen = Vec::new();
    let reading = async {
        while !String::from_utf8_lossy(&seen).contains(text) {
            let mut buffer = [0; 1024];
            let read = stream.read(&mut buffer).await.expect("it answers");
            assert!(read > 0, "it ended after {}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&buffer[..read]);
        }
    };
    tokio::time::timeout(LONG, reading).await.expect("it comes");
}

#[tokio::test]
async fn a_client_that_ends_its_side_is_answered_at_every_door() {
    let [(plain, _), (tls, _)] = both().await;
    for (url, method) in doors(&plain, &tls) {
        let mut stream = asked(&url, method, r#""chunks=3 gap=200""#, &tls).await;
        stream.shutdown().await.expect("it is open");
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 20"), "{url}: {answer}");
        for chunk in 0..3 {
            assert!(answer.contains(&format!("chunk {chunk}\n")), "{url}: {answer}");
        }
    }
    // What breaks off within the body is no request.
    let uri: Uri = plain.function_url().parse().expect("a URL");
    let mut stream = connect(&uri).await;
    stream
        .write_all(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nonly this")
        .await
        .expect("the door reads");
    stream.shutdown().await.expect("it is open");
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    for emulator in [plain, tls] {
        emulator.shutdown().await;
    }
}

#[tokio::test]
async fn a_client_that_is_gone_is_noticed_at_every_door_though_nothing_is_written_to_it() {
    let [(plain, mut of_plain), (tls, mut of_tls)] = both().await;
    for (url, method) in doors(&plain, &tls) {
        let events = if url.starts_with("https") { &mut of_tls } else { &mut of_plain };
        for ends_its_side_before in [false, true] {
            let mut stream = asked(&url, method, r#""ending=hang""#, &tls).await;
            if ends_its_side_before {
                stream.shutdown().await.expect("it is open");
            }
            // Buffered, nothing is sent before the end.
            let is_buffered = url.contains("2015-03-31");
            if is_buffered {
                until(events, |kind| matches!(kind, EventKind::Chunk { .. })).await;
            } else {
                read_until(&mut stream, "chunk 1\n").await;
            }
            drop(stream);
            let seen = until(events, |kind| matches!(kind, EventKind::ClientLeft | EventKind::InvocationEnded(_))).await;
            let left = seen.iter().any(|event| matches!(event.kind, EventKind::ClientLeft));
            assert!(left, "{url}, {ends_its_side_before}: {seen:#?}");
        }
    }
    for emulator in [plain, tls] {
        emulator.shutdown().await;
    }
}
