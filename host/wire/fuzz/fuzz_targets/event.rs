//! No event makes the parser panic, and a direct one comes back as it went in.
#![no_main]

use bytes::Bytes;
use firstbyte_wire::{Event, Trigger};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let raw = Bytes::copy_from_slice(bytes);
    if let Ok(event) = Event::parse(&raw) {
        assert_eq!(event.http.is_none(), event.trigger == Trigger::Direct);
        if event.trigger == Trigger::Direct {
            assert_eq!(event.payload, raw);
        }
    }
});
