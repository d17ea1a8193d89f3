//! Asks another server, and tells what came of it as one line of JSON: status and body, or what kind of error.

use std::time::Duration;

use firstbyte::{Request, Response, Result, fetch, handler};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Input {
    url: String,
    #[serde(default = "get")]
    method: String,
    body: Option<String>,
    #[serde(default)]
    headers: Vec<(String, String)>,
    /// How many redirects to follow, as a handler does it.
    #[serde(default)]
    redirects: u8,
    /// How long it may take to reach the server, in milliseconds; none for the host's limit.
    connect_ms: Option<u64>,
    /// How long it may pause within its answer, in milliseconds; none for the host's limit.
    pause_ms: Option<u64>,
    /// Whether to pass the answer on as it is.
    #[serde(default)]
    pipe: bool,
}

fn get() -> String {
    "GET".to_owned()
}

#[handler]
async fn run(request: Request, response: Response) -> Result {
    let mut input: Input = request.json()?;
    if input.pipe {
        let answer = ask(&input).await?;
        let mut body = response.content_type(answer.header("content-type").unwrap_or("text/plain")).start()?;
        body.copy_from(answer).await?;
        return Ok(());
    }
    let told = loop {
        match ask(&input).await {
            Ok(answer) => match answer.header("location") {
                Some(location) if input.redirects > 0 => {
                    input.url = location.to_owned();
                    input.redirects -= 1;
                }
                _ => break tell(answer).await,
            },
            Err(error) => break failure(&error),
        }
    };
    response.content_type("application/json").start()?.write(format!("{told}\n"))?;
    Ok(())
}

async fn ask(input: &Input) -> Result<fetch::Response, fetch::Error> {
    let mut client = fetch::Client::new();
    if let Some(limit) = input.connect_ms {
        client = client.connect_timeout(Duration::from_millis(limit));
    }
    if let Some(limit) = input.pause_ms {
        client = client.between_bytes_timeout(Duration::from_millis(limit));
    }
    let mut request = client.request(&input.method, &input.url);
    for (name, value) in &input.headers {
        request = request.header(name, value);
    }
    if let Some(body) = &input.body {
        request = request.body(body.as_str());
    }
    request.send().await
}

async fn tell(answer: fetch::Response) -> Value {
    let status = answer.status();
    match answer.text().await {
        Ok(body) => json!({ "status": status, "body": body }),
        Err(error) => failure(&error),
    }
}

fn failure(error: &fetch::Error) -> Value {
    let kind = match error {
        fetch::Error::Invalid(_) => "invalid",
        fetch::Error::Denied { .. } => "denied",
        fetch::Error::Timeout { .. } => "timeout",
        fetch::Error::Connection { .. } => "connection",
        fetch::Error::Protocol { .. } => "protocol",
        _ => "other",
    };
    json!({ "error": kind, "message": error.to_string() })
}
