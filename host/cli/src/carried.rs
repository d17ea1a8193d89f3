//! The hosts for Lambda that a released command line carries: layers as `firstbyte layer` writes them, compressed already. A build
//! from a checkout carries none, and builds them.

use firstbyte_runtime::engine::{Arch, Generation};

/// Whether this program is a release, which has what it needs with it or finds it in a registry.
pub(crate) const IS_RELEASE: bool = cfg!(is_release);

/// The layer of that name if it was there when this program was built: see `build.rs`.
macro_rules! layer {
    ($name:literal) => {{
        #[cfg(carries = $name)]
        let layer = Some(include_bytes!(concat!(env!("FIRSTBYTE_HOSTS"), "/", $name)).as_slice());
        #[cfg(not(carries = $name))]
        let layer = None;
        layer
    }};
}

/// The zip of the layer for an architecture, if this program carries it.
pub(crate) fn layer(arch: Arch, generation: Generation) -> Option<&'static [u8]> {
    match (arch, generation) {
        (Arch::X86_64, Generation::P2) => layer!("layer-x86_64.zip"),
        (Arch::X86_64, Generation::P3) => layer!("layer-wasi-p3-x86_64.zip"),
        (Arch::Arm64, Generation::P2) => layer!("layer-arm64.zip"),
        (Arch::Arm64, Generation::P3) => layer!("layer-wasi-p3-arm64.zip"),
    }
}
