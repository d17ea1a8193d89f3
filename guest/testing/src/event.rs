//! Events to invoke a handler with, as the three doors make them.

use crate::message::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use firstbyte_wire::Trigger;
use firstbyte_wire::event::{function_url, rest};
use serde::Serialize;
use std::collections::BTreeMap;

/// An event under construction.
#[derive(Clone, Debug)]
pub struct Event {
    trigger: Trigger,
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    cookies: Vec<String>,
    body: Vec<u8>,
    context: Context,
}

impl Event {
    fn new(trigger: Trigger) -> Self {
        Self {
            trigger,
            method: "POST".to_owned(),
            path: "/".to_owned(),
            query: String::new(),
            headers: Vec::new(),
            cookies: Vec::new(),
            body: Vec::new(),
            context: Context::default(),
        }
    }

    /// A direct invocation with `payload` as its event.
    #[must_use]
    pub fn direct(payload: &impl Serialize) -> Self {
        Self::new(Trigger::Direct).json(payload)
    }

    /// A request to a Function URL: `POST /`, unless changed.
    #[must_use]
    pub fn function_url() -> Self {
        Self::new(Trigger::FunctionUrl)
    }

    /// A request to an API Gateway REST API: `POST /`, unless changed.
    #[must_use]
    pub fn api_gateway() -> Self {
        Self::new(Trigger::ApiGateway)
    }

    /// The same request at each of the three doors, for handlers that must not care.
    #[must_use]
    pub fn at_every_door(payload: &impl Serialize) -> [Self; 3] {
        [Self::direct(payload), Self::function_url().json(payload), Self::api_gateway().json(payload)]
    }

    /// The method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        method.clone_into(&mut self.method);
        self
    }

    /// Path and query, percent-encoded: `/a/b?c=d`.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        path.clone_into(&mut self.path);
        query.clone_into(&mut self.query);
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a cookie, `name=value`.
    #[must_use]
    pub fn cookie(mut self, cookie: &str) -> Self {
        self.cookies.push(cookie.to_owned());
        self
    }

    /// The tenant of a tenant-isolated function.
    #[must_use]
    pub fn tenant(mut self, tenant: &str) -> Self {
        self.context.tenant_id = Some(tenant.to_owned());
        self
    }

    /// A JSON body.
    ///
    /// # Panics
    /// If `body` cannot be JSON (a map whose keys are not strings).
    #[must_use]
    pub fn json(self, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).unwrap_or_else(|error| panic!("the body cannot be JSON: {error}"));
        self.header("content-type", "application/json").body(body)
    }

    /// A body as it is. What is not UTF-8 goes as base64 in the event, as at the real doors.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn into_parts(self) -> (Vec<u8>, Context) {
        let context = self.context.clone();
        let event = match self.trigger {
            Trigger::Direct => self.body,
            Trigger::FunctionUrl => json(&self.into_function_url()),
            // There is no other that a test can ask for.
            _ => json(&self.into_rest()),
        };
        (event, context)
    }

    fn into_function_url(self) -> function_url::Event<'static> {
        let (body, is_base64_encoded) = encoded(self.body);
        let mut headers = BTreeMap::<String, String>::new();
        for (name, value) in self.headers {
            let joined = headers.entry(name.to_ascii_lowercase()).or_default();
            joined.push_str(if joined.is_empty() { "" } else { "," });
            joined.push_str(&value);
        }
        let http = function_url::Http {
            method: self.method,
            path: self.path.clone(),
            protocol: "HTTP/1.1".to_owned(),
            source_ip: "127.0.0.1".to_owned(),
            user_agent: headers.get("user-agent").cloned(),
        };
        function_url::Event {
            version: "2.0".into(),
            route_key: "$default".into(),
            raw_path: self.path,
            raw_query_string: self.query,
            cookies: Some(self.cookies).filter(|cookies| !cookies.is_empty()),
            headers,
            query_string_parameters: None,
            request_context: function_url::RequestContext { http, ..function_url::RequestContext::default() },
            body: body.map(Into::into),
            is_base64_encoded,
        }
    }

    fn into_rest(self) -> rest::Event<'static> {
        let (body, is_base64_encoded) = encoded(self.body);
        let mut headers = BTreeMap::<String, Vec<String>>::new();
        for (name, value) in self.headers {
            headers.entry(name).or_default().push(value);
        }
        if !self.cookies.is_empty() {
            headers.insert("Cookie".to_owned(), vec![self.cookies.join("; ")]);
        }
        let mut query = BTreeMap::<String, Vec<String>>::new();
        for pair in self.query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            query.entry(decode(name)).or_default().push(decode(value));
        }
        let last = |all: &BTreeMap<String, Vec<String>>| {
            all.iter().filter_map(|(name, values)| Some((name.clone(), values.last()?.clone()))).collect()
        };
        rest::Event {
            resource: "/{proxy+}".to_owned(),
            path: decode(&self.path),
            http_method: self.method,
            headers: Some(last(&headers)),
            multi_value_headers: Some(headers),
            query_string_parameters: (!query.is_empty()).then(|| last(&query)),
            multi_value_query_string_parameters: Some(query).filter(|query| !query.is_empty()),
            path_parameters: None,
            stage_variables: None,
            request_context: rest::RequestContext { stage: "test".to_owned(), ..rest::RequestContext::default() },
            body: body.map(Into::into),
            is_base64_encoded,
        }
    }
}

fn json(event: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(event).unwrap_or_else(|error| panic!("an event is always JSON: {error}"))
}

fn encoded(body: Vec<u8>) -> (Option<String>, bool) {
    match String::from_utf8(body) {
        Ok(text) if text.is_empty() => (None, false),
        Ok(text) => (Some(text), false),
        Err(binary) => (Some(STANDARD.encode(binary.as_bytes())), true),
    }
}

/// Undoes percent-encoding; what is not encoded properly stays as it is.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (byte, hex) {
            (b'%', Some(value)) => {
                decoded.push(value);
                at += 3;
            }
            _ => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
