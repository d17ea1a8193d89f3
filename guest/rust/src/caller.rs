//! Who is calling, as Lambda's event says it: one view of both HTTP doors' events. Reads no header and no token, which anybody
//! could have written.

use std::net::IpAddr;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Error, Result};

/// Who is calling, of [`Request::caller`](crate::Request::caller). Function URLs, REST APIs and HTTP APIs say it in events of
/// different shapes; this reads them all. What the event does not say is `None`, as is everything of a direct invocation.
///
/// ```no_run
/// use firstbyte::{Error, Request, Response, Result, handler};
///
/// #[derive(serde::Deserialize)]
/// struct Claims {
///     sub: String,
///     #[serde(rename = "cognito:groups", default)]
///     groups: String,
/// }
///
/// #[handler]
/// fn profile(request: Request, response: Response) -> Result {
///     let Claims { sub, groups } = request.caller().claims()?; // without a token: 401
///     if !groups.split(',').any(|group| group == "editors") {
///         return Err(Error::new("Forbidden", "this is for editors").status(403));
///     }
///     response.text(format!("Hello, {sub}!"))
/// }
/// # fn main() {}
/// ```
#[derive(Debug, Clone, Default)]
pub struct Caller(Event);

/// The IAM identity that signed a request, where the door's authorization is `AWS_IAM`. What the event does not say is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IamIdentity {
    /// The ARN of the user or of the assumed role.
    pub user_arn: Option<String>,
    /// The account that the identity belongs to.
    pub account_id: Option<String>,
    /// The id of the access key that signed.
    pub access_key: Option<String>,
    /// The id of the user or role: `AIDA…`, `AROA…:session`.
    pub user_id: Option<String>,
    /// The organization that the account belongs to.
    pub principal_org_id: Option<String>,
    /// The identity of an Amazon Cognito identity pool behind the credentials.
    pub cognito_identity_id: Option<String>,
    /// That identity pool.
    pub cognito_identity_pool_id: Option<String>,
}

/// What is read of an event. The rest, its body above all, is skipped.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Event {
    request_context: Value,
    path_parameters: Value,
    stage_variables: Value,
}

impl Caller {
    /// Who an HTTP door's event says it is.
    #[inline] // So that what reads JSON is only built into handlers that ask.
    pub(crate) fn of(event: &str) -> Self {
        // The host has found it to be an event of that door, so that it can be read.
        Self(serde_json::from_str(event).unwrap_or_default())
    }

    /// The address that the request came from, as AWS saw it. Behind a CDN it is the CDN's.
    pub fn source_ip(&self) -> Option<IpAddr> {
        self.http()["sourceIp"].as_str()?.parse().ok()
    }

    /// The `user-agent` of the request.
    pub fn user_agent(&self) -> Option<&str> {
        self.http()["userAgent"].as_str()
    }

    /// The stage of the API; `$default` at a Function URL.
    pub fn stage(&self) -> Option<&str> {
        self.0.request_context["stage"].as_str()
    }

    /// A variable of the API's stage.
    pub fn stage_variable(&self, name: &str) -> Option<&str> {
        self.0.stage_variables[name].as_str()
    }

    /// What a variable of the API's resource stands for, decoded: of `/items/{id}`, the `id`. Routes of a `Router` have
    /// parameters of their own.
    pub fn path_parameter(&self, name: &str) -> Option<&str> {
        self.0.path_parameters[name].as_str()
    }

    /// The id of the API key that the request came with, at a REST API that wants one.
    pub fn api_key_id(&self) -> Option<&str> {
        self.0.request_context["identity"]["apiKeyId"].as_str()
    }

