//! Runs streaming Lambda handlers that are WebAssembly components.
//!
//! `bootstrap::main` is what runs inside Lambda (feature `lambda`). Everything below it can be used without Lambda: a [`Handler`]
//! answers one invocation at a time, or several at once, into an [`Outlet`](outlet::Outlet) of any kind.
//!
//! The way of an invocation: `bootstrap` sets up, `polling` is the loop, `service` gives it an outlet, [`Handler::invoke`] calls the
//! component in a fresh instance, `world` says how, and what the component may call, `response` knows how far the response has
//! come, and `runtime_api` carries its bytes to Lambda.

#![cfg_attr(not(feature = "lambda"), allow(dead_code, reason = "only what runs in Lambda calls it"))]

mod absent;
#[cfg(feature = "lambda")]
mod batch;
pub mod bootstrap;
mod budget;
mod charged;
mod checksum;
mod clock;
#[cfg(feature = "compiler")]
pub mod compile;
pub mod component;
mod conditions;
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
mod keepalive;
mod limits;
mod link;
pub mod log;
mod outcome;
pub mod outlet;
mod pages;
mod path;
#[cfg(feature = "lambda")]
mod polling;
#[cfg(feature = "compiler")]
mod record;
#[cfg(not(feature = "compiler"))]
#[path = "record/absent.rs"]
mod record;
mod response;
#[cfg(feature = "lambda")]
pub mod runtime_api;
#[cfg(feature = "lambda")]
mod service;
pub mod settings;
mod setup;
#[cfg(feature = "snapshot")]
pub mod snapshot;
mod store;
pub mod telemetry;
mod ticker;
mod time;
mod turns;
mod world;

pub use budget::Allowance;
pub use conditions::Conditions;
pub use handler::{Handler, Settled};
pub use invocation::InvocationContext;
pub use outcome::{Failed, Fault, Outcome};
pub use path::PathError;
pub use response::Stage;
pub use settings::Settings;
pub use setup::SetupError;
pub use time::Time;
pub use world::World;
