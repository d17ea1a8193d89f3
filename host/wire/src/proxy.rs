//! The body of a response that is sent whole, in the document of a proxy integration, and how large that becomes.
//!
//! Text stands in a JSON string as it is, but for what has to be escaped; what is not UTF-8 stands there in base64. Lambda's limit
//! is on the document, so its size is known before each piece is taken.

use crate::error::escaped_byte_len;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;

/// A body that grows.
#[derive(Clone, Debug, Default)]
pub struct ProxyBody {
    bytes: Vec<u8>,
    /// How much of it is known to be UTF-8, counted from its beginning.
    valid: usize,
    /// What `bytes` takes in a JSON string, if it is UTF-8.
    escaped: usize,
}

/// What a body would be with another piece.
struct Grown {
    valid: usize,
    escaped: usize,
    len: usize,
}

impl ProxyBody {
    /// The body so far.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What the body would take in the document with `piece` added to it.
    #[must_use]
    pub fn encoded_len_with(&self, piece: &[u8]) -> usize {
        self.grown(piece).len
    }

    /// Adds a piece.
    pub fn push(&mut self, piece: &[u8]) {
        let Grown { valid, escaped, .. } = self.grown(piece);
        self.valid = valid;
        self.escaped = escaped;
        // Not doubled: what is reserved is the host's memory.
        if self.bytes.capacity() - self.bytes.len() < piece.len() {
            self.bytes.reserve_exact(piece.len().max(self.bytes.len() / 4));
        }
        self.bytes.extend_from_slice(piece);
    }

    /// The body as it stands in the document, and whether that is base64.
    #[must_use]
    pub fn encoded(&self) -> (Cow<'_, str>, bool) {
        match std::str::from_utf8(&self.bytes) {
            Ok(text) => (Cow::Borrowed(text), false),
            Err(_) => (Cow::Owned(STANDARD.encode(&self.bytes)), true),
        }
    }

    fn grown(&self, piece: &[u8]) -> Grown {
        let whole = self.bytes.len() + piece.len();
        let escaped = self.escaped + piece.iter().map(|byte| escaped_byte_len(*byte)).sum::<usize>();
        // At most three bytes of a character that is not complete.
        let open = self.bytes.get(self.valid..).unwrap_or_default();
        let (valid, is_text) = if open.len() > 3 {
            (self.valid, false)
        } else {
            let tail: Cow<'_, [u8]> = if open.is_empty() { Cow::Borrowed(piece) } else { Cow::Owned([open, piece].concat()) };
            match std::str::from_utf8(&tail) {
                Ok(_) => (whole, true),
                Err(error) => (self.valid + error.valid_up_to(), error.error_len().is_none()),
            }
        };
        // A character that stays incomplete makes the whole body base64.
        let base64 = whole.div_ceil(3) * 4;
        let len = if valid == whole {
            escaped
        } else if is_text {
            escaped.max(base64)
        } else {
            base64
        };
        Grown { valid, escaped, len }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn size(body: &ProxyBody) -> usize {
        let (text, is_base64) = body.encoded();
        let json = serde_json::to_string(&*text).expect("a string");
        assert!(!is_base64 || json.len() == text.len() + 2);
        json.len() - 2
    }

    proptest! {
        #[test]
        fn the_size_is_known_before(pieces in prop::collection::vec(prop_oneof![
            ".{0,12}".prop_map(String::into_bytes),
            "[\\x00-\\x20\"\\\\]{0,12}".prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..4),
            Just("é→𝄞".as_bytes()[..6].to_vec()),
            Just("é→𝄞".as_bytes()[6..].to_vec()),
        ], 0..8)) {
            let mut body = ProxyBody::default();
            for piece in pieces {
                let told = body.encoded_len_with(&piece);
                body.push(&piece);
                let is = size(&body);
                let incomplete = std::str::from_utf8(body.bytes()).is_err_and(|error| error.error_len().is_none());
                prop_assert!(if incomplete { is <= told } else { is == told }, "{is} {told}");
            }
        }
    }
}
