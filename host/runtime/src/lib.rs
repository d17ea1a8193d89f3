//! Runs streaming Lambda handlers that are WebAssembly components.
//!
//! [`bootstrap::main`] is what runs inside Lambda. Everything below it can be used without Lambda: a [`Handler`] answers one
//! invocation at a time, or several at once, into an [`Outlet`](outlet::Outlet) of any kind.
//!
//! The way of an invocation: `bootstrap` sets up, `polling` is the loop, `service` gives it an outlet, [`Handler::invoke`] calls the
//! component in a fresh instance, `world` says how, and what the component may call, `response` knows how far the response has
//! come, and `runtime_api` carries its bytes to Lambda.

mod absent;
pub mod bootstrap;
mod budget;
#[cfg(feature = "compiler")]
pub mod cargo;
mod charged;
mod checksum;
mod clock;
#[cfg(feature = "compiler")]
pub mod compile;
pub mod component;
mod config;
mod descriptors;
pub mod egress;
pub mod engine;
mod folders;
mod handler;
#[cfg(feature = "compiler")]
pub mod inspect;
mod instance;
mod invocation;
mod limits;
mod link;
pub mod log;
mod outcome;
pub mod outlet;
mod path;
mod polling;
mod response;
pub mod runtime_api;
mod service;
pub mod settings;
mod setup;
mod store;
mod ticker;
mod time;
mod turns;
mod world;

pub use budget::Allowance;
pub use handler::{Handler, Settled};
pub use invocation::InvocationContext;
pub use outcome::{Failed, Fault, Outcome};
pub use path::PathError;
pub use response::Phase;
pub use settings::Settings;
pub use setup::SetupError;
pub use time::Time;
pub use world::World;
