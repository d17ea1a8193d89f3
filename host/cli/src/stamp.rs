//! One state of a file told from another.

use std::path::Path;
use std::time::SystemTime;

/// When a file was written last, and how long it is. Absent if there is no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(Option<(SystemTime, u64)>);

impl Stamp {
    /// The file as it is now.
    pub(crate) fn of(path: &Path) -> Self {
        Self(std::fs::metadata(path).and_then(|file| Ok((file.modified()?, file.len()))).ok())
    }

    /// Whether there is a file.
    pub(crate) fn exists(self) -> bool {
        self.0.is_some()
    }
}
