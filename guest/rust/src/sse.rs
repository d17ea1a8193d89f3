//! Server-sent events: a response that is a stream of them, and the streams of others, read.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use firstbyte::{Request, Response, Result, handler, sse::Sse, time};
//!
//! #[handler]
//! async fn count(_: Request, response: Response) -> Result {
//!     let mut sse = Sse::start(response)?;
//!     for n in 1..=3 {
//!         // The connection is kept from falling asleep while this takes its time.
//!         sse.keep_alive(Duration::from_secs(15), time::sleep(Duration::from_secs(40))).await?;
//!         sse.json(&serde_json::json!({ "n": n }))?;
//!     }
//!     sse.event("done", "")?;
//!     Ok(())
//! }
//! # fn main() {}
//! ```

mod event;
mod parser;
mod writer;

pub use self::{
    event::Event,
    parser::{Parser, TooLarge},
    writer::Sse,
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Everything that matters to the format, and some that does not.
    fn text() -> impl Strategy<Value = String> {
        let letters = prop::sample::select(vec!["a", "data", ":", " ", "\n", "\r", "\r\n", "\n\n", "é", "\u{feff}", "\0"]);
        prop::collection::vec(letters, 0..12).prop_map(|letters| letters.concat())
    }

    fn event() -> impl Strategy<Value = Event> {
        (text(), prop::option::of(text()), prop::option::of(text())).prop_map(|(data, name, id)| {
            let event = Event::data(data);
            let event = name.into_iter().fold(event, Event::named);
            id.into_iter().fold(event, Event::id)
        })
    }

    /// Feeds a parser the bytes in pieces of these lengths, again and again.
    fn parsed(bytes: &[u8], lengths: &[usize]) -> Vec<Event> {
        let mut parser = Parser::new();
        let mut events = Vec::new();
        let mut rest = bytes;
        for length in lengths.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, later) = rest.split_at((*length).min(rest.len()));
            parser.push(piece);
            rest = later;
            while let Some(event) = parser.next().expect("small events") {
                events.push(event);
            }
        }
        events
    }

    /// What the format can carry of an event.
    fn carried(event: &Event) -> Event {
        let one_line = |text: &String| text.replace(['\r', '\n', '\0'], " ").trim_start_matches(' ').to_owned();
        Event {
            data: event.data.replace("\r\n", "\n").replace('\r', "\n"),
            name: event.name.as_ref().map(one_line),
            id: event.id.as_ref().map(one_line),
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_is_read_however_it_arrives(
            events in prop::collection::vec(event(), 0..6),
            lengths in prop::collection::vec(1_usize..20, 1..8),
        ) {
            let mut written = String::new();
            for event in &events {
                event.write_to(&mut written);
            }
            let read = parsed(written.as_bytes(), &lengths);
            prop_assert_eq!(read.len(), events.len());
            for (read, event) in read.iter().zip(&events) {
                let carried = carried(event);
                prop_assert_eq!(&read.data, &carried.data);
                // An empty name is the same as no name.
                prop_assert_eq!(read.name.clone(), carried.name.filter(|name| !name.is_empty()));
                prop_assert_eq!(&read.id, &carried.id);
            }
        }

        #[test]
        fn anything_is_read_the_same_however_it_arrives(
            bytes in prop::collection::vec(prop::sample::select(b"data: id\r\n\n:x\xc3\xa9\0\xef\xbb\xbf".to_vec()), 0..80),
            lengths in prop::collection::vec(1_usize..20, 1..8),
        ) {
            prop_assert_eq!(parsed(&bytes, &lengths), parsed(&bytes, &[bytes.len().max(1)]));
        }
    }
}
