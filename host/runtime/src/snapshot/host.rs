//! What an initializer meets while a snapshot is made. It is answered nothing that a snapshot would keep for all instances, except
//! for what whoever builds has granted.

use super::{SnapshotError, Stack};
use crate::absent::{self, Absent, MissingImport};
use crate::link;
use crate::log::LastPanic;
use std::time::{Duration, Instant};
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, ResourceLimiter, Store, StoreContextMut, UpdateDeadline, WasmBacktrace};
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::p2::bindings::{cli, random};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::{I32Exit, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

/// What whoever builds lets an initializer have, and so become part of the snapshot.
#[derive(Clone, Debug)]
pub struct Granted {
    /// Environment variables, by name and value.
    pub environment: Vec<(String, String)>,
    /// Whether it may have a seed for hash tables: a random number that all instances of the snapshot then share.
    pub hash_seed: bool,
    /// The time that the initializer may take.
    pub time: Duration,
}

/// Bytes of what is printed that are kept: the end of a build, and not a log.
const PRINTED: usize = 64 * 1024;

/// The most memory that an initializer may have, in bytes. A snapshot of so much would be as large as the function that it is for.
const MEMORY: usize = 1 << 30;

/// Frames of a stack that are told.
const FRAMES: usize = 12;

/// The state of the one store.
pub(super) struct Host {
    wasi: WasiCtx,
    table: ResourceTable,
    printed: MemoryOutputPipe,
    granted: Granted,
    limits: Limits,
    /// Who asked first for the environment, of which nothing is granted.
    environment_asked: Option<Stack>,
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl Host {
    pub(super) fn store(engine: &Engine, granted: Granted) -> Store<Self> {
        let printed = MemoryOutputPipe::new(PRINTED);
        let wasi = WasiCtxBuilder::new().stdout(printed.clone()).stderr(printed.clone()).build();
        let state = Self { wasi, table: ResourceTable::new(), printed, granted, limits: Limits, environment_asked: None };
        let mut store = Store::new(engine, state);
        store.limiter(|host| &mut host.limits);
        // Its whole memory is read in one piece.
        store.set_hostcall_fuel(usize::MAX);
        let (time, begun) = (store.data().granted.time, Instant::now());
        store.epoch_deadline_callback(move |_| {
            if begun.elapsed() < time { Ok(UpdateDeadline::Continue(1)) } else { Err(Endless(time).into()) }
        });
        store.set_epoch_deadline(1);
        store
    }

    /// What was printed, without its last line's end.
    fn printed(&self) -> String {
        String::from_utf8_lossy(&self.printed.contents()).trim_end().to_owned()
    }

    /// Why an initializer did not return.
    pub(super) fn failed(&self, error: &wasmtime::Error) -> SnapshotError {
        let stack = error.downcast_ref().map(Stack::of).unwrap_or_default();
        if let Some(MissingImport(function)) = error.downcast_ref() {
            return refused(function, stack);
        }
        if let Some(Endless(time)) = error.downcast_ref() {
            return SnapshotError::Endless { time: *time, stack };
        }
        if let Some(full) = MemoryFull::of(error) {
            return full;
        }
        if let Some(exit) = error.downcast_ref::<I32Exit>() {
            return SnapshotError::Trapped { reason: format!("it exited with status {}", exit.0), stack };
        }
        // Rust says so before it traps.
        let panic = LastPanic::default();
        self.printed().lines().for_each(|line| panic.see(line));
        match panic.message() {
            Some(panic) => SnapshotError::Panicked(panic),
            None => SnapshotError::Trapped { reason: error.root_cause().to_string(), stack },
        }
    }

    /// Whether an initializer that has returned left nothing behind that its instances would miss.
    pub(super) fn leaves_nothing(&mut self) -> Result<(), SnapshotError> {
        if let Some(stack) = self.environment_asked.take() {
            return Err(refused("wasi:cli/environment#get-environment", stack));
        }
        // There is nothing else that it could open.
        if self.table.iter_mut().next().is_some() { Err(SnapshotError::Printed(self.printed())) } else { Ok(()) }
    }
}

/// An initializer has used up its time.
#[derive(Debug, thiserror::Error)]
#[error("it has not returned within {0:?}")]
struct Endless(Duration);

/// A memory is to have more bytes than it may.
#[derive(Debug, thiserror::Error)]
#[error("a memory has {0} bytes at most")]
pub(super) struct MemoryFull(usize);

impl MemoryFull {
    /// The error for whoever builds, if this is the reason.
    pub(super) fn of(error: &wasmtime::Error) -> Option<SnapshotError> {
        let Self(most) = error.downcast_ref()?;
        let mib = most.div_ceil(1 << 20);
        Some(if *most == MEMORY { SnapshotError::TooMuchMemory { mib } } else { SnapshotError::MemoryFull { mib } })
    }
}

/// Has a memory that cannot grow end the initializer, instead of leaving it to the initializer what to do then.
struct Limits;

impl ResourceLimiter for Limits {
    fn memory_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let most = maximum.map_or(MEMORY, |maximum| maximum.min(MEMORY));
        if desired <= most { Ok(true) } else { Err(MemoryFull(most).into()) }
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
    }
}

impl Stack {
    fn of(backtrace: &WasmBacktrace) -> Self {
        let names = backtrace.frames().iter().filter_map(|frame| frame.func_name());
        Self(names.take(FRAMES).map(|name| format!("{:#}", rustc_demangle::demangle(name))).collect())
    }
}

/// Interfaces of WASI that an initializer may call.
const ALLOWED: [&str; 5] = ["wasi:cli/exit", "wasi:cli/stderr", "wasi:cli/stdout", "wasi:cli/terminal", "wasi:io/"];

/// Variables of the environment, and arguments.
const ENVIRONMENT: &str = "wasi:cli/environment";

/// What hash tables are seeded by.
const HASH_SEED: &str = "wasi:random/insecure-seed";

/// A linker for a component that is going to be prepared.
pub(super) fn linker(engine: &Engine, component: &Component, host: &Host) -> wasmtime::Result<Linker<Host>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_proxy_interfaces_async(&mut linker)?;
    cli::exit::add_to_linker::<_, WasiCli>(&mut linker, Host::cli)?;
    cli::terminal_input::add_to_linker::<_, WasiCli>(&mut linker, Host::cli)?;
    cli::terminal_output::add_to_linker::<_, WasiCli>(&mut linker, Host::cli)?;
    cli::terminal_stdin::add_to_linker::<_, WasiCli>(&mut linker, Host::cli)?;
    cli::terminal_stdout::add_to_linker::<_, WasiCli>(&mut linker, Host::cli)?;
    cli::terminal_stderr::add_to_linker::<_, WasiCli>(&mut linker, Host::cli)?;
    random::insecure_seed::add_to_linker::<_, WasiRandom>(&mut linker, |host| host.ctx().ctx.random())?;
    // What was linked and is not allowed is refused under the component's own name for it, which comes first.
    linker.allow_shadowing(true);
    for (name, item) in component.component_type().imports(engine) {
        let is_allowed =
            ALLOWED.iter().any(|allowed| name.starts_with(allowed)) || (name.starts_with(HASH_SEED) && host.granted.hash_seed);
        if name.starts_with(ENVIRONMENT) {
            add_environment(&mut linker, name)?;
        } else if !is_allowed || !link::is_known(name) {
            absent::add_interface(&mut linker, engine, name, &item.ty, Absent::Missing)?;
        }
    }
    Ok(linker)
}

