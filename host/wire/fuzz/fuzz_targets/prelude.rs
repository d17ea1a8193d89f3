//! However a stream is cut, the decoder says the same of it, and panics at nothing.
#![no_main]

use bytes::Bytes;
use firstbyte_wire::{Prelude, PreludeDecoder};

libfuzzer_sys::fuzz_target!(|input: (Vec<u8>, usize)| {
    let (stream, cut) = input;
    let stream = Bytes::from(stream);
    let whole = decode(&[stream.clone()]);
    let cut = cut % (stream.len() + 1);
    assert_eq!(whole, decode(&[stream.slice(..cut), stream.slice(cut..)]));
});

fn decode(chunks: &[Bytes]) -> Option<(Prelude, Vec<u8>)> {
    let mut decoder = PreludeDecoder::new();
    let mut chunks = chunks.iter();
    while let Some(chunk) = chunks.next() {
        if let Some((prelude, rest)) = decoder.push(chunk.clone()).ok()? {
            let mut body = rest.to_vec();
            chunks.for_each(|chunk| body.extend_from_slice(chunk));
            return Some((prelude, body));
        }
    }
    None
}
