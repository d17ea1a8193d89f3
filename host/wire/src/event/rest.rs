//! The event of an API Gateway REST API: payload format 1.0.
//!
//! Follows "Set up Lambda proxy integrations in API Gateway": header names keep their case, and maps without entries are
//! null, not absent.

use super::{HttpRequest, Nullable, present, split_cookies};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// One value per name; null if there are no names.
pub type Single = Option<BTreeMap<String, String>>;

/// All values of each name; null if there are no names.
pub type Multiple = Option<BTreeMap<String, Vec<String>>>;

/// The event, as API Gateway writes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event<'a> {
    /// The resource's pattern, `/{proxy+}`.
    pub resource: String,
    /// The path without the stage, decoded.
    pub path: String,
    /// The method.
    pub http_method: String,
    /// The last value of each header.
    pub headers: Single,
    /// All values of each header.
    pub multi_value_headers: Multiple,
    /// The last value of each parameter, decoded.
    pub query_string_parameters: Single,
    /// All values of each parameter, decoded.
    pub multi_value_query_string_parameters: Multiple,
    /// What the pattern's variables stand for.
    pub path_parameters: Single,
    /// The stage's variables.
    pub stage_variables: Single,
    /// Who and where.
    pub request_context: RequestContext,
    /// The body: text, or base64 if `is_base64_encoded`; null without one.
    pub body: Option<Cow<'a, str>>,
    /// Whether `body` is base64.
    pub is_base64_encoded: bool,
}

/// The part of the event that API Gateway writes about the request.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestContext {
    /// The account of the API.
    pub account_id: String,
    /// The resource's id.
    pub resource_id: String,
    /// The same as `resource`.
    pub resource_path: String,
    /// The path with the stage.
    pub path: String,
    /// The stage.
    pub stage: String,
    /// The API's host name.
    pub domain_name: String,
    /// The first label of it.
    pub domain_prefix: String,
    /// The API's id.
    pub api_id: String,
    /// API Gateway's id of the request; not the invocation's.
    pub request_id: String,
    /// The value of `x-amz-apigw-id`.
    pub extended_request_id: String,
    /// `HTTP/1.1`, whatever the caller speaks.
    pub protocol: String,
    /// The method.
    pub http_method: String,
    /// `12/Mar/2020:19:03:58 +0000`.
    pub request_time: String,
    /// Milliseconds since the epoch.
    pub request_time_epoch: u64,
    /// Who calls.
    pub identity: Identity,
}

/// `requestContext.identity`. Most of it is null without IAM or Cognito.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are AWS's and say all there is to say")]
pub struct Identity {
    pub cognito_identity_pool_id: Option<String>,
    pub account_id: Option<String>,
    pub cognito_identity_id: Option<String>,
    pub caller: Option<String>,
    pub api_key: Option<String>,
    pub source_ip: Option<String>,
    pub access_key: Option<String>,
    pub cognito_authentication_type: Option<String>,
    pub cognito_authentication_provider: Option<String>,
    pub user_arn: Option<String>,
    pub user_agent: Option<String>,
    pub user: Option<String>,
}

/// What the host reads of the event. The rest may have any type, and be null or missing.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Received<'a> {
    http_method: String,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    headers: Nullable<String>,
    #[serde(default)]
    multi_value_headers: Nullable<Vec<String>>,
    #[serde(default)]
    query_string_parameters: Nullable<String>,
    #[serde(default)]
    multi_value_query_string_parameters: Nullable<Vec<String>>,
    #[serde(default, borrow)]
    pub(super) body: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) is_base64_encoded: Option<bool>,
}

impl Received<'_> {
    /// The request in the form common to both HTTP doors. None if its query, or its headers, would have more than `limit` bytes.
    pub(super) fn into_request(self, limit: usize) -> Option<HttpRequest> {
        let parameters = all(self.multi_value_query_string_parameters, self.query_string_parameters);
        let headers = all(self.multi_value_headers, self.headers);
        if size(&parameters) > limit || size(&headers) > limit {
            return None;
        }
        let mut request = HttpRequest {
            method: self.http_method,
            path: encode(self.path.as_deref().unwrap_or_default(), b"/-._~!$&'()*+,;=:@%"),
            query: query(&parameters),
            ..HttpRequest::default()
        };
        if request.path.is_empty() {
            request.path.push('/');
        }
        for (name, values) in headers {
            let name = name.to_ascii_lowercase();
            for value in values {
                if name == "cookie" {
                    request.cookies.extend(split_cookies(&value));
                } else {
                    request.headers.push((name.clone(), value));
                }
            }
        }
        Some(request)
    }
}

/// The map with all values; from the other map where it is missing, as in hand-written test events.
fn all(multiple: Nullable<Vec<String>>, single: Nullable<String>) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = present(multiple).collect();
    for (name, value) in present(single) {
        all.entry(name).or_insert_with(|| vec![value]);
    }
    all
}

/// Bytes of all names and values, a name counted for each of its values.
fn size(fields: &BTreeMap<String, Vec<String>>) -> usize {
    let sizes = fields.iter().map(|(name, values)| name.len() * values.len() + values.iter().map(String::len).sum::<usize>());
    sizes.sum()
}

fn query(parameters: &BTreeMap<String, Vec<String>>) -> String {
    let mut query = String::new();
    for (name, values) in parameters {
        for value in values {
            if !query.is_empty() {
                query.push('&');
            }
            query.push_str(&encode(name, b"-._~"));
            query.push('=');
            query.push_str(&encode(value, b"-._~"));
        }
    }
    query
}

/// Percent-encodes all but letters, digits and `kept`.
fn encode(text: &str, kept: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || kept.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a string does not fail");
        }
    }
    encoded
}
