//! A response that is a stream of events.

use std::{fmt, future::Future, pin::pin, time::Duration};

use serde::Serialize;

use crate::{
    Body, HeadError, Response, Result, WriteError,
    sse::{Event, event::each_line},
    time,
};

/// A response that is a stream of events. Each is on its way to the caller when the call that sent it returns.
///
/// ```no_run
/// use std::time::Duration;
///
/// use firstbyte::{Request, Response, Result, fetch, handler, sse::Event};
///
/// #[handler]
/// async fn progress(request: Request, response: Response) -> Result {
///     let last = request.http().and_then(|http| http.header("last-event-id")).unwrap_or("0");
///     let mut events = response.header("access-control-allow-origin", "*").sse()?;
///     events.retry(Duration::from_secs(3))?;
///     events.send(&Event::data("20 %\nof everything").named("progress").id(last))?;
///     // A ping every 15 seconds, for as long as the answer takes.
///     let asking = fetch::get("https://api.example.com/slow").send();
///     let answer = events.keep_alive(Duration::from_secs(15), asking).await??;
///     events.json(&serde_json::json!({ "status": answer.status() }))?;
///     events.event("done", "")?;
///     Ok(())
/// }
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct Sse {
    body: Body,
    text: String,
}

impl Sse {
    /// Starts a response with the content type `text/event-stream`, which nobody shall keep.
    ///
    /// # Errors
    /// The head was refused; see [`Response::start`].
    pub fn start(response: Response) -> Result<Self, HeadError> {
        response.content_type("text/event-stream").header("cache-control", "no-cache").start().map(Self::new)
    }

    /// Writes events to a response that was started.
    pub fn new(body: Body) -> Self {
        Self { body, text: String::new() }
    }

    /// Sends an event.
    ///
    /// # Errors
    /// The event was refused, and so will be those of every later call. This is so of every method that sends.
    pub fn send(&mut self, event: &Event) -> Result<(), WriteError> {
        self.write(|text| event.write_to(text))
    }

    /// Sends an event without a name.
    ///
    /// # Errors
    /// It was refused.
    pub fn data(&mut self, data: impl Into<String>) -> Result<(), WriteError> {
        self.send(&Event::data(data))
    }

    /// Sends an event with a name.
    ///
    /// # Errors
    /// It was refused.
    pub fn event(&mut self, name: impl Into<String>, data: impl Into<String>) -> Result<(), WriteError> {
        self.send(&Event::data(data).named(name))
    }

    /// Sends an event whose data is JSON.
    ///
    /// # Errors
    /// It was refused, or `value` cannot be JSON.
    #[track_caller]
    pub fn json(&mut self, value: &impl Serialize) -> Result<()> {
        Ok(self.data(serde_json::to_string(value)?)?)
    }

    /// Tells a browser how long to wait before it comes back when the connection breaks.
    ///
    /// # Errors
    /// It was refused.
    pub fn retry(&mut self, wait: Duration) -> Result<(), WriteError> {
        self.write(|text| each_line("retry: ", &wait.as_millis().to_string(), text))
    }

    /// Sends a comment, which no browser shows.
    ///
    /// # Errors
    /// It was refused.
    pub fn comment(&mut self, comment: impl fmt::Display) -> Result<(), WriteError> {
        self.write(|text| each_line(": ", &comment.to_string(), text))
    }

    /// Runs a future to its end, and sends the comment `ping` each time that `period` has passed meanwhile.
    ///
    /// What lies between a function and its callers ends connections on which nothing is sent: an edge-optimized API Gateway
    /// endpoint does after 30 seconds.
    ///
    /// # Errors
    /// A ping was refused: nobody waits for what the future would give. It was dropped.
    ///
    /// # Panics
    /// Outside of an `async` handler.
    pub async fn keep_alive<F: Future>(&mut self, period: Duration, future: F) -> Result<F::Output, WriteError> {
        let mut future = pin!(future);
        loop {
            match time::timeout(period, future.as_mut()).await {
                Ok(output) => return Ok(output),
                Err(time::Elapsed) => self.comment("ping")?,
            }
        }
    }

    /// The body, to go on without events.
    pub fn into_body(self) -> Body {
        self.body
    }

    /// Formats and writes at once, so that an event is one piece. A block ends by an empty line.
    fn write(&mut self, format: impl FnOnce(&mut String)) -> Result<(), WriteError> {
        self.text.clear();
        format(&mut self.text);
        if !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
        self.body.write(&self.text)
    }
}
