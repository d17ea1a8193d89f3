//! Why there is no answer.

use std::fmt::Display;

/// Why a cost cannot be told.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CostError {
    /// A price file that cannot be read.
    #[error("the price file is invalid: {0}; `firstbyte cost --show-prices` prints a valid one")]
    Prices(String),
    /// A result of the bench that lacks a figure.
    #[error("the bench's results have no {0}")]
    Measured(String),
    /// A file that is neither a recording nor a log with metrics.
    #[error("{0}")]
    Observed(String),
    /// A figure that the workload needs.
    #[error("{0}")]
    Missing(String),
    /// A figure that cannot be.
    #[error("{name} is {value}: {must}")]
    Invalid {
        /// The figure.
        name: &'static str,
        /// What it is.
        value: String,
        /// What it has to be.
        must: &'static str,
    },
    /// A stream that Lambda has no room for.
    #[error("{0}")]
    TooLarge(String),
}

impl CostError {
    pub(crate) fn invalid(name: &'static str, value: impl Display, must: &'static str) -> Self {
        Self::Invalid { name, value: value.to_string(), must }
    }
}
