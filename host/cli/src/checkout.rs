//! The checkout of Firstbyte's own sources that this program was built from, if it is still there: a development build takes from
//! it what a released one has with it or finds in a registry.

use crate::carried;
use std::path::{Path, PathBuf};

/// The folder. `None` in a release, and where the sources are gone.
pub(crate) fn of_this_build() -> Option<PathBuf> {
    if carried::IS_RELEASE {
        return None;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2)?;
    is(folder).then(|| folder.to_owned())
}

/// Whether a folder is a checkout.
pub(crate) fn is(folder: &Path) -> bool {
    ["guest/rust", "guest/testing", "host/runtime"].iter().all(|part| folder.join(part).join("Cargo.toml").is_file())
}
