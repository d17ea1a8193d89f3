//! Whatever answers a `GET /next`, the decoder neither panics nor keeps more than its limit; and however the bytes are cut, the
//! reply is the same, or the refusal.
#![no_main]

use firstbyte_wire::reply::{Reply, ReplyDecoder, ReplyError};

const LIMIT: usize = 2_000;

libfuzzer_sys::fuzz_target!(|input: (Vec<u8>, Vec<u16>)| {
    let (stream, cuts) = input;
    let whole = decode(&[&stream]);
    let mut pieces = Vec::new();
    let mut rest = stream.as_slice();
    for cut in cuts {
        let (piece, later) = rest.split_at(usize::from(cut).min(rest.len()));
        pieces.push(piece);
        rest = later;
    }
    pieces.push(rest);
    let cut = decode(&pieces);
    match (whole, cut) {
        (Ok(whole), Ok(cut)) => {
            assert!(whole.status >= 200 && whole.body.len() <= LIMIT);
            assert_eq!((whole.status, &whole.headers, &whole.body), (cut.status, &cut.headers, &cut.body));
            // A connection on which more has come than was asked for is not used again; whether it had come when the reply was
            // complete is a matter of chance.
            assert!(cut.keep_alive || !whole.keep_alive);
        }
        (Err(whole), Err(cut)) => assert_eq!(whole, cut),
        // The bytes after a whole reply are nobody's.
        (whole, cut) => panic!("{whole:?} in one piece, {cut:?} in several"),
    }
});

fn decode(pieces: &[&[u8]]) -> Result<Reply, ReplyError> {
    let mut decoder = ReplyDecoder::new(LIMIT);
    for piece in pieces {
        decoder.buffer().extend_from_slice(piece);
        if let Some(reply) = decoder.decode()? {
            return Ok(reply);
        }
    }
    decoder.end()
}
