//! The handlers that ask other servers: each is built once in a test process.

use firstbyte_tests::{Function, tests_folder};
use std::path::PathBuf;
use std::sync::OnceLock;

/// A handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guest {
    /// Passes a model's answer on.
    Chat,
    /// A large file.
    Export,
    /// Asks any URL, and tells what came of it.
    Fetch,
    /// Looks for credentials, and tells all that it found.
    Hunt,
    /// A query to DynamoDB.
    Orders,
}

impl Guest {
    /// The handler as a function.
    ///
    /// # Panics
    /// If it does not build.
    #[must_use]
    pub fn function(self) -> Function {
        Function::of_file(&self.component())
    }

    /// Its file.
    ///
    /// # Panics
    /// If it does not build.
    #[must_use]
    pub fn component(self) -> PathBuf {
        static BUILT: [OnceLock<PathBuf>; 5] = [const { OnceLock::new() }; 5];
        let folder = match self {
            Self::Chat => "../guest/examples/chat",
            Self::Export => "../guest/examples/export",
            Self::Fetch => "guests/fetch",
            Self::Hunt => "guests/hunt",
            Self::Orders => "../guest/examples/orders",
        };
        let build = || firstbyte_toolchain::build(&tests_folder().join(folder)).expect("the guest builds");
        BUILT[self as usize].get_or_init(build).clone()
    }
}
