#!/bin/sh
# Builds the two components that `firstbyte adapt` composes a handler with, and puts them where the command line has them from:
# host/cli/adapters. They are committed, because whoever installs the command line may have no compiler for WebAssembly.
# With --check: tells whether they were built from the sources as they are.
set -eu
cd "$(dirname "$0")/../.."
adapters=host/cli/adapters

sources() {
  find guest/adapter wit -name '*.rs' -o -name '*.wit' -o -name Cargo.toml | LC_ALL=C sort | xargs sha256sum
}

if [ "${1-}" = --check ]; then
  sources | diff $adapters/SOURCES - || { echo "the adapters' sources have changed: run guest/adapter/build.sh" >&2; exit 1; }
  exit
fi

target=${CARGO_TARGET_DIR:-$PWD/target}/adapter
export CARGO_TARGET_DIR="$target"
export CARGO_PROFILE_RELEASE_OPT_LEVEL=s CARGO_PROFILE_RELEASE_LTO=fat CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1
export CARGO_PROFILE_RELEASE_PANIC=abort CARGO_PROFILE_RELEASE_STRIP=true
# What is committed names no folder of whoever built it.
export RUSTFLAGS="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo --remap-path-prefix=$PWD=."
cargo build --release --locked --target wasm32-wasip2 -p adapter-exchange -p adapter-door

mkdir -p $adapters
for name in exchange door; do
  cp "$target/wasm32-wasip2/release/adapter_$name.wasm" $adapters/$name.wasm
done
sources >$adapters/SOURCES
