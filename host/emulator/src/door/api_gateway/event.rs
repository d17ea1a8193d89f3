//! The event of a REST API, from a request: payload format 1.0.
//!
//! Real ones keep the case of header names over HTTP/1.1; here they are in lower case, as over HTTP/2.

use super::{API_ID, Ids};
use crate::date::Date;
use crate::door::Peer;
use crate::door::event_body::{EventBody, query};
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
    let body = EventBody::new(&parts.headers, body);
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
        ("x-forwarded-port", peer.port.to_string()),
        ("x-forwarded-proto", if peer.secure { "https" } else { "http" }.to_owned()),
    ];
    let kept = |name: &str| name != header::CONNECTION && added.iter().all(|(added, _)| *added != name);
    parts
        .headers
        .iter()
        .filter(|(name, _)| kept(name.as_str()))
        .map(|(name, value)| (name.to_string(), text(value)))
        .chain(host)
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