    /// The IAM identity that signed the request, if the door wants signatures.
    pub fn iam(&self) -> Option<IamIdentity> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let (iam, identity) = (&self.authorizer()["iam"], &self.0.request_context["identity"]);
        if iam.is_object() {
            return Some(IamIdentity {
                user_arn: text(&iam["userArn"]),
                account_id: text(&iam["accountId"]),
                access_key: text(&iam["accessKey"]),
                user_id: text(&iam["userId"]),
                principal_org_id: text(&iam["principalOrgId"]),
                cognito_identity_id: text(&iam["cognitoIdentity"]["identityId"]),
                cognito_identity_pool_id: text(&iam["cognitoIdentity"]["identityPoolId"]),
            });
        }
        // A REST API says these of everybody, as null of those who did not sign.
        identity["userArn"].as_str()?;
        Some(IamIdentity {
            user_arn: text(&identity["userArn"]),
            account_id: text(&identity["accountId"]),
            access_key: text(&identity["accessKey"]),
            user_id: text(&identity["user"]),
            principal_org_id: text(&identity["principalOrgId"]),
            cognito_identity_id: text(&identity["cognitoIdentityId"]),
            cognito_identity_pool_id: text(&identity["cognitoIdentityPoolId"]),
        })
    }

    /// A claim of the token that the API checked (a Cognito user pool's, or another JWT), if it is text. API Gateway delivers
    /// most claims as text, numbers and lists included.
    pub fn claim(&self, name: &str) -> Option<&str> {
        self.token()[name].as_str()
    }

    /// The claims of the token that the API checked, read as a struct.
    ///
    /// # Errors
    /// Without a token, the caller has to sign in: an error of the kind `Unauthorized` with the HTTP status 401. A token whose
    /// claims are not those of a `T` is refused: `Forbidden`, with the status 403.
    #[track_caller]
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T> {
        read(self.token())
    }

    /// The scopes of the token that the API checked: those that an HTTP API lists, or the claim `scope`.
    pub fn scopes(&self) -> Vec<&str> {
        match &self.authorizer()["jwt"]["scopes"] {
            Value::Array(scopes) => scopes.iter().filter_map(Value::as_str).collect(),
            _ => self.claim("scope").unwrap_or_default().split_whitespace().collect(),
        }
    }

    /// Who it is, by the API's Lambda authorizer: its `principalId`, at a REST API.
    pub fn principal_id(&self) -> Option<&str> {
        self.authorizer()["principalId"].as_str()
    }

    /// What the API's Lambda authorizer said of the caller (its `context`), read as a struct. A REST API delivers all of it as
    /// text.
    ///
    /// # Errors
    /// As of [`claims`](Self::claims).
    #[track_caller]
    pub fn authorizer_context<T: DeserializeOwned>(&self) -> Result<T> {
        match self.authorizer() {
            // An HTTP API.
            Value::Object(authorizer) if authorizer.contains_key("lambda") => read(&authorizer["lambda"]),
            // A REST API: beside the `principalId`.
            authorizer if authorizer["principalId"].is_string() => read(authorizer),
            _ => read(&Value::Null),
        }
    }

    /// What a door says of the request itself.
    fn http(&self) -> &Value {
        match &self.0.request_context {
            Value::Object(context) if context.contains_key("http") => &context["http"],
            context => &context["identity"],
        }
    }

    fn authorizer(&self) -> &Value {
        &self.0.request_context["authorizer"]
    }

    fn token(&self) -> &Value {
        match self.authorizer() {
            Value::Object(authorizer) if authorizer.contains_key("jwt") => &authorizer["jwt"]["claims"],
            authorizer => &authorizer["claims"],
        }
    }
}

