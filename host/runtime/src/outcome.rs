//! How an invocation ended, and what each party is told of it.

use crate::absent::MissingImport;
use crate::budget::{Allowance, Spent};
use crate::limits::CALL_BYTES;
use firstbyte_wire::{ErrorReport, ErrorType, EventError, HeadError};
use wasmtime::component::ResourceTableError;
use wasmtime::{Trap, WasmBacktrace};
use wasmtime_wasi_http::Error as HttpError;

/// All that an HTTP caller is told of a failure inside the function.
const INTERNAL: &str = "Internal Server Error";

/// Bytes of a message that are logged. A handler may return one of several megabytes.
const MESSAGE_LIMIT: usize = 1024 * 1024;

/// Bytes of a message that an HTTP caller is shown.
const SHOWN_LIMIT: usize = 64 * 1024;

const MIB: usize = 1024 * 1024;

/// Frames of a stack that are told, and bytes of each.
const FRAMES: usize = 256;
const FRAME_LIMIT: usize = 4 * 1024;

/// How an invocation ended.
#[derive(Debug)]
pub enum Outcome {
    /// The handler returned `ok`.
    Success,
    /// It did not.
    Failed(Failed),
}

/// A failure as a handler words it, in whatever world.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What kind of error: one word in CamelCase.
    pub(crate) kind: String,
    /// What went wrong.
    pub(crate) message: String,
    /// The HTTP status that the handler wants its caller to get.
    pub(crate) status: Option<u16>,
    /// Frames or causes, innermost first.
    pub(crate) stack: Vec<String>,
}

/// A failed invocation, as it is told.
#[derive(Debug)]
#[non_exhaustive]
pub struct Failed {
    /// For Lambda, the log, and a direct caller.
    pub report: ErrorReport,
    /// The status for an HTTP caller whose response was not started.
    pub status: u16,
    /// The message that this caller is shown.
    pub shown: String,
    /// Who made the mistake.
    pub fault: Fault,
}

/// Whose mistake made an invocation fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The caller: the handler returned a failure with a 4xx status.
    Caller,
    /// The function.
    Function,
}

impl Failed {
    fn internal(reason: &str, message: String) -> Self {
        Self {
            report: ErrorReport::new(&ErrorType::runtime(reason), message),
            status: 500,
            shown: INTERNAL.to_owned(),
            fault: Fault::Function,
        }
    }

    /// The handler returned a failure.
    pub(crate) fn from_handler(mut failure: Failure) -> Self {
        let status = failure.status.filter(|status| (400..=599).contains(status)).unwrap_or(500);
        let (fault, shown) = if status < 500 {
            (Fault::Caller, cut(&failure.message, SHOWN_LIMIT))
        } else {
            (Fault::Function, INTERNAL.to_owned())
        };
        let message = cut(&failure.message, MESSAGE_LIMIT);
        failure.stack.truncate(FRAMES);
        failure.stack.iter_mut().for_each(|frame| *frame = cut(frame, FRAME_LIMIT));
        let mut report = ErrorReport::new(&ErrorType::function(&failure.kind), message);
        report.stack_trace = failure.stack;
        Self { report, status, shown, fault }
    }

    /// The event looks like an HTTP door's and cannot be read.
    pub(crate) fn from_event(error: &EventError) -> Self {
        // It may quote all of the event.
        Self::from_request(&error.to_string())
    }

    /// The event's request is not a valid HTTP request.
    pub(crate) fn from_request(message: &str) -> Self {
        Self { status: 400, shown: "Bad Request".to_owned(), ..Self::internal("InvalidEvent", cut(message, FRAME_LIMIT)) }
    }

    /// The handler answered with an error of HTTP in place of a response.
    pub(crate) fn from_http_error(error: &HttpError) -> Self {
        let name = format!("{error:?}");
        let kind: String = name.chars().take_while(char::is_ascii_alphanumeric).collect();
        Self::from_handler(Failure {
            kind,
            message: format!("the handler failed with: {error}"),
            status: None,
            stack: Vec::new(),
        })
    }

    /// The handler's head was refused.
    pub(crate) fn from_head(error: &HeadError) -> Self {
        let kind = "HeadError".to_owned();
        Self::from_handler(Failure { kind, message: error.to_string(), status: None, stack: Vec::new() })
    }

    /// The deadline passed.
    pub(crate) fn deadline(after: std::time::Duration) -> Self {
        let message = format!(
            "the handler was ended after {:.2} s, shortly before Lambda's deadline (FIRSTBYTE_DEADLINE_RESERVE_MS before it); \
             raise the function's timeout if it needs longer",
            after.as_secs_f64()
        );
        let mut failed = Self::internal("DeadlineExceeded", message);
        failed.status = 504;
        failed.shown = "Gateway Timeout".to_owned();
        failed
    }

