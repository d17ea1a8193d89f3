//! The bench handler as a component: what each of the contenders does, written with the SDK.

use std::{
    hint::black_box,
    io::Write,
    thread,
    time::{Duration, Instant, SystemTime},
};

use firstbyte::{Request, Response, Result, handler};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(tag = "work", rename_all = "kebab-case")]
enum Work {
    /// One short line.
    Greet { name: String },
    /// `bytes` bytes in writes of `chunk`.
    Bulk { bytes: usize, chunk: usize },
    /// `count` tokens, `ms` apart; each is the time when it was due.
    Tokens { count: u32, ms: u64 },
    /// A line, `ms` of computing, another line.
    Compute { ms: u64 },
}

#[handler]
fn bench(request: Request, response: Response) -> Result {
    let work = request.json()?;
    let mut body = response.content_type("text/plain").start()?;
    match work {
        Work::Greet { name } => writeln!(body, "Hello, {name}!")?,
        Work::Bulk { bytes, chunk } => {
            let data = vec![b'x'; chunk];
            for _ in 0..bytes / chunk {
                body.write(&data)?;
            }
        }
        Work::Tokens { count, ms } => {
            let begun = (SystemTime::now(), Instant::now());
            for n in 0..count {
                let after = Duration::from_millis(ms) * n;
                thread::sleep(after.saturating_sub(begun.1.elapsed()));
                let due = (begun.0 + after).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                writeln!(body, "{}", due.as_nanos())?;
            }
        }
        Work::Compute { ms } => {
            body.write("before\n")?;
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(ms) {
                // No call to the host for a while: nothing but a clock of the host's own can send what was written.
                for n in 0..100_000 {
                    black_box(n);
                }
            }
            body.write("after\n")?;
        }
    }
    Ok(())
}
