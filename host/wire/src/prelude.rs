//! The prelude: how a response's head travels in front of its streamed body, as JSON ended by eight NULs.
//!
//! Follows API Gateway's "Set up a Lambda proxy integration with payload response streaming": the keys are `statusCode`,
//! `headers`, `multiValueHeaders` and `cookies`, all optional, and the delimiter stands within the first 16 KB.
//!
//! AWS documents text as the value of a header. AWS's own Rust client also writes a list for a header that it has several
//! times, and others write numbers, booleans and null. What Lambda makes of these is not published; [`header_values`] says
//! how they are read here.

use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What ends a prelude.
pub const DELIMITER: [u8; 8] = [0; 8];

/// How many bytes a prelude may have, delimiter included: API Gateway looks no further.
pub const LIMIT: usize = 16 * 1024;

/// A head as Lambda's HTTP doors read it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "Written")]
pub struct Prelude {
    /// 200 if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u16>,
    /// Headers with one value each.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Headers with several values each; they win over `headers`. AWS documents them for API Gateway only.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub multi_value_headers: BTreeMap<String, Vec<String>>,
    /// Values of `set-cookie`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cookies: Vec<String>,
}

/// A prelude as clients of the Runtime API write it, before its values are read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    status_code: Option<u16>,
    headers: Option<BTreeMap<String, Value>>,
    multi_value_headers: Option<BTreeMap<String, Value>>,
    cookies: Option<Value>,
}

/// A value that no header can have: an object, or a list within a list.
#[derive(Debug, thiserror::Error)]
#[error("{name:?} is neither text, a number, a boolean, null, nor a list of these")]
struct NotAHeaderValue {
    name: String,
}

impl TryFrom<Written> for Prelude {
    type Error = NotAHeaderValue;

    fn try_from(written: Written) -> Result<Self, NotAHeaderValue> {
        let values = |name: &str, value: &Value| header_values(value).ok_or_else(|| NotAHeaderValue { name: name.to_owned() });
        let mut prelude = Self { status_code: written.status_code, ..Self::default() };
        for (name, value) in written.multi_value_headers.unwrap_or_default() {
            prelude.multi_value_headers.insert(name.clone(), values(&name, &value)?);
        }
        let mut lists = BTreeMap::new();
        for (name, value) in written.headers.unwrap_or_default() {
            let mut values = values(&name, &value)?;
            match values.pop() {
                None => {}
                Some(only) if values.is_empty() => {
                    prelude.headers.insert(name, only);
                }
                Some(last) => {
                    values.push(last);
                    lists.insert(name, values);
                }
            }
        }
        lists.retain(|name, _| !prelude.multi_value_headers.keys().any(|known| known.eq_ignore_ascii_case(name)));
        prelude.multi_value_headers.append(&mut lists);
        prelude.cookies = written.cookies.map_or_else(|| Ok(Vec::new()), |cookies| values("cookies", &cookies))?;
        Ok(prelude)
    }
}

/// The values that a header's JSON stands for: of a list, each element's; of null, none; of a number or a boolean, its JSON.
/// `None` for an object, and for a list within a list.
#[must_use]
pub fn header_values(value: &Value) -> Option<Vec<String>> {
    let elements = match value {
        Value::Array(elements) => elements.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut values = Vec::with_capacity(elements.len());
    for element in elements {
        match element {
            Value::Null => {}
            Value::String(text) => values.push(text.clone()),
            Value::Bool(_) | Value::Number(_) => values.push(element.to_string()),
            Value::Array(_) | Value::Object(_) => return None,
        }
    }
    Some(values)
}

impl Prelude {
    /// JSON and delimiter.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).expect("maps with string keys are always JSON");
        bytes.extend_from_slice(&DELIMITER);
        bytes
    }
}

/// Why a stream does not begin with a prelude.
#[derive(Debug, thiserror::Error)]
pub enum PreludeError {
    /// No delimiter within [`LIMIT`].
    #[error("no prelude: eight NUL bytes did not appear within the first {LIMIT} bytes")]
    NoDelimiter,
    /// The stream ended within what would have been the prelude.
    #[error("no prelude: the stream ended after {0} bytes, before eight NUL bytes")]
    Ended(usize),
    /// What stands before the delimiter is not JSON of a prelude's shape.
    #[error("the prelude is not valid: {0}")]
    Invalid(#[from] serde_json::Error),
}

/// Finds the end of a prelude in a stream, however its chunks fall.
#[derive(Debug, Default)]
pub struct PreludeDecoder {
    seen: BytesMut,
    /// How many bytes at the end of `seen` are NUL and not yet eight.
    nuls: usize,
}

impl PreludeDecoder {
    /// A decoder at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next chunk. None while the delimiter is outstanding; then the prelude and the beginning of the body.
    /// After that, or after an error, the decoder is used up: further chunks are the body, or nothing.
    ///
    /// # Errors
    /// [`PreludeError::NoDelimiter`] as soon as it is certain, and [`PreludeError::Invalid`].
    pub fn push(&mut self, mut chunk: Bytes) -> Result<Option<(Prelude, Bytes)>, PreludeError> {
        let mut taken = 0;
        for byte in &chunk {
            taken += 1;
            self.nuls = if *byte == 0 { self.nuls + 1 } else { 0 };
            if self.nuls == DELIMITER.len() {
                break;
            }
            if self.seen.len() + taken >= LIMIT {
                return Err(PreludeError::NoDelimiter);
            }
        }
        let rest = chunk.split_off(taken);
        self.seen.extend_from_slice(&chunk);
        if self.nuls < DELIMITER.len() {
            return Ok(None);
        }
        let json = &self.seen[..self.seen.len() - DELIMITER.len()];
        if json.trim_ascii_start().first() != Some(&b'{') {
            return Err(PreludeError::Invalid(serde::de::Error::custom("not a JSON object")));
        }
        Ok(Some((serde_json::from_slice(json)?, rest)))
    }

