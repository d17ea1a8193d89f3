//! Whatever a handler calls, in whatever order and with whatever handles, each invocation has one end, with bytes of its own.
#![no_main]

use std::path::Path;

#[path = "../../tests/calls/sequence.rs"]
mod sequence;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sequence::run(Path::new("fuzz/target/calls.cwasm"), bytes));
