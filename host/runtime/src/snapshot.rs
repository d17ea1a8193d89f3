//! A component after its own preparation: instantiated while it is built, prepared by the initializer that it exports, and written
//! again with the memory and the globals that it has then. Every instance of it begins with those. What the initializer meets is in
//! `host`, and how its memory is read in `image`; instrumenting and rewriting the component is wizer's.
//!
//! Does not compile for Lambda: what comes out is a `.wasm` as any other.

mod host;
mod image;

pub use host::Granted;

use crate::component::one_line;
use crate::engine::{self, Arch};
use crate::inspect::{Inspected, NotAHandler, SNAPSHOT, inspect};
use crate::ticker::Ticker;
use crate::world::World;
use host::{Host, MemoryFull};
use image::Image;
use std::time::Duration;
use wasmtime::component::{Component, Instance};
use wasmtime::{Engine, Store};
use wasmtime_wizer::Wizer;

/// Why no snapshot was made. The text says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// There is nothing here that this host could run.
    #[error(transparent)]
    NotAHandler(#[from] NotAHandler),
    /// A component of another world, which has no initializer.
    #[error("a component of {} prepares itself in no way that a snapshot could use: leave out --snapshot", .0.name())]
    OtherWorld(World),
    /// A handler that is prepared by nothing.
    #[error(
        "the handler has nothing to prepare: in Rust, mark a function of it with `#[firstbyte::init]`. What is built from JavaScript or \
         Python is a snapshot as it is: leave out --snapshot"
    )]
    NoInitializer,
    /// What was built for the first preview of WASI, whose adapter keeps more than its handler knows of.
    #[error(
        "it was built for wasm32-wasip1, as `cargo component build` does, and would keep the environment of this machine: build it for \
         wasm32-wasip2 (`firstbyte build`, or `cargo build --release --target wasm32-wasip2`)"
    )]
    Preview1,
    /// A snapshot.
    #[error("it is a snapshot already: leave out --snapshot")]
    AlreadyOne,
    /// The initializer returned an error.
    #[error("its #[firstbyte::init] failed: {0}")]
    Failed(String),
    /// It panicked.
    #[error("its #[firstbyte::init] panicked: {0}")]
    Panicked(String),
    /// It trapped.
    #[error("its #[firstbyte::init] trapped: {reason}{stack}")]
    Trapped {
        /// What wasmtime says.
        reason: String,
        /// Who called whom.
        stack: Stack,
    },
    /// It took longer than it may.
    #[error(
        "its #[firstbyte::init] has not returned after {} s: look for a loop in it that has no end, or give it longer with \
         --snapshot-timeout SECONDS{stack}", time.as_secs_f64()
    )]
    Endless {
        /// The time that it may take.
        time: Duration,
        /// Where it was.
        stack: Stack,
    },
    /// It begins with more memory than a snapshot may have, or has asked for more.
    #[error("it takes more than {mib} MiB of memory, which is the most that a snapshot may have: prepare less")]
    TooMuchMemory {
        /// The most that a snapshot may have, in MiB.
        mib: usize,
    },
    /// It left no room for what reads its memory.
    #[error(
        "its #[firstbyte::init] fills its memory, which has {mib} MiB at most, and a snapshot is made with 64 KiB to spare: prepare less, \
         or build it with a larger maximum if it declares one (in Rust, the linker's --max-memory)"
    )]
    MemoryFull {
        /// The most that it may have, in MiB.
        mib: usize,
    },
    /// It called what would be the same in every instance for good.
    #[error(
        "its #[firstbyte::init] asks for {what} ({function}), and a snapshot would keep the answer for all instances: {instead}{stack}"
    )]
    Refused {
        /// What it asked for, in words.
        what: &'static str,
        /// The function of the interface.
        function: String,
        /// What its author can do.
        instead: &'static str,
        /// Who called whom.
        stack: Stack,
    },
    /// It left a stream open.
    #[error(
        "its #[firstbyte::init] prints, and the instances of a snapshot would not have the stream that it opened: print in the handler \
         (it printed: {0:?})"
    )]
    Printed(String),
    /// It cannot be written as a snapshot.
    #[error("no snapshot can be made of it: {0}")]
    Unsupported(String),
}

/// Functions that called each other, the innermost first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stack(Vec<String>);

impl std::fmt::Display for Stack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|function| write!(f, "\n    at {function}"))
    }
}

/// A component that was prepared.
#[derive(Debug)]
#[non_exhaustive]
pub struct Snapshot {
    /// The component.
    pub wasm: Vec<u8>,
    /// Bytes of linear memory that each of its instances begins with.
    pub memory: usize,
}

