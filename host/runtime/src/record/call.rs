//! One request of a guest's to another server, as it is recorded.

use super::Recording;
use super::line::{End, Kind};
use crate::egress::name_of;
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use wasmtime_wasi_http::{Error, WasiBody};

/// A request whose answer has not ended. Dropped before it has, it was left by its guest.
#[derive(Debug)]
pub(crate) struct Call {
    recording: Recording,
    number: u64,
    has_ended: bool,
}

impl Call {
    pub(super) fn begin(recording: Recording, number: u64, request: &Request<WasiBody>) -> Self {
        recording.tell(Kind::Asked {
            call: number,
            method: request.method().clone(),
            url: request.uri().clone(),
            headers: request.headers().clone(),
        });
        Self { recording, number, has_ended: false }
    }

    /// The request, with a body that is recorded as it is sent.
    pub(crate) fn asks(&self, request: Request<WasiBody>) -> Request<WasiBody> {
        let (recording, call) = (self.recording.clone(), self.number);
        request.map(|body| {
            let told = body.map_frame(move |frame| {
                if let Some(data) = frame.data_ref() {
                    recording.tell(Kind::Sent { call, data: data.clone() });
                }
                frame
            });
            told.boxed_unsync()
        })
    }

    /// The answer, with a body that is recorded as it is read.
    pub(crate) fn answered(self, response: Response<WasiBody>) -> Response<WasiBody> {
        let (status, headers) = (response.status(), response.headers().clone());
        self.recording.tell(Kind::Answered { call: self.number, status, headers });
        response.map(|body| Read { body, call: self }.boxed_unsync())
    }

    /// There is no answer.
    pub(crate) fn failed(mut self, error: &Error) {
        self.end(End::Failed(name_of(error)));
    }

    /// The host waited for long enough.
    pub(crate) fn given_up(mut self, error: &Error) {
        self.end(End::GivenUp(name_of(error)));
    }

    fn end(&mut self, end: End) {
        if !std::mem::replace(&mut self.has_ended, true) {
            self.recording.tell(Kind::Ended { call: self.number, end });
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.end(End::Left);
    }
}

/// A body that is recorded as it is read.
struct Read {
    body: WasiBody,
    call: Call,
}

impl Body for Read {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    this.call.recording.tell(Kind::Chunk { call: this.call.number, data: data.clone() });
                }
                if this.body.is_end_stream() {
                    this.call.end(End::Whole);
                }
            }
            Poll::Ready(Some(Err(error))) => this.call.end(End::Failed(name_of(error))),
            Poll::Ready(None) => this.call.end(End::Whole),
            Poll::Pending => {}
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
