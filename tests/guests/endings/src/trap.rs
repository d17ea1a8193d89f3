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

pub(crate) fn exit(_held: Held, code: i32) -> Result {
    std::process::exit(code)
}