    /// The bytes taken so far, if the stream ends here.
    #[must_use]
    pub fn ended(&self) -> PreludeError {
        PreludeError::Ended(self.seen.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_stream_without_delimiter_is_refused_at_the_limit() {
        let mut decoder = PreludeDecoder::new();
        assert!(decoder.push(Bytes::from(vec![b' '; LIMIT - 1])).expect("could still come").is_none());
        assert!(matches!(decoder.push(Bytes::from_static(b" ")), Err(PreludeError::NoDelimiter)));
    }

    #[test]
    fn the_delimiter_may_end_at_the_limit() {
        let mut bytes = b"{}".to_vec();
        bytes.resize(LIMIT - 8, b' ');
        bytes.extend_from_slice(&DELIMITER);
        assert_eq!(bytes.len(), LIMIT);
        let (prelude, rest) = PreludeDecoder::new().push(bytes.into()).expect("valid").expect("complete");
        assert_eq!((prelude, rest.len()), (Prelude::default(), 0));
    }

    #[test]
    fn garbage_is_an_error() {
        for bytes in ["hello\0\0\0\0\0\0\0\0", "[]\0\0\0\0\0\0\0\0", "{\"body\":1}\0\0\0\0\0\0\0\0", "\0\0\0\0\0\0\0\0"] {
            let pushed = PreludeDecoder::new().push(Bytes::from_static(bytes.as_bytes()));
            assert!(matches!(pushed, Err(PreludeError::Invalid(_))), "{bytes:?}: {pushed:?}");
        }
    }

    fn decoded(json: &str) -> Result<Option<(Prelude, Bytes)>, PreludeError> {
        PreludeDecoder::new().push([json.as_bytes(), &DELIMITER].concat().into())
    }

    #[test]
    fn values_that_clients_write_besides_text_are_taken() {
        let json = r#"{
            "statusCode": null,
            "headers": {"x-text":"a","x-list":["b","c"],"x-one":["d"],"x-none":[],"x-number":7,"x-true":true,"x-null":null,
                        "X-Both":["e","f"]},
            "multiValueHeaders": {"x-both":["g",8],"x-single":"h"},
            "cookies": ["i",null,"j"]
        }"#;
        let (prelude, _) = decoded(json).expect("valid").expect("complete");
        let single = [("x-text", "a"), ("x-one", "d"), ("x-number", "7"), ("x-true", "true")];
        let several = [("x-list", vec!["b", "c"]), ("x-both", vec!["g", "8"]), ("x-single", vec!["h"])];
        let expected = Prelude {
            status_code: None,
            headers: single.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            multi_value_headers: several
                .map(|(name, values)| (name.to_owned(), values.into_iter().map(str::to_owned).collect()))
                .into(),
            cookies: vec!["i".to_owned(), "j".to_owned()],
        };
        assert_eq!(prelude, expected);
        let (prelude, _) =
            decoded(r#"{"headers":null,"multiValueHeaders":null,"cookies":null}"#).expect("valid").expect("complete");
        assert_eq!(prelude, Prelude::default());
        for json in [r#"{"headers":{"x-a":{"b":1}}}"#, r#"{"headers":{"x-a":[["b"]]}}"#, r#"{"cookies":{"a":"b"}}"#] {
            assert!(matches!(decoded(json), Err(PreludeError::Invalid(_))), "{json}");
        }
    }

    proptest! {
        #[test]
        fn any_prelude_comes_back_however_the_chunks_fall(
            status in prop::option::of(0u16..1000),
            headers in prop::collection::btree_map(".{0,9}", ".{0,20}", 0..5),
            cookies in prop::collection::vec(".{0,20}", 0..4),
            body in prop::collection::vec(prop_oneof![Just(0u8), any::<u8>()], 0..300),
            cuts in prop::collection::vec(0usize..1000, 0..20),
        ) {
            let prelude = Prelude { status_code: status, headers, cookies, ..Prelude::default() };
            let mut stream = prelude.encode();
            stream.extend_from_slice(&body);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();

            let mut decoder = PreludeDecoder::new();
            let mut decoded = None;
            let mut seen_body = Vec::new();
            for pair in cuts.windows(2) {
                let chunk = Bytes::copy_from_slice(&stream[pair[0]..pair[1]]);
                if decoded.is_some() {
                    seen_body.extend_from_slice(&chunk);
                } else if let Some((prelude, rest)) = decoder.push(chunk).expect("valid") {
                    decoded = Some(prelude);
                    seen_body.extend_from_slice(&rest);
                }
            }
            prop_assert_eq!(decoded, Some(prelude));
            prop_assert_eq!(seen_body, body);
        }

        #[test]
        fn no_bytes_make_it_panic(chunks in prop::collection::vec(prop::collection::vec(prop_oneof![Just(0u8), any::<u8>()], 0..40), 0..10)) {
            let mut decoder = PreludeDecoder::new();
            for chunk in chunks {
                if !matches!(decoder.push(chunk.into()), Ok(None)) { break }
            }
        }
    }
}
