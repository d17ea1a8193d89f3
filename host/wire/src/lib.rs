//! The formats of AWS Lambda's response-streaming contract, as the runtime writes and the emulator reads them, and the other way round.
//!
//! Pure data: no sockets, no clock, no WebAssembly. Whatever both sides must agree on is here and nowhere else.
//!
//! - [`event`]: what Lambda delivers, by Function URL, API Gateway REST or a direct invocation
//! - [`head`]: status and headers of a response, validated
//! - [`prelude`]: how a head travels in front of a streamed body
//! - [`proxy`]: the body of a response that is sent whole
//! - [`error`]: how failures are told: error documents, error types, trailers
//! - [`receipt`]: what the Lambda Runtime API answers to a `POST`
//! - [`reply`]: what it answers to a `GET`, which is where events come from
//! - [`runtime_api`]: its paths and header names

pub mod error;
pub mod event;
pub mod head;
pub mod prelude;
pub mod proxy;
pub mod receipt;
pub mod reply;
pub mod runtime_api;

pub use error::{ErrorReport, ErrorType, Trailers};
pub use event::{Event, EventError, HttpRequest, Trigger};
pub use head::{Head, HeadError};
pub use prelude::{Prelude, PreludeDecoder, PreludeError};
pub use proxy::ProxyBody;
