//! What Lambda delivers: the event of one of the three doors, reduced to what a handler asks for.
//!
//! The events of Function URLs and API Gateway are told apart by their shape, as AWS's own libraries do; anything else is a
//! direct invocation, whatever it contains.

pub mod function_url;
pub mod rest;
mod shape;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use shape::Shape;
use std::collections::BTreeMap;

/// Base64 as Lambda's doors write it, padding optional.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));

/// How many values the event of an HTTP door may have. AWS's doors take a few hundred headers and parameters; a direct caller
/// can send an event of their shape that has millions, each of which would cost many times its bytes.
const VALUES: usize = 10_000;

/// How many bytes the headers of a request may have, and its query, when they are put together again: AWS's doors take some 10 KB.
const FIELDS: usize = 1024 * 1024;

/// The way in by which a caller reached the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trigger {
    /// `Invoke` or `InvokeWithResponseStream`, or another AWS service.
    Direct,
    /// A Lambda Function URL (payload format 2.0).
    FunctionUrl,
    /// An API Gateway REST API (payload format 1.0).
    ApiGateway,
}

impl Trigger {
    /// Its name in the interface `firstbyte:lambda`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::FunctionUrl => "function-url",
            Self::ApiGateway => "api-gateway",
        }
    }

    /// Whether the caller speaks HTTP and gets a head.
    #[must_use]
    pub fn is_http(self) -> bool {
        self != Self::Direct
    }
}

/// The HTTP request behind an event, in one form for both HTTP doors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpRequest {
    /// The method, as the caller wrote it.
    pub method: String,
    /// The path, percent-encoded, without a stage.
    pub path: String,
    /// The query, percent-encoded, without `?`.
    pub query: String,
    /// Names in lower case, without `cookie`.
    pub headers: Vec<(String, String)>,
    /// `name=value` each.
    pub cookies: Vec<String>,
}

/// An event, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Which door it came through.
    pub trigger: Trigger,
    /// The HTTP request, unless it is a direct invocation.
    pub http: Option<HttpRequest>,
    /// The request body with its base64 undone; for a direct invocation the event itself.
    pub payload: Bytes,
}

/// An event that has the shape of an HTTP door but not its content.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// A field has a type that it never has.
    #[error("the {door} event is malformed: {source}")]
    Malformed {
        /// Whose event it looks like.
        door: &'static str,
        /// Where the JSON departs from the format.
        source: serde_json::Error,
    },
    /// It has more headers or parameters than an HTTP request that AWS would pass on.
    #[error("the {door} event has more headers or parameters than any HTTP request")]
    TooLarge {
        /// Whose event it looks like.
        door: &'static str,
    },
    /// The body says that it is base64 and is not.
    #[error("the event's body is not the base64 that it says it is: {0}")]
    Base64(#[from] base64::DecodeError),
}

impl Event {
    /// Understands an event as `/next` delivered it.
    ///
    /// # Errors
    /// [`EventError`] for an event that is recognizably of an HTTP door and cannot be read. A direct event is never an error,
    /// JSON or not.
    pub fn parse(raw: &Bytes) -> Result<Self, EventError> {
        let (trigger, door) = match Shape::of(raw) {
            Shape::Direct => return Ok(Self { trigger: Trigger::Direct, http: None, payload: raw.clone() }),
            Shape::FunctionUrl => (Trigger::FunctionUrl, "Function URL"),
            Shape::Rest => (Trigger::ApiGateway, "API Gateway"),
        };
        if shape::separators(raw) > VALUES {
            return Err(EventError::TooLarge { door });
        }
        let malformed = |source| EventError::Malformed { door, source };
        let (request, payload) = if trigger == Trigger::FunctionUrl {
            let event: function_url::Received<'_> = serde_json::from_slice(raw).map_err(malformed)?;
            let payload = payload(event.body.as_deref(), event.is_base64_encoded.unwrap_or_default())?;
            (Some(event.into_request()), payload)
        } else {
            let event: rest::Received<'_> = serde_json::from_slice(raw).map_err(malformed)?;
            let payload = payload(event.body.as_deref(), event.is_base64_encoded.unwrap_or_default())?;
            (event.into_request(FIELDS), payload)
        };
        let http = Some(request.ok_or(EventError::TooLarge { door })?);
        Ok(Self { trigger, http, payload })
    }
}

fn payload(body: Option<&str>, base64: bool) -> Result<Bytes, EventError> {
    let body = body.unwrap_or_default();
    Ok(if base64 { BASE64.decode(body)?.into() } else { Bytes::copy_from_slice(body.as_bytes()) })
}

