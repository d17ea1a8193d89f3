//! Standard output and standard error, written by a thread of its own: a reader that is slow holds up nothing but the lines for
//! it, and one that is gone is known.

use bytes::Bytes;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// How many pieces may wait for the thread.
const WAITING: usize = 64;

/// How long a reader may take for what is left when the program was told to end.
const PATIENCE: Duration = Duration::from_millis(250);

/// Nobody reads standard output any more.
#[derive(Debug)]
pub(crate) struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("nobody reads standard output any more")
    }
}

impl std::error::Error for Closed {}

impl Closed {
    /// How the program then ends: quietly, with the status that a shell gives to what `SIGPIPE` ended.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(141)
    }
}

enum Piece {
    /// A line of standard output.
    Line(String),
    /// Bytes of standard output as they are.
    Bytes(Bytes),
    /// A line of standard error.
    Note(String),
    /// Everything before it was written.
    Flush(oneshot::Sender<()>),
}

/// A way to the thread.
#[derive(Clone)]
pub(crate) struct Terminal(mpsc::Sender<Piece>);

impl Terminal {
    /// Starts the thread. It ends with the program, whatever it is waiting for.
    pub(crate) fn new() -> Self {
        let (sender, mut pieces) = mpsc::channel(WAITING);
        std::thread::spawn(move || {
            let mut within_line = false;
            while let Some(piece) = pieces.blocking_recv() {
                if write(piece, &mut within_line).is_err() {
                    return;
                }
            }
        });
        Self(sender)
    }

    /// Prints a line on standard output.
    pub(crate) async fn line(&self, line: impl Into<String>) -> Result<(), Closed> {
        self.send(Piece::Line(line.into())).await
    }

    /// The same, for threads that are none of the executor's.
    pub(crate) fn line_and_wait(&self, line: impl Into<String>) {
        // Whether anybody reads it, the executor will see.
        let _ = self.0.blocking_send(Piece::Line(line.into()));
    }

    /// Prints bytes on standard output, and nothing else.
    pub(crate) async fn bytes(&self, bytes: Bytes) -> Result<(), Closed> {
        self.send(Piece::Bytes(bytes)).await
    }

    /// Prints a line on standard error.
    pub(crate) async fn note(&self, line: impl Into<String>) -> Result<(), Closed> {
        self.send(Piece::Note(line.into())).await
    }

    /// Waits until everything is written.
    pub(crate) async fn flush(&self) -> Result<(), Closed> {
        let (sender, flushed) = oneshot::channel();
        self.send(Piece::Flush(sender)).await?;
        flushed.await.map_err(|_| Closed)
    }

    /// Prints last lines on standard output and one on standard error, unless it takes too long.
    pub(crate) async fn last_words(&self, lines: impl Iterator<Item = String>, note: &str) {
        let last = async {
            for line in lines {
                self.line(line).await?;
            }
            self.note(note).await?;
            self.flush().await
        };
        let _ = tokio::time::timeout(PATIENCE, last).await;
    }

    async fn send(&self, piece: Piece) -> Result<(), Closed> {
        self.0.send(piece).await.map_err(|_| Closed)
    }
}

/// Writes a piece. An error is standard output's; nobody misses a note that nobody can read.
fn write(piece: Piece, within_line: &mut bool) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match piece {
        Piece::Line(line) => {
            writeln!(stdout, "{line}")?;
            stdout.flush()?;
        }
        Piece::Bytes(bytes) => {
            *within_line = bytes.last().map_or(*within_line, |last| *last != b'\n');
            stdout.write_all(&bytes)?;
            stdout.flush()?;
        }
        Piece::Note(line) => {
            // A line of its own, where both are one terminal.
            let before = if std::mem::take(within_line) { "\n" } else { "" };
            let _ = writeln!(io::stderr(), "{before}{line}");
        }
        Piece::Flush(flushed) => {
            let _ = flushed.send(());
        }
    }
    Ok(())
}
