//! Who may do what, and what is noted of it.

use std::env;

use firstbyte::{Error, Request, Response, Result, router::Next};
use serde::Deserialize;
use serde_json::json;

/// Who is signed in, by the API's authorizer.
#[derive(Deserialize)]
pub(crate) struct User {
    pub(crate) sub: String,
    /// As a user pool says them: between commas.
    #[serde(rename = "cognito:groups", default)]
    groups: String,
}

impl User {
    fn is_editor(&self) -> bool {
        self.groups.split(',').any(|group| group == "editors")
    }
}

/// Notes each request with its route.
pub(crate) async fn noted(request: Request, response: Response, next: Next) -> Result {
    let route = request.route().unwrap_or("none").to_owned();
    let outcome = next.run(request, response).await;
    tracing::info!(route, failed = outcome.is_err(), "answered");
    outcome
}

/// Lets only editors change what all see.
pub(crate) async fn only_editors_change_items(request: Request, response: Response, next: Next) -> Result {
    let is_change = request.http().is_some_and(|http| !matches!(http.method(), "GET" | "HEAD"));
    if is_change && request.route().is_some_and(|route| route.starts_with("/items")) {
        let user: User = request.caller().claims()?;
        if !user.is_editor() {
            return Err(Error::new("Forbidden", "items are changed by editors").status(403));
        }
    }
    next.run(request, response).await
}

/// What is known of who is calling.
pub(crate) fn me(request: Request, response: Response) -> Result {
    let caller = request.caller();
    response.header("cache-control", "no-store").json(&json!({
        "from": caller.source_ip().map(|ip| ip.to_string()),
        "agent": caller.user_agent(),
        "stage": caller.stage(),
        "signed": caller.iam().and_then(|iam| iam.user_arn),
        "subject": caller.claim("sub"),
    }))
}

/// Which function this is.
pub(crate) fn version(_: Request, response: Response) -> Result {
    let [function, version] = ["AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION"].map(|name| env::var(name).ok());
    response.json(&json!({ "function": function, "version": version }))
}
