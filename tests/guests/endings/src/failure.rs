//! Failures that the handler returns.

use firstbyte::{Error, Response, Result};

use crate::pattern::Pattern;

pub(crate) fn expected(kind: Option<String>, message: Option<String>, status: Option<u16>) -> Error {
    let kind = kind.unwrap_or_else(|| "Expected".to_owned());
    let error = Error::new(kind, message.unwrap_or_else(|| "this was to be expected".to_owned()));
    match status {
        Some(status) => error.status(status),
        None => error,
    }
}

pub(crate) fn before(_response: Response, error: Error) -> Result {
    Err(error)
}

pub(crate) fn after(response: Response, error: Error, bytes: usize) -> Result {
    let mut body = response.content_type("application/octet-stream").start()?;
    body.write(Pattern::new(bytes).chunk(0, bytes))?;
    Err(error)
}

pub(crate) fn after_finish(response: Response) -> Result {
    let mut body = response.content_type("text/plain").start()?;
    body.write("finished\n")?;
    body.finish()?;
    println!("working after the response");
    Err(expected(None, None, None))
}
