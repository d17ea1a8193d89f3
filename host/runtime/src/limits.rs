//! What one invocation may take of the host's memory.

use wasmtime::ResourceLimiter;

/// Table elements of one invocation; an element is a pointer.
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
}

impl Limits {
    /// At most `memory` bytes in all linear memories together.
    pub(crate) fn new(memory: usize) -> Self {
        Self { memory, used: 0, refused: false }
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

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS)
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
