//! The head of a response: status and headers, checked once and then known to be safe to put on the wire.

use crate::event::Trigger;
use crate::prelude::{self, Prelude};
use crate::proxy::ProxyBody;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Headers that belong to a connection, or that Lambda writes itself: never passed on.
const NOT_PASSED_ON: [&str; 9] =
    ["connection", "content-length", "date", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];

/// Why a head was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// The status is not within 200 to 599.
    #[error("status {0} is not within 200 to 599")]
    InvalidStatus(u16),
    /// Characters that no header may have, in the name or value of the header named.
    #[error("header {0:?} has characters that no header may have")]
    InvalidHeader(String),
    /// The prelude would not fit [`prelude::LIMIT`].
    #[error("status and headers do not fit the {} bytes that API Gateway reads", prelude::LIMIT)]
    TooLarge,
}

/// A valid status and valid headers, names in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    status: u16,
    headers: Vec<(String, String)>,
    dropped: Vec<String>,
}

impl Head {
    /// Checks a status and headers.
    ///
    /// # Errors
    /// [`HeadError::InvalidStatus`] and [`HeadError::InvalidHeader`]; the size is checked by [`Head::prelude`].
    pub fn new(status: u16, headers: impl IntoIterator<Item = (String, String)>) -> Result<Self, HeadError> {
        if !(200..=599).contains(&status) {
            return Err(HeadError::InvalidStatus(status));
        }
        let mut head = Self { status, headers: Vec::new(), dropped: Vec::new() };
        for (name, value) in headers {
            if !is_name(&name) || !is_value(&value) {
                return Err(HeadError::InvalidHeader(name));
            }
            let name = name.to_ascii_lowercase();
            if !NOT_PASSED_ON.contains(&name.as_str()) {
                head.headers.push((name, value));
            } else if !head.dropped.contains(&name) {
                head.dropped.push(name);
            }
        }
        Ok(head)
    }

    /// The status, 200 to 599.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The headers that are passed on, in their order.
    #[must_use]
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// Names of headers that were left out because they belong to the connection, each once.
    #[must_use]
    pub fn dropped(&self) -> &[String] {
        &self.dropped
    }

    /// The last value of a header, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The prelude that carries this head to the door of `trigger`, with its eight NULs.
    ///
    /// `set-cookie` becomes `cookies` for a Function URL and `multiValueHeaders` for API Gateway; other headers that come
    /// several times are joined by commas for a Function URL, which has no better place for them.
    ///
    /// # Errors
    /// [`HeadError::TooLarge`].
    pub fn prelude(&self, trigger: Trigger) -> Result<Vec<u8>, HeadError> {
        let bytes = self.for_door(trigger).encode();
        if bytes.len() > prelude::LIMIT { Err(HeadError::TooLarge) } else { Ok(bytes) }
    }

    /// The document that answers a buffered HTTP integration: this head and `body`, in base64 if it is not UTF-8.
    #[must_use]
    pub fn proxy_response(&self, trigger: Trigger, body: &ProxyBody) -> Vec<u8> {
        #[derive(serde::Serialize)]
        #[serde(rename_all = "camelCase")]
        struct ProxyResponse<'a> {
            #[serde(flatten)]
            prelude: Prelude,
            body: Cow<'a, str>,
            is_base64_encoded: bool,
        }
        let (body, is_base64_encoded) = body.encoded();
        let document = ProxyResponse { prelude: self.for_door(trigger), body, is_base64_encoded };
        serde_json::to_vec(&document).expect("maps with string keys are always JSON")
    }

    fn for_door(&self, trigger: Trigger) -> Prelude {
        let mut prelude = Prelude { status_code: Some(self.status), ..Prelude::default() };
        let multi_value = trigger == Trigger::ApiGateway;
        // Counted once: a handler may send a million headers.
        let mut times = BTreeMap::<&str, usize>::new();
        for (name, _) in &self.headers {
            *times.entry(name).or_default() += 1;
        }
        for (name, value) in &self.headers {
            if name == "set-cookie" && !multi_value {
                prelude.cookies.push(value.clone());
                continue;
            }
            if multi_value && (name == "set-cookie" || times.get(name.as_str()) > Some(&1)) {
                prelude.multi_value_headers.entry(name.clone()).or_default().push(value.clone());
                continue;
            }
            prelude
                .headers
                .entry(name.clone())
                .and_modify(|joined| {
                    joined.push_str(", ");
                    joined.push_str(value);
                })
                .or_insert_with(|| value.clone());
        }
        prelude
    }
}

