//! Which environment serves whom: tenants and versions share none.

mod client;

use client::lambda::{Frames, invoke, stream};
use client::{environments, send, settings, start, until_over};
use firstbyte_emulator::EventKind;
use http::{Request, Version};

#[tokio::test]
async fn an_environment_serves_one_tenant_or_those_without() {
    let mut settings = settings();
    settings.max_environments = 2;
    let (emulator, mut events) = start(settings).await;
    emulator.warm_up().await.expect("it starts");
    while events.try_next().is_some() {}
    // The number of the environment; a new one in place of the idle one that was used longest ago, where there is no room.
    for (tenant, number) in [("blue", 1), ("red", 2), ("blue", 1), ("red", 2), ("", 3), ("red", 2), ("", 3), ("blue", 4)] {
        let header = [("x-amz-tenant-id", tenant)];
        let headers = if tenant.is_empty() { &[][..] } else { &header[..] };
        for streaming in [true, false] {
            let text = if streaming {
                stream(&emulator, r#""ending=context""#, headers).await.rest().await.0
            } else {
                invoke(&emulator, "raw", r#""ending=context""#, headers).await.text().await
            };
            assert!(text.starts_with(&format!(r#"{{"tenant":"{tenant}","#)), "{tenant}: {text}");
            let seen = until_over(&mut events).await;
            let served: Vec<u32> = seen
                .iter()
                .filter(|event| matches!(event.kind, EventKind::InvocationEnded(_)))
                .filter_map(|event| event.environment)
                .collect();
            assert_eq!(served, [number], "{tenant:?}");
        }
    }
    emulator.shutdown().await;
}

#[tokio::test]
async fn a_busy_environment_is_not_given_up_for_another_tenant() {
    let mut settings = settings();
    settings.max_environments = 1;
    let (emulator, _) = start(settings).await;
    let mut busy = stream(&emulator, r#""ending=hang""#, &[("x-amz-tenant-id", "blue")]).await;
    busy.next().await.expect("a chunk");
    assert_eq!(invoke(&emulator, "raw", "{}", &[("x-amz-tenant-id", "red")]).await.status, 429);
    emulator.shutdown().await;
}

#[tokio::test]
async fn a_qualifier_is_one_of_those_that_exist_and_says_what_was_executed() {
    let mut settings = settings();
    settings.qualifiers = [("7", "7"), ("live", "7")].map(|(name, version)| (name.to_owned(), version.to_owned())).into();
    let (emulator, mut events) = start(settings).await;
    let arn = emulator.function_arn();
    let mut environment_of = std::collections::HashMap::new();
    for (name, qualifier, version) in [
        ("raw".to_owned(), "", "$LATEST"),
        ("raw:$LATEST".to_owned(), "$LATEST", "$LATEST"),
        ("raw:7".to_owned(), "7", "7"),
        (format!("{arn}:live"), "live", "7"),
        ("123456789012:function:raw:live".to_owned(), "live", "7"),
    ] {
        let payload = r#""ending=version""#;
        let mut invoked = invoke(&emulator, &name.replace(':', "%3A"), payload, &[]).await;
        let seen = until_over(&mut events).await;
        let url = format!("{}/2021-11-15/functions/raw/response-streaming-invocations", emulator.lambda_url());
        let url = if qualifier.is_empty() { url } else { format!("{url}?Qualifier={}", qualifier.replace('$', "%24")) };
        let streamed = Frames::of(send(Request::post(url), payload, Version::HTTP_11).await);
        assert_eq!(streamed.answer.header("x-amz-executed-version"), version, "{name}");
        let invoked_arn = if qualifier.is_empty() { arn.clone() } else { format!("{arn}:{qualifier}") };
        let expected = format!(r#"{{"version":"{version}","arn":"{invoked_arn}"}}"#);
        assert_eq!((invoked.status.as_u16(), invoked.header("x-amz-executed-version")), (200, version), "{name}");
        assert_eq!((invoked.text().await, streamed.rest().await.0), (expected.clone(), expected), "{name}");
        let start = format!("Version: {version}");
        assert!(seen.iter().any(|event| matches!(&event.kind, EventKind::Platform { line } if line.ends_with(&start))), "{name}");
        let number = environments(&until_over(&mut events).await)[0];
        assert_eq!(*environment_of.entry(version).or_insert(number), number, "versions do not share an environment");
    }
    assert_eq!(environment_of.len(), 2);
    for (name, query) in [
        ("raw:8", ""),
        ("raw:staging", ""),
        ("raw", "?Qualifier=staging"),
        ("arn:aws:lambda:us-east-1:210987654321:function:raw", ""),
        ("210987654321:function:raw", ""),
        ("arn:aws:lambda:eu-north-7:123456789012:function:raw", ""),
        ("arn:aws-cn:lambda:us-east-1:123456789012:function:raw", ""),
    ] {
        for path in ["2015-03-31/functions/NAME/invocations", "2021-11-15/functions/NAME/response-streaming-invocations"] {
            let path = path.replace("NAME", &name.replace(':', "%3A"));
            let url = format!("{}/{path}{query}", emulator.lambda_url());
            let mut answer = send(Request::post(url), "{}", Version::HTTP_11).await;
            let error = (answer.status.as_u16(), answer.header("x-amzn-errortype").to_owned());
            assert_eq!(error, (404, "ResourceNotFoundException".to_owned()), "{name}{query}");
            assert!(answer.text().await.contains("Function not found: arn:aws"), "{name}{query}");
        }
    }
    emulator.shutdown().await;
}
