//! How a request's body and query stand in an event: text, or base64 for what is not text.
//!
//! AWS does not publish which content types are text to a Function URL; the usual ones are those that tools agree on, and the
//! user may name others. API Gateway has a list in each API (`binaryMediaTypes`); here it is as if that list had everything that
//! is not usually text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// Which content types are text.
#[derive(Clone, Copy, Debug)]
pub(super) enum TextTypes<'a> {
    Usual,
    /// Media types: `application/json`, `text/*`, `*/*`.
    Only(&'a [String]),
}

/// A body as an event has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct EventBody<'a> {
    /// Absent if it is empty.
    pub(super) text: Option<Cow<'a, str>>,
    pub(super) is_base64: bool,
}

impl<'a> EventBody<'a> {
    /// Writes a body as its content type asks.
    pub(super) fn new(headers: &HeaderMap, body: &'a [u8], types: TextTypes<'_>) -> Self {
        if body.is_empty() {
            return Self { text: None, is_base64: false };
        }
        match std::str::from_utf8(body) {
            Ok(text) if is_text(headers, types) => Self { text: Some(Cow::Borrowed(text)), is_base64: false },
            _ => Self { text: Some(Cow::Owned(STANDARD.encode(body))), is_base64: true },
        }
    }
}

fn is_text(headers: &HeaderMap, types: TextTypes<'_>) -> bool {
    if headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return false;
    }
    let Some(content_type) = headers.get(CONTENT_TYPE) else { return matches!(types, TextTypes::Usual) };
    let content_type = String::from_utf8_lossy(content_type.as_bytes()).to_ascii_lowercase();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let Some((kind, subtype)) = media_type.split_once('/') else { return false };
    match types {
        TextTypes::Usual => is_usually_text(kind, subtype),
        TextTypes::Only(types) => types.iter().any(|known| {
            let is = |known: &str, asked: &str| known == "*" || known.eq_ignore_ascii_case(asked);
            known.split_once('/').is_some_and(|(known_kind, known_subtype)| is(known_kind, kind) && is(known_subtype, subtype))
        }),
    }
}

fn is_usually_text(kind: &str, subtype: &str) -> bool {
    kind == "text"
        || (kind == "application"
            && (["json", "xml", "javascript", "x-www-form-urlencoded", "x-javascript", "graphql"].contains(&subtype)))
        || subtype.ends_with("+json")
        || subtype.ends_with("+xml")
}

/// The names and values of a query, decoded, in their order.
pub(super) fn query(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    })
}

fn decoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn content_types_say_what_is_text() {
        for (content_type, text) in [
            ("text/plain", true),
            ("TEXT/HTML; charset=utf-8", true),
            ("application/json", true),
            ("application/problem+json", true),
            ("image/svg+xml", true),
            ("application/x-www-form-urlencoded", true),
            ("application/octet-stream", false),
            ("image/png", false),
            ("multipart/form-data; boundary=x", false),
            ("nonsense", false),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
            assert_eq!(!EventBody::new(&headers, b"x", TextTypes::Usual).is_base64, text, "{content_type}");
        }
    }

    #[test]
    fn text_that_is_not_utf8_is_base64() {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("text/plain"))]);
        assert_eq!(EventBody::new(&headers, b"\xff", TextTypes::Usual), EventBody { text: Some("/w==".into()), is_base64: true });
        let headers = HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_static("gzip"))]);
        assert!(EventBody::new(&headers, b"x", TextTypes::Usual).is_base64);
    }

    #[test]
    fn queries_are_decoded() {
        let pairs: Vec<_> = query("a=1&b=%C3%BC+x&c&&=d").collect();
        let expected = [("a", "1"), ("b", "ü x"), ("c", ""), ("", "d")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
