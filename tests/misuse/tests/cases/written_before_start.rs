use firstbyte::{Request, Response, Result, handler};

#[handler]
fn early(_: Request, mut response: Response) -> Result {
    response.write("Hello, ")?;
    writeln!(response, "world!")?;
    Ok(())
}

fn main() {}
