//! The event of a Lambda Function URL: payload format 2.0.
//!
//! Follows "Invoking Lambda function URLs" and what a URL with `AuthType: NONE` really sends: fields that do not apply are
//! absent, not null.

use super::{HttpRequest, Nullable, present, split_cookies};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The event, as Lambda writes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event<'a> {
    /// `"2.0"`.
    pub version: Cow<'a, str>,
    /// `"$default"`.
    pub route_key: Cow<'a, str>,
    /// The path, percent-encoded.
    pub raw_path: String,
    /// The query without `?`, or `""`.
    pub raw_query_string: String,
    /// `name=value` each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cookies: Option<Vec<String>>,
    /// Names in lower case, several values joined by commas.
    pub headers: BTreeMap<String, String>,
    /// Decoded, several values joined by commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_string_parameters: Option<BTreeMap<String, String>>,
    /// Who and where.
    pub request_context: RequestContext,
    /// The body: text, or base64 if `is_base64_encoded`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Cow<'a, str>>,
    /// Whether `body` is base64.
    pub is_base64_encoded: bool,
}

/// The part of the event that Lambda writes about the request.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestContext {
    /// `"anonymous"` with `AuthType: NONE`.
    pub account_id: String,
    /// The id in the URL's host name.
    pub api_id: String,
    /// The URL's host name.
    pub domain_name: String,
    /// The same as `api_id`.
    pub domain_prefix: String,
    /// Method, path and where from.
    pub http: Http,
    /// The invocation's id.
    pub request_id: String,
    /// `"$default"`.
    pub route_key: String,
    /// `"$default"`.
    pub stage: String,
    /// `12/Mar/2020:19:03:58 +0000`.
    pub time: String,
    /// Milliseconds since the epoch.
    pub time_epoch: u64,
}

/// `requestContext.http`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Http {
    /// The method.
    pub method: String,
    /// The same as `rawPath`.
    pub path: String,
    /// `HTTP/1.1`.
    pub protocol: String,
    /// The caller's address.
    pub source_ip: String,
    /// The caller's `user-agent`, or null.
    pub user_agent: Option<String>,
}

/// What the host reads of the event. The rest may have any type, and be null or missing.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Received<'a> {
    #[serde(default)]
    raw_path: Option<String>,
    #[serde(default)]
    raw_query_string: Option<String>,
    #[serde(default)]
    cookies: Option<Vec<String>>,
    #[serde(default)]
    headers: Nullable<String>,
    request_context: ReceivedContext,
    #[serde(default, borrow)]
    pub(super) body: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) is_base64_encoded: Option<bool>,
}

#[derive(Deserialize)]
struct ReceivedContext {
    http: ReceivedHttp,
}

#[derive(Deserialize)]
struct ReceivedHttp {
    #[serde(default)]
    method: String,
}

impl Received<'_> {
    /// The request in the form common to both HTTP doors.
    pub(super) fn into_request(self) -> HttpRequest {
        // Lambda delivers cookies on their own; the header counts only in hand-written events without them.
        let has_cookies = self.cookies.is_some();
        let mut request = HttpRequest {
            method: self.request_context.http.method,
            path: self.raw_path.filter(|path| !path.is_empty()).unwrap_or_else(|| "/".to_owned()),
            query: self.raw_query_string.unwrap_or_default(),
            headers: Vec::with_capacity(self.headers.as_ref().map_or(0, BTreeMap::len)),
            cookies: self.cookies.unwrap_or_default(),
        };
        for (name, value) in present(self.headers) {
            let name = name.to_ascii_lowercase();
            if name != "cookie" {
                request.headers.push((name, value));
            } else if !has_cookies {
                request.cookies.extend(split_cookies(&value));
            }
        }
        request
    }
}
