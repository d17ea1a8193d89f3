//! No event makes the parser panic, or becomes much larger than it was, and a direct one comes back as it went in.
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
        if let Some(http) = event.http {
            let fields: usize = http.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
            assert!(fields <= 1 << 20 && http.query.len() <= 4 << 20 && http.path.len() <= 1 + 3 * raw.len());
        }
    }
});
