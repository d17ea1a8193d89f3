//! The event of a Function URL, from a request: payload format 2.0.

use crate::date::Date;
use crate::door::Peer;
use crate::door::event_body::{EventBody, TextTypes, query};
use crate::door::trace::{self, Trace};
use crate::function::Function;
use firstbyte_wire::event::function_url::{Event, Http, RequestContext};
use http::{HeaderMap, Method, header, request::Parts};
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// The id in the URL's host name.
const API_ID: &str = "firstbyte00000000000000000000000";

/// The event as JSON.
pub(super) fn build(function: &Function, parts: &Parts, body: &[u8], peer: Peer, request_id: &str, trace: &Trace) -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let raw_path = parts.uri.path().to_owned();
    let raw_query = parts.uri.query().unwrap_or_default();
    let text_types = function.settings.url_text.as_deref().map_or(TextTypes::Usual, TextTypes::Only);
    let body = EventBody::new(&parts.headers, body, text_types);
    let mut headers = joined(&parts.headers);
    headers.insert("x-forwarded-for".to_owned(), peer.address.ip().to_string());
    headers.insert("x-forwarded-port".to_owned(), peer.local.port().to_string());
    headers.insert("x-forwarded-proto".to_owned(), if peer.secure { "https" } else { "http" }.to_owned());
    headers.insert(trace::HEADER.to_owned(), trace.for_event());
    if parts.method == Method::GET && body.text.is_none() {
        headers.insert("content-length".to_owned(), "0".to_owned());
    }
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in query(raw_query) {
        join(parameters.entry(name), &value);
    }
    let event = Event {
        version: "2.0".into(),
        route_key: "$default".into(),
        raw_path: raw_path.clone(),
        raw_query_string: raw_query.to_owned(),
        cookies: cookies(&parts.headers),
        headers,
        query_string_parameters: Some(parameters).filter(|parameters| !parameters.is_empty()),
        request_context: RequestContext {
            account_id: "anonymous".to_owned(),
            api_id: API_ID.to_owned(),
            domain_name: format!("{API_ID}.lambda-url.{}.on.aws", function.region),
            domain_prefix: API_ID.to_owned(),
            http: Http {
                method: parts.method.to_string(),
                path: raw_path,
                protocol: "HTTP/1.1".to_owned(),
                source_ip: peer.address.ip().to_string(),
                user_agent: parts.headers.get(header::USER_AGENT).map(text),
            },
            request_id: request_id.to_owned(),
            route_key: "$default".to_owned(),
            stage: "$default".to_owned(),
            time: Date::from_unix(now.as_secs()).request_time(),
            time_epoch: u64::try_from(now.as_millis()).unwrap_or_default(),
        },
        body: body.text,
        is_base64_encoded: body.is_base64,
    };
    serde_json::to_vec(&event).expect("strings, numbers and maps with string keys are always JSON")
}

/// Headers with lower-case names, several values joined by commas; without cookies, which have their own place, and without
/// `connection`, which Lambda does not pass on.
fn joined(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut joined = BTreeMap::new();
    for (name, value) in headers {
        if name != header::COOKIE && name != header::CONNECTION {
            join(joined.entry(name.to_string()), &text(value));
        }
    }
    joined
}

fn join(entry: std::collections::btree_map::Entry<'_, String, String>, value: &str) {
    entry
        .and_modify(|joined| {
            joined.push(',');
            joined.push_str(value);
        })
        .or_insert_with(|| value.to_owned());
}

fn cookies(headers: &HeaderMap) -> Option<Vec<String>> {
    let cookies: Vec<String> = headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|value| text(value).split(';').map(|cookie| cookie.trim().to_owned()).collect::<Vec<_>>())
        .filter(|cookie| !cookie.is_empty())
        .collect();
    Some(cookies).filter(|cookies| !cookies.is_empty())
}

fn text(value: &http::HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use bytes::Bytes;
    use firstbyte_wire::{Event, Trigger};
    use http::Request;
    use proptest::prelude::*;

    /// The event of a request, and what a runtime reads in it.
    fn round(request: Request<Vec<u8>>) -> (serde_json::Value, Event) {
        let function = Function::new(Settings::new("f", vec!["x".into()]));
        let (parts, body) = request.into_parts();
        let peer = Peer { address: ([127, 0, 0, 1], 9).into(), local: ([127, 0, 0, 1], 9001).into(), secure: false };
        let trace = Trace::of(&parts.headers);
        let event = build(&function, &parts, &body, peer, "id", &trace);
        (serde_json::from_slice(&event).expect("JSON"), Event::parse(&Bytes::from(event)).expect("well-formed"))
    }

    #[test]
    fn what_does_not_apply_is_absent() {
        let (json, _) = round(Request::get("/").body(Vec::new()).expect("a request"));
        for absent in ["cookies", "queryStringParameters", "body"] {
            assert!(json.get(absent).is_none(), "{absent}");
        }
        assert_eq!(json["rawQueryString"], "");
        assert_eq!(json["headers"]["content-length"], "0");
        assert_eq!(json["requestContext"]["accountId"], "anonymous");
        assert_eq!(json["requestContext"]["requestId"], "id");
    }

    #[test]
    fn several_values_are_joined() {
        let request = Request::get("/a%20b?p=1&p=%C3%BC")
            .header("X-A", "1")
            .header("x-a", "2")
            .header("cookie", "c=1; d=2")
            .header("connection", "close");
        let (json, event) = round(request.body(Vec::new()).expect("a request"));
        assert_eq!(json["headers"]["x-a"], "1,2");
        assert_eq!(json["queryStringParameters"]["p"], "1,ü");
        assert_eq!(json["cookies"], serde_json::json!(["c=1", "d=2"]));
        assert!(json["headers"].get("connection").is_none());
        let http = event.http.expect("HTTP");
        assert_eq!((http.path.as_str(), http.query.as_str()), ("/a%20b", "p=1&p=%C3%BC"));
        assert_eq!(http.cookies, ["c=1", "d=2"]);
    }

    proptest! {
        #[test]
        fn a_runtime_reads_what_was_sent(
            path in "(/([a-z~.-]|%[0-9A-F]{2}){0,6}){1,3}",
            query in "([a-z]=([a-z+]|%[0-9A-F]{2}){0,4}&?){0,3}",
            value in "[ -~]{0,20}",
            content_type in prop::sample::select(vec!["text/plain", "application/json", "image/png", "", "x"]),
            body in prop_oneof![prop::collection::vec(any::<u8>(), 0..300), ".{0,100}".prop_map(String::into_bytes)],
        ) {
            let uri = if query.is_empty() { path.clone() } else { format!("{path}?{query}") };
            let request = Request::put(uri).header("x-value", &value).header("content-type", content_type);
            let (_, event) = round(request.body(body.clone()).expect("a request"));
            prop_assert_eq!(event.trigger, Trigger::FunctionUrl);
            prop_assert_eq!(&event.payload[..], &body[..]);
            let http = event.http.expect("HTTP");
            prop_assert_eq!((http.method, http.path, http.query), ("PUT".to_owned(), path, query));
            prop_assert!(http.headers.contains(&("x-value".to_owned(), value)));
        }
    }
}
