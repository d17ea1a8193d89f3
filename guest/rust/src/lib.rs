//! Write streaming AWS Lambda handlers as WebAssembly components.
//!
//! A handler is one function with the attribute [`#[handler]`](macro@handler). It is given a [`Request`] and the right to
//! respond, starts the [`Response`], writes its [`Body`] piece by piece, and returns how it ended:
//!
//! ```no_run
//! use std::{io::Write, time::Duration};
//!
//! use firstbyte::{Request, Response, Result, handler};
//!
//! #[derive(serde::Deserialize)]
//! struct Input {
//!     name: String,
//! }
//!
//! #[handler]
//! async fn greet(request: Request, response: Response) -> Result {
//!     let input: Input = request.json()?;
//!     let mut body = response.content_type("text/plain").header("Access-Control-Allow-Origin", "*").start()?;
//!
//!     body.write("Hello, this is a streamed response!\n")?;
//!     firstbyte::time::sleep(Duration::from_secs(2)).await;
//!     writeln!(body, "Hello, {}! This is a delayed message.", input.name)?;
//!     Ok(())
//! }
//! # fn main() {}
//! ```
//!
//! The crate is a `cdylib`, and `cargo build --release --target wasm32-wasip2` makes a component of it:
//!
//! ```toml
//! [package]
//! name = "my-handler"
//! version = "0.1.0"
//! edition = "2024"
//!
//! [lib]
//! crate-type = ["cdylib"]
//!
//! [dependencies]
//! firstbyte = "0.1"
//! serde = { version = "1", features = ["derive"] }
//!
//! [package.metadata.component]    # only if you build with cargo-component
//! package = "my-company:my-handler"
//! ```
//!
//! # What a handler need not know
//!
//! The same function answers a direct invocation by an AWS SDK, a Lambda Function URL, and a REST API of API Gateway.
//! [`Request::payload`] is what the caller sent by any of them (6 MiB at most, by Lambda); [`Request::http`] has the rest of an
//! HTTP request, and [`Request::caller`] who sent it.
//!
//! # How an invocation ends
//!
//! - `Ok(())` ends the response cleanly. A response that was never started is then an empty one.
//! - An [`Error`], usually by `?`, is told to whoever can be told. Before the response was started, that is the caller, by an HTTP
//!   status or Lambda's error object; afterwards, it is Lambda, by the stream's error trailers.
//! - An [`Error`] with a [status](Error::status) of 400 to 499 is the caller's mistake: an HTTP caller is answered with its
//!   message, Lambda counts the invocation as a success, and the log has a WARN. So no caller can raise the function's `Errors`
//!   metric by sending nonsense. (The function's operator can decide otherwise: `FIRSTBYTE_CLIENT_ERRORS`.)
//! - A panic prints its message to the log and ends the invocation as failed. It does not unwind: nothing is dropped, and
//!   [`catch_unwind`](std::panic::catch_unwind) cannot catch it. Return an [`Error`] for whatever a caller can cause.
//! - The host ends an invocation that passes its deadline ([`Request::remaining`]) or its memory limit.
//!
//! Every invocation runs in a fresh instance, so a `static` starts anew each time unless the function's operator decides
//! otherwise. What is the same each time can be prepared once, while the handler is built: [`#[init]`](macro@init).
//!
//! # The log
//!
//! What a handler prints with [`println!`] or [`eprintln!`] goes to the function's log, line by line, with the request's id. For
//! levels and fields there is [`mod@log`], which also takes what `tracing` and `log` say.
//!
//! # Plain and async
//!
//! A plain `fn` is enough for a handler that does one thing after the other: [`Body::write`] waits while the caller reads more
//! slowly than the handler writes, and [`std::thread::sleep`] sleeps. An `async fn` runs on a small executor and can do several
//! things at once: see [`time`] and [`task`]. Whatever needs no executor of its own runs on it, such as `futures`' combinators. A
//! plain `fn` does not carry the executor in its component.
//!
//! # Other servers, and events
//!
//! An `async` handler asks other servers with [`fetch`], as far as the function's operator allows it. [`sse`] writes and reads
//! server-sent events, which is how models stream their answers.
//!
//! # Features
//!
//! None is on unless you name it, and what is not on is not built.
//!
//! | feature | what it adds | and builds |
//! |---|---|---|
//! | `query` | [`HttpRequest::query`] and [`Request::form`]: parameters as a struct | `serde_html_form` |
//! | `router` | [`Router`]: methods, paths with parameters, middleware | `matchit` |
//! | `files` | [`Response::file`], with `etag` and ranges | nothing |
//! | `gzip`, `br` | [`Response::compressed`], readable as it arrives | `flate2`, `brotli` |
//! | `futures` | [`Body::into_async`]: an `AsyncWrite` and a `Sink` | `futures-io`, `futures-sink` |
//! | `tracing`, `log` | [`log::init`]: that crate's macros write to the function's log | `tracing-core`, `log` |
//!
//! Responses that are whole at once ([`Response::json`] and its like), [cookies](Cookie), [negotiation](HttpRequest::accepts) and
//! [callers](Request::caller) need no feature. Who comes from axum finds their way in [`from_axum`].
//!
//! # What it needs
//!
//! Rust 1.95, with which it is tested, and the target `wasm32-wasip2` (`rustup target add wasm32-wasip2`). Handlers are built and
//! tested on Linux (x86_64) in this project's CI; macOS, and Windows by WSL, have what they need, but nobody tests that. A first
//! build of the handler above takes 15 packages and about 14 seconds of CPU.

