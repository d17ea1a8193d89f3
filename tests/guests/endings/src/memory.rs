//! Allocation without end.

use std::hint::black_box;

use firstbyte::Result;

use crate::Held;

pub(crate) fn exhaust(_held: Held) -> Result {
    let mut hoard = Vec::new();
    loop {
        hoard.push(black_box(vec![1_u8; 1 << 20]));
    }
}
