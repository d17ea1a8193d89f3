//! What a handler keeps from one invocation to the next, where its instance serves several.

use std::cell::RefCell;

use firstbyte::{Body, Request, Response, Result};
use serde::Deserialize;

thread_local! {
    static REQUEST: RefCell<Option<Request>> = const { RefCell::new(None) };
    static RESPONSE: RefCell<Option<Response>> = const { RefCell::new(None) };
    static BODY: RefCell<Option<Body>> = const { RefCell::new(None) };
}

/// A handle that is kept, and used in a later invocation.
#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Handle {
    /// The request.
    Request,
    /// The response, which was not started.
    Response,
    /// The body, into which a line was written.
    Body,
}

pub(crate) fn keep(request: Request, response: Response, what: Handle) -> Result {
    match what {
        Handle::Request => REQUEST.set(Some(request)),
        Handle::Response => RESPONSE.set(Some(response)),
        Handle::Body => {
            let mut body = response.content_type("text/plain").start()?;
            body.write("first\n")?;
            BODY.set(Some(body));
        }
    }
    Ok(())
}

/// Uses what was kept, after this invocation's own response was finished if `finished` says so.
pub(crate) fn using(response: Response, what: Handle, finished: bool) -> Result {
    let mut body = response.content_type("text/plain").start()?;
    body.write("second\n")?;
    if finished {
        body.finish()?;
    }
    match what {
        Handle::Request => {
            let _ = REQUEST.take().map(|request| request.payload());
        }
        Handle::Response => {
            if let Some(response) = RESPONSE.take() {
                response.content_type("text/plain").start()?.write("again\n")?;
            }
        }
        Handle::Body => {
            if let Some(mut body) = BODY.take() {
                body.write("again\n")?;
            }
        }
    }
    Ok(())
}
