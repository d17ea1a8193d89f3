//! An emulator of AWS Lambda for streaming functions: three doors in front of any runtime that speaks the Runtime API.
//!
//! [`start`] opens the doors, each at an address of its own:
//!
//! - the **Lambda API**: `InvokeWithResponseStream`, a true event stream, and buffered `Invoke`
//! - a **Function URL** in `RESPONSE_STREAM` mode, over HTTP/1.1
//! - **API Gateway**, a REST API whose integration streams, over HTTP/1.1 and HTTP/2, with or without TLS
//!
//! Behind them, execution environments are started as Lambda starts them: a process of the runtime each, with a Runtime API
//! and an Extensions API of its own, one for each concurrent request, reused when idle, replaced when dead, never shared
//! between tenants or versions. Whatever a runtime starts ends with it, and it ends with the emulator, also if that is killed.
//! A chunk goes from the runtime to the client as it comes, and a client that stops reading stops the runtime. Requests come
//! from this machine and from its own web pages, or are refused.
//!
//! It fails as Lambda fails, the unhelpful ways included: a stream that breaks looks complete at a Function URL, a timeout
//! leaves no mark, a stream without a byte hangs. What a client cannot see is told to whoever watches [`Emulator::events`].
//! Where AWS documents nothing and nobody has looked, comments say so.
//!
//! ```no_run
//! # async fn example() -> Result<(), firstbyte_emulator::StartError> {
//! let settings = firstbyte_emulator::Settings::new("greeting", vec!["target/release/bootstrap".into()]);
//! let emulator = firstbyte_emulator::start(settings).await?;
//! println!("{}", emulator.function_url());
//! let mut events = emulator.events();
//! while let Some(event) = events.next().await {
//!     println!("{event}");
//! }
//! # Ok(())
//! # }
//! ```

mod controls;
mod date;
mod door;
mod emulator;
mod environment;
mod feed;
mod function;
mod invocation;
mod settings;

pub use controls::Controls;
pub use door::guard::Hosts;
pub use door::tls::TlsError;
pub use emulator::{Emulator, StartError, WarmUpError, start};
pub use feed::{Door, Event, EventKind, Events, LogStream, Report, Tap, Verdict};
pub use settings::{Cors, LogFormat, Preparation, Settings, Transfer};
