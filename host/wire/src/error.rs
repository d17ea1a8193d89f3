//! How failures are told to Lambda: the error document, its type, and the trailers that carry both after a streamed body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The largest error document that goes into a trailer, in bytes before base64. Header lines have limits in every server.
pub const TRAILER_DOCUMENT_LIMIT: usize = 16 * 1024;

/// The error document of Lambda: body of `POST …/error` and `/init/error`, and content of the error trailer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

    /// The document as JSON.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings and a list of strings are always JSON")
    }

    /// The document as JSON of at most `limit` bytes (at least 512): frames are left out first, then the message is cut,
    /// and what is missing is said in its place.
    #[must_use]
    pub fn to_json_within(&self, limit: usize) -> Vec<u8> {
        let mut report = self.clone();
        let mut json = report.to_json();
        while json.len() > limit && !report.stack_trace.is_empty() {
            let kept = report.stack_trace.len() / 2;
            report.stack_trace.truncate(kept);
            json = report.to_json();
        }
        let mut kept = self.error_message.len();
        while json.len() > limit && kept > 0 {
            kept = self.error_message.floor_char_boundary(kept / 2);
            let left_out = self.error_message.len() - kept;
            report.error_message = format!("{}… ({left_out} bytes left out)", &self.error_message[..kept]);
            json = report.to_json();
        }
        json
    }
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
        let document = report.to_json_within(TRAILER_DOCUMENT_LIMIT);
        Self { error_type: report.error_type.clone(), error_body: STANDARD.encode(document) }
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
        let json = report.to_json_within(TRAILER_DOCUMENT_LIMIT);
        assert!(json.len() <= TRAILER_DOCUMENT_LIMIT);
        let cut: ErrorReport = serde_json::from_slice(&json).expect("JSON");
        assert!(cut.error_message.ends_with("bytes left out)"), "{}", cut.error_message);
    }

    proptest! {
        #[test]
        fn any_report_fits_and_comes_back(message in ".{0,3000}", stack in prop::collection::vec(".{0,300}", 0..100), limit in 512usize..20_000) {
            let report = ErrorReport { error_type: "Function.Unknown".into(), error_message: message, stack_trace: stack };
            let json = report.to_json_within(limit);
            prop_assert!(json.len() <= limit);
            let back: ErrorReport = serde_json::from_slice(&json).expect("JSON");
            if report.to_json().len() <= limit { prop_assert_eq!(back, report); }
        }

        #[test]
        fn trailers_are_one_line_and_come_back(message in ".{0,2000}") {
            let report = ErrorReport::new(&ErrorType::function("Any"), message);
            let trailers = Trailers::new(&report);
            prop_assert!(trailers.error_body.bytes().all(|b| b.is_ascii_graphic()));
            prop_assert_eq!(trailers.document().expect("base64"), report.to_json());
        }
    }
}
