//! Requests to other servers, for `async` handlers: a model, an API, a file in a bucket.
//!
//! ```no_run
//! use firstbyte::{Request, Response, Result, fetch, handler};
//! use serde_json::json;
//!
//! #[handler]
//! async fn summarize(request: Request, response: Response) -> Result {
//!     let summary: serde_json::Value = fetch::post("https://api.example.com/summaries")
//!         .bearer("a key")
//!         .json(&json!({ "text": request.text()? }))
//!         .send()
//!         .await?
//!         .success()
//!         .await?
//!         .json()
//!         .await?;
//!     response.content_type("application/json").start()?.write(summary.to_string())?;
//!     Ok(())
//! }
//! # fn main() {}
//! ```
//!
//! An answer arrives piece by piece, as it is sent: [`Response::chunk`] gives the pieces, [`Response::events`] reads them as
//! server-sent events, and [`Body::copy_from`](crate::Body::copy_from) passes them on.
//!
//! # What may be reached
//!
//! Nothing, until the function's operator names it in the variable `FIRSTBYTE_ALLOW_HTTP`, such as
//! `https://api.example.com`. Everything else is [`Error::Denied`]. Connections are the host's, TLS included: it keeps them
//! for later invocations.
//!
//! Redirects are not followed: an answer with a `location` is an answer like any other.
//!
//! # AWS
//!
//! A handler has no credentials: the host signs for it. Two variables of the function have to be set: `FIRSTBYTE_SIGN_AWS` names
//! the services, as signatures do (`dynamodb,bedrock`), and `FIRSTBYTE_ALLOW_HTTP` names the endpoints, as for any other server
//! (`https://dynamodb.eu-central-1.amazonaws.com`). Requests to these leave with the signature of the function's role, which is what
//! its permissions are given to; what a handler put into `authorization` and `x-amz-date` itself is replaced. Service and region
//! are read from the host's name. The example `orders` queries DynamoDB:
//!
//! ```no_run
//! # async fn list_tables() -> firstbyte::Result<()> {
//! let tables: serde_json::Value = firstbyte::fetch::post("https://dynamodb.eu-central-1.amazonaws.com/")
//!     .header("x-amz-target", "DynamoDB_20120810.ListTables")
//!     .header("content-type", "application/x-amz-json-1.0")
//!     .body("{}")
//!     .send()
//!     .await?
//!     .success()
//!     .await?
//!     .json()
//!     .await?;
//! # Ok(())
//! # }
//! ```
//!
//! AWS's own SDK works as well, over a connector of sixty lines: the example `aws-sdk` has it, and README says what it costs.
//!
//! # How much, and for how long
//!
//! [`Client`] says how long a request may take. An answer may be of any size: [`Response::chunk`] needs no more than 64 KiB of it
//! at a time. What collects it ([`Response::bytes`], [`text`](Response::text) and [`json`](Response::json)) needs memory for all
//! of it, up to twice its size while it grows; the handler has `FIRSTBYTE_MEMORY_MB` (by default the function's memory less 32
//! MiB), and an invocation that needs more ends with `Runtime.OutOfMemory`. An invocation may have 64 requests under way at
//! once (`FIRSTBYTE_CONNECTIONS`); more wait for one to end. A body to send is held in memory, and one that the host signs
//! (`FIRSTBYTE_SIGN_AWS`) has 6 MiB at most.
//!
//! # Panics
//!
//! Everything in here that is `async` needs the executor of an `async` handler, and panics when it is polled outside of one.

mod client;
mod error;
mod request;
mod response;

pub use self::{
    client::Client,
    error::{Error, Phase},
    request::Request,
    response::{Events, Response},
};

/// A `GET` of a URL, with the [host's timeouts](Client).
pub fn get(url: impl AsRef<str>) -> Request {
    Client::new().get(url)
}

/// A `POST` to a URL, with the [host's timeouts](Client).
pub fn post(url: impl AsRef<str>) -> Request {
    Client::new().post(url)
}

/// A request of any method, with the [host's timeouts](Client).
pub fn request(method: &str, url: impl AsRef<str>) -> Request {
    Client::new().request(method, url)
}
