//! As many bytes as somebody takes.

use firstbyte::{Error, Response, Result};

use crate::pattern::Pattern;

pub(crate) fn flood(response: Response, bytes: u64, chunk: usize, ignore: bool) -> Result {
    let mut body = response.content_type("application/octet-stream").start()?;
    let pattern = Pattern::new(chunk);
    let mut written = 0;
    let mut refusals = 0_u64;
    while written < bytes {
        let size = chunk.max(1).min(usize::try_from(bytes - written).unwrap_or(chunk));
        match body.write(pattern.chunk(written, size)) {
            Ok(()) => {}
            Err(_) if ignore => refusals += 1,
            Err(error) => return Err(Error::new("Refused", format!("refused after {written} bytes: {error}"))),
        }
        written += size as u64;
    }
    println!("wrote {written} bytes, {refusals} chunks were refused");
    Ok(())
}
