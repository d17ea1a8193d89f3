use firstbyte::{Request, Response, Result, handler, time};

#[handler]
fn hasty(_: Request, response: Response) -> Result {
    time::sleep(std::time::Duration::from_secs(1)).await;
    response.start()?;
    Ok(())
}

fn main() {}
