//! Components of the standard worlds are handlers like ours: the same bytes at the same moments, the request that was sent, what
//! Lambda knows in headers that nobody can forge, and a word about what this host does not have.

use firstbyte_tests::{Call, Door, Function, Guest, Invoked, Lambda, Received, tests_folder};
use serde_json::{Value, json};
use std::time::Duration;

const HTTP: [Guest; 2] = [Guest::HttpP2, Guest::HttpP3];

#[tokio::test]
async fn the_greeting_is_the_same_in_every_world_at_every_door() {
    // Built elsewhere, from guest/examples/c: no tool of this repository had a hand in it.
    let in_c = tests_folder().join("e2e/fixtures/greeting-in-c.wasm");
    let functions = [Guest::Greeting, Guest::HttpP2, Guest::HttpP3].map(|guest| (format!("{guest:?}"), Function::of(guest)));
    for (guest, function) in functions.into_iter().chain([("C".to_owned(), Function::of_file(&in_c))]) {
        let mut lambda = function.start().await;
        for door in Door::ALL {
            let call = Call::json(&json!({"ending": "greeting", "name": "hoge"}));
            let Invoked { answer, .. } = lambda.invoke(door, call).await;
            let at = |n: usize| answer.chunks[n].at;
            assert_eq!(answer.chunks.len(), 2, "{guest} at {door}: {:?}", answer.text());
            assert_eq!(answer.chunks[0].bytes, "Hello, this is a streamed response!\n", "{guest} at {door}");
            assert_eq!(answer.chunks[1].bytes, "Hello, hoge! This is a delayed message.\n", "{guest} at {door}");
            let pause = at(1) - at(0);
            assert!((Duration::from_millis(1950)..Duration::from_millis(2700)).contains(&pause), "{guest} at {door}: {pause:?}");
            assert!(at(0) < Duration::from_millis(900), "{guest} at {door}: {:?}", at(0));
        }
    }
}

/// The first line of what a guest says of its request, and the rest.
fn echoed(answer: &Received) -> (Value, String) {
    let text = answer.text();
    let (line, rest) = text.split_once('\n').unwrap_or_else(|| panic!("{text}"));
    (serde_json::from_str(line).expect("JSON"), rest.to_owned())
}

fn header<'a>(echo: &'a Value, name: &str) -> Vec<&'a str> {
    let headers = echo["headers"].as_array().expect("headers");
    headers.iter().filter(|header| header[0] == name).filter_map(|header| header[1].as_str()).collect()
}

async fn invoke(lambda: &mut Lambda, door: Door, call: Call) -> (Value, String, Received) {
    let Invoked { answer, .. } = lambda.invoke(door, call).await;
    let (echo, rest) = echoed(&answer);
    (echo, rest, answer)
}

