//! The components that are run: each is built once in a test process.

use crate::program::{Program, executables, workspace};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// A component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Guest {
    /// The article's handler.
    Greeting,
    /// Answers with what it was sent.
    Echo,
    /// Ends as it is asked to.
    Endings,
    /// Answers by what was prepared: 2,000 routes, and a JSON schema of 100 kB.
    Prepared,
    /// Asks for whatever it is told to while it is prepared.
    Misprepared,
    /// As `Endings`, of `wasi:http` 0.2.
    HttpP2,
    /// The same, of `wasi:http` 0.3.
    HttpP3,
    /// A component of another world.
    NotAHandler,
}

const GUESTS: usize = Guest::NotAHandler as usize + 1;

impl Guest {
    /// Its crate's folder.
    #[must_use]
    pub fn folder(self) -> PathBuf {
        workspace().join(match self {
            Self::Greeting => "guest/examples/greeting",
            Self::Echo => "tests/guests/echo",
            Self::Endings => "tests/guests/endings",
            Self::Prepared => "tests/guests/prepared",
            Self::Misprepared => "tests/guests/misprepared",
            Self::HttpP2 => "tests/guests/http-p2",
            Self::HttpP3 => "tests/guests/http-p3",
            Self::NotAHandler => "tests/guests/not-a-handler",
        })
    }

    /// Its file.
    ///
    /// # Panics
    /// If it does not build.
    #[must_use]
    pub fn component(self) -> &'static Path {
        static BUILT: [OnceLock<PathBuf>; GUESTS] = [const { OnceLock::new() }; GUESTS];
        BUILT[self as usize].get_or_init(|| self.build())
    }

    /// Its machine code, by `firstbyte compile`: environments start at once with it.
    ///
    /// # Panics
    /// If it does not compile.
    #[must_use]
    pub fn compiled(self) -> &'static Path {
        static COMPILED: [OnceLock<PathBuf>; GUESTS] = [const { OnceLock::new() }; GUESTS];
        COMPILED[self as usize].get_or_init(|| {
            let component = self.component();
            let folder = component.with_file_name("compiled");
            std::fs::create_dir_all(&folder).expect("a folder");
            let file = folder.join(component.file_name().expect("a file")).with_extension("cwasm");
            let output = Command::new(Program::Firstbyte.path()).arg("compile").arg(component).arg("-o").arg(&file).output();
            let output = output.expect("firstbyte runs");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            file
        })
    }

    fn build(self) -> PathBuf {
        if self != Self::NotAHandler {
            return firstbyte_toolchain::build(&self.folder()).expect("the guest builds");
        }
        // A command is no library: `firstbyte` would not build it. Another guest's build sees to the target.
        let _ = Self::Echo.component();
        let arguments = ["build", "--profile", "handler", "--target", "wasm32-wasip2", "--package", "guest-not-a-handler"];
        executables(&arguments).remove("guest-not-a-handler").expect("the guest builds")
    }
}
