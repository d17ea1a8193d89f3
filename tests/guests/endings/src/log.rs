//! Records with levels and members, and more log than anybody reads.

use std::io::{self, Write};

use firstbyte::{
    Response, Result,
    log::{self, Level},
};
use serde_json::json;

pub(crate) fn flood(response: Response, lines: usize, bytes: usize, stderr: bool) -> Result {
    let mut body = response.content_type("text/plain").start()?;
    let log: Box<dyn Write> = if stderr { Box::new(io::stderr()) } else { Box::new(io::stdout()) };
    write(log, lines, bytes)?;
    body.write("logged\n")?;
    Ok(())
}

pub(crate) fn unended(response: Response, name: &str) -> Result {
    response.content_type("text/plain").start()?.write("logged\n")?;
    println!("{name} ends");
    print!("{name} does not end");
    eprint!("{name} does not end, either");
    Ok(())
}

pub(crate) fn records(response: Response) -> Result {
    response.content_type("text/plain").start()?;
    log::init();
    log::write(Level::Warn, "low on stock", &json!({ "item": 7 }));
    log::write(Level::Debug, "by the SDK", &json!({}));
    ::log::error!(target: "shop", item = 8; "by log");
    let order = tracing::info_span!(target: "shop", "order", item = 9);
    order.in_scope(|| tracing::info!(target: "shop", left = 3, "by tracing"));
    tracing::debug!(target: "shop", formatted = %Formatted, "below INFO");
    println!(
        r#"{{"level":"FATAL","message":"by hand","requestId":"forged","timestamp":"1970-01-01T00:00:00Z","tenantId":"forged"}}"#
    );
    eprintln!(r#"{{"message":"on standard error"}}"#);
    println!(r#"{{"level":"INFO","message":"broken""#);
    Ok(())
}

/// Says when it is formatted.
struct Formatted;

#[expect(clippy::print_in_format_impl, reason = "which is what it is for")]
impl std::fmt::Display for Formatted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        println!("it was formatted");
        f.write_str("formatted")
    }
}

fn write(mut log: impl Write, lines: usize, bytes: usize) -> io::Result<()> {
    for n in 0..lines {
        writeln!(log, "line {n}")?;
    }
    let piece = [b'x'; 4096];
    for offset in (0..bytes).step_by(piece.len()) {
        log.write_all(&piece[..piece.len().min(bytes - offset)])?;
    }
    log.flush()
}
