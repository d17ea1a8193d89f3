//! A streamed response: chunked transfer coding with trailers, written so that the first bytes leave at once.
//!
//! Small writes are merged, but only while others went out less than [`MERGE_WITHIN`] ago; large ones go to the socket from
//! where they are. Never more than [`BACKLOG`] waits here: a caller that stops reading stops the handler.

use super::connection::Connection;
use super::exchange::Exchange;
use super::{RuntimeApi, Target};
use crate::outlet::{Closed, DeliveryError, Opening, Outlet};
use firstbyte_wire::runtime_api::{self, header};
use firstbyte_wire::{ErrorReport, Trailers};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

/// Writes of this many bytes and more are not merged.
const LARGE: usize = 16 * 1024;

/// The most that one chunk has, and so the most that is copied when the socket takes only a part of it.
const CHUNK: usize = 64 * 1024;

/// How many bytes may wait for the socket.
const BACKLOG: usize = 128 * 1024;

/// A write leaves at once unless another one left less than this ago.
const MERGE_WITHIN: Duration = Duration::from_micros(200);

/// Merged bytes after which the clock is asked again: asked at every write, it took 7 % of the CPU time of bulk writes.
const LOOK_EVERY: usize = 4 * 1024;

/// Space for a chunk's size, to be filled in when it is known.
const SIZE_PLACEHOLDER: &[u8] = b"00000\r\n";

/// The response of one invocation, streamed.
#[derive(Debug)]
pub(crate) struct Streamed {
    exchange: Exchange,
    target: Target,
    /// Where the chunk begins that small writes are being merged into.
    merging: Option<usize>,
    last_sent: Option<Instant>,
    /// Whether a flush follows that small writes can wait for.
    held: bool,
}

impl Streamed {
    /// The response to `target`, over this connection.
    pub(super) fn new(api: Arc<RuntimeApi>, connection: Connection, target: Target) -> Self {
        Self { exchange: Exchange::new(api, connection), target, merging: None, last_sent: None, held: false }
    }

    /// Adds to the chunk that is being merged. `data` is at most [`BACKLOG`].
    fn merge(&mut self, data: &[u8]) {
        if self.merging.is_none() {
            self.merging = Some(self.exchange.queue_end());
            self.exchange.queue(SIZE_PLACEHOLDER);
        }
        self.exchange.queue(data);
    }

    fn close_chunk(&mut self) {
        if let Some(start) = self.merging.take() {
            let size = self.exchange.queue_end() - start - SIZE_PLACEHOLDER.len();
            self.exchange.patch(start, format!("{size:05x}").as_bytes());
            self.exchange.queue(b"\r\n");
        }
    }

    /// Queues the last bytes of the body, behind all others.
    fn queue_last(&mut self, last_words: &[u8]) {
        self.close_chunk();
        if !last_words.is_empty() {
            self.exchange.queue(format!("{:x}\r\n", last_words.len()).as_bytes());
            self.exchange.queue(last_words);
            self.exchange.queue(b"\r\n");
        }
    }

    fn send_merged(&mut self, now: Instant) -> Result<(), Closed> {
        self.close_chunk();
        self.last_sent = Some(now);
        self.exchange.try_flush().map(drop)
    }
}

impl Outlet for Streamed {
    fn begin(&mut self, opening: Opening) {
        let content_type = if opening.trigger.is_http() {
            runtime_api::HTTP_INTEGRATION_RESPONSE
        } else {
            opening.head.header("content-type").unwrap_or(runtime_api::OCTET_STREAM)
        };
        let path = runtime_api::response_path(&self.target.request_id);
        self.exchange.queue_head(&path, self.target.invocation_id.as_deref(), content_type);
        self.exchange.queue_header(header::RESPONSE_MODE, runtime_api::STREAMING);
        self.exchange.queue_header("transfer-encoding", "chunked");
        self.exchange.queue_header("trailer", "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body");
        self.exchange.queue(b"\r\n");
        if !opening.prelude.is_empty() {
            self.merge(&opening.prelude);
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, data: &[u8]) -> Poll<Result<usize, Closed>> {
        if data.len() >= LARGE {
            self.close_chunk();
            ready!(self.exchange.poll_backlog(cx, LARGE))?;
            let data = &data[..data.len().min(CHUNK)];
            self.exchange.queue(format!("{:x}\r\n", data.len()).as_bytes());
            self.exchange.send_through(data, b"\r\n")?;
            self.last_sent = Some(Instant::now());
            return Poll::Ready(Ok(data.len()));
        }
        if self.exchange.backlog() + data.len() > BACKLOG {
            self.close_chunk();
            ready!(self.exchange.poll_backlog(cx, BACKLOG - data.len()))?;
        }
        let begins = self.merging.is_none() || self.last_sent.is_none();
        let before = self.exchange.backlog() / LOOK_EVERY;
        self.merge(data);
        if !self.held && (begins || self.exchange.backlog() / LOOK_EVERY > before) {
            let now = Instant::now();
            if self.last_sent.is_none_or(|last| now.duration_since(last) >= MERGE_WITHIN) {
                self.send_merged(now)?;
            }
        }
        Poll::Ready(Ok(data.len()))
    }

    fn hold(&mut self) {
        self.held = true;
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.close_chunk();
        self.exchange.poll_backlog(cx, 0).map(drop)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        self.held = false;
        if self.exchange.backlog() > 0 {
            self.close_chunk();
            self.last_sent = Some(Instant::now());
        }
        self.exchange.poll_backlog(cx, 0)
    }

    fn end(&mut self, last_words: &[u8]) {
        self.queue_last(last_words);
        self.exchange.queue(b"0\r\n\r\n");
        self.exchange.complete();
    }

    fn abort(&mut self, last_words: &[u8], report: &ErrorReport) {
        let trailers = Trailers::new(report);
        self.queue_last(last_words);
        self.exchange.queue(b"0\r\n");
        self.exchange.queue_header(header::ERROR_TYPE, &trailers.error_type);
        self.exchange.queue_header(header::ERROR_BODY, &trailers.error_body);
        self.exchange.queue(b"\r\n");
        self.exchange.complete();
    }

    fn fail(&mut self, report: &ErrorReport) {
        self.exchange.queue_failure(&self.target, report);
    }

    fn poll_receipt(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), DeliveryError>> {
        self.exchange.poll_told(cx, &self.target)
    }
}
