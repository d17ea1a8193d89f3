//! Tasks of `async` handlers: several things at once, on the one thread that there is.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use firstbyte::{Request, Response, Result, handler, task, time};
//!
//! #[handler]
//! async fn answer(_: Request, response: Response) -> Result {
//!     let mut body = response.start()?;
//!     let thinking = task::spawn(async {
//!         time::sleep(Duration::from_secs(1)).await;
//!         42
//!     });
//!     body.write("Thinking…\n")?;
//!     body.write(format!("{}\n", thinking.await))?;
//!     Ok(())
//! }
//! # fn main() {}
//! ```

use std::future::Future;

use crate::executor;

/// Starts a task. Panics outside of an `async` handler.
///
/// Dropping the [`Task`] cancels it. A task that was [detached](Task::detach) is run to its end before the invocation ends, even
/// if the handler's function has returned by then.
pub fn spawn<F: Future<Output: 'static> + 'static>(future: F) -> Task<F::Output> {
    executor::spawn(future)
}

/// A task that was started: a future of what it returns.
pub use async_task::Task;

#[cfg(test)]
mod tests {
    use std::{future::Future, time::Duration};

    use futures_util::AsyncWriteExt as _;

    #[test]
    fn what_is_awaited_can_be_sent() {
        fn is_send<T: Send>(_: T) {}
        fn gives_sendable<A, F: Future + Send>(_: impl FnOnce(A) -> F) {}

        // Of use to whoever wants it, such as `async-trait` and AWS's SDK. None of these is polled.
        is_send(crate::time::sleep(Duration::ZERO));
        is_send(crate::time::interval(Duration::from_secs(1)));
        is_send(crate::fetch::get("https://api.example.com").send());
        gives_sendable(|mut answer: crate::fetch::Response| async move { answer.chunk().await.map(drop) });
        gives_sendable(|mut body: crate::AsyncBody| async move { body.write_all(b"x").await });
        gives_sendable(|body: crate::Body| async move { body.ready().await });
    }
}
