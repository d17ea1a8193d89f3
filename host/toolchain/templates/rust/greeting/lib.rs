//! Greets by name: one line at once, one two seconds later.

use std::{io::Write, time::Duration};

use firstbyte::{Request, Response, Result, handler, time};

#[derive(serde::Deserialize)]
struct Input {
    name: String,
}

#[handler]
async fn greet(request: Request, response: Response) -> Result {
    // What is no such JSON is answered with 400.
    let Input { name } = request.json()?;
    let mut body = response.content_type("text/plain").start()?;

    // It is on its way when this returns.
    body.write("Hello, this is a streamed response!\n")?;
    time::sleep(Duration::from_secs(2)).await;
    writeln!(body, "Hello, {name}! This is a delayed message.")?;
    Ok(())
}
