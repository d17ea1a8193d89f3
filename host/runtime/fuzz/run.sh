#!/usr/bin/env bash
# Fuzzes what handlers call, for SECONDS in all (1200): host/runtime/fuzz/run.sh 60. A finding stops it, and is in artifacts/. It
# begins with what git has in corpus/ and what earlier runs left in target/found/. Without an address sanitizer: the stacks of
# handlers are not where it looks for them.
set -euo pipefail
cd "$(dirname "$0")/../../.."
root=$PWD
cargo build --profile handler --target wasm32-wasip2 -p guest-calls
cd host/runtime
mkdir -p fuzz/target/found/calls fuzz/corpus/calls
cargo run --manifest-path "$root/Cargo.toml" -p firstbyte-cli -- \
  compile "${CARGO_TARGET_DIR:-$root/target}/wasm32-wasip2/handler/guest_calls.wasm" -o fuzz/target/calls.cwasm
log=$(mktemp)
trap 'rm -f "$log"' EXIT
cargo +nightly fuzz run -s none calls fuzz/target/found/calls fuzz/corpus/calls -- \
  -max_total_time="${1:-1200}" -max_len=4000 -len_control=20 -timeout=10 -print_final_stats=1 >"$log" 2>&1 ||
  { tail -n 40 "$log"; exit 1; }
grep -E 'DONE|stat::(number_of_executed_units|peak_rss_mb)' "$log"
