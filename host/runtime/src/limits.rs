//! What one invocation may take of the host's memory.

use wasmtime::ResourceLimiter;

/// Elements in all tables of one invocation together; an element is a pointer.
pub(crate) const TABLE_ELEMENTS: usize = 1_000_000;

/// Instances, tables and memories of one invocation. A component made of several languages has a few dozen.
const COUNT: usize = 1_000;

/// Resources that one invocation may hold at once (bodies, pollables, requests, …); each takes a few hundred bytes of the host's.
pub(crate) const RESOURCES: usize = 20_000;

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
}

impl Limits {
    /// At most `memory` bytes in all linear memories together.
    pub(crate) fn new(memory: usize) -> Self {
        Self { memory, used: 0, refused: false, elements: 0 }
    }

    /// Another invocation begins: what was refused before is none of its business.
    pub(crate) fn begin_anew(&mut self) {
        self.refused = false;
    }

    /// Bytes of linear memory in use.
    pub(crate) fn used(&self) -> usize {
        self.used
    }

    /// Whether memory was refused: a trap that follows is no fault of the handler's logic.
    pub(crate) fn refused(&self) -> bool {
        self.refused
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
        if elements > TABLE_ELEMENTS {
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

    #[test]
    fn memories_and_tables_count_together() {
        let mut limits = Limits::new(100);
        let mut grow = |current, desired| limits.memory_growing(current, desired, None).expect("a limiter");
        assert!(grow(0, 60) && grow(0, 30) && grow(30, 40));
        assert!(!grow(0, 1));
        assert_eq!((limits.used(), limits.refused()), (100, true));

        let mut grow = |current, desired| limits.table_growing(current, desired, None).expect("a limiter");
        assert!(grow(0, TABLE_ELEMENTS / 2) && grow(0, TABLE_ELEMENTS / 2));
        assert!(!grow(0, 1) && !grow(TABLE_ELEMENTS / 2, usize::MAX));
    }
}
