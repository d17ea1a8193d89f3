//! Buffered responses: the whole of them, and the JSON document ("envelope") that says status, headers and body in one.
//!
//! Follows "Output format of a Lambda function for proxy integration" and what Function URLs were seen to do with it.

use super::head::head;
use super::{JSON, Reply, set, whole};
use crate::invocation::Body;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::{Bytes, BytesMut};
use firstbyte_wire::Prelude;
use firstbyte_wire::runtime_api::BUFFERED_RESPONSE_LIMIT;
use serde_json::Value;

/// As lenient as AWS is with padding and stray last bits.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true),
);

/// An object of JSON.
pub(super) type Envelope = serde_json::Map<String, Value>;

/// All of a response, to its end. None if it is more than Lambda takes at once; it is still read, for the function's sake.
pub(super) async fn collect(body: &mut Body) -> Option<Bytes> {
    let mut bytes = BytesMut::new();
    let mut fits = true;
    while let Some(chunk) = body.next().await {
        fits = fits && bytes.len() + chunk.len() <= BUFFERED_RESPONSE_LIMIT;
        if fits {
            bytes.extend_from_slice(&chunk);
        }
    }
    fits.then(|| bytes.freeze())
}

/// Status, headers and cookies of an envelope, read as those of a prelude. None if they are malformed.
pub(super) fn prelude_of(envelope: &Envelope) -> Option<Prelude> {
    let keys = ["statusCode", "headers", "multiValueHeaders", "cookies"];
    let mut members: Envelope = keys.iter().filter_map(|key| Some(((*key).to_owned(), envelope.get(*key)?.clone()))).collect();
    if let Some(Value::Object(headers)) = members.get_mut("headers") {
        for value in headers.values_mut().filter(|value| value.is_object()) {
            *value = Value::String(java_text(value));
        }
    }
    serde_json::from_value(Value::Object(members)).ok()
}

/// An object as a Function URL was seen to write it into a header, in the way of Java: `{bad=true}`.
fn java_text(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: Vec<String> = members.iter().map(|(key, value)| format!("{key}={}", java_text(value))).collect();
            format!("{{{}}}", members.join(", "))
        }
        Value::Array(elements) => {
            let elements: Vec<String> = elements.iter().map(java_text).collect();
            format!("[{}]", elements.join(", "))
        }
        scalar => text(scalar),
    }
}

/// The body of an envelope: its text, or what its base64 stands for. What is no string is its JSON.
fn body_of(envelope: &Envelope) -> Bytes {
    let body = match envelope.get("body") {
        None | Some(Value::Null) => return Bytes::new(),
        Some(body) => text(body),
    };
    let is_base64 = envelope.get("isBase64Encoded").and_then(Value::as_bool).unwrap_or(false);
    match is_base64.then(|| BASE64.decode(&body)) {
        Some(Ok(bytes)) => bytes.into(),
        _ => body.into(),
    }
}

/// The reply that an envelope stands for. None if it is malformed.
pub(super) fn reply(envelope: &Envelope) -> Option<Reply> {
    let (mut reply, _) = head(&prelude_of(envelope)?).ok()?;
    reply.headers_mut().remove(http::header::CONTENT_LENGTH);
    if !reply.headers().contains_key(http::header::CONTENT_TYPE) {
        set(&mut reply, "content-type", JSON);
    }
    *reply.body_mut() = whole(body_of(envelope));
    Some(reply)
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;

    async fn replied(json: &str) -> Option<(u16, String, Vec<u8>)> {
        let reply = reply(&serde_json::from_str(json).expect("an object"))?;
        let (head, body) = reply.into_parts();
        let content_type = head.headers["content-type"].to_str().expect("ASCII").to_owned();
        let body = body.collect().await.expect("known").to_bytes().to_vec();
        Some((head.status.as_u16(), content_type, body))
    }

    #[tokio::test]
    async fn envelopes_are_applied() {
        for (json, status, content_type, body) in [
            (r#"{"statusCode":201,"headers":{"Content-Type":"text/plain"},"body":"hello"}"#, 201, "text/plain", &b"hello"[..]),
            (r#"{"statusCode":200,"body":"gAE=","isBase64Encoded":true}"#, 200, JSON, b"\x80\x01"),
            (r#"{"statusCode":200,"body":"gAE","isBase64Encoded":true}"#, 200, JSON, b"\x80\x01"),
            (r#"{"statusCode":200,"body":"not base64!","isBase64Encoded":true}"#, 200, JSON, b"not base64!"),
            (r#"{"statusCode":200,"body":{"a":1}}"#, 200, JSON, br#"{"a":1}"#),
            (r#"{"statusCode":204,"body":null}"#, 204, JSON, b""),
            (r#"{"multiValueHeaders":{"content-type":["a/b"]}}"#, 200, "a/b", b""),
            (r#"{"headers":{"content-type":{"bad":true,"list":[1,null]}}}"#, 200, "{bad=true, list=[1, null]}", b""),
        ] {
            assert_eq!(replied(json).await, Some((status, content_type.to_owned(), body.to_vec())), "{json}");
        }
    }

    #[tokio::test]
    async fn malformed_envelopes_are_none() {
        for json in [r#"{"statusCode":700}"#, r#"{"statusCode":"200"}"#, r#"{"statusCode":-1}"#, r#"{"headers":{"a b":"c"}}"#] {
            assert!(replied(json).await.is_none(), "{json}");
        }
    }
}
