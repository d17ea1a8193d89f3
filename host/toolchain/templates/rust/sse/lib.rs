//! Counts, in server-sent events: one each second, as many as the query's `count` asks for.

use std::time::Duration;

use firstbyte::{Error, Request, Response, Result, handler, sse::Sse, time};
use serde::Serialize;

#[derive(Serialize)]
struct Tick {
    tick: u32,
}

#[handler]
async fn count(request: Request, response: Response) -> Result {
    let count = count_of(&request)?;
    let mut sse = Sse::start(response)?;
    for tick in 1..=count {
        // A comment now and then keeps the connection open where a wait is long.
        sse.keep_alive(Duration::from_secs(15), time::sleep(Duration::from_secs(1))).await?;
        sse.json(&Tick { tick })?;
    }
    // A stream that breaks looks complete to an HTTP caller: the last event says that nothing is missing.
    sse.event("done", "")?;
    Ok(())
}

/// `count` in the query, 10 without it.
fn count_of(request: &Request) -> Result<u32> {
    let Some(http) = request.http() else { return Ok(10) };
    let given = http.query().split('&').find_map(|pair| pair.strip_prefix("count="));
    given.map_or(Ok(10), str::parse).map_err(|_| Error::bad_request("count is a number, as in ?count=3"))
}
