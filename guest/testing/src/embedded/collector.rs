//! An outlet that keeps what it is given.

use crate::response::{Chunk, Collected, End, Opening};
use firstbyte_runtime::outlet::{self, Closed, DeliveryError, Outlet};
use firstbyte_wire::ErrorReport;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::time::Instant;

/// What an outlet was given.
pub(super) type Collection = Arc<Mutex<Collected>>;

pub(super) struct Collector {
    begun: Instant,
    collected: Collection,
}

impl Collector {
    pub(super) fn new(begun: Instant, collected: Collection) -> Self {
        Self { begun, collected }
    }

    fn lock(&self) -> MutexGuard<'_, Collected> {
        self.collected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end_with(&self, last_words: &[u8], end: End) {
        let mut collected = self.lock();
        if !last_words.is_empty() {
            collected.chunks.push(Chunk { at: self.begun.elapsed(), bytes: last_words.to_vec() });
        }
        collected.end = end;
    }
}

impl Outlet for Collector {
    fn begin(&mut self, opening: outlet::Opening) {
        let (status, headers) = (opening.head.status(), opening.head.headers().to_vec());
        self.lock().opening = Some(Opening { status, headers, prelude: opening.prelude });
    }

    fn poll_write(&mut self, _: &mut Context<'_>, data: &[u8]) -> Poll<Result<usize, Closed>> {
        let chunk = Chunk { at: self.begun.elapsed(), bytes: data.to_vec() };
        self.lock().chunks.push(chunk);
        Poll::Ready(Ok(data.len()))
    }

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        Poll::Ready(Ok(()))
    }

    fn end(&mut self, last_words: &[u8]) {
        self.end_with(last_words, End::Clean);
    }

    fn abort(&mut self, last_words: &[u8], report: &ErrorReport) {
        self.end_with(last_words, End::Failed(report.clone()));
    }

    fn fail(&mut self, report: &ErrorReport) {
        self.lock().end = End::Failed(report.clone());
    }

    fn poll_receipt(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DeliveryError>> {
        Poll::Ready(Ok(()))
    }
}
