use firstbyte::{Request, Response, Result, handler};

#[handler]
fn late(_: Request, response: Response) -> Result {
    let body = response.start()?;
    body.header("content-type", "text/plain").write("Hello!")?;
    Ok(())
}

fn main() {}
