//! Paths that settings name.

use std::path::{Path, PathBuf};

/// A path in a setting that cannot be used, in words for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{variable} names {}: {reason}", path.display())]
pub struct PathError {
    variable: &'static str,
    path: PathBuf,
    reason: String,
}

impl PathError {
    pub(crate) fn new(variable: &'static str, path: &Path, reason: impl Into<String>) -> Self {
        Self { variable, path: path.to_owned(), reason: reason.into() }
    }
}