/// Prepares the component `wasm` by the initializer that it exports.
///
/// # Errors
/// [`SnapshotError`]. Whether there is anything to prepare is found out before anything is compiled.
pub async fn snapshot(wasm: &[u8], granted: Granted) -> Result<Snapshot, SnapshotError> {
    let Inspected { world, initializer, is_snapshot, is_preview1, .. } = inspect(wasm)?;
    if world != World::Lambda {
        return Err(SnapshotError::OtherWorld(world));
    }
    if is_snapshot {
        return Err(SnapshotError::AlreadyOne);
    }
    let initializer = initializer.ok_or(SnapshotError::NoInitializer)?;
    if is_preview1 {
        return Err(SnapshotError::Preview1);
    }
    let unsupported = |error: wasmtime::Error| SnapshotError::Unsupported(one_line(&error));

    let wizer = wizer();
    let (context, instrumented) = wizer.instrument_component(wasm).map_err(unsupported)?;
    let engine = engine::engine_for(Arch::native(), world.generation()).map_err(unsupported)?;
    let component = Component::new(&engine, instrumented).map_err(unsupported)?;
    let mut store = Host::store(&engine, granted);
    let ticker = Ticker::start(&engine).map_err(|error| SnapshotError::Unsupported(error.to_string()))?;
    let watch = ticker.watch(None, || true);
    let computing = ticker.enter(&watch);
    let instance = prepared(&engine, &mut store, &component, &initializer).await?;
    drop(computing);
    // What remains is to read its memories, which ends by itself.
    store.set_epoch_deadline(u64::MAX / 2);

    let (mut image, mut failed) = Image::new(&mut store, instance);
    let read = tokio::select! {
        read = wizer.snapshot_component(&context, &mut image) => read,
        Some(error) = failed.recv() => Err(error),
    };
    let mut wasm = read.map_err(|error| MemoryFull::of(&error).unwrap_or_else(|| unsupported(error)))?;
    let memory = image.bytes();
    mark(&mut wasm);
    Ok(Snapshot { wasm, memory })
}

/// The initializer is called here, and wizer is told of a name that none has, so that it leaves all exports alone: where it keeps an
/// initializer or takes it away, it can make invalid components of Rust's (wasmtime#13168).
fn wizer() -> Wizer {
    let mut wizer = Wizer::new();
    wizer.init_func("").keep_init_func(true);
    wizer
}

/// An instance whose initializer has returned.
async fn prepared(
    engine: &Engine,
    store: &mut Store<Host>,
    component: &Component,
    initializer: &str,
) -> Result<Instance, SnapshotError> {
    let unsupported = |error: wasmtime::Error| SnapshotError::Unsupported(one_line(&error));
    let linker = host::linker(engine, component, store.data()).map_err(unsupported)?;
    let instance = match linker.instantiate_async(&mut *store, component).await {
        Ok(instance) => instance,
        Err(error) => return Err(store.data().failed(&error)),
    };
    let init = instance
        .get_export(&mut *store, None, initializer)
        .and_then(|(_, interface)| instance.get_export(&mut *store, Some(&interface), "init"))
        .ok_or_else(|| SnapshotError::Unsupported(format!("{initializer} has no function init")))?;
    let init = instance.get_typed_func::<(), (Result<(), String>,)>(&mut *store, init.1).map_err(unsupported)?;
    match init.call_async(&mut *store, ()).await {
        Ok((Ok(()),)) => store.data_mut().leaves_nothing().map(|()| instance),
        Ok((Err(message),)) => Err(SnapshotError::Failed(message)),
        Err(error) => Err(store.data().failed(&error)),
    }
}

/// Appends the section by which a snapshot is told.
fn mark(wasm: &mut Vec<u8>) {
    const CUSTOM: u8 = 0;
    let name = SNAPSHOT.as_bytes();
    let short = |length: usize| u8::try_from(length).unwrap_or_default();
    wasm.extend_from_slice(&[CUSTOM, short(1 + name.len()), short(name.len())]);
    wasm.extend_from_slice(name);
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    /// What comes of a handler with this memory and this body of its initializer, which may take some milliseconds.
    fn of(memory: &str, init: &str) -> Result<Snapshot, SnapshotError> {
        let component = format!(
            r#"(component
                (core module $module
                    (memory (export "memory") {memory})
                    (func (export "init") (result i32) {init} i32.const 0))
                (core instance $code (instantiate $module))
                (func $init (result (result (error string)))
                    (canon lift (core func $code "init") (memory (core memory $code "memory"))))
                (instance $handler)
                (instance $initializer (export "init" (func $init)))
                (export "firstbyte:lambda/handler@0.2.0" (instance $handler))
                (export "firstbyte:lambda/initializer@0.2.0" (instance $initializer)))"#
        );
        let granted = Granted { environment: Vec::new(), hash_seed: false, time: Duration::from_millis(20) };
        let executor = tokio::runtime::Builder::new_current_thread().build().unwrap();
        executor.block_on(snapshot(&wat::parse_str(component).unwrap(), granted))
    }

    #[test]
    fn an_initializer_that_does_not_return_is_ended() {
        let said = of("1", "(loop br 0)").unwrap_err().to_string();
        assert!(said.contains("has not returned after 0.02 s") && said.contains("--snapshot-timeout"), "{said}");
    }

    #[test]
    fn a_full_memory_is_told_and_one_with_a_page_to_spare_is_kept() {
        let touched = "(i32.store8 (i32.const 100000) (i32.const 7))";
        let grown = |pages: u32| of("1 16", &format!("(drop (memory.grow (i32.const {pages}))) {touched}"));
        assert_eq!(grown(14).unwrap().memory, 15 << 16);
        for pages in [15, 16] {
            let said = grown(pages).unwrap_err().to_string();
            assert!(said.contains("which has 1 MiB at most") && !said.contains("backtrace"), "{pages}: {said}");
        }
        let said = of("16385", touched).unwrap_err().to_string();
        assert!(said.contains("more than 1024 MiB") && !said.contains("larger maximum"), "{said}");
    }
}
