//! HTTP/1.1 requests as they come from a socket: the head, and a body of either framing, piece by piece and not copied.

use std::io::{self, Read};
use std::net::TcpStream;
use std::ops::Range;

const BUFFER: usize = 64 * 1024;

/// A request's first lines.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) path: String,
    pub(super) content_type: String,
    framing: Framing,
}

#[derive(Debug)]
enum Framing {
    Length(usize),
    Chunked,
}

/// Reads the requests of one connection.
pub(super) struct Reader {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// What was read and not yet used is `buffer[start..end]`.
    start: usize,
    end: usize,
}

impl Reader {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, buffer: vec![0; BUFFER], start: 0, end: 0 }
    }

    /// The next request's head; none if the client has closed the connection.
    pub(super) fn head(&mut self) -> io::Result<Option<Head>> {
        let Some(request) = self.line()? else { return Ok(None) };
        let path = self.text(request).split(' ').nth(1).unwrap_or_default().to_owned();
        let mut head = Head { path, content_type: String::new(), framing: Framing::Length(0) };
        loop {
            let line = self.line()?.ok_or(io::ErrorKind::UnexpectedEof)?;
            let Some((name, value)) = self.text(line).split_once(':') else { return Ok(Some(head)) };
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-type" => value.clone_into(&mut head.content_type),
                "content-length" => head.framing = Framing::Length(value.parse().map_err(io::Error::other)?),
                "transfer-encoding" if value.eq_ignore_ascii_case("chunked") => head.framing = Framing::Chunked,
                _ => {}
            }
        }
    }

    /// Gives the body's bytes to `take`, each piece as soon as it has arrived.
    pub(super) fn body(&mut self, head: &Head, mut take: impl FnMut(&[u8])) -> io::Result<()> {
        match head.framing {
            Framing::Length(length) => self.pieces(length, &mut take),
            Framing::Chunked => loop {
                let line = self.line()?.ok_or(io::ErrorKind::UnexpectedEof)?;
                let size = self.text(line).split(';').next().unwrap_or_default().trim();
                let size = usize::from_str_radix(size, 16).map_err(io::Error::other)?;
                if size == 0 {
                    // Trailers, if any, up to the empty line.
                    while !self.line()?.ok_or(io::ErrorKind::UnexpectedEof)?.is_empty() {}
                    return Ok(());
                }
                self.pieces(size, &mut take)?;
                self.line()?;
            },
        }
    }

    fn pieces(&mut self, mut length: usize, take: &mut impl FnMut(&[u8])) -> io::Result<()> {
        while length > 0 {
            if self.start == self.end && !self.fill()? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let piece = length.min(self.end - self.start);
            take(&self.buffer[self.start..self.start + piece]);
            self.start += piece;
            length -= piece;
        }
        Ok(())
    }

    /// Where the next line is, without its end, until something else is read; none at the connection's end.
    fn line(&mut self) -> io::Result<Option<Range<usize>>> {
        let mut seen = 0;
        loop {
            let unread = &self.buffer[self.start..self.end];
            if let Some(at) = unread[seen..].iter().position(|byte| *byte == b'\n') {
                let line = self.start..self.start + (seen + at).saturating_sub(1);
                self.start += seen + at + 1;
                return Ok(Some(line));
            }
            seen = unread.len();
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    fn text(&self, line: Range<usize>) -> &str {
        std::str::from_utf8(&self.buffer[line]).unwrap_or_default()
    }

    /// Reads once. False at the connection's end.
    fn fill(&mut self) -> io::Result<bool> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            return Err(io::Error::other("a line is longer than the buffer"));
        }
        let read = self.stream.read(&mut self.buffer[self.end..])?;
        self.end += read;
        Ok(read > 0)
    }
}
