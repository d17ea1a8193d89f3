//! The wasmtime engine: one configuration for compiling ahead of time and for running, so that neither can refuse the other.

use wasmtime::{Config, Engine};

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

/// An engine that runs components on this machine, and compiles them if it can.
///
/// # Errors
/// If this machine's CPU lacks the baseline.
pub fn engine() -> wasmtime::Result<Engine> {
    engine_for(Arch::native())
}

/// An engine that compiles components for `arch`.
///
/// # Errors
/// If this build has no compiler for `arch`.
pub fn engine_for(arch: Arch) -> wasmtime::Result<Engine> {
    Engine::new(&config(arch)?)
}

fn config(arch: Arch) -> wasmtime::Result<Config> {
    let mut config = Config::new();
    // An explicit target: without one, Cranelift takes every feature of the build machine's CPU and the file is refused,
    // or worse, elsewhere.
    config.target(arch.triple())?;
    config.epoch_interruption(true);
    config.wasm_component_model(true);
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
