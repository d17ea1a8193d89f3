//! Why there is no answer.

use std::ops::RangeInclusive;

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
    /// A figure that cannot be.
    #[error("{name} cannot be {value}: {must}")]
    Invalid {
        /// What the figure counts, with its unit.
        name: &'static str,
        /// Its value.
        value: String,
        /// The values that it can have.
        must: String,
    },
    /// A stream that Lambda has no room for.
    #[error("{0}")]
    TooLarge(String),
}

impl CostError {
    pub(crate) fn invalid(name: &'static str, value: f64, must: impl Into<String>) -> Self {
        Self::Invalid { name, value: figure(value), must: must.into() }
    }
}

/// A figure that is within bounds. What is no number is not within any.
///
/// # Errors
/// [`CostError::Invalid`], with the reason for the bounds.
pub(crate) fn within(name: &'static str, value: f64, bounds: RangeInclusive<f64>, why: &str) -> Result<(), CostError> {
    if bounds.contains(&value) {
        return Ok(());
    }
    let must = format!("it has to be a number from {} to {}{why}", figure(*bounds.start()), figure(*bounds.end()));
    Err(CostError::invalid(name, value, must))
}

/// A number as it would be typed: one of three hundred digits would be typed with an exponent.
fn figure(value: f64) -> String {
    let is_plain = value == 0.0 || (1e-6..1e9).contains(&value.abs());
    if is_plain || !value.is_finite() { value.to_string() } else { format!("{value:e}") }
}
