//! A stream of events, read as it arrives. Knows nothing of where its bytes come from.

use std::fmt;

use crate::sse::Event;

/// Reads events out of bytes, however those fall.
///
/// ```
/// let mut parser = firstbyte::sse::Parser::new();
/// parser.push(b"data: Hel");
/// assert_eq!(parser.next(), Ok(None));
/// parser.push(b"lo\n\n: ping\n\n");
/// assert_eq!(parser.next().unwrap().unwrap().data, "Hello");
/// assert_eq!(parser.next(), Ok(None));
/// ```
#[derive(Debug, Default)]
pub struct Parser {
    /// What was pushed, from `line` on not yet read.
    bytes: Vec<u8>,
    /// Where the next line begins.
    line: usize,
    /// How far its end was looked for.
    searched: usize,
    /// Whether the last line ended by CR: a LF that follows is the same line's.
    after_cr: bool,
    begun: bool,
    data: Option<String>,
    name: Option<String>,
    id: Option<String>,
    failed: bool,
}

/// An event is larger than [`Parser::LIMIT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

impl Parser {
    /// The most bytes that an event, or a line of it, may have: 1 MiB.
    pub const LIMIT: usize = 1024 * 1024;

    /// At the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes, in any pieces. Ask for [all events](Self::next) before the next ones.
    pub fn push(&mut self, bytes: &[u8]) {
        if !self.failed {
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// The next event; none until more bytes have come. What the stream ends in the middle of is no event.
    ///
    /// # Errors
    /// [`TooLarge`], and nothing but that from then on.
    #[expect(clippy::should_implement_trait, reason = "an iterator's end is final, and cannot fail")]
    pub fn next(&mut self) -> Result<Option<Event>, TooLarge> {
        while let Some((line, next)) = self.next_line() {
            // Not self.field(..): the line is a part of what self has.
            let bytes = std::mem::take(&mut self.bytes);
            let event = self.read(&bytes[line]);
            self.bytes = bytes;
            self.line = next;
            self.searched = next;
            self.check()?;
            if event.is_some() {
                return Ok(event);
            }
        }
        self.bytes.drain(..self.line);
        self.searched -= self.line;
        self.line = 0;
        self.check()?;
        Ok(None)
    }

    /// The next whole line, and where the one after it begins.
    fn next_line(&mut self) -> Option<(std::ops::Range<usize>, usize)> {
        if self.after_cr && self.line < self.bytes.len() {
            self.after_cr = false;
            if self.bytes[self.line] == b'\n' {
                self.line += 1;
                self.searched = self.line;
            }
        }
        let unsearched = self.bytes.get(self.searched..).unwrap_or_default();
        let Some(found) = unsearched.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
            self.searched = self.bytes.len();
            return None;
        };
        let end = self.searched + found;
        self.after_cr = self.bytes[end] == b'\r';
        Some((self.line..end, end + 1))
    }

    /// Reads a line: an event, if it is the empty one that ends it.
    fn read(&mut self, mut line: &[u8]) -> Option<Event> {
        if !std::mem::replace(&mut self.begun, true) {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        if line.is_empty() {
            let (data, name, id) = (self.data.take(), self.name.take(), self.id.take());
            return data.map(|data| Event { data, name: name.filter(|name| !name.is_empty()), id });
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (field, value) = line.split_at(colon.unwrap_or(line.len()));
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = String::from_utf8_lossy(value.strip_prefix(b" ").unwrap_or(value));
        match field {
            b"data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(&value);
                }
                None => self.data = Some(value.into_owned()),
            },
            b"event" => self.name = Some(value.into_owned()),
            b"id" if !value.contains('\0') => self.id = Some(value.into_owned()),
            // Comments, and what is not known.
            _ => {}
        }
        None
    }

    fn check(&mut self) -> Result<(), TooLarge> {
        let waiting = self.searched - self.line;
        if self.failed || waiting + self.data.as_ref().map_or(0, String::len) > Self::LIMIT {
            *self = Self { failed: true, ..Self::default() };
            return Err(TooLarge);
        }
        Ok(())
    }
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an event is larger than {} bytes", Parser::LIMIT)
    }
}

impl std::error::Error for TooLarge {}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<Event> {
        let mut parser = Parser::new();
        parser.push(text.as_bytes());
        std::iter::from_fn(|| parser.next().expect("small events")).collect()
    }

    #[test]
    fn fields_are_read_as_browsers_read_them() {
        let event = Event::data("first\n\n third").named("delta").id("7");
        assert_eq!(all("\u{feff}: hi\nid:7\nevent: delta\ndata: first\ndata\ndata:  third\nother: x\n\n"), [event]);
        assert_eq!(all("data: a\r\n\r\ndata: b\r\rdata: c\n\n"), ["a", "b", "c"].map(Event::data));
    }

    #[test]
    fn without_data_there_is_no_event_and_its_name_is_forgotten() {
        assert_eq!(all("event: x\nid: 1\n\n: ping\n\nretry: 100\n\ndata: a\n\n"), [Event::data("a")]);
        assert_eq!(all("data:\n\n"), [Event::data("")]);
        assert_eq!(all("data: cut off\n"), []);
    }

    #[test]
    fn an_event_is_there_as_soon_as_its_last_line_ends() {
        let mut parser = Parser::new();
        parser.push(b"data: a\r\n\r");
        assert_eq!(parser.next(), Ok(Some(Event::data("a"))));
        parser.push(b"\n");
        assert_eq!(parser.next(), Ok(None));
        parser.push(b"data: b\n\n");
        assert_eq!(parser.next(), Ok(Some(Event::data("b"))));
    }

    #[test]
    fn a_large_event_is_read_and_a_larger_one_is_not_kept() {
        let large = "x".repeat(Parser::LIMIT);
        assert_eq!(all(&format!("data: {large}\n\n")), [Event::data(&*large)]);

        for pieces in [["data: ", "x"], ["data: x", "\ndata: x"]] {
            let mut parser = Parser::new();
            parser.push(pieces[0].as_bytes());
            let piece = pieces[1].repeat(64 * 1024);
            let pushed = (0..100).take_while(|_| {
                parser.push(piece.as_bytes());
                parser.next() == Ok(None)
            });
            assert!(pushed.count() < 17);
            parser.push(b"\n\ndata: small\n\n");
            assert_eq!(parser.next(), Err(TooLarge));
            assert!(parser.bytes.is_empty() && parser.data.is_none());
        }
    }
}
