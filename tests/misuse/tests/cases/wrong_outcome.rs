use firstbyte::{Request, Response, handler};

#[handler]
async fn number(_: Request, _: Response) -> Result<u16, firstbyte::Error> {
    Ok(200)
}

fn main() {}
