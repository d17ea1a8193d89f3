//! Machine code of components, kept from one run to the next: compiling takes seconds, more where the compiler itself was not
//! optimized or the component brings an engine, and mostly the component is the one of the last run.

use super::compile;
use crate::checksum;
use crate::engine::{Arch, Generation, engine};
use std::ffi::OsString;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};

/// Where the machine code of one component is kept, for one configuration of the engine and one version of this library.
#[derive(Debug)]
pub struct Kept {
    wasm: Vec<u8>,
    folder: PathBuf,
    /// The component's name, by which its states are found.
    stem: OsString,
    /// Stands for the bytes of `wasm`, and for all that its machine code depends on besides.
    key: u64,
}

impl Kept {
    /// How many states of a component are kept. Whoever changes it back finds the last ones compiled.
    pub const STATES: usize = 8;

    /// None if `wasm` is not WebAssembly: then whoever loads it says what is wrong.
    #[must_use]
    pub fn of(wasm: &Path, folder: &Path) -> Option<Self> {
        let bytes = fs::read(wasm).ok().filter(|bytes| bytes.starts_with(b"\0asm"))?;
        let mut hasher = DefaultHasher::new();
        (env!("CARGO_PKG_VERSION"), checksum::MAGIC, &bytes).hash(&mut hasher);
        for generation in [Generation::P2, Generation::P3] {
            engine(generation).ok()?.precompile_compatibility_hash().hash(&mut hasher);
        }
        Some(Self { wasm: bytes, folder: folder.to_owned(), stem: wasm.file_stem()?.to_owned(), key: hasher.finish() })
    }

    /// The file that has the machine code, if there is any.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.join(self.name("cwasm"))
    }

    fn name(&self, ending: &str) -> OsString {
        let mut name = self.stem.clone();
        name.push(format!("-{:016x}.{ending}", self.key));
        name
    }

    /// Waits until nobody else makes machine code in this folder. The turn ends when the file is dropped.
    ///
    /// # Errors
    /// The folder cannot be made or locked.
    pub fn turn(&self) -> io::Result<File> {
        fs::create_dir_all(&self.folder)?;
        let lock = File::create(self.folder.join("lock"))?;
        lock.lock()?;
        Ok(lock)
    }

    /// Compiles the component. Whoever looks for its machine code meanwhile finds all of it or nothing.
    ///
    /// # Errors
    /// It cannot be compiled, or the file cannot be written.
    pub fn make(&self) -> io::Result<()> {
        self.keep(&compile(&self.wasm, Arch::native()).map_err(io::Error::other)?)
    }

    /// Keeps what [`compile`] made of the component.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep(&self, code: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        // Others may keep the same at the same time.
        let part = self.folder.join(self.name(&format!("{}.part", std::process::id())));
        fs::write(&part, code)?;
        fs::rename(&part, self.path())?;
        self.forget_old_states()
    }

    fn forget_old_states(&self) -> io::Result<()> {
        let length = self.name("").len();
        let is_state = |name: &OsString| {
            let (name, stem) = (name.as_encoded_bytes(), self.stem.as_encoded_bytes());
            name.starts_with(stem) && name.len() == length + "cwasm".len()
        };
        let entries = fs::read_dir(&self.folder)?.flatten().filter(|entry| is_state(&entry.file_name()));
        let mut states: Vec<_> =
            entries.filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()))).collect();
        states.sort();
        let old = states.len().saturating_sub(Self::STATES);
        states.iter().take(old).try_for_each(|(_, path)| fs::remove_file(path))
    }
}
