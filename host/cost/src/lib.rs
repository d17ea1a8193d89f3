#![doc = include_str!("../README.md")]

pub mod bill;
pub mod compare;
mod error;
pub mod limits;
mod markdown;
pub mod measured;
pub mod observed;
pub mod plan;
pub mod prices;
pub mod simulate;
pub mod workload;

pub use compare::{Answer, Question};
pub use error::CostError;
pub use observed::Observed;
pub use prices::Prices;
pub use workload::{Rate, Stream, Workload};