    /// The guest trapped, exited, or could not be instantiated. `memory_limit` in bytes if memory was refused before;
    /// `allowance` is what the host might hold for it; `panic` is what it last said on standard error.
    pub(crate) fn from_trap(
        error: &wasmtime::Error,
        memory_limit: Option<usize>,
        allowance: Allowance,
        panic: Option<String>,
    ) -> Self {
        let trap = error.downcast_ref::<Trap>();
        let mut failed = if let Some(exit) = error.downcast_ref::<wasmtime_wasi::I32Exit>() {
            Self::internal("Exit", format!("the handler exited with status {} instead of returning", exit.0))
        } else if let Some(limit) = memory_limit {
            let limit = limit / MIB;
            Self::internal(
                "OutOfMemory",
                format!("the handler needed more than {limit} MiB of memory; raise the function's memory or FIRSTBYTE_MEMORY_MB"),
            )
        } else if is_spent(error) {
            let limit = allowance.memory / MIB;
            Self::internal(
                "OutOfHostMemory",
                format!(
                    "the handler had the host hold more than {limit} MiB for it, in requests, fields, streams, pollables and the like; \
                     drop what is not needed any more, or raise FIRSTBYTE_HOST_MEMORY_MB"
                ),
            )
        } else if is_too_much_at_once(error) {
            let limit = CALL_BYTES / MIB;
            Self::internal(
                "CallTooLarge",
                format!("the handler passed more than {limit} MiB to the host in one call; pass it in smaller pieces"),
            )
        } else if let Some(missing) = error.downcast_ref::<MissingImport>() {
            Self::internal("MissingImport", format!("{missing}; build the component without it, or guard the call"))
        } else if trap == Some(&Trap::StackOverflow) {
            Self::internal("StackOverflow", "the handler's call stack overflowed".to_owned())
        } else if let Some(panic) = panic {
            Self::internal("Panic", panic)
        } else if trap == Some(&Trap::MemoryOutOfBounds) {
            let hint = "a call stack that outgrew its memory looks like this, too";
            Self::internal("Trap", format!("the handler trapped: {} ({hint})", Trap::MemoryOutOfBounds))
        } else if let Some(trap) = trap {
            Self::internal("Trap", format!("the handler trapped: {trap}"))
        } else {
            Self::internal("Trap", format!("the handler could not go on: {}", error.root_cause()))
        };
        if let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() {
            let frames = backtrace.frames().iter().filter_map(|frame| frame.func_name());
            failed.report.stack_trace = frames.take(16).map(|name| format!("{:#}", rustc_demangle::demangle(name))).collect();
            failed.report.stack_trace.iter_mut().for_each(|frame| *frame = cut(frame, FRAME_LIMIT));
        }
        failed
    }
}

/// Whether a budget was spent, the table that is charged to it was full, or there were as many handles as there may be.
fn is_spent(error: &wasmtime::Error) -> bool {
    error.is::<Spent>()
        || matches!(error.downcast_ref(), Some(ResourceTableError::Full))
        || says(error, "store handle limit exceeded")
}

/// Whether a call brought more than [`CALL_BYTES`].
fn is_too_much_at_once(error: &wasmtime::Error) -> bool {
    says(error, "fuel allocated for hostcalls has been exhausted")
}

/// Whether it is the error of wasmtime's with these words: it has no type that others can name.
fn says(error: &wasmtime::Error, words: &str) -> bool {
    error.root_cause().to_string().contains(words)
}

/// The first `limit` bytes of a text, and how much is missing.
fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let kept = text.floor_char_boundary(limit);
    format!("{}… ({} bytes left out)", &text[..kept], text.len() - kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use firstbyte_wire::error::DOCUMENT_LIMIT;
    use proptest::prelude::*;

    #[test]
    fn a_failure_as_large_as_the_handlers_memory_is_cut() {
        let message = "é".repeat(MESSAGE_LIMIT);
        let stack = vec!["é".repeat(FRAME_LIMIT); 2 * FRAMES];
        let failed = Failed::from_handler(Failure { kind: "K".repeat(MESSAGE_LIMIT), message, status: Some(404), stack });
        assert!(failed.report.error_message.ends_with("é… (1048576 bytes left out)"));
        assert!(failed.shown.ends_with("é… (2031616 bytes left out)"), "{}", &failed.shown[SHOWN_LIMIT - 10..]);
        assert!(failed.report.to_json_within(DOCUMENT_LIMIT).len() <= DOCUMENT_LIMIT);
    }

    #[test]
    fn an_event_that_cannot_be_read_is_not_told_in_full() {
        let headers = "x".repeat(5_000_000);
        let event = format!(r#"{{"httpMethod":"GET","requestContext":{{"identity":{{}}}},"headers":"{headers}"}}"#);
        let error = firstbyte_wire::Event::parse(&event.into()).expect_err("headers are no text");
        let failed = Failed::from_event(&error);
        assert!(failed.report.error_message.contains("API Gateway") && failed.report.error_message.len() < 5_000);
        assert_eq!((failed.status, failed.shown.as_str()), (400, "Bad Request"));
    }

    proptest! {
        #[test]
        fn any_failure_of_a_handler_can_be_told(
            kind in ".{0,80}",
            message in ".{0,200}",
            status in prop::option::of(any::<u16>()),
            stack in prop::collection::vec(".{0,80}", 0..5),
        ) {
            let failed = Failed::from_handler(Failure { kind, message: message.clone(), status, stack: stack.clone() });
            let type_ = failed.report.error_type.strip_prefix("Function.").expect("its prefix");
            prop_assert!(type_.len() >= 2 && type_.bytes().all(|byte| byte.is_ascii_alphabetic()), "{type_}");
            prop_assert!((400..600).contains(&failed.status));
            prop_assert_eq!(&failed.shown, if failed.status < 500 { &message } else { INTERNAL });
            prop_assert!(firstbyte_wire::Head::new(failed.status, []).is_ok());
            prop_assert_eq!((failed.report.error_message, failed.report.stack_trace), (message, stack));
        }
    }
}
