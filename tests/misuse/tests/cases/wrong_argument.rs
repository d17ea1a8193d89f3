use firstbyte::{Request, Response, Result, handler};

#[handler]
async fn swapped(response: Response, _: Request) -> Result {
    response.start()?;
    Ok(())
}

fn main() {}
