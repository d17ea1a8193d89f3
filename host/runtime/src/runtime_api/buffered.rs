//! A buffered response, for integrations that take one document: proxy JSON at the HTTP doors, the bytes for a direct caller.

use super::connection::Connection;
use super::exchange::Exchange;
use super::{RuntimeApi, Target};
use crate::outlet::{Closed, DeliveryError, Opening, Outlet};
use firstbyte_wire::runtime_api::{self, BUFFERED_RESPONSE_LIMIT};
use firstbyte_wire::{ErrorReport, ProxyBody};
use std::sync::Arc;
use std::task::{Context, Poll};

/// The response of one invocation, kept until it is complete.
#[derive(Debug)]
pub(crate) struct Buffered {
    exchange: Exchange,
    target: Target,
    opening: Option<Opening>,
    body: ProxyBody,
    /// Bytes of the document without its body.
    frame: usize,
}

impl Buffered {
    /// The response to `target`, over this connection.
    pub(super) fn new(api: Arc<RuntimeApi>, connection: Connection, target: Target) -> Self {
        Self { exchange: Exchange::new(api, connection), target, opening: None, body: ProxyBody::default(), frame: 0 }
    }

    /// How the response opens, if it is told in a document.
    fn document(&self) -> Option<&Opening> {
        self.opening.as_ref().filter(|opening| opening.trigger.is_http())
    }
}

impl Outlet for Buffered {
    fn begin(&mut self, opening: Opening) {
        self.frame = opening.head.proxy_response(opening.trigger, &ProxyBody::default()).len();
        self.opening = Some(opening);
    }

    /// Lambda's limit is on the document, which is larger than the body: by base64, or by what JSON escapes.
    fn fits(&self, data: &[u8]) -> bool {
        match self.document() {
            Some(_) => self.frame + self.body.encoded_len_with(data) <= BUFFERED_RESPONSE_LIMIT,
            None => self.body.bytes().len() + data.len() <= BUFFERED_RESPONSE_LIMIT,
        }
    }

    fn keeps_body(&self) -> bool {
        true
    }

    fn poll_write(&mut self, _: &mut Context<'_>, data: &[u8]) -> Poll<Result<usize, Closed>> {
        self.body.push(data);
        Poll::Ready(Ok(data.len()))
    }

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        if self.exchange.backlog() == 0 { Poll::Ready(Ok(())) } else { self.exchange.poll_backlog(cx, 0) }
    }

    fn end(&mut self, last_words: &[u8]) {
        self.body.push(last_words);
        let invocation_id = self.target.invocation_id.as_deref();
        let path = runtime_api::response_path(&self.target.request_id);
        match &self.opening {
            Some(opening) if opening.trigger.is_http() => {
                self.exchange.queue_head(&path, invocation_id, "application/json");
                self.exchange.queue_body(&opening.head.proxy_response(opening.trigger, &self.body));
            }
            opening => {
                let content_type = opening.as_ref().and_then(|opening| opening.head.header("content-type"));
                self.exchange.queue_head(&path, invocation_id, content_type.unwrap_or(runtime_api::OCTET_STREAM));
                self.exchange.queue_body(self.body.bytes());
            }
        }
    }

    /// Nothing has left yet, so a failure need not hide in trailers: Lambda's `/error` tells every buffered caller.
    fn abort(&mut self, _: &[u8], report: &ErrorReport) {
        self.fail(report);
    }

    fn fail(&mut self, report: &ErrorReport) {
        self.exchange.queue_failure(&self.target, report);
    }

    fn poll_receipt(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), DeliveryError>> {
        self.exchange.poll_told(cx, &self.target)
    }
}
