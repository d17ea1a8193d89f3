//! AWS's SDK in a handler: requests go by `fetch`, waits by the handler's executor, and the host signs.

use std::{env, time::Duration};

use aws_sdk_dynamodb::{Config, config};
use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use firstbyte::{fetch, time};

/// A client's configuration, for the function's region.
pub(crate) fn config() -> Config {
    // The SDK signs with these, and the host with the function's role in their place: the handler has no key.
    let nobodys = config::Credentials::new("the-host-signs", "the-host-signs", None, None, "host");
    Config::builder()
        .behavior_version(config::BehaviorVersion::latest())
        .region(env::var("AWS_REGION").ok().map(config::Region::new))
        .credentials_provider(nobodys)
        .http_client(Fetch)
        .sleep_impl(Executor)
        .build()
}

#[derive(Clone, Debug)]
struct Fetch;

impl HttpClient for Fetch {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Self)
    }
}

impl HttpConnector for Fetch {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(send(request))
    }
}

async fn send(request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let failed = |error: fetch::Error| match error.is_timeout() {
        true => ConnectorError::timeout(error.into()),
        false => ConnectorError::io(error.into()),
    };
    let mut asked = fetch::request(request.method(), request.uri());
    for (name, value) in request.headers() {
        asked = asked.header(name, value);
    }
    let body = request.body().bytes().ok_or_else(|| ConnectorError::user("a body that is streamed cannot be signed".into()))?;
    let answer = asked.body(body).send().await.map_err(failed)?;

    let status = answer.status().try_into().map_err(|error| ConnectorError::other(Box::new(error), None))?;
    let headers: Vec<(String, String)> = answer.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let mut response = HttpResponse::new(status, SdkBody::from(answer.bytes().await.map_err(failed)?));
    for (name, value) in headers {
        response.headers_mut().append(name, value);
    }
    Ok(response)
}

#[derive(Clone, Debug)]
struct Executor;

impl AsyncSleep for Executor {
    fn sleep(&self, duration: Duration) -> Sleep {
        Sleep::new(time::sleep(duration))
    }
}
