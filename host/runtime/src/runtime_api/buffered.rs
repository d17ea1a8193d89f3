//! A buffered response, for integrations that take one document: proxy JSON at the HTTP doors, the bytes for a direct caller.

use super::exchange::Exchange;
use super::{RuntimeApi, Target};
use crate::outlet::{Closed, DeliveryError, Opening, Outlet};
use firstbyte_wire::runtime_api;
use firstbyte_wire::{ErrorReport, Trailers};
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The response of one invocation, kept until it is complete.
#[derive(Debug)]
pub(crate) struct Buffered {
    exchange: Exchange,
    target: Target,
    opening: Option<Opening>,
    body: Vec<u8>,
}

impl Buffered {
    /// Takes a connection for the response to `target`.
    pub(crate) async fn open(api: &Arc<RuntimeApi>, target: Target) -> io::Result<Self> {
        Ok(Self { exchange: api.exchange().await?, target, opening: None, body: Vec::new() })
    }
}

impl Outlet for Buffered {
    fn begin(&mut self, opening: Opening) {
        self.opening = Some(opening);
    }

    fn poll_write(&mut self, _: &mut Context<'_>, data: &[u8]) -> Poll<Result<usize, Closed>> {
        self.body.extend_from_slice(data);
        Poll::Ready(Ok(data.len()))
    }

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        Poll::Ready(Ok(()))
    }

    fn end(&mut self) {
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
                self.exchange.queue_body(&self.body);
            }
        }
    }

    /// Nothing has left yet, so a failure need not hide in trailers: Lambda's `/error` tells every buffered caller.
    fn abort(&mut self, _: &[u8], trailers: &Trailers) {
        let path = runtime_api::error_path(&self.target.request_id);
        self.exchange.queue_head(&path, self.target.invocation_id.as_deref(), "application/json");
        self.exchange.queue_header(runtime_api::header::ERROR_TYPE, &trailers.error_type);
        self.exchange.queue_body(&trailers.document().unwrap_or_default());
    }

    fn fail(&mut self, report: &ErrorReport) {
        let path = runtime_api::error_path(&self.target.request_id);
        self.exchange.queue_error(&path, self.target.invocation_id.as_deref(), report);
    }

    fn poll_receipt(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), DeliveryError>> {
        self.exchange.poll_answer(cx)
    }
}
