//! API Gateway as an HTTP client sees it.

mod client;

use bytes::Bytes;
use client::{assert_told, not_shown, over, post, send, settings, shown, start, until_over};
use firstbyte_emulator::Transfer;
use http::{Request, Version};
use http_body_util::Full;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[tokio::test]
async fn chunks_come_one_by_one_over_both_versions() {
    let (emulator, _) = start(settings()).await;
    for version in [Version::HTTP_2, Version::HTTP_11] {
        let request = Request::post(format!("{}/any/path", emulator.api_url())).header("content-type", "text/plain");
        let mut answer = send(request, "chunks=3 gap=500", version).await;
        assert_eq!((answer.status.as_u16(), answer.version), (201, version));
        assert_eq!((answer.header("content-type"), answer.header("x-a")), ("text/plain", "b"));
        assert!(!answer.header("x-amzn-requestid").is_empty() && answer.header("x-amz-apigw-id").ends_with('='));
        let first = Instant::now();
        for number in 0..3 {
            assert_eq!(answer.next().await.expect("a chunk").expect("no cut"), format!("chunk {number}\n"));
        }
        assert!(first.elapsed() > Duration::from_millis(800), "they were held back");
        assert!(answer.next().await.is_none());
    }
    emulator.shutdown().await;
}

#[tokio::test]
async fn tls_speaks_http2_with_a_certificate_to_trust() {
    let mut settings = settings();
    settings.tls = true;
    let (emulator, _) = start(settings).await;
    let certificate = CertificateDer::from_pem_slice(emulator.certificate().expect("a certificate").as_bytes());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.expect("PEM")).expect("a root");
    for (alpn, version) in [("h2", Version::HTTP_2), ("http/1.1", Version::HTTP_11)] {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS")
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        config.alpn_protocols = vec![alpn.into()];
        let request = Request::post(emulator.api_url()).body(Full::new(Bytes::from_static(b"{}"))).expect("a request");
        let stream = client::connect(request.uri()).await;
        let name = ServerName::try_from("localhost").expect("a name");
        let stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("TLS");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(alpn.as_bytes()));
        let mut answer = over(stream, request, version).await;
        assert_eq!((answer.status.as_u16(), answer.text().await.as_str()), (201, "chunk 0\nchunk 1\n"));
    }
    emulator.shutdown().await;
}

