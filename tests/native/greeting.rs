//! The greeting as an ordinary Rust function: no component, no firstbyte, AWS's own runtime client.

use lambda_runtime::streaming::{Body, Response, channel};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use std::time::Duration;

async fn greet(event: LambdaEvent<serde_json::Value>) -> Result<Response<Body>, Error> {
    let name = event.payload.get("name").and_then(serde_json::Value::as_str).unwrap_or("nobody").to_owned();
    let (mut body, response) = channel();
    tokio::spawn(async move {
        body.send_data("Hello, this is a streamed response!\n".into()).await?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        body.send_data(format!("Hello, {name}! This is a delayed message.\n").into()).await?;
        Ok::<_, Error>(())
    });
    Ok(Response::from(response))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::run(service_fn(greet)).await
}
