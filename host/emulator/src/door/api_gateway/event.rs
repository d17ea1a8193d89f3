//! The event of a REST API, from a request: payload format 1.0.
//!
//! Real ones keep the case of header names over HTTP/1.1; here they are in lower case, as over HTTP/2.

use super::{API_ID, Ids};
use crate::date::Date;
use crate::door::Peer;
use crate::door::event_body::{EventBody, TextTypes, query};
use crate::door::trace::{self, Trace};
use crate::function::{ACCOUNT, Function};
use firstbyte_wire::event::rest::{Event, Identity, Multiple, RequestContext, Single};
use http::request::Parts;
use http::{HeaderValue, header};
use percent_encoding::percent_decode_str;
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// The event as JSON; `path` is without the stage.
pub(super) fn build(
    function: &Function,
    parts: &Parts,
    path: &str,
    body: &[u8],
    peer: Peer,
    ids: &Ids,
    trace: &Trace,
) -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let decoded = percent_decode_str(path).decode_utf8_lossy().into_owned();
    let proxy = decoded.trim_matches('/').to_owned();
    let resource = if proxy.is_empty() { "/" } else { "/{proxy+}" };
    let body = EventBody::new(&parts.headers, body, TextTypes::Usual);
    let domain_name = format!("{API_ID}.execute-api.{}.amazonaws.com", function.region);
    let (headers, multi_value_headers) = both(headers(parts, peer, trace, &domain_name));
    let (query_string_parameters, multi_value_query_string_parameters) = both(query(parts.uri.query().unwrap_or_default()));
    let stage = function.settings.stage.clone();
    let method = parts.method.to_string();
    let event = Event {
        resource: resource.to_owned(),
        path: decoded,
        http_method: method.clone(),
        headers,
        multi_value_headers,
        query_string_parameters,
        multi_value_query_string_parameters,
        path_parameters: (!proxy.is_empty()).then(|| BTreeMap::from([("proxy".to_owned(), proxy)])),
        stage_variables: None,
        request_context: RequestContext {
            account_id: ACCOUNT.to_owned(),
            resource_id: "proxy0".to_owned(),
            resource_path: resource.to_owned(),
            path: format!("/{stage}{path}"),
            stage,
            domain_prefix: API_ID.to_owned(),
            domain_name,
            api_id: API_ID.to_owned(),
            request_id: ids.request.clone(),
            extended_request_id: ids.extended.clone(),
            protocol: "HTTP/1.1".to_owned(),
            http_method: method,
            request_time: Date::from_unix(now.as_secs()).request_time(),
            request_time_epoch: u64::try_from(now.as_millis()).unwrap_or_default(),
            identity: Identity {
                source_ip: Some(peer.address.ip().to_string()),
                user_agent: parts.headers.get(header::USER_AGENT).map(text),
                ..Identity::default()
            },
        },
        body: body.text,
        is_base64_encoded: body.is_base64,
    };
    serde_json::to_vec(&event).expect("strings, numbers and maps with string keys are always JSON")
}

/// The caller's headers and the ones that API Gateway adds.
fn headers(parts: &Parts, peer: Peer, trace: &Trace, domain_name: &str) -> Vec<(String, String)> {
    // HTTP/2 has the host elsewhere.
    let host = parts.uri.authority().map_or_else(|| domain_name.to_owned(), ToString::to_string);
    let host = (!parts.headers.contains_key(header::HOST)).then_some(("host".to_owned(), host));
    let added = [
        (trace::HEADER, trace.root.clone()),
        ("x-forwarded-for", peer.address.ip().to_string()),
        ("x-forwarded-port", peer.local.port().to_string()),
        ("x-forwarded-proto", if peer.secure { "https" } else { "http" }.to_owned()),
    ];
    let kept = |name: &str| name != header::CONNECTION && name != header::COOKIE && added.iter().all(|(added, _)| *added != name);
    // Over HTTP/2, each cookie may be a header of its own.
    let cookies: Vec<String> = parts.headers.get_all(header::COOKIE).iter().map(text).collect();
    let cookies = (!cookies.is_empty()).then(|| ("cookie".to_owned(), cookies.join("; ")));
    parts
        .headers
        .iter()
        .filter(|(name, _)| kept(name.as_str()))
        .map(|(name, value)| (name.to_string(), text(value)))
        .chain(host)
        .chain(cookies)
        .chain(added.iter().map(|(name, value)| ((*name).to_owned(), value.clone())))
        .collect()
}

