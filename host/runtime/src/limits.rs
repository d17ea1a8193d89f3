//! What an instance may take of linear memory and of tables, and the bounds of one call.

use crate::budget::{Budget, Charge};
use crate::engine::Generation;
use wasmtime::ResourceLimiter;

/// Elements in all tables of one invocation together. They are charged, too.
pub(crate) const TABLE_ELEMENTS: usize = 1_000_000;

/// Bytes of an element: a pointer.
const ELEMENT: usize = size_of::<usize>();

/// Instances, tables and memories of one invocation. A component made of several languages has a few dozen.
const COUNT: usize = 1_000;

/// Bytes that a handler may pass to the host in one call. The host has copies of them while it looks at them.
pub(crate) const CALL_BYTES: usize = 8 * 1024 * 1024;

/// Handles that an instance may hold, of the host's resources and of its own. Each takes a few dozen bytes of the engine's; in WASI
/// 0.3 a handle may also be half of a stream, which takes 250, or a call that is under way, which takes 1,400.
pub(crate) fn handles(generation: Generation) -> usize {
    match generation {
        Generation::P2 => 50_000,
        Generation::P3 => 10_000,
    }
}

/// Random bytes that it may ask for at once; the host makes them before it passes them on.
pub(crate) const RANDOM_BYTES: u64 = 4 * 1024 * 1024;

/// The limits of one invocation, and whether one was met.
#[derive(Debug)]
pub(crate) struct Limits {
    memory: usize,
    used: usize,
    refused: bool,
    /// Elements of all tables.
    elements: usize,
    budget: Budget,
    tables: Option<Charge>,
}

impl Limits {
    /// At most `memory` bytes in all linear memories together. Tables are charged to `budget`.
    pub(crate) fn new(memory: usize, budget: Budget) -> Self {
        Self { memory, used: 0, refused: false, elements: 0, budget, tables: None }
    }

    /// Another invocation begins in the same instance: that memory was refused to the one before does not count against it.
    pub(crate) fn begin_anew(&mut self) {
        self.refused = false;
    }

    /// Bytes of linear memory in use.
    pub(crate) fn used(&self) -> usize {
        self.used
    }

    /// The limit in bytes, if memory was refused: a trap that follows is no fault of the handler's logic.
    pub(crate) fn refused(&self) -> Option<usize> {
        self.refused.then_some(self.memory)
    }

    fn charge_tables(&mut self, bytes: usize) -> bool {
        match &mut self.tables {
            Some(charge) => charge.resize(bytes).is_ok(),
            none => {
                *none = self.budget.charge(bytes).ok();
                none.is_some()
            }
        }
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let used = self.used.saturating_sub(current).saturating_add(desired);
        if used > self.memory {
            self.refused = true;
            return Ok(false);
        }
        self.used = used;
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let elements = self.elements.saturating_sub(current).saturating_add(desired);
        if elements > TABLE_ELEMENTS || !self.charge_tables(elements * ELEMENT) {
            return Ok(false);
        }
        self.elements = elements;
        Ok(true)
    }

    fn instances(&self) -> usize {
        COUNT
    }

    fn tables(&self) -> usize {
        COUNT
    }

    fn memories(&self) -> usize {
        COUNT
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::{Allowance, Shares};

    #[test]
    fn memories_and_tables_count_together() {
        let budget = |memory| Budget::new(Allowance { memory, ..Allowance::default() }, Shares::new(0));
        let mut limits = Limits::new(100, budget(usize::MAX));
        let mut grow = |current, desired| limits.memory_growing(current, desired, None).expect("a limiter");
        assert!(grow(0, 60) && grow(0, 30) && grow(30, 40));
        assert!(!grow(0, 1));
        assert_eq!((limits.used(), limits.refused()), (100, Some(100)));

        let mut grow = |current, desired| limits.table_growing(current, desired, None).expect("a limiter");
        assert!(grow(0, TABLE_ELEMENTS / 2) && grow(0, TABLE_ELEMENTS / 2));
        assert!(!grow(0, 1) && !grow(TABLE_ELEMENTS / 2, usize::MAX));

        let mut limits = Limits::new(100, budget(100 * ELEMENT));
        let mut grow = |current, desired| limits.table_growing(current, desired, None).expect("a limiter");
        assert!(grow(0, 100) && !grow(100, 101));
    }
}
