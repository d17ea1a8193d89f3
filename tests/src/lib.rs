//! What the end-to-end tests are made of: the real programs, the guests, an emulator in this process or `firstbyte serve` as
//! a process of its own, and clients that note when each piece of an answer arrived.
//!
//! Nothing here waits by sleeping, and every port is any free one. What must not hang ends after [`LONG`].

mod call;
mod client;
mod curl;
mod door;
mod event_stream;
mod guest;
mod lambda;
mod process;
mod program;
mod received;
mod rie;
mod seen;
mod serve;
mod tool;

pub use call::Call;
pub use client::{Stream, open, send, send_to};
pub use curl::{Curl, CurlAnswer};
pub use door::{Door, Doors};
pub use guest::Guest;
pub use lambda::{Function, Invoked, Lambda};
pub use process::{gone, is_alive, runtimes_of, send_signal};
pub use program::Program;
pub use received::{Chunk, End, Received};
pub use rie::Rie;
pub use seen::Seen;
pub use serve::{Run, Serve, firstbyte, firstbyte_to_head, in_project};
pub use tool::{Tool, tests_folder};

use std::time::Duration;

/// Nothing takes this long, unless it hangs.
pub const LONG: Duration = Duration::from_secs(60);

/// What `future` gives, unless it hangs.
///
/// # Panics
/// If it takes [`LONG`]; `what` says what did not happen.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(LONG, future).await {
        Ok(done) => done,
        Err(_) => panic!("it did not happen: {what}"),
    }
}