/// An HTTP token (RFC 9110, 5.6.2).
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// No control characters but tab (RFC 9110, 5.5).
fn is_value(value: &str) -> bool {
    value.bytes().all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn head(headers: &[(&str, &str)]) -> Result<Head, HeadError> {
        Head::new(200, headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())))
    }

    fn prelude_of(head: &Head, trigger: Trigger) -> serde_json::Value {
        let bytes = head.prelude(trigger).expect("small");
        let (json, nul) = bytes.split_at(bytes.len() - 8);
        assert_eq!(nul, [0; 8]);
        serde_json::from_slice(json).expect("JSON")
    }

    #[test]
    fn cookies_go_where_each_door_reads_them() {
        let head = head(&[("Set-Cookie", "a=1"), ("X-A", "1"), ("set-cookie", "b=2; Path=/"), ("x-a", "2")]).expect("valid");
        assert_eq!(
            prelude_of(&head, Trigger::FunctionUrl),
            serde_json::json!({"statusCode": 200, "headers": {"x-a": "1, 2"}, "cookies": ["a=1", "b=2; Path=/"]})
        );
        assert_eq!(
            prelude_of(&head, Trigger::ApiGateway),
            serde_json::json!({"statusCode": 200, "multiValueHeaders": {"set-cookie": ["a=1", "b=2; Path=/"], "x-a": ["1", "2"]}})
        );
    }

    #[test]
    fn what_belongs_to_the_connection_is_left_out_and_named() {
        let head = head(&[("Content-Length", "3"), ("Transfer-Encoding", "chunked"), ("x", "y")]).expect("valid");
        assert_eq!(head.headers(), [("x".to_owned(), "y".to_owned())]);
        assert_eq!(head.dropped(), ["content-length", "transfer-encoding"]);
    }

    #[test]
    fn a_million_headers_cost_no_more_than_their_bytes() {
        let many = |name: &str| Head::new(200, vec![(name.to_owned(), String::new()); 1_000_000]).expect("valid");
        let begun = std::time::Instant::now();
        assert_eq!(many("te").dropped(), ["te"]);
        let head = many("a");
        for trigger in [Trigger::FunctionUrl, Trigger::ApiGateway] {
            assert_eq!(head.prelude(trigger), Err(HeadError::TooLarge));
        }
        // A look at every header for every header would take hours.
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "{:?}", begun.elapsed());
    }

    #[test]
    fn bad_heads_are_refused() {
        assert_eq!(Head::new(199, []), Err(HeadError::InvalidStatus(199)));
        assert_eq!(Head::new(600, []), Err(HeadError::InvalidStatus(600)));
        for (name, value) in [("a b", "x"), ("", "x"), ("a", "x\r\nevil: y"), ("a", "\0"), ("é", "x"), ("a:", "x")] {
            assert_eq!(head(&[(name, value)]), Err(HeadError::InvalidHeader(name.to_owned())));
        }
        let large = head(&[("x", &"y".repeat(prelude::LIMIT))]).expect("valid characters");
        assert_eq!(large.prelude(Trigger::FunctionUrl), Err(HeadError::TooLarge));
    }

    proptest! {
        #[test]
        fn no_control_character_reaches_a_prelude(
            status in 0u16..700,
            headers in prop::collection::vec((".{0,12}|[a-zA-Z-]{1,12}", "\\PC{0,30}|.{0,10}|[ -~]{0,20}"), 0..8),
        ) {
            let Ok(head) = Head::new(status, headers) else { return Ok(()) };
            for trigger in [Trigger::FunctionUrl, Trigger::ApiGateway] {
                let Ok(bytes) = head.prelude(trigger) else { continue };
                let json = &bytes[..bytes.len() - 8];
                prop_assert!(!json.contains(&0) && !json.contains(&b'\r') && !json.contains(&b'\n'));
                let prelude: Prelude = serde_json::from_slice(json).expect("JSON");
                let values = prelude.headers.values().chain(&prelude.cookies).chain(prelude.multi_value_headers.values().flatten());
                for value in values {
                    prop_assert!(!value.contains(['\r', '\n', '\0']));
                }
            }
        }
    }
}
