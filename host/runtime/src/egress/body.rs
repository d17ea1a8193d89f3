//! The body of an answer that is under way: it may not pause for ever, and takes a connection until it ends.

use crate::budget::Charge;
use crate::telemetry::CallMeasure;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Sleep;
use wasmtime_wasi_http::{Error, WasiBody};

/// A body whose end is measured.
pub(super) struct Told {
    body: WasiBody,
    call: Option<CallMeasure>,
}

impl Told {
    pub(super) fn new(body: WasiBody, call: CallMeasure) -> Self {
        Self { body, call: Some(call) }
    }
}

impl Body for Told {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(frame) = &polled {
            if let (Some(Err(error)), Some(call)) = (frame, &self.call) {
                call.failed(error);
            }
            if !matches!(frame, Some(Ok(_))) || self.body.is_end_stream() {
                self.call = None;
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A body, how long its next piece may take once it is asked for, and what it takes meanwhile.
pub(super) struct UnderWay {
    body: WasiBody,
    pause: Duration,
    /// Given back with the last piece, which may be long before the handler drops the body.
    taken: Option<(Charge, OwnedSemaphorePermit)>,
    /// Runs only while somebody waits: a handler that is itself held up by a slow caller is no fault of the sender.
    due: Option<Pin<Box<Sleep>>>,
}

impl UnderWay {
    pub(super) fn new(body: WasiBody, pause: Duration, charge: Charge, connection: OwnedSemaphorePermit) -> Self {
        Self { body, pause, taken: Some((charge, connection)), due: None }
    }
}

impl Body for UnderWay {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            this.due = None;
            if !matches!(frame, Some(Ok(_))) || this.body.is_end_stream() {
                this.taken = None;
            }
            return Poll::Ready(frame);
        }
        let due = this.due.get_or_insert_with(|| Box::pin(tokio::time::sleep(this.pause)));
        due.as_mut().poll(cx).map(|()| Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
