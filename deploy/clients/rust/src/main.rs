//! Invokes a function with InvokeWithResponseStream and prints each chunk when it arrives, then how it ended and its log.

use aws_sdk_lambda::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{InvokeWithResponseStreamResponseEvent as Event, LogType};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::Parser;
use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

/// Invokes a function and prints its response as it arrives
#[derive(Parser)]
struct Arguments {
    /// The emulator's Lambda API, instead of AWS
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,

    #[arg(long)]
    region: Option<String>,

    function: String,

    #[arg(default_value = "{}")]
    payload: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments = Arguments::parse();
    let mut loader = aws_config::defaults(BehaviorVersion::latest());
    if let Some(region) = arguments.region {
        loader = loader.region(Region::new(region));
    }
    if let Some(endpoint) = arguments.endpoint_url {
        // The emulator takes any credentials.
        let credentials = Credentials::new("local", "local", None, None, "local");
        loader = loader.endpoint_url(endpoint).credentials_provider(credentials).region(Region::new("us-east-1"));
    }
    let client = aws_sdk_lambda::Client::new(&loader.load().await);

    let begun = Instant::now();
    let tell = |text: String| println!("{:8.3} s  {text}", begun.elapsed().as_secs_f64());

    let invoke = client.invoke_with_response_stream().function_name(arguments.function);
    let mut response = invoke.payload(Blob::new(arguments.payload)).log_type(LogType::Tail).send().await?;

    let mut complete = None;
    while let Some(event) = response.event_stream.recv().await? {
        match event {
            Event::PayloadChunk(chunk) => {
                let bytes = chunk.payload.map(Blob::into_inner).unwrap_or_default();
                tell(format!("{:?}", String::from_utf8_lossy(&bytes)));
            }
            Event::InvokeComplete(event) => complete = Some(event),
            _ => {}
        }
    }

    let Some(complete) = complete else {
        tell("the response broke off".to_owned());
        return Ok(ExitCode::FAILURE);
    };
    match &complete.error_code {
        Some(code) => tell(format!("InvokeComplete: {code} {}", complete.error_details.as_deref().unwrap_or_default())),
        None => tell("InvokeComplete".to_owned()),
    }
    if let Some(log) = &complete.log_result {
        println!("\n{}", String::from_utf8_lossy(&BASE64_STANDARD.decode(log)?).trim_end());
    }
    Ok(if complete.error_code.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