/// A map as it comes in an event. Lambda writes null in place of an empty map, and null as the value of a name that is absent.
type Nullable<T> = Option<BTreeMap<String, Option<T>>>;

fn present<T>(map: Nullable<T>) -> impl Iterator<Item = (String, T)> {
    map.unwrap_or_default().into_iter().filter_map(|(name, value)| Some((name, value?)))
}

/// Splits the value of a `cookie` header into `name=value` pairs.
fn split_cookies(header: &str) -> impl Iterator<Item = String> + '_ {
    header.split(';').map(|pair| pair.trim().to_owned()).filter(|pair| !pair.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(json: &str) -> Result<Event, EventError> {
        Event::parse(&Bytes::copy_from_slice(json.as_bytes()))
    }

    #[test]
    fn a_function_url_event_is_understood() {
        let event = parse(
            r#"{"version":"2.0","routeKey":"$default","rawPath":"/my/path","rawQueryString":"p=1&p=2","cookies":["a=1","b=2"],
                "headers":{"content-type":"text/plain","x":"1,2"},
                "requestContext":{"accountId":"anonymous","http":{"method":"POST","path":"/my/path","protocol":"HTTP/1.1"}},
                "body":"SGVsbG8=","isBase64Encoded":true}"#,
        )
        .expect("well-formed");
        assert_eq!((event.trigger, &event.payload[..]), (Trigger::FunctionUrl, &b"Hello"[..]));
        let http = event.http.expect("HTTP");
        assert_eq!((http.method.as_str(), http.path.as_str(), http.query.as_str()), ("POST", "/my/path", "p=1&p=2"));
        assert_eq!(http.cookies, ["a=1", "b=2"]);
        assert!(http.headers.contains(&("x".into(), "1,2".into())));
    }

    #[test]
    fn a_rest_event_is_understood() {
        let event = parse(
            r#"{"resource":"/{proxy+}","path":"/a b/ü","httpMethod":"GET","headers":{"X-A":"2","Cookie":"c=1; d=2"},
                "multiValueHeaders":{"X-A":["1","2"],"Cookie":["c=1; d=2"]},"queryStringParameters":{"q":"ä&"},
                "multiValueQueryStringParameters":{"q":["1","ä&"]},"pathParameters":null,"stageVariables":null,
                "requestContext":{"identity":{"sourceIp":"1.2.3.4"},"stage":"dev"},"body":null,"isBase64Encoded":false}"#,
        )
        .expect("well-formed");
        assert_eq!((event.trigger, event.payload.len()), (Trigger::ApiGateway, 0));
        let http = event.http.expect("HTTP");
        assert_eq!((http.path.as_str(), http.query.as_str()), ("/a%20b/%C3%BC", "q=1&q=%C3%A4%26"));
        assert_eq!(http.headers, [("x-a".into(), "1".into()), ("x-a".into(), "2".into())]);
        assert_eq!(http.cookies, ["c=1", "d=2"]);
    }

    #[test]
    fn what_nobody_reads_may_be_null_or_anything() {
        // As `sam local start-api` writes it, more or less.
        let rest = r#"{"version":"1.0","resource":null,"path":"/p","httpMethod":"GET","headers":{"A":"1","B":null},
            "multiValueHeaders":null,"queryStringParameters":null,"multiValueQueryStringParameters":{"q":["1"],"r":null},
            "pathParameters":{"a":null},"stageVariables":[],"body":null,"isBase64Encoded":null,
            "requestContext":{"extendedRequestId":null,"requestTimeEpoch":"now","accountId":1,"path":null,"identity":{"sourceIp":7}}}"#;
        let event = parse(rest).expect("what counts is there");
        let http = event.http.expect("HTTP");
        assert_eq!((http.method.as_str(), http.path.as_str(), http.query.as_str()), ("GET", "/p", "q=1"));
        assert_eq!(http.headers, [("a".into(), "1".into())]);

        let url = r#"{"version":"2.0","routeKey":null,"rawPath":null,"rawQueryString":null,"cookies":null,"headers":null,
            "queryStringParameters":{"a":null},"body":null,"isBase64Encoded":null,
            "requestContext":{"accountId":null,"timeEpoch":1.5,"http":{"method":"GET","path":null,"userAgent":[],"sourceIp":null}}}"#;
        let event = parse(url).expect("what counts is there");
        assert_eq!((event.trigger, event.payload.len()), (Trigger::FunctionUrl, 0));
        assert_eq!(event.http, Some(HttpRequest { method: "GET".into(), path: "/".into(), ..HttpRequest::default() }));
    }

    #[test]
    fn everything_else_is_direct_and_untouched() {
        for raw in [
            "{\"name\":\"hoge\"}",
            "",
            "null",
            "not json",
            "[1]",
            "{\"version\":\"2.0\"}",
            "{\"version\":2.0,\"requestContext\":{\"http\":{}}}",
            "{\"version\":\"2.0\",\"requestContext\":\"http\"}",
            "{\"httpMethod\":\"GET\"}",
            "{\"httpMethod\":\"GET\",\"requestContext\":{\"elb\":{}}}",
        ] {
            let event = parse(raw).expect("direct events are never errors");
            assert_eq!((event.trigger, event.http, &event.payload[..]), (Trigger::Direct, None, raw.as_bytes()), "{raw}");
        }
    }

    #[test]
    fn an_event_that_would_outgrow_its_bytes_is_refused() {
        let rest = |maps: &str| format!(r#"{{"httpMethod":"GET","requestContext":{{"identity":{{}}}},{maps}}}"#);
        let name = "n".repeat(1_000_000);
        let values = |count: usize| vec!["\"\""; count].join(",");
        // A name is repeated for each of its values: together these would be gigabytes.
        for map in ["multiValueHeaders", "multiValueQueryStringParameters"] {
            let event = rest(&format!(r#""{map}":{{"{name}":[{}]}}"#, values(5_000)));
            assert!(matches!(parse(&event), Err(EventError::TooLarge { door: "API Gateway" })), "{map}");
        }
        let event = rest(&format!(r#""multiValueHeaders":{{"a":[{}]}}"#, values(1_000_000)));
        assert!(matches!(parse(&event), Err(EventError::TooLarge { .. })));
        let url = format!(r#"{{"version":"2.0","requestContext":{{"http":{{}}}},"cookies":[{}]}}"#, values(1_000_000));
        assert!(matches!(parse(&url), Err(EventError::TooLarge { door: "Function URL" })));
        // Commas in a body, and escaped quotes there, are nobody's values.
        let body = r#",\\\",,"#.repeat(100_000);
        let event = parse(&rest(&format!(r#""multiValueHeaders":{{"a":[{}]}},"body":"{body}""#, values(1_000)))).expect("fits");
        assert_eq!((event.http.expect("HTTP").headers.len(), event.payload.len()), (1_000, 500_000));
    }

    #[test]
    fn a_broken_http_event_is_an_error() {
        let url = r#"{"version":"2.0","requestContext":{"http":{"method":"GET"}},"isBase64Encoded":true,"body":"!!"}"#;
        assert!(matches!(parse(url), Err(EventError::Base64(_))));
        let rest = r#"{"httpMethod":"GET","requestContext":{"identity":{}},"headers":[1]}"#;
        assert!(matches!(parse(rest), Err(EventError::Malformed { .. })));
        let url = r#"{"version":"2.0","requestContext":{"http":{"method":null}}}"#;
        assert!(matches!(parse(url), Err(EventError::Malformed { .. })));
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        use serde_json::Value;
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "2\\.0|GET|.{0,8}".prop_map(Value::from),
        ];
        let key = "version|requestContext|http|httpMethod|identity|headers|body|isBase64Encoded|cookies|multiValueHeaders|.{0,4}";
        leaf.prop_recursive(4, 40, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::hash_map(key, inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_json_makes_it_panic(json in any_json()) {
            let _ = Event::parse(&json.to_string().into());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Event::parse(&bytes.into());
        }

        #[test]
        fn any_body_arrives_through_either_door(body in prop::collection::vec(any::<u8>(), 0..500), padded in any::<bool>()) {
            let mut encoded = base64::engine::general_purpose::STANDARD.encode(&body);
            if !padded { encoded.truncate(encoded.trim_end_matches('=').len()); }
            for json in [
                serde_json::json!({"version": "2.0", "requestContext": {"http": {"method": "PUT"}}, "body": encoded, "isBase64Encoded": true}),
                serde_json::json!({"httpMethod": "PUT", "requestContext": {"identity": {}}, "body": encoded, "isBase64Encoded": true}),
            ] {
                let event = Event::parse(&json.to_string().into()).expect("well-formed");
                prop_assert_eq!(&event.payload[..], &body[..]);
            }
        }
    }
}
