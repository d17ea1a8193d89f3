//! Responses whose bytes are sent together.
//!
//! Where many waits end at once, their handlers run one after the other and each writes a few bytes. If each sent them at once, the
//! reader would be woken for each, and sleep again before the next: a fifth of a token's CPU time. So they are sent one right
//! after the other when all have run.

use crate::response::SharedResponse;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Waker};

/// So many waits that end at once are a batch.
pub(crate) const MANY: usize = 4;

/// The responses that wait to be sent together, each with the task that drives it.
#[derive(Default)]
pub(crate) struct Batch {
    /// Whether [`Self::responses`] is there, for those who would only look.
    begun: AtomicBool,
    responses: Mutex<Option<Vec<(SharedResponse, Waker)>>>,
}

impl Batch {
    /// Begins one. Whoever does has to call [`Self::send`] when those that were woken have run.
    pub(crate) fn begin(&self) {
        self.responses.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
        self.begun.store(true, Ordering::Relaxed);
    }

    /// Whether what a handler writes now may be sent with others.
    pub(crate) fn is_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    /// Leaves a response to [`Self::send`]. False if nobody will call it.
    pub(crate) fn takes(&self, response: &SharedResponse, waker: &Waker) -> bool {
        let mut responses = self.responses.lock().unwrap_or_else(PoisonError::into_inner);
        responses.as_mut().map(|responses| responses.push((response.clone(), waker.clone()))).is_some()
    }

    /// Sends what was left to it.
    pub(crate) fn send(&self) {
        self.begun.store(false, Ordering::Relaxed);
        let responses = self.responses.lock().unwrap_or_else(PoisonError::into_inner).take();
        for (response, waker) in responses.into_iter().flatten() {
            response.flush(&mut Context::from_waker(&waker));
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use crate::budget::{Allowance, Budget, Shares};
    use crate::outlet::{Closed, DeliveryError, Opening, Outlet};
    use crate::response::{Response, Terms};
    use firstbyte_wire::{ErrorReport, Head, Trigger};
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::Poll;

    /// Counts how often it is flushed.
    struct Counting(Arc<AtomicUsize>);

    impl Outlet for Counting {
        fn begin(&mut self, _: Opening) {}

        fn poll_write(&mut self, _: &mut Context<'_>, data: &[u8]) -> Poll<Result<usize, Closed>> {
            Poll::Ready(Ok(data.len()))
        }

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<()> {
            Poll::Ready(())
        }

        fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Closed>> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Poll::Ready(Ok(()))
        }

        fn end(&mut self, _: &[u8]) {}

        fn abort(&mut self, _: &[u8], _: &ErrorReport) {}

        fn fail(&mut self, _: &ErrorReport) {}

        fn poll_receipt(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DeliveryError>> {
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn what_is_left_to_a_batch_is_sent_by_it_and_by_nobody_else() {
        let flushed = Arc::new(AtomicUsize::new(0));
        let terms = Terms { trigger: Trigger::Direct, limit: 0, silence: None, measures: None };
        let mut response =
            Response::new(Box::new(Counting(Arc::clone(&flushed))), &Budget::new(Allowance::default(), Shares::new(1)), terms);
        response.start(Head::new(200, []).unwrap()).unwrap();
        let response = SharedResponse::new(response);
        let batch = Batch::default();
        let flushed = || flushed.load(Ordering::Relaxed);
        assert!(!batch.is_begun() && !batch.takes(&response, Waker::noop()), "nobody would send it");
        batch.begin();
        batch.begin();
        assert!(
            batch.is_begun() && batch.takes(&response, Waker::noop()) && batch.takes(&SharedResponse::absent(), Waker::noop())
        );
        assert_eq!(flushed(), 0);
        batch.send();
        assert_eq!(flushed(), 1);
        batch.send();
        assert!(flushed() == 1 && !batch.is_begun() && !batch.takes(&response, Waker::noop()));
    }
}
