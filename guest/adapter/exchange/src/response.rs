//! A response that goes to the host of `wasi:http` piece by piece.

use crate::bindings::exports::firstbyte::lambda::invocation::{
    self, Failure, GuestBody, GuestResponse, Head, HeadError, Pollable, WriteError,
};
use crate::bindings::wasi::clocks::monotonic_clock;
use crate::bindings::wasi::http::types::{Fields, HeaderError, OutgoingBody, OutgoingResponse, ResponseOutparam};
use crate::bindings::wasi::io::streams::{OutputStream, StreamError};
use crate::{answer, log};
use std::cell::RefCell;
use std::rc::Rc;

/// What belongs to the connection and not to the response.
const OF_THE_CONNECTION: [&str; 9] =
    ["connection", "content-length", "date", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];

/// What has become of the right to respond.
enum Right {
    Unstarted(ResponseOutparam),
    Started { stream: OutputStream, body: OutgoingBody },
    Ended,
}

/// One response, which the handler and whoever settles it both hold.
#[derive(Clone)]
pub(crate) struct Exchange(Rc<RefCell<Right>>);

/// The right to respond, once.
pub(crate) struct Response(Exchange);

/// A response that was started.
pub(crate) struct Body(Exchange);

impl Exchange {
    pub(crate) fn new(outparam: ResponseOutparam) -> Self {
        Self(Rc::new(RefCell::new(Right::Unstarted(outparam))))
    }

    pub(crate) fn response(&self) -> Response {
        Response(self.clone())
    }

    pub(crate) fn settle(&self, outcome: Result<(), Failure>) {
        match (self.0.replace(Right::Ended), outcome) {
            (Right::Unstarted(outparam), Ok(())) => answer::empty(outparam),
            (Right::Unstarted(outparam), Err(failure)) => {
                tell(&failure);
                match failure.status {
                    Some(status @ 400..=499) => answer::message(outparam, status, &failure.message),
                    status => answer::message(outparam, status.filter(|s| (500..=599).contains(s)).unwrap_or(500), INTERNAL),
                }
            }
            (Right::Started { stream, body }, Ok(())) => {
                drop(stream);
                // The caller is gone, and the handler with it.
                let _ = OutgoingBody::finish(body, None);
            }
            // A body that is dropped unfinished is broken off: a caller sees that it is not complete.
            (Right::Started { .. } | Right::Ended, Err(failure)) => tell(&failure),
            (Right::Ended, Ok(())) => {}
        }
    }
}

/// What a caller is shown of a failure that is not the caller's.
const INTERNAL: &str = "Internal Server Error";

fn tell(Failure { kind, message, stack, .. }: &Failure) {
    let frames: String = stack.iter().map(|frame| format!("\n    {frame}")).collect();
    log(&format!("Function.{kind}: {message}{frames}"));
}

impl GuestResponse for Response {
    fn start(this: invocation::Response, head: Head) -> Result<invocation::Body, HeadError> {
        if !(200..=599).contains(&head.status) {
            return Err(HeadError::InvalidStatus(head.status));
        }
        let fields = fields(head.headers)?;
        let response = OutgoingResponse::new(fields);
        response.set_status_code(head.status).map_err(|()| HeadError::InvalidStatus(head.status))?;
        let Self(exchange) = this.into_inner();
        let started = response.body().and_then(|body| Ok(Right::Started { stream: body.write()?, body }));
        // A response's body is there once, and so is a body's stream: both are asked for here alone.
        let started = started.map_err(|()| HeadError::TooLarge)?;
        if let Right::Unstarted(outparam) = exchange.0.replace(started) {
            ResponseOutparam::set(outparam, Ok(response));
        }
        Ok(invocation::Body::new(Body(exchange)))
    }
}

fn fields(headers: Vec<(String, String)>) -> Result<Fields, HeadError> {
    let fields = Fields::new();
    for (name, value) in headers {
        let is_dropped = OF_THE_CONNECTION.iter().any(|of_it| name.eq_ignore_ascii_case(of_it));
        match if is_dropped { Err(HeaderError::Forbidden) } else { fields.append(&name, value.as_bytes()) } {
            Ok(()) => {}
            Err(HeaderError::Forbidden) => log(&format!("the header {name} is dropped: it belongs to the connection")),
            Err(_) => return Err(HeadError::InvalidHeader(name)),
        }
    }
    Ok(fields)
}

impl GuestBody for Body {
    fn write(&self, chunk: Vec<u8>) -> Result<(), WriteError> {
        let phase = self.0.0.borrow();
        let Right::Started { stream, .. } = &*phase else { return Err(WriteError::Closed) };
        let mut rest = &*chunk;
        while !rest.is_empty() {
            let room = usize::try_from(stream.check_write().map_err(refused)?).unwrap_or(usize::MAX);
            if room == 0 {
                stream.subscribe().block();
                continue;
            }
            let (now, later) = rest.split_at(rest.len().min(room));
            stream.write(now).map_err(refused)?;
            rest = later;
        }
        stream.flush().map_err(refused)
    }

    /// Always ready: a pollable of the stream's would have to be gone before the response could be ended, and the handler has
    /// it. A write then waits where this would have.
    fn subscribe(&self) -> Pollable {
        monotonic_clock::subscribe_duration(0)
    }

    fn finish(this: invocation::Body) -> Result<(), WriteError> {
        let Self(exchange) = this.into_inner();
        let Right::Started { stream, body } = exchange.0.replace(Right::Ended) else { return Err(WriteError::Closed) };
        drop(stream);
        OutgoingBody::finish(body, None).map_err(|_| WriteError::Closed)
    }
}

fn refused(error: StreamError) -> WriteError {
    match error {
        StreamError::Closed => WriteError::Closed,
        StreamError::LastOperationFailed(error) => WriteError::Other(error.to_debug_string()),
    }
}
