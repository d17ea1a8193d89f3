#![doc = include_str!("../README.md")]

mod about;
mod console;
mod events;
mod history;
mod intake;
mod listener;
mod page;
mod recording;
mod redact;
mod routes;

pub use console::{Console, OpenConsole};
pub use history::Bounds;
