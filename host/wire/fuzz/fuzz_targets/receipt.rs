//! Whatever the Runtime API answers, the parser neither panics nor points outside; and however an answer is cut, it is
//! incomplete until it is what it will be.
#![no_main]

use firstbyte_wire::receipt::{Receipt, LIMIT};

// The first two bytes say where it is cut.
libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let [high, low, bytes @ ..] = input else { return };
    let cut = usize::from(u16::from_be_bytes([*high, *low]));
    let whole = Receipt::parse(bytes);
    if let Ok(Some(answer)) = &whole {
        assert!(answer.status < 100 || answer.status >= 200);
        let body = bytes.get(answer.body.clone()).expect("within the bytes");
        assert!(!answer.keep_alive || body.len() <= LIMIT);
    }
    let part = &bytes[..cut % (bytes.len() + 1)];
    match Receipt::parse(part) {
        Ok(None) => {}
        Err(error) => assert_eq!(whole, Err(error), "what was no HTTP has become so"),
        // Its length is known: what follows is not its business.
        Ok(Some(answer)) if answer.keep_alive => assert_eq!(whole, Ok(Some(answer))),
        Ok(Some(answer)) => {
            let later = whole.expect("it was HTTP").expect("it was complete");
            assert_eq!((answer.status, answer.keep_alive, answer.body.start), (later.status, false, later.body.start));
        }
    }
});
