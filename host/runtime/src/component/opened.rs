//! A component's file, opened once: what is looked at is what runs, even if another file takes its name meanwhile. What is written
//! into the file itself while it is read is seen, as any map sees it.

use super::{ComponentError, one_line};
use crate::checksum::{self, Sealed};
use crate::engine::{Arch, Generation};
#[cfg(feature = "compiler")]
use crate::inspect::inspect;
use crate::link;
use crate::world::{Pre, World};
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use wasmtime::Engine;
use wasmtime::component::Component;

/// A component that was loaded.
pub(crate) struct Loaded {
    /// Ready to be instantiated.
    pub(crate) pre: Pre,
    /// Interfaces that it imports and this host does not have: a call to one of them is a trap.
    pub(crate) missing: Vec<String>,
}

/// Whether a `.cwasm` is read once beside the map of it, to see whether it is as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seal {
    /// It is.
    Checked,
    /// It is taken as it is.
    Trusted,
}

/// The file.
pub(crate) struct Opened<'a> {
    path: &'a Path,
    file: File,
    /// Whether it begins as machine code does, in ELF.
    is_precompiled: bool,
}

impl<'a> Opened<'a> {
    /// # Errors
    /// [`ComponentError::Unreadable`].
    pub(crate) fn open(path: &'a Path) -> Result<Self, ComponentError> {
        let unreadable = |source| ComponentError::Unreadable { path: path.to_owned(), source };
        let file = File::open(path).map_err(unreadable)?;
        let mut magic = [0; 4];
        let read = file.read_at(&mut magic, 0).map_err(unreadable)?;
        Ok(Self { path, file, is_precompiled: &magic[..read] == b"\x7fELF" })
    }

    /// The generation of WASI that it is for.
    ///
    /// # Errors
    /// The file cannot be read, or is no handler.
    pub(crate) fn generation(&self) -> Result<Generation, ComponentError> {
        if self.is_precompiled {
            checksum::generation(&self.file).map_err(|source| self.unreadable(source))
        } else if self.is_named_precompiled() {
            // It is refused when it is read.
            Ok(Generation::P2)
        } else {
            self.inspected()
        }
    }

    #[cfg(feature = "compiler")]
    fn inspected(&self) -> Result<Generation, ComponentError> {
        let inspected = inspect(&self.bytes()?);
        let inspected = inspected.map_err(|source| ComponentError::NotAHandler { path: self.path.to_owned(), source })?;
        Ok(inspected.world.generation())
    }

    /// What is not compiled is refused when it is read.
    #[cfg(not(feature = "compiler"))]
    fn inspected(&self) -> Result<Generation, ComponentError> {
        Ok(Generation::P2)
    }

    /// Loads and links it.
    pub(crate) fn load(&self, engine: &Engine, seal: Seal) -> Result<Loaded, ComponentError> {
        if seal == Seal::Trusted || !self.is_precompiled {
            return self.read_and_link(engine);
        }
        // Nothing of the bulk is run before its verdict is there.
        let verified = Sealed::of(&self.file).and_then(|sealed| sealed.while_verified(|| self.read_and_link(engine)));
        verified.map_err(|error| self.stale(error.to_string()))?
    }

    fn read_and_link(&self, engine: &Engine) -> Result<Loaded, ComponentError> {
        let component = self.read(engine)?;
        let other_world = |reason: String| ComponentError::OtherWorld { path: self.path.to_owned(), reason };
        let failed = |error: wasmtime::Error| other_world(one_line(&error));
        let types = component.component_type();
        let names = |items: Vec<(&str, _)>| -> Vec<String> { items.into_iter().map(|(name, _)| name.to_owned()).collect() };
        let exports = names(types.exports(engine).collect());
        let world = World::of(&exports.iter().map(String::as_str));
        let world = world.ok_or_else(|| other_world(format!("it exports nothing that can be called, only {exports:?}")))?;
        let mut linker = link::linker(engine, &component, world).map_err(failed)?;
        let linked = linker.instantiate_pre(&component).or_else(|reason| {
            link::add_later_functions(&mut linker, engine, &component)?;
            linker.instantiate_pre(&component).map_err(|_| reason)
        });
        let pre = linked.and_then(|pre| Pre::new(world, pre)).map_err(failed)?;
        let missing =
            types.imports(engine).map(|(name, _)| name).filter(|name| !link::is_known(name)).map(str::to_owned).collect();
        Ok(Loaded { pre, missing })
    }

