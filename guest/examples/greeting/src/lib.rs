//! Greets by name: one line at once, one two seconds later.

use std::{io::Write, time::Duration};

use firstbyte::{Error, Request, Response, Result, handler, time};
use serde::Deserialize;

#[derive(Deserialize)]
struct Input {
    name: String,
}

#[handler]
async fn greet(request: Request, response: Response) -> Result {
    let name = name(&request)?;
    let mut body = response.content_type("text/plain").header("Access-Control-Allow-Origin", "*").start()?;

    body.write("Hello, this is a streamed response!\n")?;
    time::sleep(Duration::from_secs(2)).await;
    writeln!(body, "Hello, {name}! This is a delayed message.")?;
    Ok(())
}

fn name(request: &Request) -> Result<String> {
    match request.json::<Input>() {
        Ok(Input { name }) if !name.trim().is_empty() => Ok(name),
        Ok(_) => Err(Error::bad_request(r#"the name is empty: send a JSON object like {"name": "hoge"}"#)),
        Err(error) => Err(Error::bad_request(format!(r#"{error}: send a JSON object like {{"name": "hoge"}}"#))),
    }
}
