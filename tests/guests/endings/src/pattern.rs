//! Bytes by which a reader can tell that none was lost, doubled or moved: the one at offset `n` is `n % 251`.

const PERIOD: usize = 251;

pub(crate) struct Pattern(Vec<u8>);

impl Pattern {
    /// A pattern for chunks of up to `size` bytes.
    pub(crate) fn new(size: usize) -> Self {
        Self((0..PERIOD as u8).cycle().take(size + PERIOD).collect())
    }

    pub(crate) fn chunk(&self, offset: u64, size: usize) -> &[u8] {
        let start = (offset % PERIOD as u64) as usize;
        &self.0[start..start + size]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_continue_each_other() {
        let pattern = Pattern::new(300);
        let bytes = [pattern.chunk(0, 300), pattern.chunk(300, 200), pattern.chunk(500, 300)].concat();
        assert!(bytes.iter().enumerate().all(|(n, byte)| usize::from(*byte) == n % PERIOD));
    }
}
