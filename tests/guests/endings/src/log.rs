//! More log than anybody reads.

use std::io::{self, Write};

use firstbyte::{Response, Result};

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
