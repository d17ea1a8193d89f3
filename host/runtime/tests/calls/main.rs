//! Whatever a handler calls, in whatever order, with whatever handles, in an instance that served others before: each invocation
//! has one end, in the right order, with bytes of its own.
//!
//! Brief by default, with what the fuzzer left (`host/runtime/fuzz/run.sh` is the fuzzer) and with what chance gives;
//! `FIRSTBYTE_CALLS=100000 cargo test -p firstbyte-runtime --test calls` draws more.

mod sequence;
#[expect(dead_code, reason = "the other tests use the rest")]
#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};

fn component() -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/guests/calls");
    let wasm = firstbyte_toolchain::build(folder.as_ref()).expect("the guest builds");
    support::compile("calls", &std::fs::read(wasm).expect("it is there"))
}

#[test]
fn whatever_a_handler_calls_its_invocation_has_one_end() {
    let component = component();
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/calls");
    let inputs: Vec<PathBuf> =
        std::fs::read_dir(corpus).expect("it is in git").map(|entry| entry.expect("a file").path()).collect();
    assert!(inputs.len() > 20, "{inputs:?}");
    for input in inputs {
        println!("{}", input.display());
        sequence::run(&component, &std::fs::read(input).expect("a file"));
    }

    let count: u64 = std::env::var("FIRSTBYTE_CALLS").ok().and_then(|count| count.parse().ok()).unwrap_or(300);
    for seed in 0..count {
        println!("seed {seed}");
        let mut random = Random(seed);
        let bytes: Vec<u8> = (0..random.below(600)).map(|_| random.byte()).collect();
        sequence::run(&component, &bytes);
    }
}

/// Numbers that look like chance: SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Small ones are operations and handles that are there: more often than others.
    fn byte(&mut self) -> u8 {
        match self.below(8) {
            0 => 0,
            1..=3 => self.below(4) as u8,
            4 | 5 => self.below(32) as u8,
            6 => self.below(256) as u8,
            _ => {
                if self.below(6) == 0 {
                    0xff
                } else {
                    3
                }
            }
        }
    }
}
