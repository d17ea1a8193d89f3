//! Two tasks: one writes as fast as the caller reads, the other ticks meanwhile, however slow the caller is. The last line says
//! how often it ticked.

use std::{cell::Cell, rc::Rc, time::Duration};

use firstbyte::{Body, Request, Response, Result, WriteError, handler, task, time};
use serde::Deserialize;

#[derive(Deserialize)]
struct Input {
    /// How many chunks to write.
    chunks: usize,
    /// The size of each.
    bytes: usize,
    /// Milliseconds between two ticks. Each tick is also a line in the log.
    tick: u64,
}

#[handler]
async fn write_and_tick(request: Request, response: Response) -> Result {
    let Input { chunks, bytes, tick } = request.json()?;
    let body = response.content_type("application/octet-stream").start()?;

    let ticks = Rc::new(Cell::new(0_u64));
    let ticker = task::spawn(ticker(Duration::from_millis(tick), Rc::clone(&ticks)));
    let mut body = task::spawn(writer(body, chunks, bytes)).await?;
    drop(ticker); // which cancels it

    body.write(format!("\nticks: {}\n", ticks.get()))?;
    Ok(())
}

async fn writer(mut body: Body, chunks: usize, bytes: usize) -> Result<Body, WriteError> {
    let chunk = vec![b'.'; bytes];
    for _ in 0..chunks {
        body.ready().await;
        body.write(&chunk)?;
    }
    Ok(body)
}

async fn ticker(period: Duration, ticks: Rc<Cell<u64>>) {
    let mut interval = time::interval(period);
    loop {
        interval.tick().await;
        ticks.set(ticks.get() + 1);
        println!("tick {}", ticks.get());
    }
}
