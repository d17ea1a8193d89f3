//! A small application: a page, a greeting by the path, a stream, and a middleware around all of them.

use std::time::{Duration, Instant};

use firstbyte::{Request, Response, Result, Router, handler, router::Next, time};
use serde::Deserialize;
use serde_json::json;

#[handler]
async fn application(request: Request, response: Response) -> Result {
    Router::new()
        .get("/", page)
        .get("/hello/{name}", hello)
        .get("/count", count)
        .post("/sum", sum)
        .with(logged)
        .run(request, response)
        .await
}

fn page(_: Request, response: Response) -> Result {
    response.html("<!doctype html><title>Hello</title><p>Try <a href=hello/you>/hello/you</a> or <a href=count?to=5>/count</a>")
}

fn hello(request: Request, response: Response) -> Result {
    let name: String = request.param("name")?;
    response.json(&json!({ "message": format!("Hello, {name}!") }))
}

#[derive(Deserialize)]
struct Count {
    to: u32,
}

/// One line each second.
async fn count(request: Request, response: Response) -> Result {
    let Count { to } = request.http().map(|http| http.query()).transpose()?.unwrap_or(Count { to: 3 });
    let mut body = response.content_type("text/plain").start()?;
    for number in 1..=to {
        time::sleep(Duration::from_secs(1)).await;
        body.write(format!("{number}\n"))?;
    }
    Ok(())
}

fn sum(request: Request, response: Response) -> Result {
    // What is no list of numbers is answered with 400.
    let numbers: Vec<f64> = request.json()?;
    response.json(&json!({ "sum": numbers.iter().sum::<f64>() }))
}

/// Logs each request and how long it took.
async fn logged(request: Request, response: Response, next: Next) -> Result {
    let asked = request.http().map(|http| format!("{} {}", http.method(), http.path())).unwrap_or_default();
    let begun = Instant::now();
    let outcome = next.run(request, response).await;
    println!("{asked} took {} ms", begun.elapsed().as_millis());
    outcome
}