/// The environment, as far as it is granted. It cannot be known which variable is asked for. A panic asks, too, before it says
/// what it is: so the question is answered, and refused when the initializer has returned.
fn add_environment(linker: &mut Linker<Host>, name: &str) -> wasmtime::Result<()> {
    let mut interface = linker.instance(name)?;
    interface.func_wrap("get-environment", |mut store: StoreContextMut<'_, Host>, (): ()| {
        if store.data().granted.environment.is_empty() && store.data().environment_asked.is_none() {
            let stack = Stack::of(&WasmBacktrace::force_capture(&store));
            store.data_mut().environment_asked = Some(stack);
        }
        Ok((store.data().granted.environment.clone(),))
    })?;
    interface.func_wrap("get-arguments", |_: StoreContextMut<'_, Host>, (): ()| Ok((Vec::<String>::new(),)))?;
    interface.func_wrap("initial-cwd", |_: StoreContextMut<'_, Host>, (): ()| Ok((None::<String>,)))
}

/// A call that a snapshot would keep the answer of, in words.
fn refused(function: &str, stack: Stack) -> SnapshotError {
    const HANDLER: &str = "leave it to the handler";
    const TAKEN_IN: &str = "take them in with include_str! or include_bytes!";
    let is_of = |interface: &str| function.starts_with(interface);
    let (what, instead) = if is_of("wasi:clocks/") {
        ("the time", HANDLER)
    } else if is_of(HASH_SEED) {
        let instead =
            "use BTreeMap and BTreeSet, or give --snapshot-hash-seed if they may share a seed that nobody outside learns";
        ("a seed for hash tables, as HashMap and HashSet do", instead)
    } else if is_of("wasi:random/") {
        ("random numbers", HANDLER)
    } else if is_of(ENVIRONMENT) {
        ("the environment", "read it in the handler, or give --snapshot-env NAME for what may be as it is now")
    } else if is_of("wasi:filesystem/") {
        ("files", TAKEN_IN)
    } else if is_of("wasi:cli/stdin") {
        ("standard input", HANDLER)
    } else if is_of("wasi:http/") || is_of("wasi:sockets/") {
        ("the network", HANDLER)
    } else {
        ("the host", HANDLER)
    };
    SnapshotError::Refused { what, function: function.to_owned(), instead, stack }
}
