//! The least that a handler can do: a line that is always the same. Others are measured beside it.

use firstbyte::{Request, Response, Result, handler};

#[handler]
fn empty(_: Request, response: Response) -> Result {
    response.content_type("text/plain").start()?.write("Hello, hoge!\n")?;
    Ok(())
}
