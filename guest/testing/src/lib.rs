//! Tests for handlers: loads a component in wasmtime, in the test's own process, and shows what it answers and when.
//!
//! No emulator, no ports, no network, no AWS. What runs is what runs in Lambda, up to the socket. What a handler asks of other
//! servers, the test answers as an [`Upstream`]. On a [paused](Component::paused) clock waiting takes no time.
//!
//! ```toml
//! [dev-dependencies]
//! firstbyte-testing = { path = "…/guest/testing" }
//! serde_json = "1"
//! ```
//!
//! ```no_run
//! use firstbyte_testing::{Component, Event};
//! use std::time::Duration;
//!
//! let greeting = Component::of_this_crate().paused();
//! let response = greeting.invoke(Event::function_url().json(&serde_json::json!({ "name": "hoge" })));
//! assert_eq!(response.status(), 200);
//! assert_eq!(response.header("content-type"), Some("text/plain"));
//! assert_eq!(response.chunks()[0].text(), "Hello, this is a streamed response!\n");
//! assert!(response.chunks()[1].at - response.chunks()[0].at >= Duration::from_secs(2));
//! assert!(response.outcome().is_success());
//! ```

mod answer;
#[cfg(any(not(feature = "embedded"), test))]
mod command;
mod component;
#[cfg(feature = "embedded")]
mod embedded;
mod event;
mod host;
mod message;
mod response;
mod servers;
mod upstream;

pub use answer::Answer;
pub use component::{Component, LoadError};
#[cfg(feature = "embedded")]
#[doc(hidden)]
pub use embedded::serve;
pub use event::Event;
pub use firstbyte_wire::{ErrorReport, Trigger};
pub use host::Lost;
pub use response::{Chunk, LogLine, Outcome, Response};
pub use upstream::{Upstream, UpstreamRequest};
