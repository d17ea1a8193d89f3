//! A guest's standard output and error: lines for the log, and the message of a panic for whoever reports the trap.

use super::{InvocationLog, Level};
use bytes::Bytes;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// A line longer than this is logged in pieces.
const LINE_LIMIT: usize = 16 * 1024;

/// What a guest may write at once.
const PERMIT: usize = 64 * 1024;

/// The message of the guest's last panic, as Rust's standard library prints it: where, and what.
#[derive(Clone, Debug, Default)]
pub(crate) struct LastPanic(Arc<Mutex<Vec<String>>>);

impl LastPanic {
    /// The message, in one line.
    pub(crate) fn message(&self) -> Option<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.is_empty() { None } else { Some(lines.join(" ")) }
    }

    /// Another invocation begins.
    pub(crate) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Takes a line that the guest has written to standard error.
    pub(crate) fn see(&self, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if line.starts_with("thread ") && line.contains(" panicked at ") {
            *lines = vec![line.trim().to_owned()];
        } else if (1..3).contains(&lines.len()) && !line.starts_with("note: ") && !line.trim().is_empty() {
            lines.push(line.trim().to_owned());
        }
    }
}

/// One of the guest's two outputs.
#[derive(Clone, Debug)]
pub(crate) struct GuestOutput(Arc<Mutex<Lines>>);

#[derive(Debug)]
struct Lines {
    log: InvocationLog,
    level: Level,
    panic: Option<LastPanic>,
    /// A line that has not ended.
    partial: Vec<u8>,
}

impl GuestOutput {
    /// Standard output: informational.
    pub(crate) fn stdout(log: InvocationLog) -> Self {
        Self::new(log, Level::Info, None)
    }

    /// Standard error: errors, and where panics are told.
    pub(crate) fn stderr(log: InvocationLog, panic: LastPanic) -> Self {
        Self::new(log, Level::Error, Some(panic))
    }

    fn new(log: InvocationLog, level: Level, panic: Option<LastPanic>) -> Self {
        Self(Arc::new(Mutex::new(Lines { log, level, panic, partial: Vec::new() })))
    }

    /// Ends a line that has not ended.
    pub(crate) fn end_line(&self) {
        self.with(Lines::emit);
    }

    /// Ends the line and writes to another invocation's log from now on.
    pub(crate) fn point_at(&self, log: InvocationLog) {
        self.with(|lines| {
            lines.emit();
            lines.log = log;
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut Lines) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Lines {
    fn take(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            for piece in piece.chunks(LINE_LIMIT) {
                if self.partial.len() + piece.len() > LINE_LIMIT {
                    self.emit();
                }
                self.partial.extend_from_slice(piece);
            }
            if piece.ends_with(b"\n") {
                self.emit();
            }
        }
    }

    fn emit(&mut self) {
        let line = String::from_utf8_lossy(self.partial.trim_ascii_end());
        if let Some(panic) = &self.panic {
            panic.see(&line);
        }
        if !line.is_empty() {
            self.log.line(self.level, &line);
        }
        self.partial.clear();
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.emit();
    }
}

impl IsTerminal for GuestOutput {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestOutput {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for GuestOutput {
    async fn ready(&mut self) {
        let log = self.with(|lines| Arc::clone(&lines.log.log));
        if !log.has_room() {
            log.room().await;
        }
    }
}

impl OutputStream for GuestOutput {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.with(|lines| lines.take(&bytes));
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PERMIT)
    }
}

impl AsyncWrite for GuestOutput {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.with(|lines| lines.take(bytes));
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
