//! How failures are told to Lambda: the error document, its type, and the trailers that carry both after a streamed body.

use crate::runtime_api::header;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The most that the trailers of a streamed response may take together, in bytes: names, values and line ends, with the empty
/// line that ends them. AWS's Runtime API is served by Go's `net/http`, which looks for that line in a buffer of 4096 bytes, and
/// drops the connection if it is not there: then the caller waits until the function's timeout.
pub const TRAILER_SECTION_LIMIT: usize = 4096;

/// The largest error document that is posted to the Runtime API, which takes 1 MiB.
pub const DOCUMENT_LIMIT: usize = 256 * 1024;

/// The largest document that is posted when the Runtime API has refused another one for its size.
pub const MINIMAL_DOCUMENT_LIMIT: usize = 1024;

/// The error document of Lambda: body of `POST …/error` and `/init/error`, and content of the error trailer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorReport {
    /// The kind of error, as [`ErrorType`] renders it.
    pub error_type: String,
    /// What went wrong, in words.
    pub error_message: String,
    /// Frames or causes, innermost first.
    #[serde(default)]
    pub stack_trace: Vec<String>,
}

impl ErrorReport {
    /// A report without a stack.
    pub fn new(error_type: &ErrorType, message: impl Into<String>) -> Self {
        Self { error_type: error_type.to_string(), error_message: message.into(), stack_trace: Vec::new() }
    }

    /// The document as JSON of at most `limit` bytes, which are more than the type takes and at least 512: as many frames as
    /// fit, innermost first, and most of the message. What is left out is said in its place.
    #[must_use]
    pub fn to_json_within(&self, limit: usize) -> Vec<u8> {
        let json = self.to_json();
        if json.len() <= limit {
            return json;
        }
        let empty = Self { error_type: self.error_type.clone(), ..Self::default() };
        let mut room = limit.saturating_sub(empty.to_json().len() + MARKER);
        let frames: usize = self.stack_trace.iter().map(|frame| frame_len(frame)).sum();
        let error_message = cut(&self.error_message, room - frames.min(room / 4));
        room = room.saturating_sub(escaped_len(&error_message));
        let mut stack_trace = Vec::new();
        for frame in &self.stack_trace {
            let Some(rest) = room.checked_sub(frame_len(frame)) else { break };
            room = rest;
            stack_trace.push(frame.clone());
        }
        let left_out = self.stack_trace.len() - stack_trace.len();
        if left_out > 0 {
            stack_trace.push(format!("… ({left_out} frames left out)"));
        }
        Self { error_type: empty.error_type, error_message, stack_trace }.to_json()
    }

    fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings and a list of strings are always JSON")
    }
}

/// Bytes for what is said of frames that are left out.
const MARKER: usize = 64;

/// Bytes of a frame in JSON, with its quotes and comma.
fn frame_len(frame: &str) -> usize {
    escaped_len(frame) + 3
}

/// Bytes of a text in a JSON string, without its quotes.
#[must_use]
pub fn escaped_len(text: &str) -> usize {
    text.bytes().map(escaped_byte_len).sum()
}

/// Bytes that a byte of UTF-8 takes in a JSON string, as `serde_json` writes it.
pub(crate) fn escaped_byte_len(byte: u8) -> usize {
    match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0..0x20 => 6,
        _ => 1,
    }
}

/// The beginning of a text that takes at most `limit` bytes in a JSON string, and how much is missing.
fn cut(text: &str, limit: usize) -> String {
    if escaped_len(text) <= limit {
        return text.to_owned();
    }
    let mut room = limit.saturating_sub(MARKER);
    let kept = text.bytes().position(|byte| match room.checked_sub(escaped_byte_len(byte)) {
        Some(rest) => {
            room = rest;
            false
        }
        None => true,
    });
    let kept = text.floor_char_boundary(kept.unwrap_or(text.len()));
    let left_out = text.len() - kept;
    format!("{}… ({left_out} bytes left out)", &text[..kept])
}

/// An error type that Lambda keeps as it is: `Runtime.<Reason>` or `Function.<Reason>`, the reason a capital and letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorType(String);

impl ErrorType {
    /// A failure of the runtime or of the component it runs: `Runtime.<reason>`.
    #[must_use]
    pub fn runtime(reason: &str) -> Self {
        Self(format!("Runtime.{}", reason_of(reason)))
    }

    /// A failure that the handler returned: `Function.<reason>`.
    #[must_use]
    pub fn function(reason: &str) -> Self {
        Self(format!("Function.{}", reason_of(reason)))
    }

