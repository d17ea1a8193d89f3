//! Whatever head a handler sends, what the doors decode from it is a valid status and headers of it, without line breaks or NULs;
//! and a body comes back from the buffered form as it went in.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use firstbyte_wire::{Head, Prelude, PreludeDecoder, ProxyBody, Trigger, prelude};
use serde_json::Value;

libfuzzer_sys::fuzz_target!(|input: (u16, Vec<(String, String)>, &[u8])| {
    let (status, headers, body) = input;
    let Ok(head) = Head::new(status, headers.clone()) else { return };
    let dropped = headers.iter().filter(|(name, _)| head.dropped().contains(&name.to_ascii_lowercase())).count();
    assert_eq!(head.headers().len() + dropped, headers.len());
    let mut kept = ProxyBody::default();
    let (first, second) = body.split_at(body.len() / 2);
    kept.push(first);
    let told = kept.encoded_len_with(second);
    kept.push(second);
    for trigger in [Trigger::FunctionUrl, Trigger::ApiGateway] {
        let document: Value = serde_json::from_slice(&head.proxy_response(trigger, &kept)).expect("JSON");
        let text = document["body"].as_str().expect("text");
        let base64 = document["isBase64Encoded"].as_bool().expect("a truth");
        assert!(serde_json::to_string(text).expect("JSON").len() - 2 <= told);
        assert_eq!(if base64 { STANDARD.decode(text).expect("base64") } else { text.into() }, body);

        let Ok(bytes) = head.prelude(trigger) else { continue };
        assert!(bytes.len() <= prelude::LIMIT);
        let stream = Bytes::from([&bytes, body].concat());
        let (decoded, rest) = PreludeDecoder::new().push(stream).expect("valid").expect("complete");
        assert_eq!(rest, body);
        holds(&head, &decoded);
        for (key, value) in serde_json::to_value(&decoded).expect("JSON").as_object().expect("an object") {
            assert_eq!(&document[key], value);
        }
    }
});

fn holds(head: &Head, decoded: &Prelude) {
    assert_eq!(decoded.status_code, Some(head.status()));
    let mut count = decoded.cookies.len();
    for (name, values) in &decoded.multi_value_headers {
        count += values.len();
        assert!(values.iter().all(|value| head.headers().contains(&(name.clone(), value.clone()))));
    }
    for (name, joined) in &decoded.headers {
        let values: Vec<&str> = head.headers().iter().filter(|(known, _)| known == name).map(|(_, value)| &**value).collect();
        count += values.len();
        assert_eq!(joined, &values.join(", "));
    }
    assert_eq!(count, head.headers().len());
    let names = decoded.headers.keys().chain(decoded.multi_value_headers.keys());
    let values = decoded.headers.values().chain(&decoded.cookies).chain(decoded.multi_value_headers.values().flatten());
    assert!(names.chain(values).all(|text| !text.contains(['\r', '\n', '\0'])));
}