#[track_caller]
fn read<T: DeserializeOwned>(said: &Value) -> Result<T> {
    if said.is_null() {
        return Err(Error::new("Unauthorized", "nobody is signed in").status(401));
    }
    match T::deserialize(said) {
        Ok(read) => Ok(read),
        Err(error) => Err(Error::new("Forbidden", format!("who is signed in does not fit: {error}")).status(403)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn of(event: &Value) -> Caller {
        Caller::of(&event.to_string())
    }

    /// As a Function URL with IAM and an HTTP API write it.
    fn http_api(authorizer: &Value) -> Caller {
        of(&json!({
            "version": "2.0", "body": "ignored", "pathParameters": { "id": "a b" }, "stageVariables": { "table": "orders" },
            "requestContext": {
                "stage": "$default", "authorizer": authorizer,
                "http": { "method": "GET", "sourceIp": "2001:db8::1", "userAgent": "curl/8" },
            },
        }))
    }

    fn rest_api(authorizer: &Value, identity: &Value) -> Caller {
        of(&json!({
            "httpMethod": "GET", "pathParameters": { "id": "a b" }, "stageVariables": { "table": "orders" },
            "requestContext": { "stage": "dev", "authorizer": authorizer, "identity": identity },
        }))
    }

    #[test]
    fn both_doors_say_where_from_and_through_what() {
        let identity = json!({ "sourceIp": "192.0.2.1", "userAgent": "curl/8", "apiKeyId": "key", "userArn": null });
        for (caller, ip, stage, key) in [
            (http_api(&Value::Null), "2001:db8::1", "$default", None),
            (rest_api(&Value::Null, &identity), "192.0.2.1", "dev", Some("key")),
        ] {
            assert_eq!(caller.source_ip(), Some(ip.parse().expect("an address")));
            assert_eq!((caller.user_agent(), caller.stage(), caller.api_key_id()), (Some("curl/8"), Some(stage), key));
            assert_eq!((caller.path_parameter("id"), caller.stage_variable("table")), (Some("a b"), Some("orders")));
            assert_eq!((caller.path_parameter("x"), caller.stage_variable("x")), (None, None));
            assert_eq!((caller.iam(), caller.claim("sub"), caller.principal_id()), (None, None, None));
        }
    }

    #[test]
    fn who_signed_is_the_same_at_both_doors() {
        let expected = IamIdentity {
            user_arn: Some("arn:aws:iam::1:user/u".to_owned()),
            account_id: Some("1".to_owned()),
            access_key: Some("AKIA".to_owned()),
            user_id: Some("AIDA".to_owned()),
            principal_org_id: None,
            cognito_identity_id: Some("us-east-1:i".to_owned()),
            cognito_identity_pool_id: Some("us-east-1:p".to_owned()),
        };
        let url = http_api(&json!({ "iam": {
            "userArn": "arn:aws:iam::1:user/u", "accountId": "1", "accessKey": "AKIA", "callerId": "AIDA", "userId": "AIDA",
            "principalOrgId": null, "cognitoIdentity": { "amr": [], "identityId": "us-east-1:i", "identityPoolId": "us-east-1:p" },
        } }));
        let rest = rest_api(
            &Value::Null,
            &json!({
                "userArn": "arn:aws:iam::1:user/u", "accountId": "1", "accessKey": "AKIA", "caller": "AIDA", "user": "AIDA",
                "cognitoIdentityId": "us-east-1:i", "cognitoIdentityPoolId": "us-east-1:p", "sourceIp": "192.0.2.1",
            }),
        );
        assert_eq!([url.iam(), rest.iam()], [Some(expected.clone()), Some(expected)]);
    }

    #[test]
    fn claims_are_read_wherever_they_are() {
        #[derive(Debug, Deserialize, PartialEq)]
        struct Claims {
            sub: String,
        }
        let claims = json!({ "sub": "u-1", "scope": "read write" });
        let pool = rest_api(&json!({ "claims": claims }), &json!({}));
        let jwt = http_api(&json!({ "jwt": { "claims": claims, "scopes": ["read"] } }));
        for (caller, scopes) in [(pool, vec!["read", "write"]), (jwt, vec!["read"])] {
            assert_eq!(caller.claims::<Claims>().expect("they fit"), Claims { sub: "u-1".to_owned() });
            assert_eq!((caller.claim("sub"), caller.claim("x"), caller.scopes()), (Some("u-1"), None, scopes));
            let refused = caller.claims::<BTreeMap<String, u8>>().expect_err("text is no number");
            assert_eq!(refused.kind(), "Forbidden");
            assert_eq!(caller.authorizer_context::<Claims>().expect_err("there is none").kind(), "Unauthorized");
        }
    }

    #[test]
    fn what_an_authorizer_says_is_read_wherever_it_is() {
        #[derive(Debug, Deserialize, PartialEq)]
        struct Context {
            tenant: String,
        }
        let rest = rest_api(&json!({ "principalId": "u-1", "integrationLatency": 7, "tenant": "t" }), &json!({}));
        let http = http_api(&json!({ "lambda": { "tenant": "t" } }));
        assert_eq!(rest.principal_id(), Some("u-1"));
        for caller in [rest, http] {
            assert_eq!(caller.authorizer_context::<Context>().expect("it fits"), Context { tenant: "t".to_owned() });
            assert_eq!(caller.claims::<Context>().expect_err("there are none").kind(), "Unauthorized");
        }
    }

    #[test]
    fn odd_events_say_nothing() {
        for event in
            ["", "[]", "{}", r#"{"requestContext":7}"#, r#"{"requestContext":{"http":[],"identity":"x","authorizer":[1]}}"#]
        {
            let caller = Caller::of(event);
            assert_eq!((caller.source_ip(), caller.stage(), caller.iam(), caller.claim("sub")), (None, None, None, None));
            assert_eq!((caller.path_parameter("id"), caller.principal_id(), caller.scopes()), (None, None, vec![]));
        }
    }
}
