//! One HTTP/1.1 request and its answer, on a connection that is driven by hand so that bytes leave when they should.

use super::connection::{Connection, is_idle};
use super::{RuntimeApi, Target, USER_AGENT};
use crate::outlet::{Closed, DeliveryError};
use firstbyte_wire::error::{DOCUMENT_LIMIT, MINIMAL_DOCUMENT_LIMIT};
use firstbyte_wire::receipt::{self, Receipt};
use firstbyte_wire::runtime_api::{self, header};
use firstbyte_wire::{ErrorReport, ErrorType};
use std::fmt;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// A request that is being sent, and its answer.
pub(super) struct Exchange {
    api: Arc<RuntimeApi>,
    connection: Connection,
    /// No byte of this request has left.
    untouched: bool,
    /// Bytes of the request in wire form; those before `sent` are gone.
    out: Vec<u8>,
    sent: usize,
    /// What the peer has said.
    answer: Vec<u8>,
    /// Nothing can be sent any more.
    closed: bool,
    /// The whole request is queued: an answer from now on is in time.
    complete: bool,
    /// What is told if the API says that the request is too large.
    instead: Option<ErrorReport>,
    /// The status with which it said so.
    too_large: Option<u16>,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("backlog", &self.backlog()).finish_non_exhaustive()
    }
}

impl Exchange {
    pub(super) fn new(api: Arc<RuntimeApi>, connection: Connection) -> Self {
        Self {
            api,
            connection,
            untouched: true,
            out: Vec::new(),
            sent: 0,
            answer: Vec::new(),
            closed: false,
            complete: false,
            instead: None,
            too_large: None,
        }
    }

    /// Whether something can be sent. A handler may think for so long that its connection is closed meanwhile: as long as nothing
    /// was sent, nothing is lost, and another connection takes its place.
    fn is_connected(&mut self) -> bool {
        if std::mem::take(&mut self.untouched) && self.connection.stream().is_some_and(|stream| !is_idle(stream)) {
            // The old one goes first: its descriptor may be the last.
            drop(self.connection.take());
            self.connection = Connection::to(&self.api.authority);
        }
        self.connection.stream().is_some()
    }

    fn poll_connected(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        self.closed |= ready!(self.connection.poll_stream(cx)).is_none();
        Poll::Ready(if self.closed { Err(Closed) } else { Ok(()) })
    }

    /// Bytes that are queued and not yet with the kernel.
    pub(super) fn backlog(&self) -> usize {
        self.out.len() - self.sent
    }

    /// Queues the first lines of a `POST`, without the empty one that ends them.
    pub(super) fn queue_head(&mut self, path: &str, invocation_id: Option<&str>, content_type: &str) {
        let authority = &self.api.authority;
        let lines =
            format!("POST {path} HTTP/1.1\r\nhost: {authority}\r\nuser-agent: {USER_AGENT}\r\ncontent-type: {content_type}\r\n");
        self.out.extend_from_slice(lines.as_bytes());
        if let Some(id) = invocation_id {
            self.queue_header(header::INVOCATION_ID, id);
        }
    }

    pub(super) fn queue_header(&mut self, name: &str, value: &str) {
        for part in [name, ": ", value, "\r\n"] {
            self.out.extend_from_slice(part.as_bytes());
        }
    }

