//! Tests for handlers: runs a component in the crate's own `cargo test`, and shows what it answers and when.
//!
//! No emulator, no ports, no network, no AWS. What runs is what runs in Lambda, up to the socket. What a handler asks of other
//! servers, the test answers as an [`Upstream`]. On a [paused](Component::paused) clock waiting takes no time.
//!
//! ```toml
//! [dev-dependencies]
//! firstbyte-testing = "0.1"
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
//!
//! # What went wrong once
//!
//! The console of `firstbyte serve` records invocations as files. A [`Recording`] is replayed with the same event, clock and random
//! numbers and the same answers of other servers, and says the first [`Difference`] in the bytes or the outcome.
//!
//! # Who runs the handler
//!
//! Firstbyte's command line, of the same version as this crate: the `firstbyte` on the path, or the program that the variable
//! `FIRSTBYTE` names. It is started for each [`Component`] and ends with it, and it has WebAssembly's compiler in it, which a test
//! then need not build.
//!
//! With the feature `embedded`, the test's own process runs the handler, and nothing has to be installed. That builds wasmtime,
//! and cargo builds it without optimization unless it is told otherwise, so that compiling a handler takes some seconds for each
//! change of it. Three lines in the `Cargo.toml` of the workspace make it quick; the first build then takes longer:
//!
//! ```toml
//! [profile.dev.package."*"]
//! opt-level = 1
//! debug = false
//! ```
//!
//! Either way, a component is compiled once: its machine code is kept in cargo's target folder, in `firstbyte`, until it changes.

mod answer;
#[cfg(any(not(feature = "embedded"), test))]
mod command;
mod component;
#[cfg(feature = "embedded")]
mod embedded;
mod event;
mod host;
mod message;
mod recording;
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
pub use recording::{Difference, Listed, Recording, RecordingError, Replay};
pub use response::{Chunk, LogLine, Outcome, Response};
pub use upstream::{Signed, Upstream, UpstreamRequest};