    /// The type as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ErrorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What Lambda's check `[A-Z][a-zA-Z]+` accepts of a reason: its letters, the first a capital, at most 64 of them.
fn reason_of(text: &str) -> String {
    let mut letters = text.chars().filter(char::is_ascii_alphabetic).take(64);
    let reason: String = letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect();
    if reason.len() < 2 { "Unknown".to_owned() } else { reason }
}

/// The trailers of a streamed response that failed after it began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trailers {
    /// Value of [`ERROR_TYPE`](crate::runtime_api::header::ERROR_TYPE).
    pub error_type: String,
    /// Value of [`ERROR_BODY`](crate::runtime_api::header::ERROR_BODY): base64, standard alphabet, one line.
    pub error_body: String,
}

impl Trailers {
    /// The trailers that tell `report`.
    #[must_use]
    pub fn new(report: &ErrorReport) -> Self {
        let mut trailers = Self { error_type: report.error_type.clone(), error_body: String::new() };
        let room = TRAILER_SECTION_LIMIT.saturating_sub(trailers.section_len());
        trailers.error_body = STANDARD.encode(report.to_json_within(room / 4 * 3));
        trailers
    }

    /// Bytes of the whole trailer section: both lines, and the empty one that ends them.
    #[must_use]
    pub fn section_len(&self) -> usize {
        const LINE: usize = ": \r\n".len();
        let lines = [(header::ERROR_TYPE, &self.error_type), (header::ERROR_BODY, &self.error_body)];
        lines.iter().map(|(name, value)| name.len() + value.len() + LINE).sum::<usize>() + "\r\n".len()
    }

    /// The document in the trailers, or none if it is not base64.
    #[must_use]
    pub fn document(&self) -> Option<Vec<u8>> {
        STANDARD.decode(&self.error_body).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn error_types_are_what_lambda_keeps() {
        for (reason, type_) in
            [("ValidationError", "ValidationError"), ("bad-input 7", "Badinput"), ("", "Unknown"), ("é", "Unknown")]
        {
            assert_eq!(ErrorType::function(reason).as_str(), format!("Function.{type_}"));
        }
    }

    #[test]
    fn a_long_report_says_what_is_missing() {
        let mut report = ErrorReport::new(&ErrorType::runtime("Trap"), "x".repeat(100_000));
        report.stack_trace = vec!["frame".to_owned(); 10_000];
        let json = report.to_json_within(2000);
        assert!((1900..=2000).contains(&json.len()), "{}", json.len());
        let cut: ErrorReport = serde_json::from_slice(&json).expect("JSON");
        assert!(cut.error_message.ends_with("bytes left out)") && cut.error_message.len() > 1000, "{}", cut.error_message);
        let (marker, frames) = cut.stack_trace.split_last().expect("a marker");
        assert!(frames.len() > 20 && frames.iter().all(|frame| frame == "frame"), "{frames:?}");
        assert_eq!(marker, &format!("… ({} frames left out)", 10_000 - frames.len()));
    }

    #[test]
    fn a_short_message_is_kept_whole_beside_a_long_stack() {
        let mut report = ErrorReport::new(&ErrorType::runtime("Trap"), "short");
        report.stack_trace = (0..1000).map(|frame| format!("frame {frame}")).collect();
        let cut: ErrorReport = serde_json::from_slice(&report.to_json_within(1000)).expect("JSON");
        assert_eq!((cut.error_message.as_str(), cut.stack_trace[0].as_str()), ("short", "frame 0"));
    }

    proptest! {
        #[test]
        fn any_report_fits_and_comes_back(message in ".{0,3000}", stack in prop::collection::vec(".{0,300}", 0..100), limit in 512usize..20_000) {
            let report = ErrorReport { error_type: "Function.Unknown".into(), error_message: message, stack_trace: stack };
            prop_assert_eq!(escaped_len(&report.error_message) + 2, serde_json::to_string(&report.error_message).expect("JSON").len());
            let json = report.to_json_within(limit);
            prop_assert!(json.len() <= limit);
            let back: ErrorReport = serde_json::from_slice(&json).expect("JSON");
            if report.to_json().len() <= limit { prop_assert_eq!(back, report); }
        }

        #[test]
        fn trailers_are_two_lines_that_fit_and_come_back(kind in "[A-Za-z]{0,80}", message in ".{0,4000}") {
            let report = ErrorReport::new(&ErrorType::function(&kind), message);
            let trailers = Trailers::new(&report);
            prop_assert!(trailers.error_body.bytes().all(|b| b.is_ascii_graphic()));
            prop_assert!(trailers.section_len() <= TRAILER_SECTION_LIMIT);
            let back: ErrorReport = serde_json::from_slice(&trailers.document().expect("base64")).expect("JSON");
            if report.to_json().len() <= 2900 { prop_assert_eq!(back, report); }
        }
    }
}