/// The last value of each name, and all of them.
fn both(pairs: impl IntoIterator<Item = (String, String)>) -> (Single, Multiple) {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut last = BTreeMap::new();
    for (name, value) in pairs {
        all.entry(name.clone()).or_default().push(value.clone());
        last.insert(name, value);
    }
    if all.is_empty() { (None, None) } else { (Some(last), Some(all)) }
}

fn text(value: &HeaderValue) -> String {
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
        let peer = Peer { address: ([127, 0, 0, 1], 9).into(), local: ([127, 0, 0, 1], 9002).into(), secure: false };
        let trace = Trace::of(&parts.headers);
        let ids = Ids { request: "id".to_owned(), extended: "extended=".to_owned() };
        let path = parts.uri.path().to_owned();
        let event = build(&function, &parts, &path, &body, peer, &ids, &trace);
        (serde_json::from_slice(&event).expect("JSON"), Event::parse(&Bytes::from(event)).expect("well-formed"))
    }

    #[test]
    fn what_does_not_apply_is_null() {
        let (json, _) = round(Request::get("/").body(Vec::new()).expect("a request"));
        for null in ["queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "stageVariables", "body"] {
            assert_eq!(json.get(null), Some(&serde_json::Value::Null), "{null}");
        }
        assert_eq!(json["resource"], "/");
        assert_eq!(json["requestContext"]["path"], "/dev/");
        assert_eq!(json["requestContext"]["stage"], "dev");
    }

    #[test]
    fn several_values_are_kept_and_the_last_is_the_one() {
        let request = Request::get("/a%20b/c?p=1&p=2").header("X-A", "1").header("x-a", "2");
        let request = request.header("cookie", "c=1").header("cookie", "d=2");
        let (json, event) = round(request.body(Vec::new()).expect("a request"));
        assert_eq!((&json["path"], &json["pathParameters"]["proxy"]), (&"/a b/c".into(), &"a b/c".into()));
        assert_eq!((&json["headers"]["x-a"], &json["multiValueHeaders"]["x-a"]), (&"2".into(), &serde_json::json!(["1", "2"])));
        assert_eq!(json["multiValueQueryStringParameters"]["p"], serde_json::json!(["1", "2"]));
        assert_eq!(event.http.expect("HTTP").cookies, ["c=1", "d=2"]);
    }

    proptest! {
        #[test]
        fn a_runtime_reads_what_was_sent(
            path in "(/([a-z~.-]|%20|%C3%BC){0,6}){1,3}",
            value in "[ -~]{0,20}",
            content_type in prop::sample::select(vec!["text/plain", "application/json", "image/png", "", "x"]),
            body in prop_oneof![prop::collection::vec(any::<u8>(), 0..300), ".{0,100}".prop_map(String::into_bytes)],
        ) {
            let request = Request::put(&path).header("x-value", &value).header("content-type", content_type);
            let (_, event) = round(request.body(body.clone()).expect("a request"));
            prop_assert_eq!(event.trigger, Trigger::ApiGateway);
            prop_assert_eq!(&event.payload[..], &body[..]);
            let http = event.http.expect("HTTP");
            prop_assert_eq!((http.method, http.path), ("PUT".to_owned(), path));
            prop_assert!(http.headers.contains(&("x-value".to_owned(), value)));
        }
    }
}
