//! A body that is compressed on its way. Its end is sent when the handler has returned, and only if it returned well: a body
//! that lacks it is one that broke off.

use std::cell::RefCell;

use super::{WriteError, send};
use crate::{
    __private::invocation as raw,
    coding::{Coding, Encoder},
};

thread_local! {
    /// The body that was dropped, and waits for its end. There is one response in an invocation.
    static DROPPED: RefCell<Option<Open>> = const { RefCell::new(None) };
}

#[derive(Debug)]
struct Open {
    raw: raw::Body,
    encoder: Encoder,
}

/// A compressed body. Has something in it until it is finished or dropped.
#[derive(Debug)]
pub(crate) struct Coded(Option<Open>);

const OPEN: &str = "a body is open until it is finished or dropped";

impl Coded {
    pub(crate) fn new(raw: raw::Body, coding: Coding) -> Self {
        Self(Some(Open { raw, encoder: Encoder::new(coding) }))
    }

    pub(crate) fn raw(&self) -> &raw::Body {
        &self.0.as_ref().expect(OPEN).raw
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        let Open { raw, encoder } = self.0.as_mut().expect(OPEN);
        // Nothing to say is not worth the bytes that say so.
        if bytes.is_empty() { Ok(()) } else { send(raw, &encoder.encode(bytes).map_err(refused)?) }
    }

    pub(crate) fn finish(mut self) -> Result<(), WriteError> {
        let Open { raw, encoder } = self.0.take().expect(OPEN);
        send(&raw, &encoder.finish().map_err(refused)?)?;
        Ok(raw::Body::finish(raw)?)
    }
}

impl Drop for Coded {
    fn drop(&mut self) {
        if let Some(open) = self.0.take() {
            DROPPED.set(Some(open));
        }
    }
}

/// The handler has returned: ends the body that it has dropped, if it returned well.
pub(crate) fn settle(well: bool) -> Result<(), WriteError> {
    match DROPPED.take().filter(|_| well) {
        Some(Open { raw, encoder }) => send(&raw, &encoder.finish().map_err(refused)?),
        None => Ok(()),
    }
}

/// Compressing into memory does not fail, as far as is known.
#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn refused(error: std::io::Error) -> WriteError {
    WriteError::Other(error.to_string())
}
