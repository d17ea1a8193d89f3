//! Answers by what was prepared: 2,000 routes, and a JSON schema of 100 kB. With `--snapshot` both are in the component.

mod schema;

use std::{
    io::Write as _,
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};

use firstbyte::{Error, Request, Response, Result, Router, handler, init};
use schema::Schema;

const SCHEMA_TEXT: &str = include_str!(concat!(env!("OUT_DIR"), "/schema.json"));

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::parse(SCHEMA_TEXT).expect("the schema is valid"));

static ROUTES: LazyLock<Router> = LazyLock::new(|| {
    (0..1_000).fold(Router::new().direct(answer), |router, n| {
        router.post(&format!("/tables/{n}/items/{{id}}"), answer).get(&format!("/tables/{n}"), answer)
    })
});

static TIMES: AtomicU32 = AtomicU32::new(0);

#[init]
fn prepare() {
    TIMES.fetch_add(1, Ordering::Relaxed);
    LazyLock::force(&SCHEMA);
    LazyLock::force(&ROUTES);
}

#[handler]
async fn prepared(request: Request, response: Response) -> Result {
    ROUTES.run(request, response).await
}

#[expect(clippy::needless_pass_by_value, reason = "a route's signature")]
fn answer(request: Request, response: Response) -> Result {
    let value = request.json()?;
    SCHEMA.check("d499", &value).map_err(|reason| Error::new("NotBySchema", reason).status(400))?;
    let mut body = response.content_type("text/plain").start()?;
    writeln!(body, "Hello, {}!", value["name"].as_str().unwrap_or_default())?;
    writeln!(body, "prepared {} time", TIMES.load(Ordering::Relaxed))?;
    Ok(())
}