    fn read(&self, engine: &Engine) -> Result<Component, ComponentError> {
        if self.is_precompiled {
            self.map(engine)
        } else if self.is_named_precompiled() {
            Err(self.stale("it is not a precompiled component".to_owned()))
        } else {
            self.compile(engine)
        }
    }

    #[expect(unsafe_code, reason = "wasmtime maps precompiled machine code; there is no safe way to load one")]
    fn map(&self, engine: &Engine) -> Result<Component, ComponentError> {
        // wasmtime takes a path and no open file. This one leads to the file that is open, whatever bears its name by now.
        let open = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        // SAFETY: the file is machine code that will run with this process's rights. It comes from where `bootstrap` itself comes
        // from, the function's own package or layers, which only those who may update the function can write, and which Lambda
        // mounts read-only. A checksum tells whether it was damaged on its way, unless the operator says that it need not be looked
        // at. wasmtime checks its own version, settings and CPU features before it is used.
        let mapped = if Path::new(&open).exists() {
            unsafe { Component::deserialize_file(engine, &open) }
        } else {
            // There is no /proc, as in some sandboxes: a copy takes longer to make than a map.
            unsafe { Component::deserialize(engine, self.bytes()?) }
        };
        mapped.map_err(|error| self.stale(one_line(&error).replace(&open, &self.path.to_string_lossy())))
    }

    #[cfg(feature = "compiler")]
    fn compile(&self, engine: &Engine) -> Result<Component, ComponentError> {
        let invalid = |error| ComponentError::Invalid { path: self.path.to_owned(), reason: one_line(&error) };
        Component::new(engine, self.bytes()?).map_err(invalid)
    }

    #[cfg(not(feature = "compiler"))]
    fn compile(&self, _: &Engine) -> Result<Component, ComponentError> {
        Err(ComponentError::NoCompiler { path: self.path.to_owned(), arch: Arch::native().name() })
    }

    fn bytes(&self) -> Result<Vec<u8>, ComponentError> {
        let mut bytes = Vec::new();
        let mut file = &self.file;
        let read = file.rewind().and_then(|()| file.read_to_end(&mut bytes));
        read.map(|_| bytes).map_err(|source| self.unreadable(source))
    }

    fn is_named_precompiled(&self) -> bool {
        self.path.extension().is_some_and(|ending| ending == "cwasm")
    }

    fn unreadable(&self, source: io::Error) -> ComponentError {
        ComponentError::Unreadable { path: self.path.to_owned(), source }
    }

    fn stale(&self, reason: String) -> ComponentError {
        ComponentError::Stale { path: self.path.to_owned(), reason, arch: Arch::native().name() }
    }
}

#[cfg(all(test, feature = "compiler"))]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use crate::compile::compile;

    #[test]
    fn what_is_looked_at_is_what_runs_whatever_takes_its_name_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let written = |name: &str, import: &str| {
            let component = format!(
                r#"(component
                    (import "{import}" (instance))
                    (instance $handler)
                    (export "firstbyte:lambda/handler@0.2.0" (instance $handler)))"#
            );
            let path = folder.path().join(name);
            std::fs::write(&path, compile(&wat::parse_str(component).unwrap(), Arch::native()).unwrap()).unwrap();
            path
        };
        let (path, other) = (written("handler.cwasm", "a:first/one@1.0.0"), written("other.cwasm", "a:second/one@1.0.0"));
        let opened = Opened::open(&path).unwrap();
        std::fs::rename(other, &path).unwrap();
        let engine = crate::engine::engine(opened.generation().unwrap()).unwrap();
        let verified = Sealed::of(&opened.file).unwrap().while_verified(|| opened.read(&engine)).unwrap();
        let imports: Vec<_> = verified.unwrap().component_type().imports(&engine).map(|(name, _)| name.to_owned()).collect();
        assert_eq!(imports, ["a:first/one@1.0.0"]);
    }
}
