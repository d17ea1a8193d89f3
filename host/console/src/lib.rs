#![doc = include_str!("../README.md")]

mod about;
pub mod client;
mod console;
mod events;
mod history;
mod intake;
mod listener;
mod order;
mod page;
mod recording;
mod redact;
mod routes;
mod sender;

pub use console::{Console, OpenConsole};
pub use history::Bounds;
