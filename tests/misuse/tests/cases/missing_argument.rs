use firstbyte::{Request, Result, handler};

#[handler]
async fn lonely(_: Request) -> Result {
    Ok(())
}

fn main() {}
