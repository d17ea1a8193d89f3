//! What the runtime prints, line by line. Reading never waits for anyone, so that a flood of output stops no runtime.

use super::Environment;
use crate::feed::{EventKind, LogStream};
use crate::invocation::lock;
use bytes::{Buf as _, BytesMut};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Child;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

/// Where a line is broken if it does not end: what one entry of Lambda's log takes.
const LINE: usize = 256 * 1024;

/// How long a flush may wait for a reader that is busy with a flood.
const PATIENCE: Duration = Duration::from_millis(100);

/// How many lines of what a runtime prints before it is ready are kept, and how many bytes of each.
const LAST_WORDS: usize = 20;
const LAST_WORDS_LINE: usize = 2000;

/// Ways to ask the readers whether they have read what was printed before.
#[derive(Debug, Default)]
pub(super) struct Flushers {
    readers: Mutex<Vec<mpsc::Sender<oneshot::Sender<()>>>>,
}

impl Flushers {
    /// Reads what `child` prints until it is gone.
    pub(super) fn follow(&self, environment: &Arc<Environment>, child: &mut Child) -> JoinSet<()> {
        let mut readers = JoinSet::new();
        if let Some(stdout) = child.stdout.take() {
            readers.spawn(read(stdout, LogStream::Stdout, environment.clone(), self.reader()));
        }
        if let Some(stderr) = child.stderr.take() {
            readers.spawn(read(stderr, LogStream::Stderr, environment.clone(), self.reader()));
        }
        readers
    }

    fn reader(&self) -> mpsc::Receiver<oneshot::Sender<()>> {
        let (sender, receiver) = mpsc::channel(1);
        lock(&self.readers).push(sender);
        receiver
    }

    /// Waits until the readers have nothing left to read.
    pub(super) async fn flush(&self) {
        let readers = lock(&self.readers).clone();
        let flush = async {
            for reader in readers {
                let (sender, flushed) = oneshot::channel();
                // A reader that is gone has read everything.
                if reader.send(sender).await.is_ok() {
                    let _ = flushed.await;
                }
            }
        };
        let _ = tokio::time::timeout(PATIENCE, flush).await;
    }
}

async fn read(
    mut pipe: impl AsyncRead + Unpin,
    stream: LogStream,
    environment: Arc<Environment>,
    mut flushes: mpsc::Receiver<oneshot::Sender<()>>,
) {
    let mut pending = BytesMut::new();
    loop {
        // In this order: a flush is answered when there is nothing to read.
        tokio::select! {
            biased;
            read = pipe.read_buf(&mut pending) => {
                if !matches!(read, Ok(1..)) {
                    break;
                }
                while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
                    print(&environment, stream, &pending.split_to(end));
                    pending.advance(1);
                }
                if pending.len() >= LINE {
                    print(&environment, stream, &pending.split());
                }
            }
            Some(flush) = flushes.recv() => {
                let _ = flush.send(());
            }
        }
    }
    if !pending.is_empty() {
        print(&environment, stream, &pending);
    }
}

fn print(environment: &Environment, stream: LogStream, line: &[u8]) {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    environment.printed(stream, String::from_utf8_lossy(line).into_owned());
}

impl Environment {
    /// The last lines that the runtime printed before it was ready, when its process is gone and all of them are read.
    pub(crate) async fn last_words(&self) -> Vec<String> {
        // The sender is ours: the wait cannot fail.
        let _ = self.silent.subscribe().wait_for(|silent| *silent).await;
        lock(&self.state).last_words.iter().cloned().collect()
    }

    /// A line that the runtime printed.
    fn printed(&self, stream: LogStream, line: String) {
        let running = {
            let mut state = lock(&self.state);
            if !state.was_ready {
                if state.last_words.len() == LAST_WORDS {
                    state.last_words.pop_front();
                }
                state.last_words.push_back(line[..line.floor_char_boundary(LAST_WORDS_LINE)].to_owned());
            }
            if self.function.is_concurrent() {
                let record: Option<serde_json::Value> = serde_json::from_str(&line).ok();
                let id = record.as_ref().and_then(|record| record.get("requestId")).and_then(serde_json::Value::as_str);
                state.running.iter().find(|running| Some(running.id()) == id).cloned()
            } else {
                state.running.last().cloned()
            }
        };
        match running {
            Some(running) => {
                running.log(&line);
                running.tell(EventKind::Log { stream, line });
            }
            None => self.tell(EventKind::Log { stream, line }),
        }
    }
}
