//! The event that Lambda would have delivered, had the request come by a Function URL.

use crate::request::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// Payload format 2.0, without what only Lambda knows: account, API, time.
pub(crate) fn of(request: &Request) -> String {
    let http = &request.http;
    let mut headers = Map::new();
    for (name, value) in &http.headers {
        let joined = match headers.get(name).and_then(Value::as_str) {
            Some(before) => format!("{before},{value}"),
            None => value.clone(),
        };
        headers.insert(name.clone(), joined.into());
    }
    let text = str::from_utf8(&request.payload);
    let body = text.map_or_else(|_| STANDARD.encode(&request.payload), str::to_owned);
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": http.path,
        "rawQueryString": http.query,
        "cookies": http.cookies,
        "headers": headers,
        "requestContext": {
            "domainName": headers.get("host"),
            "http": { "method": http.method, "path": http.path, "userAgent": headers.get("user-agent") },
            "requestId": request.id,
            "routeKey": "$default",
            "stage": "$default",
        },
        "body": body,
        "isBase64Encoded": text.is_err(),
    })
    .to_string()
}