    pub(super) fn queue(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Overwrites queued bytes at an offset that [`Exchange::queue_end`] gave.
    pub(super) fn patch(&mut self, at: usize, bytes: &[u8]) {
        self.out[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// The offset of the next queued byte; valid until something is flushed.
    pub(super) fn queue_end(&self) -> usize {
        self.out.len()
    }

    /// Queues headers, if any are left, and a body of known length, which ends the request.
    pub(super) fn queue_body(&mut self, body: &[u8]) {
        self.queue_header("content-length", &body.len().to_string());
        self.queue(b"\r\n");
        self.queue(body);
        self.complete = true;
    }

    /// Queues a whole `POST` of an error document.
    pub(super) fn queue_error(&mut self, path: &str, invocation_id: Option<&str>, report: &ErrorReport, limit: usize) {
        self.queue_head(path, invocation_id, "application/json");
        self.queue_header(header::ERROR_TYPE, &report.error_type);
        self.queue_body(&report.to_json_within(limit));
    }

    /// Queues a whole `POST` that tells the failure of an invocation, which is told in short if the API finds this too large.
    pub(super) fn queue_failure(&mut self, target: &Target, report: &ErrorReport) {
        let path = runtime_api::error_path(&target.request_id);
        self.queue_error(&path, target.invocation_id.as_deref(), report, DOCUMENT_LIMIT);
        self.instead = Some(report.clone());
    }

    /// Queues what tells that the API has refused a request for its size, over another connection. False if there is nothing to
    /// tell any more.
    fn shorten(&mut self, target: &Target, status: u16) -> bool {
        if self.too_large.is_some() {
            return false;
        }
        let report = self.instead.take().unwrap_or_else(|| {
            let message = format!("the Runtime API refused the response with {status}: it is too large");
            ErrorReport::new(&ErrorType::runtime("ResponseRefused"), message)
        });
        let connection = Connection::to(&self.api.authority);
        *self = Self { too_large: Some(status), ..Self::new(Arc::clone(&self.api), connection) };
        let path = runtime_api::error_path(&target.request_id);
        self.queue_error(&path, target.invocation_id.as_deref(), &report, MINIMAL_DOCUMENT_LIMIT);
        true
    }

    /// Nothing will be queued any more.
    pub(super) fn complete(&mut self) {
        self.complete = true;
    }

    /// Sends what the kernel takes now. True if nothing is left.
    pub(super) fn try_flush(&mut self) -> Result<bool, Closed> {
        if self.backlog() > 0 && !self.is_connected() {
            return Ok(false);
        }
        while let (Some(stream), false) = (self.connection.stream(), self.sent >= self.out.len() || self.closed) {
            match stream.try_write(&self.out[self.sent..]) {
                Ok(0) => self.closed = true,
                Ok(sent) => self.sent += sent,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.compact();
                    return Ok(false);
                }
                Err(_) => self.closed = true,
            }
        }
        if self.closed {
            return Err(Closed);
        }
        self.out.clear();
        self.sent = 0;
        Ok(true)
    }

    /// Sends what is queued, then `data` and `after`, straight from where they are. What the kernel does not take is queued.
    pub(super) fn send_through(&mut self, data: &[u8], after: &[u8]) -> Result<(), Closed> {
        if !self.is_connected() {
            self.out.extend_from_slice(data);
            self.out.extend_from_slice(after);
            return Ok(());
        }
        let mut gone = 0;
        let total = self.backlog() + data.len() + after.len();
        while let (Some(stream), false) = (self.connection.stream(), gone >= total || self.closed) {
            let queued = &self.out[self.sent..];
            let skip = |part: &mut &[u8], over: &mut usize| {
                let skipped = (*over).min(part.len());
                *part = &part[skipped..];
                *over -= skipped;
            };
            let (mut queued, mut data, mut after, mut over) = (queued, data, after, gone);
            skip(&mut queued, &mut over);
            skip(&mut data, &mut over);
            skip(&mut after, &mut over);
            match stream.try_write_vectored(&[IoSlice::new(queued), IoSlice::new(data), IoSlice::new(after)]) {
                Ok(0) => self.closed = true,
                Ok(sent) => gone += sent,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let from_queue = self.backlog().min(gone);
                    self.sent += from_queue;
                    self.compact();
                    self.out.extend_from_slice(data);
                    self.out.extend_from_slice(after);
                    return Ok(());
                }
                Err(_) => self.closed = true,
            }
        }
        if self.closed {
            return Err(Closed);
        }
        self.out.clear();
        self.sent = 0;
        Ok(())
    }

    /// Ready when at most `backlog` bytes are queued.
    pub(super) fn poll_backlog(&mut self, cx: &mut Context<'_>, backlog: usize) -> Poll<Result<(), Closed>> {
        loop {
            if self.backlog() > 0 && !self.is_connected() {
                ready!(self.poll_connected(cx))?;
            }
            self.try_flush()?;
            self.poll_early_answer(cx)?;
            if self.backlog() <= backlog {
                return Poll::Ready(Ok(()));
            }
            let Some(stream) = self.connection.stream() else { continue };
            if ready!(stream.poll_write_ready(cx)).is_err() {
                self.closed = true;
                return Poll::Ready(Err(Closed));
            }
        }
    }

    /// An answer before the request is complete means that nobody reads the rest.
    fn poll_early_answer(&mut self, cx: &mut Context<'_>) -> Result<(), Closed> {
        if self.complete {
            return Ok(());
        }
        match self.poll_read(cx) {
            Poll::Pending => Ok(()),
            Poll::Ready(_) => {
                self.closed = true;
                Err(Closed)
            }
        }
    }

    /// Reads once. 0: the peer has closed.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut buffer = [0; 2048];
        loop {
            let Some(stream) = ready!(self.connection.poll_stream(cx)) else {
                return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
            };
            ready!(stream.poll_read_ready(cx))?;
            match stream.try_read(&mut buffer) {
                Ok(read) => {
                    self.answer.extend_from_slice(&buffer[..read]);
                    return Poll::Ready(Ok(read));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Sends what is left and reads the answer. If it is that the request is too large, that is told in a short one.
    pub(super) fn poll_told(&mut self, cx: &mut Context<'_>, target: &Target) -> Poll<Result<(), DeliveryError>> {
        loop {
            match ready!(self.poll_answer(cx)) {
                Err(DeliveryError::Refused { status: status @ (413 | 431), .. }) if self.shorten(target, status) => {}
                Ok(()) => return Poll::Ready(self.too_large.map_or(Ok(()), |status| Err(DeliveryError::Shortened { status }))),
                refused => return Poll::Ready(refused),
            }
        }
    }

    /// Sends what is left and reads the answer. Then the connection is kept for the next request, if it is fit for one.
    pub(super) fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), DeliveryError>> {
        // An answer may come although we could not send everything: it says why.
        let _ = ready!(self.poll_backlog(cx, 0));
        loop {
            if let Some(receipt) = Receipt::parse(&self.answer)? {
                return Poll::Ready(self.settle(receipt));
            }
            if self.answer.len() > 2 * receipt::LIMIT {
                return Poll::Ready(Err(DeliveryError::NotHttp(format!("more than {} bytes", self.answer.len()))));
            }
            if ready!(self.poll_read(cx))? == 0 {
                let reason = format!("the connection ended after {} bytes of the answer", self.answer.len());
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, reason).into()));
            }
        }
    }

    fn settle(&mut self, receipt: Receipt) -> Result<(), DeliveryError> {
        self.closed |= !receipt.keep_alive || !self.complete || self.backlog() > 0 || self.answer.len() != receipt.body.end;
        if let (false, Some(stream)) = (self.closed, self.connection.take()) {
            self.api.keep(stream);
        }
        if (200..300).contains(&receipt.status) {
            return Ok(());
        }
        let body = self.answer.get(receipt.body).unwrap_or_default();
        let body = String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
        Err(DeliveryError::Refused { status: receipt.status, body })
    }

    fn compact(&mut self) {
        if self.sent > 0 {
            self.out.drain(..self.sent);
            self.sent = 0;
        }
    }
}
