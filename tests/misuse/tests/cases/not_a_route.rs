use firstbyte::{Request, Response, Result, Router, handler};

#[handler]
async fn shop(request: Request, response: Response) -> Result {
    Router::new().get("/", page).run(request, response).await
}

fn page(_: Request) -> Result {
    Ok(())
}

fn main() {}
