use firstbyte::{Request, Response, handler, time};

#[handler]
async fn silent(_: Request, response: Response) {
    time::sleep(std::time::Duration::from_secs(1)).await;
    let _ = response.start();
}

fn main() {}
