//! What the expansion of `#[handler]` needs. Not part of the API.

use std::{future::Future, io::Write};

pub use self::bindings::{export, exports::firstbyte::lambda::handler::Guest, firstbyte::lambda::invocation};
use crate::{Error, Request, Response, executor};

/// The interface `firstbyte:lambda` as generated Rust. Nothing in there is for handler authors: every type has a counterpart of
/// this crate's own. It is committed so that no handler's build needs the generator; `tests/bindings` makes it anew.
#[allow(unsafe_code, unreachable_pub, missing_docs, reason = "generated: the canonical ABI deals in pointers")]
#[allow(clippy::all, clippy::pedantic, clippy::restriction, reason = "generated")]
#[path = "bindings.rs"]
pub mod bindings;

/// Runs a plain handler.
pub fn run<E: Into<Error>>(
    handler: impl FnOnce(Request, Response) -> Result<(), E>,
    request: invocation::Request,
    response: invocation::Response,
) -> Result<(), invocation::Failure> {
    let outcome = handler(Request::new(request), Response::new(response)).map_err(|error| error.into().into());
    // Standard output keeps a line that has not ended.
    let _ = std::io::stdout().flush();
    outcome
}

/// Runs an async handler, and what it spawned and detached, to the end.
pub fn run_async<E: Into<Error>, F: Future<Output = Result<(), E>>>(
    handler: impl FnOnce(Request, Response) -> F,
    request: invocation::Request,
    response: invocation::Response,
) -> Result<(), invocation::Failure> {
    run(|request, response| executor::block_on(handler(request, response)), request, response)
}
