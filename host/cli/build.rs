//! Lets a release carry the hosts for Lambda: FIRSTBYTE_HOSTS names the folder of layers that `deploy/release/build.sh` has made.

use std::path::Path;

/// What the folder may have; `carried.rs` takes what it has.
const LAYERS: [&str; 4] = ["layer-x86_64.zip", "layer-arm64.zip", "layer-wasi-p3-x86_64.zip", "layer-wasi-p3-arm64.zip"];

fn main() {
    println!("cargo::rustc-check-cfg=cfg(is_release)");
    println!("cargo::rustc-check-cfg=cfg(carries, values({}))", LAYERS.map(|name| format!("{name:?}")).join(", "));
    println!("cargo::rerun-if-env-changed=FIRSTBYTE_HOSTS");
    println!("cargo::rerun-if-changed=build.rs");
    let Some(folder) = std::env::var_os("FIRSTBYTE_HOSTS").filter(|folder| !folder.is_empty()) else { return };
    let folder = Path::new(&folder).canonicalize().unwrap_or_else(|error| {
        panic!("FIRSTBYTE_HOSTS is {}, which cannot be read: {error}", folder.display());
    });
    println!("cargo::rustc-cfg=is_release");
    println!("cargo::rustc-env=FIRSTBYTE_HOSTS={}", folder.display());
    for name in LAYERS {
        println!("cargo::rerun-if-changed={}", folder.join(name).display());
        if folder.join(name).is_file() {
            println!("cargo::rustc-cfg=carries={name:?}");
        }
    }
}
