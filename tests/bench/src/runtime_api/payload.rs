//! What a caller gets of an answer: the payload without the prelude, and when it arrived.

use std::time::{Instant, SystemTime};

/// Of an answer this much is kept, to be looked at.
const KEPT: usize = 64 * 1024;

/// What separates the prelude from the payload.
const DELIMITER: [u8; 8] = [0; 8];

/// The payload of one answer.
#[derive(Debug)]
pub(crate) struct Payload {
    /// The part of the prelude that has arrived. `None` once the prelude is complete, and if the response has no prelude.
    prelude: Option<Vec<u8>>,
    /// When the first byte arrived.
    pub(crate) first: Option<Instant>,
    pub(crate) length: u64,
    /// The first bytes.
    pub(crate) kept: Vec<u8>,
    /// After how many bytes of `kept` what arrived when, by the clock that handlers see.
    pub(crate) arrivals: Vec<(usize, SystemTime)>,
}

impl Payload {
    pub(super) fn new(content_type: &str) -> Self {
        let prelude = (content_type == "application/vnd.awslambda.http-integration-response").then(Vec::new);
        Self { prelude, first: None, length: 0, kept: Vec::new(), arrivals: Vec::new() }
    }

    /// Takes a piece of the body that has just arrived.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        if let Some(prelude) = &mut self.prelude {
            prelude.extend_from_slice(bytes);
            let Some(at) = prelude.windows(DELIMITER.len()).position(|window| window == DELIMITER) else { return };
            let rest = prelude.split_off(at + DELIMITER.len());
            self.prelude = None;
            return self.take(&rest);
        }
        if bytes.is_empty() {
            return;
        }
        self.first.get_or_insert_with(Instant::now);
        self.length += bytes.len() as u64;
        if self.kept.len() < KEPT {
            self.kept.extend_from_slice(bytes);
            self.arrivals.push((self.kept.len(), SystemTime::now()));
        }
    }
}
