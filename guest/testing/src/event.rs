//! Events to invoke a handler with, as the three doors make them.

use crate::message::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use firstbyte_wire::Trigger;
use firstbyte_wire::event::{function_url, rest};
use serde::Serialize;
use serde_json::{Map, Value, json};
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
    caller: Caller,
}

/// Who calls, and through what.
#[derive(Clone, Debug)]
struct Caller {
    source_ip: String,
    stage: Option<String>,
    stage_variables: Map<String, Value>,
    path_parameters: Map<String, Value>,
    api_key_id: Option<String>,
    authorized: Authorized,
}

/// What the door found out about the caller.
#[derive(Clone, Debug)]
enum Authorized {
    Anonymous,
    /// The ARN of who signed.
    Iam(String),
    /// A token's claims.
    Token(Value),
    /// The principal that a Lambda authorizer named, and its context.
    Authorizer(String, Map<String, Value>),
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
            caller: Caller {
                source_ip: "127.0.0.1".to_owned(),
                stage: None,
                stage_variables: Map::new(),
                path_parameters: Map::new(),
                api_key_id: None,
                authorized: Authorized::Anonymous,
            },
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

    /// The address that the request comes from; 127.0.0.1 unless changed. As with all that is said of callers, a direct invocation
    /// has none.
    #[must_use]
    pub fn source_ip(mut self, address: &str) -> Self {
        address.clone_into(&mut self.caller.source_ip);
        self
    }

    /// The stage of the API; `test` of API Gateway and `$default` of a Function URL, unless changed.
    #[must_use]
    pub fn stage(mut self, stage: &str) -> Self {
        self.caller.stage = Some(stage.to_owned());
        self
    }

    /// A variable of the API's stage.
    #[must_use]
    pub fn stage_variable(mut self, name: &str, value: &str) -> Self {
        self.caller.stage_variables.insert(name.to_owned(), value.into());
        self
    }

    /// What a variable of the API's resource stands for: of `/items/{id}`, the `id`.
    #[must_use]
    pub fn path_parameter(mut self, name: &str, value: &str) -> Self {
        self.caller.path_parameters.insert(name.to_owned(), value.into());
        self
    }

    /// The id of the API key that the request comes with, at an API of API Gateway that wants one.
    #[must_use]
    pub fn api_key_id(mut self, id: &str) -> Self {
        self.caller.api_key_id = Some(id.to_owned());
        self
    }

    /// Signed by this user or role, at a door whose authorization is `AWS_IAM`: `arn:aws:iam::123456789012:user/somebody`.
    #[must_use]
    pub fn signed_by(mut self, arn: &str) -> Self {
        self.caller.authorized = Authorized::Iam(arn.to_owned());
        self
    }

    /// With a token of these claims, which the door has checked: a Cognito user pool's at a REST API, and a JWT as HTTP APIs
    /// tell it in an event like a Function URL's.
    ///
    /// # Panics
    /// If `claims` cannot be JSON.
    #[must_use]
    pub fn claims(mut self, claims: &impl Serialize) -> Self {
        self.caller.authorized = Authorized::Token(value(claims));
        self
    }

    /// Let through by a Lambda authorizer, which said that it is this principal, and this of it besides: a struct or a map.
    ///
    /// # Panics
    /// If `context` cannot be a JSON object.
    #[must_use]
    pub fn authorized(mut self, principal: &str, context: &impl Serialize) -> Self {
        let Value::Object(context) = value(context) else { panic!("an authorizer's context is an object") };
        self.caller.authorized = Authorized::Authorizer(principal.to_owned(), context);
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
        let caller = self.caller.clone();
        let event = match self.trigger {
            Trigger::Direct => self.body,
            Trigger::FunctionUrl => caller.of_function_url(value(&self.into_function_url())),
            // There is no other that a test can ask for.
            _ => caller.of_rest(value(&self.into_rest())),
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
            source_ip: self.caller.source_ip,
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
        let named = |(name, _): &(&String, &Vec<String>)| name.eq_ignore_ascii_case("user-agent");
        let user_agent = headers.iter().find(named).and_then(|(_, values)| values.last().cloned());
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
            request_context: rest::RequestContext {
                identity: rest::Identity { user_agent, ..rest::Identity::default() },
                ..rest::RequestContext::default()
            },
            body: body.map(Into::into),
            is_base64_encoded,
        }
    }
}

impl Caller {
    /// As payload format 2.0 says it: what does not apply is absent.
    fn of_function_url(self, mut event: Value) -> Vec<u8> {
        let context = &mut event["requestContext"];
        context["stage"] = self.stage.as_deref().unwrap_or("$default").into();
        match self.authorized {
            Authorized::Anonymous => {}
            Authorized::Iam(arn) => {
                context["authorizer"]["iam"] = json!({
                    "accessKey": ACCESS_KEY, "accountId": account(&arn), "callerId": USER_ID, "cognitoIdentity": null,
                    "principalOrgId": null, "userArn": arn, "userId": USER_ID,
                });
            }
            Authorized::Token(claims) => context["authorizer"]["jwt"] = json!({ "claims": claims, "scopes": null }),
            Authorized::Authorizer(_, said) => context["authorizer"]["lambda"] = said.into(),
        }
        add(&mut event, self.path_parameters, self.stage_variables);
        event.to_string().into_bytes()
    }

    /// As payload format 1.0 says it: what does not apply is null.
    fn of_rest(self, mut event: Value) -> Vec<u8> {
        let context = &mut event["requestContext"];
        context["stage"] = self.stage.as_deref().unwrap_or("test").into();
        let identity = &mut context["identity"];
        identity["sourceIp"] = self.source_ip.into();
        identity["apiKeyId"] = self.api_key_id.into();
        match self.authorized {
            Authorized::Anonymous => {}
            Authorized::Iam(arn) => {
                let said = [("accessKey", ACCESS_KEY), ("accountId", account(&arn)), ("caller", USER_ID), ("user", USER_ID)];
                for (name, text) in said.into_iter().chain([("userArn", &*arn)]) {
                    identity[name] = text.into();
                }
            }
            Authorized::Token(claims) => context["authorizer"]["claims"] = claims,
            Authorized::Authorizer(principal, said) => {
                context["authorizer"] = said.into();
                context["authorizer"]["principalId"] = principal.into();
                context["authorizer"]["integrationLatency"] = 1.into();
            }
        }
        add(&mut event, self.path_parameters, self.stage_variables);
        event.to_string().into_bytes()
    }
}

fn add(event: &mut Value, path_parameters: Map<String, Value>, stage_variables: Map<String, Value>) {
    for (name, map) in [("pathParameters", path_parameters), ("stageVariables", stage_variables)] {
        if !map.is_empty() {
            event[name] = map.into();
        }
    }
}

/// Of AWS's documentation.
const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const USER_ID: &str = "AIDACKCEVSQ6C2EXAMPLE";

/// The account in an ARN.
fn account(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

fn value(said: &impl Serialize) -> Value {
    serde_json::to_value(said).unwrap_or_else(|error| panic!("it cannot be JSON: {error}"))
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
