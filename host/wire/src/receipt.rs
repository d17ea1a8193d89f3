//! What the Runtime API answers to a `POST`: an HTTP/1.1 response, of which a runtime needs the status, the body for its log, and
//! whether the connection is good for another request. Knows nothing of sockets: it is shown what has come so far.

use std::ops::Range;

/// How many bytes of an answer are looked at. An answer of the Runtime API is a line of JSON.
pub const LIMIT: usize = 64 * 1024;

/// How many headers an answer may have.
const HEADERS: usize = 64;

/// Bytes that are not the beginning of an HTTP/1 response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ReceiptError(String);

/// An answer that is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The HTTP status, of three digits. Interim answers (1xx) are passed over.
    pub status: u16,
    /// Whether the connection may carry another request, if nothing came after [`Receipt::body`].
    pub keep_alive: bool,
    /// Where the body is in the bytes that were parsed.
    pub body: Range<usize>,
}

impl Receipt {
    /// Parses all that has come so far. None while the answer is incomplete.
    ///
    /// A body whose length is not said, or is beyond [`LIMIT`], is not waited for: the status is what matters, and the
    /// connection is not for use again.
    ///
    /// # Errors
    /// [`ReceiptError`]: more bytes will not make it HTTP.
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, ReceiptError> {
        let mut start = 0;
        loop {
            let mut headers = [httparse::EMPTY_HEADER; HEADERS];
            let mut response = httparse::Response::new(&mut headers);
            let begins = match response.parse(bytes.get(start..).unwrap_or_default()) {
                Ok(httparse::Status::Complete(head)) => start + head,
                Ok(httparse::Status::Partial) => return Ok(None),
                Err(error) => return Err(ReceiptError(error.to_string())),
            };
            let status = response.code.unwrap_or_default();
            if (100..200).contains(&status) {
                start = begins;
                continue;
            }
            let length = if status == 204 { Some(0) } else { length(response.headers) };
            let ends = length.map_or(bytes.len(), |length| begins.saturating_add(length));
            let keep_alive = length.is_some() && response.version == Some(1) && !closes(response.headers);
            let answer = Self { status, keep_alive, body: begins..ends };
            return Ok((bytes.len() >= ends).then_some(answer));
        }
    }
}

/// The length of the body, if it is said and worth waiting for.
fn length(headers: &[httparse::Header<'_>]) -> Option<usize> {
    let mut lengths = values(headers, "content-length");
    let length = lengths.next().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()?;
    let plain = lengths.next().is_none() && values(headers, "transfer-encoding").next().is_none();
    (plain && length <= LIMIT).then_some(length)
}

fn closes(headers: &[httparse::Header<'_>]) -> bool {
    values(headers, "connection").any(|value| value.split(',').any(|option| option.trim().eq_ignore_ascii_case("close")))
}

/// The values of a header that are text.
fn values<'a>(headers: &'a [httparse::Header<'a>], name: &'a str) -> impl Iterator<Item = &'a str> {
    let named = headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
    named.map(|header| str::from_utf8(header.value).unwrap_or("not text").trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Option<(u16, bool, &str)> {
        let answer = Receipt::parse(text.as_bytes()).expect("HTTP")?;
        Some((answer.status, answer.keep_alive, &text[answer.body]))
    }

    #[test]
    fn what_lambda_answers() {
        let accepted =
            "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"status\":\"OK\"}\n";
        assert_eq!(parse(accepted), Some((202, true, "{\"status\":\"OK\"}\n")));
        for cut in 0..accepted.len() {
            assert_eq!(parse(&accepted[..cut]), None, "{cut}");
        }
        assert_eq!(parse("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 None\r\n\r\n"), Some((204, true, "")));
    }

    #[test]
    fn a_connection_is_kept_only_if_the_end_of_the_body_is_certain() {
        for (head, keep_alive) in [
            ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n", true),
            ("HTTP/1.1 200 OK\r\n", false),
            ("HTTP/1.0 200 OK\r\ncontent-length: 2\r\n", false),
            ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nConnection: Close\r\n", false),
            ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: upgrade, close\r\n", false),
            ("HTTP/1.1 200 OK\r\ncontent-length: +2\r\n", false),
            ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n", false),
            ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n", false),
            ("HTTP/1.1 200 OK\r\ncontent-length: 65537\r\n", false),
            ("HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n", false),
        ] {
            assert_eq!(parse(&format!("{head}\r\n{{}}")), Some((200, keep_alive, "{}")), "{head}");
        }
    }

    #[test]
    fn garbage_is_an_error() {
        for bytes in [&b"hello\r\n\r\n"[..], b"HTTP/2 200\r\n\r\n", b"HTTP/1.1 200 OK\r\n\0: x\r\n\r\n"] {
            assert!(Receipt::parse(bytes).is_err(), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic_or_point_outside(
            start in prop_oneof![Just(""), Just("HTTP/1.1 200 OK\r\n"), Just("HTTP/1.1 100 \r\n\r\nHTTP/1.1 413 \r\ncontent-length:")],
            bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let bytes = [start.as_bytes(), &bytes].concat();
            if let Ok(Some(answer)) = Receipt::parse(&bytes) {
                prop_assert!(bytes.get(answer.body).is_some());
            }
        }
    }
}
