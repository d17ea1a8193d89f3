//! What the tests of outbound HTTP are made of: a model server that does what a conversation's last message tells it, and
//! the handlers that ask it.
//!
//! Nothing here waits by sleeping for something to happen, and every port is any free one. The pauses are the model's own.

mod answer;
pub mod aws;
mod guest;
mod script;
mod server;
mod tls;

pub use guest::Guest;
pub use script::{End, Script};
pub use server::{ModelServer, Seen};
