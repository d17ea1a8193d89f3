//! Counts, in server-sent events: one each second, as many as the query's `count` asks for.

use std::time::Duration;

use firstbyte::{Request, Response, Result, handler, time};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(default)]
struct Query {
    count: u32,
}

impl Default for Query {
    fn default() -> Self {
        Self { count: 10 }
    }
}

#[derive(Serialize)]
struct Tick {
    tick: u32,
}

#[handler]
async fn count(request: Request, response: Response) -> Result {
    // A direct invocation has no query. One that does not fit is answered with 400.
    let Query { count } = request.http().map(|http| http.query()).transpose()?.unwrap_or_default();
    let mut sse = response.sse()?;
    for tick in 1..=count {
        // A comment now and then keeps the connection open where a wait is long.
        sse.keep_alive(Duration::from_secs(15), time::sleep(Duration::from_secs(1))).await?;
        sse.json(&Tick { tick })?;
    }
    // A stream that breaks looks complete to an HTTP caller: the last event says that nothing is missing.
    sse.event("done", "")?;
    Ok(())
}