#[tokio::test]
async fn the_request_is_what_was_sent() {
    for guest in HTTP {
        let mut lambda = Function::of(guest).start().await;
        let payload = json!({"ending": "echo", "text": "grüße"});
        for door in Door::HTTP {
            let call = Call::json(&payload)
                .path("/a%20b/c?x=1&y=%26")
                .header("cookie", "session=a=b; theme=dark")
                .header("x-twice", "one")
                .header("x-firstbyte-request-id", "forged")
                .header("x-firstbyte-of-the-future", "forged");
            let (echo, rest, answer) = invoke(&mut lambda, door, call).await;
            let place = format!("{guest:?} at {door}: {echo:#}");
            assert_eq!((&echo["method"], &echo["path"]), (&json!("POST"), &json!("/a%20b/c?x=1&y=%26")), "{place}");
            assert_eq!(
                Some(&echo["scheme"]),
                header(&echo, "x-forwarded-proto").first().map(|scheme| json!(scheme)).as_ref(),
                "{place}"
            );
            assert!(echo["authority"].as_str().is_some_and(|authority| !authority.is_empty()), "{place}");
            assert_eq!(header(&echo, "cookie"), ["session=a=b; theme=dark"], "{place}");
            assert_eq!(header(&echo, "x-twice"), ["one"], "{place}");
            assert_eq!(rest, payload.to_string(), "{place}");
            assert!(header(&echo, "x-firstbyte-of-the-future").is_empty(), "{place}");
            let id = header(&echo, "x-firstbyte-request-id");
            assert!(id.len() == 1 && id[0] != "forged" && id[0].len() == 36, "{place}");
            assert!(header(&echo, "x-firstbyte-function-arn")[0].starts_with("arn:aws:lambda:"), "{place}");
            assert!(header(&echo, "x-firstbyte-deadline-ms")[0].parse::<u64>().is_ok(), "{place}");
            assert!(header(&echo, "x-firstbyte-event").is_empty(), "{place}");
            assert_eq!(answer.header_values("set-cookie"), ["a=1", "b=2; Path=/"], "{place}");
        }
        let (echo, rest, answer) = invoke(&mut lambda, Door::Direct, Call::json(&payload)).await;
        assert_eq!((&echo["method"], &echo["path"]), (&json!("POST"), &json!("/")), "{guest:?}: {echo:#}");
        assert_eq!(header(&echo, "content-type"), ["application/json"], "{guest:?}: {echo:#}");
        assert_eq!((rest, answer.content_type()), (payload.to_string(), Some("text/plain")), "{guest:?}");
        let call = Call::json(&payload).header("x-amz-tenant-id", "blue");
        let (echo, ..) = invoke(&mut lambda, Door::Direct, call).await;
        assert_eq!(header(&echo, "x-firstbyte-tenant-id"), ["blue"], "{guest:?}: {echo:#}");
    }
}

#[tokio::test]
async fn settings_name_the_direct_request_and_pass_the_event_on() {
    use base64::Engine as _;
    for guest in HTTP {
        let function =
            Function::of(guest).env("FIRSTBYTE_DIRECT_REQUEST", "PUT /invoke?by=sdk").env("FIRSTBYTE_EVENT_HEADER", "on");
        let mut lambda = function.start().await;
        let payload = json!({"ending": "echo"});
        let (echo, ..) = invoke(&mut lambda, Door::Direct, Call::json(&payload)).await;
        assert_eq!((&echo["method"], &echo["path"]), (&json!("PUT"), &json!("/invoke?by=sdk")), "{guest:?}: {echo:#}");
        for door in Door::HTTP {
            let (echo, ..) = invoke(&mut lambda, door, Call::json(&payload)).await;
            let event = base64::engine::general_purpose::STANDARD.decode(header(&echo, "x-firstbyte-event")[0]).expect("base64");
            let event: Value = serde_json::from_slice(&event).expect("JSON");
            assert_eq!(event["body"], payload.to_string(), "{guest:?} at {door}");
        }
    }
}

#[tokio::test]
async fn tokens_leave_one_by_one_and_a_slow_reader_loses_nothing() {
    for guest in HTTP {
        let mut lambda = Function::of(guest).start().await;
        for door in Door::ALL {
            let Invoked { answer, .. } =
                lambda.invoke(door, Call::json(&json!({"ending": "tokens", "count": 5, "ms": 100}))).await;
            assert_eq!(answer.chunks.len(), 5, "{guest:?} at {door}: {:?}", answer.chunks);
            assert!(
                answer.chunks.windows(2).all(|pair| pair[1].at - pair[0].at >= Duration::from_millis(50)),
                "{guest:?} at {door}"
            );
            let bytes = 3_000_000;
            let mut answer = lambda.open(door, Call::json(&json!({"ending": "ok", "bytes": bytes, "writes": 500}))).await;
            let first = answer.next().await.expect("a chunk").bytes.len();
            // Long enough for the handler to fill every buffer on the way.
            tokio::time::sleep(Duration::from_millis(300)).await;
            let rest = answer.rest().await;
            assert!(
                rest.looks_complete() && rest.bytes().len() == bytes,
                "{guest:?} at {door}: {first} and {} {:?}",
                rest.bytes().len(),
                rest.end
            );
            lambda.until_over().await;
        }
    }
}
