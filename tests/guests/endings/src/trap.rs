//! Endings that the handler does not return from.

use std::hint::black_box;

use firstbyte::Result;

use crate::Held;

pub(crate) fn panic(_held: Held) -> Result {
    panic!("this panic was to be expected")
}

pub(crate) fn stack(_held: Held) -> Result {
    println!("{}", descend(0));
    Ok(())
}

fn descend(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    if depth == black_box(u64::MAX) { depth } else { descend(depth + 1) + frame[1] }
}

/// Recursion whose frames have nothing in linear memory, so that it is the engine's stack that ends.
pub(crate) fn native_stack(_held: Held) -> Result {
    println!("{}", count(black_box(0)));
    Ok(())
}

#[inline(never)]
fn count(depth: u64) -> u64 {
    if depth == u64::MAX { depth } else { count(depth + 1).wrapping_mul(31) ^ depth }
}

pub(crate) fn exit(_held: Held, code: i32) -> Result {
    std::process::exit(code)
}
