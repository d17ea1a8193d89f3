//! What the expansions of `#[handler]` and `#[init]` need. Not part of the API.

use std::{future::Future, io::Write};

pub use self::bindings::{export, exports::firstbyte::lambda::handler::Guest, firstbyte::lambda::invocation};
pub use crate::init::{Prepare, prepare_for_snapshot, register};
use crate::{Error, Request, Response, executor, init};

/// The interface `firstbyte:lambda` as generated Rust. Nothing in there is for handler authors: every type has a counterpart of
/// this crate's own. It is committed so that no handler's build needs the generator; `tests/bindings` makes it anew.
#[allow(unsafe_code, unreachable_pub, missing_docs, reason = "generated: the canonical ABI deals in pointers")]
#[allow(clippy::all, clippy::pedantic, clippy::restriction, reason = "generated")]
#[path = "bindings.rs"]
pub mod bindings;

/// The same of the interface that a handler with `#[init]` exports besides.
#[allow(unsafe_code, unreachable_pub, missing_docs, reason = "generated: the canonical ABI deals in pointers")]
#[allow(clippy::all, clippy::pedantic, clippy::restriction, reason = "generated")]
#[path = "init_bindings.rs"]
pub mod init_bindings;

/// Exports the function of `#[init]`, and has instances that come without a snapshot find it.
#[doc(hidden)]
#[macro_export]
macro_rules! __export_init {
    ($prepare:ident) => {
        impl ::firstbyte::__private::init_bindings::exports::firstbyte::lambda::initializer::Guest for $prepare {
            fn init() -> ::core::result::Result<(), ::std::string::String> {
                ::firstbyte::__private::prepare_for_snapshot()
            }
        }
        ::firstbyte::__private::init_bindings::export!($prepare with_types_in ::firstbyte::__private::init_bindings);

        // What is listed there is called when an instance is made, before any of its exports.
        #[used]
        #[unsafe(link_section = ".init_array")]
        static REGISTER: extern "C" fn() = {
            extern "C" fn register() {
                ::firstbyte::__private::register::<$prepare>();
            }
            register
        };
    };
}
pub use __export_init as export_init;

/// The author's type of a request.
pub fn request(raw: invocation::Request) -> Request {
    Request::new(raw)
}

/// The author's type of a response.
pub fn response(raw: invocation::Response) -> Response {
    Response::new(raw)
}

/// Of no type: what is called on a response and only a body has.
#[diagnostic::on_unimplemented(
    message = "a response is written after it was started",
    label = "this response was not started",
    note = "`let mut body = response.start()?;` sends its head and gives the body to write"
)]
pub trait Started<T> {}

/// Of no type: what is called on a body and only a response has.
#[diagnostic::on_unimplemented(
    message = "status and headers are sent before the body",
    label = "this body's response was started",
    note = "set them on the response, before its `start()`"
)]
pub trait Unstarted<T> {}

/// What a handler may return.
#[diagnostic::on_unimplemented(
    message = "a handler returns `firstbyte::Result`, not `{Self}`",
    label = "not how an invocation can end",
    note = "return `Ok(())` for a complete response, or an error, which `?` makes of any other"
)]
pub trait Returned {
    /// How the invocation ended.
    #[doc(hidden)]
    #[track_caller]
    fn into_result(self) -> Result<(), Error>;
}

impl<E: Into<Error>> Returned for Result<(), E> {
    #[track_caller]
    fn into_result(self) -> Result<(), Error> {
        match self {
            Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Runs a plain handler.
#[track_caller]
pub fn run<O: Returned>(handler: impl FnOnce() -> O) -> Result<(), invocation::Failure> {
    let outcome = init::prepare().and_then(|()| handler().into_result());
    #[cfg(any(feature = "gzip", feature = "br"))]
    let outcome = crate::body::coded::settle(outcome.is_ok()).map_err(Error::from).and(outcome);
    // Standard output keeps a line that has not ended.
    let _ = std::io::stdout().flush();
    Ok(outcome?)
}

/// Runs an async handler, and what it spawned and detached, to the end.
#[track_caller]
pub fn run_async<F: Future<Output: Returned>>(handler: impl FnOnce() -> F) -> Result<(), invocation::Failure> {
    run(|| executor::block_on(handler()))
}
