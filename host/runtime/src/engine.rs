//! The wasmtime engine: one configuration for compiling ahead of time and for running, so that neither can refuse the other.

use crate::limits::TABLE_ELEMENTS;
use wasmtime::{Config, Engine, Memory, MemoryType, PoolingAllocationConfig, ResourcesRequired, Store};

/// The architectures of Lambda.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arch {
    /// `x86_64`: any CPU that Lambda has; a baseline of SSE4.2 and POPCNT (x86-64-v2), nothing of the build machine's own.
    X86_64,
    /// `arm64`: Graviton2 and later; the Armv8 baseline.
    Arm64,
}

impl Arch {
    /// The architecture this program runs on.
    #[must_use]
    pub fn native() -> Self {
        if cfg!(target_arch = "aarch64") { Self::Arm64 } else { Self::X86_64 }
    }

    /// Lambda's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }

    /// The target for the compiler. wasmtime wants this machine's own to the letter, C library included, where it shall also
    /// run what it compiles; a file is loaded wherever architecture and system agree.
    fn triple(self) -> &'static str {
        match self {
            Self::X86_64 if cfg!(target_env = "musl") => "x86_64-unknown-linux-musl",
            Self::X86_64 => "x86_64-unknown-linux-gnu",
            Self::Arm64 if cfg!(target_env = "musl") => "aarch64-unknown-linux-musl",
            Self::Arm64 => "aarch64-unknown-linux-gnu",
        }
    }
}

/// The generation of WASI that a component's world is of, which says what of the component model it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// WASI 0.2.
    P2,
    /// WASI 0.3, with asynchronous functions and streams. Calls cost more where these are on, and wasmtime 48 promises no security
    /// patches for them: they are on only for components that ask for them.
    P3,
}

/// An engine that runs components of `generation` on this machine, and compiles them if it can.
///
/// # Errors
/// If this machine's CPU lacks the baseline.
pub fn engine(generation: Generation) -> wasmtime::Result<Engine> {
    engine_for(Arch::native(), generation)
}

/// The most instances at once that are worth a pool; it takes 8 GiB of address space for each.
const POOLED_INSTANCES: u32 = 1024;

/// What a pool has for each instance. Components in one language have one memory and a few tables.
const POOLED_MEMORIES: u32 = 2;
const POOLED_TABLES: u32 = 16;
const POOLED_CORE_INSTANCES: u32 = 1000;

/// The largest bookkeeping of one instance, in bytes. It is allocated as it is needed.
const POOLED_INSTANCE_SIZE: usize = 64 << 20;

/// An engine as [`engine`]'s, but with memories and stacks that are kept from one instance to the next, reset in between:
/// nothing is mapped or unmapped for an invocation. None if so many instances are not to be had at once.
pub(crate) fn pooled(instances: u32, generation: Generation) -> Option<Engine> {
    if instances > POOLED_INSTANCES {
        return None;
    }
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances * POOLED_CORE_INSTANCES)
        .total_memories(instances * POOLED_MEMORIES)
        .total_tables(instances * POOLED_TABLES)
        .total_stacks(instances)
        .table_elements(TABLE_ELEMENTS)
        .max_tables_per_module(POOLED_TABLES)
        .max_memories_per_module(POOLED_MEMORIES)
        .max_component_instance_size(POOLED_INSTANCE_SIZE)
        .max_core_instance_size(POOLED_INSTANCE_SIZE)
        .max_unused_warm_slots(instances);
    let mut config = config(Arch::native(), generation).ok()?;
    config.allocation_strategy(pool);
    // Addresses may be limited where we run.
    Engine::new(&config).ok()
}

/// An engine that reserves no addresses: memories are as large as they are used, and every access to one is checked by code.
/// What it runs it has to compile itself.
pub(crate) fn frugal(generation: Generation) -> wasmtime::Result<Engine> {
    let mut config = config(Arch::native(), generation)?;
    config.memory_reservation(0).memory_reservation_for_growth(0).memory_guard_size(0);
    Engine::new(&config)
}

/// Whether `engine` can make so many memories here at once: the process's addresses may be limited.
pub(crate) fn has_room(engine: &Engine, memories: u32) -> bool {
    let mut store = Store::new(engine, ());
    (0..memories).all(|_| Memory::new(&mut store, MemoryType::new(1, None)).is_ok())
}

/// Whether a component that needs this can be run by an engine with a pool.
pub(crate) fn fits_pool(required: Option<ResourcesRequired>) -> bool {
    required.is_some_and(|needs| {
        let table = needs.max_initial_table_size.unwrap_or_default();
        needs.num_memories <= POOLED_MEMORIES
            && needs.num_tables <= POOLED_TABLES
            && usize::try_from(table).is_ok_and(|elements| elements <= TABLE_ELEMENTS)
    })
}

/// An engine that compiles components of `generation` for `arch`.
///
/// # Errors
/// If this build has no compiler for `arch`.
pub fn engine_for(arch: Arch, generation: Generation) -> wasmtime::Result<Engine> {
    Engine::new(&config(arch, generation)?)
}

fn config(arch: Arch, generation: Generation) -> wasmtime::Result<Config> {
    let mut config = Config::new();
    // An explicit target: without one, Cranelift takes every feature of the build machine's CPU and the file is refused,
    // or worse, elsewhere.
    config.target(arch.triple())?;
    config.epoch_interruption(true);
    config.wasm_component_model(true);
    let is_asynchronous = generation == Generation::P3;
    config.concurrency_support(is_asynchronous);
    #[cfg(feature = "wasi-p3")]
    config.wasm_component_model_async(is_asynchronous);
    // A stack is told by its functions' names. Where in a function would cost a sixth of every file.
    config.wasm_backtrace_max_frames(std::num::NonZeroUsize::new(16));
    config.generate_address_map(false);
    config.native_unwind_info(false);
    #[cfg(feature = "compiler")]
    if arch == Arch::X86_64 {
        for flag in ["has_sse3", "has_ssse3", "has_sse41", "has_sse42", "has_popcnt", "has_cmpxchg16b"] {
            // SAFETY: these are Cranelift's own flags for instructions; every x86_64 CPU that Lambda offers has them.
            #[expect(unsafe_code, reason = "wasmtime marks codegen flags as unsafe; a wrong one is refused at load")]
            unsafe {
                config.cranelift_flag_enable(flag);
            }
        }
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(num_memories: u32, num_tables: u32, max_initial_table_size: Option<u64>) -> ResourcesRequired {
        ResourcesRequired { num_memories, max_initial_memory_size: None, num_tables, max_initial_table_size }
    }

    #[test]
    fn what_does_not_fit_a_pool_is_told_before_it_is_instantiated() {
        assert!(fits_pool(Some(needs(1, 3, Some(1000)))));
        assert!(!fits_pool(Some(needs(POOLED_MEMORIES + 1, 1, None))));
        assert!(!fits_pool(Some(needs(1, POOLED_TABLES + 1, None))));
        assert!(!fits_pool(Some(needs(1, 1, Some(TABLE_ELEMENTS as u64 + 1)))));
        assert!(!fits_pool(None), "a component whose needs are not known");
    }

    #[test]
    fn a_pool_has_its_bounds() {
        for generation in [Generation::P2, Generation::P3] {
            assert!(pooled(1, generation).is_some());
            assert!(pooled(POOLED_INSTANCES, generation).is_some());
            assert!(pooled(POOLED_INSTANCES + 1, generation).is_none());
        }
    }
}
