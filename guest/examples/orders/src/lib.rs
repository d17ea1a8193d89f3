//! A customer's orders from a DynamoDB table, as lines of JSON: each page of the query is on its way when it has come, and no more
//! than that page is in memory. The host signs the requests, and the handler has no key.

mod attribute;
mod dynamodb;

use std::{env, io::Write};

use dynamodb::Query;
use firstbyte::{Request, Response, Result, handler};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Wanted {
    customer: String,
}

#[handler]
async fn orders(request: Request, response: Response) -> Result {
    let Wanted { customer } = match request.http() {
        Some(http) => http.query()?,
        None => request.json()?,
    };
    let query = Query {
        region: env::var("AWS_REGION").map_err(|_| "AWS_REGION is not set")?,
        table: env::var("ORDERS_TABLE").map_err(|_| "ORDERS_TABLE is not set")?,
        condition: "customer = :customer",
        values: json!({ ":customer": { "S": customer } }),
    };

    // The first page is there before the response starts, so that a query that fails has a status.
    let mut page = query.first().await?;
    let mut body = response.content_type("application/x-ndjson").start()?;
    let mut count = 0;
    loop {
        let mut lines = Vec::new();
        for item in &page.items {
            serde_json::to_writer(&mut lines, item)?;
            lines.push(b'\n');
        }
        body.write(lines)?;
        count += page.items.len();
        match page.last {
            Some(key) => page = query.after(key).await?,
            None => break,
        }
    }
    // Whoever reads this line has all of it: over HTTP, a response that breaks off looks like any other.
    writeln!(body, "{}", json!({ "orders": count }))?;
    Ok(())
}