#[tokio::test]
async fn without_metadata_it_is_a_500() {
    let (emulator, mut events) = start(settings()).await;
    for (ending, status, body) in [
        ("clean", 201, "chunk 0\nchunk 1\n"),
        ("trailers", 201, "chunk 0\nchunk 1\n"),
        ("error", 500, r#"{"message":"Internal server error"}"#),
        ("buffered", 500, r#"{"message":"Internal server error"}"#),
        ("typeless", 500, r#"{"message":"Internal server error"}"#),
        ("bad-prelude", 500, r#"{"message":"Internal server error"}"#),
        ("empty", 500, r#"{"message":"Internal server error"}"#),
        ("exit-early", 500, r#"{"message":"Internal server error"}"#),
    ] {
        let mut answer = post(&emulator.api_url(), &format!("ending={ending}")).await;
        assert_eq!(answer.status.as_u16(), status, "{ending}");
        assert_eq!(answer.text().await, body, "{ending}");
        let seen = until_over(&mut events).await;
        let hidden = usize::from(ending == "trailers");
        let failed = usize::from(status == 500);
        assert_eq!((not_shown(&seen).len(), shown(&seen).len()), (hidden, failed), "{ending}: {seen:#?}");
        assert!(shown(&seen).iter().all(|what| what.starts_with("the client got 500")), "{ending}: {seen:#?}");
    }
    emulator.shutdown().await;
}

#[tokio::test]
async fn a_timeout_after_the_head_cuts_the_connection() {
    let mut settings = settings();
    settings.timeout = Duration::from_millis(700);
    let (emulator, mut events) = start(settings).await;
    for version in [Version::HTTP_2, Version::HTTP_11] {
        let mut answer = send(Request::post(emulator.api_url()), "ending=hang", version).await;
        assert_eq!((answer.status.as_u16(), answer.rest().await), (201, (b"chunk 0\nchunk 1\n".to_vec(), false)), "{version:?}");
        let seen = until_over(&mut events).await;
        let [what] = shown(&seen)[..] else { panic!("{seen:#?}") };
        assert!(what.contains("cut") && what.contains("Task timed out after 0.70 seconds"), "{what}");
        assert!(not_shown(&seen).is_empty(), "{seen:#?}");
        // Before the head, there is a status to tell it with.
        let mut answer = send(Request::post(emulator.api_url()), "ending=hang-early", version).await;
        assert_eq!((answer.status.as_u16(), answer.rest().await.1), (500, true));
        until_over(&mut events).await;
    }
    emulator.shutdown().await;
}

#[tokio::test]
async fn metadata_may_take_16_kib_and_no_more() {
    let (emulator, _) = start(settings()).await;
    let mut answer = post(&emulator.api_url(), "ending=bad-prelude chunks=1 size=20000 gap=0").await;
    assert_eq!((answer.status.as_u16(), answer.text().await.as_str()), (500, r#"{"message":"Internal server error"}"#));
    emulator.shutdown().await;
}

#[tokio::test]
async fn paths_outside_the_stage_are_refused() {
    let (emulator, _) = start(settings()).await;
    for path in ["/", "/de", "/device", "/prod/x"] {
        let url = emulator.api_url().replace("/dev", path);
        let mut answer = post(&url, "").await;
        assert_eq!(answer.status, 403, "{path}");
        assert_eq!(answer.text().await, r#"{"message":"Missing Authentication Token"}"#);
    }
    emulator.shutdown().await;
}

#[tokio::test]
async fn silence_is_cut_at_the_idle_timeout() {
    let mut settings = settings();
    settings.api_idle_timeout = Some(Duration::from_millis(300));
    settings.timeout = Duration::from_secs(2);
    let (emulator, _) = start(settings).await;
    for version in [Version::HTTP_2, Version::HTTP_11] {
        let mut answer = send(Request::post(emulator.api_url()), "ending=hang", version).await;
        assert_eq!(answer.rest().await, (b"chunk 0\nchunk 1\n".to_vec(), false));
    }
    let answer = post(&emulator.api_url(), "ending=hang-early").await;
    assert_eq!(answer.status, 504);
    emulator.shutdown().await;
}

#[tokio::test]
async fn a_length_that_the_function_gives_is_kept_and_harms_nobody() {
    let (emulator, mut events) = start(settings()).await;
    let url = emulator.api_url();
    let mut answer = post(&url, "length=16").await;
    assert_eq!((answer.header("content-length"), answer.header("transfer-encoding")), ("16", ""));
    assert_eq!(answer.text().await, "chunk 0\nchunk 1\n");
    for length in ["1", "999", "nonsense"] {
        for version in [Version::HTTP_11, Version::HTTP_2] {
            let request = Request::post(&url).body(Full::new(Bytes::from(format!("length={length}")))).expect("a request");
            let stream = client::connect(request.uri()).await;
            // Whatever a client makes of a wrong length.
            let _ = client::attempt(stream, request, version).await;
        }
    }
    for status in [204, 304] {
        let mut answer = post(&url, &format!("status={status} length=7")).await;
        assert_eq!((answer.status.as_u16(), answer.text().await.as_str()), (status, ""));
    }
    let query = format!("{url}?length=7");
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let mut answer = send(Request::head(&query), "", version).await;
        assert_eq!((answer.status.as_u16(), answer.text().await.as_str()), (201, ""), "{version:?}");
    }
    assert_eq!(post(&url, "").await.text().await, "chunk 0\nchunk 1\n");
    while let Some(event) = events.try_next() {
        assert!(!matches!(event.kind, firstbyte_emulator::EventKind::EnvironmentExited { .. }), "{event}");
    }
    emulator.shutdown().await;
}

#[tokio::test]
async fn a_buffered_integration_gives_what_it_has_at_the_end() {
    let mut settings = settings();
    settings.api_transfer = Transfer::Buffered;
    let (emulator, mut events) = start(settings).await;
    let malformed = r#"{"message":"Internal server error"}"#;
    for (ending, status, content_type, body, told) in [
        ("buffered", 201, "application/json", "hello", ""),
        ("clean", 201, "text/plain", "", "dropped"),
        ("trailers", 201, "text/plain", "", "looks complete"),
        ("typeless", 502, "application/json", malformed, "no proxy response"),
        ("bad-prelude", 502, "application/json", malformed, "no proxy response"),
        ("error", 502, "application/json", malformed, ""),
        ("exit", 502, "application/json", malformed, ""),
    ] {
        let mut answer = post(&emulator.api_url(), &format!("ending={ending}")).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (status, content_type), "{ending}");
        assert_eq!(answer.text().await, body, "{ending}");
        assert_told(&until_over(&mut events).await, told, ending);
    }
    emulator.shutdown().await;
}

#[tokio::test]
async fn header_values_besides_text_reach_the_client() {
    for (transfer, endings) in [(Transfer::Stream, &["clean"][..]), (Transfer::Buffered, &["clean", "buffered"])] {
        let mut settings = settings();
        settings.api_transfer = transfer;
        let (emulator, _) = start(settings).await;
        for ending in endings {
            let answer = post(&emulator.api_url(), &format!("ending={ending} heads=values")).await;
            assert_eq!((answer.status.as_u16(), answer.all("x-list")), (201, vec!["a", "b"]), "{ending}");
            assert_eq!((answer.header("x-number"), answer.header("x-true")), ("7", "true"), "{ending}");
            assert_eq!((answer.headers.contains_key("x-null"), answer.header("set-cookie")), (false, "c=1"), "{ending}");
        }
        emulator.shutdown().await;
    }
}

#[tokio::test]
async fn every_cookie_is_spelled_the_same() {
    let (emulator, _) = start(settings()).await;
    let head = client::raw(&emulator.api_url(), "POST /dev HTTP/1.1\r\nConnection: close\r\n", "heads=cookies").await;
    assert_eq!(head.matches("\r\nSet-Cookie: ").count(), 3, "{head}");
    assert!(!head.contains("set-cookie"), "{head}");
    emulator.shutdown().await;
}