// What a feature adds is linked to here, whether it is on or not.
#![cfg_attr(
    not(all(
        feature = "files",
        feature = "futures",
        feature = "gzip",
        feature = "query",
        feature = "router",
        feature = "tracing"
    )),
    allow(rustdoc::broken_intra_doc_links)
)]

mod body;
mod caller;
#[cfg(any(feature = "gzip", feature = "br"))]
mod coding;
mod error;
mod executor;
pub mod fetch;
#[cfg(feature = "files")]
mod file;
mod http;
mod init;
pub mod log;
mod request;
mod response;
#[cfg(feature = "router")]
pub mod router;
pub mod sse;
pub mod task;
pub mod time;

#[cfg(any(doc, doctest))]
#[doc = include_str!("../docs/from_axum.md")]
pub mod from_axum {}

#[doc(hidden)]
pub mod __private;

/// Makes a function the handler of its crate's component: the one thing that the component exports.
///
/// The function takes a `Request` and a `Response` and returns `firstbyte::Result`, or a `Result<(), E>` whose error `?` could
/// convert. It may be `async`. It stays an ordinary function, which other code of the crate can call.
///
/// ```no_run
/// use firstbyte::{Request, Response, Result, handler};
///
/// #[handler]
/// fn hello(_: Request, response: Response) -> Result {
///     response.content_type("text/plain").start()?.write("Hello!\n")?;
///     Ok(())
/// }
/// # fn main() {}
/// ```
///
/// What is not a handler does not compile:
///
/// ```compile_fail
/// # use firstbyte::{Request, Result, handler};
/// #[handler]
/// fn no_response(request: Request) -> Result { Ok(()) } // error: a handler takes two arguments: …
/// # fn main() {}
/// ```
/// ```compile_fail
/// # use firstbyte::{Request, Response, handler};
/// #[handler]
/// fn no_outcome(request: Request, response: Response) {} // error: a handler returns how it ended: …
/// # fn main() {}
/// ```
/// ```compile_fail
/// # use firstbyte::{Request, Response, Result, handler};
/// #[handler]
/// fn generic<T>(request: Request, response: Response) -> Result { Ok(()) } // error: a handler cannot be generic …
/// # fn main() {}
/// ```
/// ```compile_fail
/// # use firstbyte::{Request, Response, Result, handler};
/// #[handler]
/// fn one(request: Request, response: Response) -> Result { Ok(()) }
/// #[handler]
/// fn two(request: Request, response: Response) -> Result { Ok(()) } // error: `A_COMPONENT_HAS_ONE_HANDLER` is defined twice
/// # fn main() {}
/// ```
#[doc(inline)]
pub use firstbyte_macros::handler;

/// Prepares an instance before its first invocation: the place for what is the same for all invocations, such as parsing a schema,
/// building a [`Router`] or compiling regular expressions, kept in a `static`.
///
/// With `firstbyte compile --snapshot` (or `package --snapshot`) it runs once, while the handler is built. The snapshot has the
/// memory as it is then, and every fresh instance begins with it. Without, it runs in every fresh instance, before the handler.
/// It runs in one of the two ways, never in both, and the handler is written in the same way for either.
///
/// ```no_run
/// use std::sync::LazyLock;
///
/// use firstbyte::{Request, Response, Result, Router, handler, init};
///
/// static ROUTES: LazyLock<Router> = LazyLock::new(|| Router::new().get("/items/{id}", item).get("/about", about));
///
/// #[init]
/// fn prepare() {
///     LazyLock::force(&ROUTES);
/// }
///
/// #[handler]
/// async fn shop(request: Request, response: Response) -> Result {
///     ROUTES.run(request, response).await
/// }
/// # fn item(_: Request, response: Response) -> Result { response.text("an item") }
/// # fn about(_: Request, response: Response) -> Result { response.text("about us") }
/// # fn main() {}
/// ```
///
/// The function takes nothing and returns nothing, or a `Result<(), E>` as a handler may. An error, or a panic, ends the making of
/// the snapshot; without one, it ends the invocation.
///
/// # What it cannot do
///
/// What the host answers while a snapshot is made would be the same in every instance for good. So it answers nothing, and whatever
/// asks ends the making of the snapshot with an error that says what to do instead:
///
/// - the time, a wait, random numbers, files, requests: leave them to the handler, and take files in with [`include_str!`];
/// - standard output and error, and so [`mod@log`]: the stream that was opened would be missing in the instances;
/// - the environment: read it in the handler, which sees the function's own whether or not there is a snapshot. What
///   `--snapshot-env NAME` names may be read, and is the value that whoever builds has set;
/// - [`HashMap`](std::collections::HashMap) and [`HashSet`](std::collections::HashSet), which are seeded with a random number, so that
///   nobody can choose keys that collide. With `--snapshot-hash-seed` that number is drawn anew for each snapshot and is then
///   the same in all of its instances, for maps that the handler makes later, too. Nobody outside learns it, but a
///   [`BTreeMap`](std::collections::BTreeMap) needs none.
///
/// ```compile_fail
/// #[firstbyte::init]
/// async fn prepare() {} // error: what prepares instances has nothing to wait for and cannot be async: …
/// # fn main() {}
/// ```
#[doc(inline)]
pub use firstbyte_macros::init;

#[cfg(feature = "futures")]
pub use crate::body::AsyncBody;
#[cfg(feature = "router")]
pub use crate::router::Router;
pub use crate::{
    body::{Body, CopyError, WriteError},
    caller::{Caller, IamIdentity},
    error::{Error, Result, boxed},
    http::{Cookie, HttpRequest, SameSite},
    request::{Request, Trigger},
    response::{HeadError, Response},
};
