//! How an invocation ended, and what each party is told of it.

use crate::bindings::firstbyte::lambda::invocation::Failure;
use firstbyte_wire::{ErrorReport, ErrorType, EventError};
use wasmtime::{Trap, WasmBacktrace};

/// What an HTTP caller is told of a failure that is none of its business.
const INTERNAL: &str = "Internal Server Error";

/// How an invocation ended.
#[derive(Debug)]
pub enum Outcome {
    /// The handler returned `ok`.
    Success,
    /// It did not.
    Failed(Failed),
}

/// A failed invocation, as it is told.
#[derive(Debug)]
pub struct Failed {
    /// For Lambda, the log, and a direct caller.
    pub report: ErrorReport,
    /// For an HTTP caller whose response was not started: the status.
    pub status: u16,
    /// And the words.
    pub shown: String,
}

impl Failed {
    fn internal(reason: &str, message: String) -> Self {
        Self { report: ErrorReport::new(&ErrorType::runtime(reason), message), status: 500, shown: INTERNAL.to_owned() }
    }

    /// The handler returned a failure.
    pub(crate) fn from_handler(failure: Failure) -> Self {
        let status = failure.status.filter(|status| (400..=599).contains(status)).unwrap_or(500);
        let shown = if status < 500 { failure.message.clone() } else { INTERNAL.to_owned() };
        let mut report = ErrorReport::new(&ErrorType::function(&failure.kind), failure.message);
        report.stack_trace = failure.stack;
        Self { report, status, shown }
    }

    /// The event looks like an HTTP door's and cannot be read.
    pub(crate) fn from_event(error: &EventError) -> Self {
        let mut failed = Self::internal("InvalidEvent", error.to_string());
        failed.status = 400;
        failed.shown = "Bad Request".to_owned();
        failed
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
    /// `panic` is what it last said on standard error.
    pub(crate) fn from_trap(error: &wasmtime::Error, memory_limit: Option<usize>, panic: Option<String>) -> Self {
        let trap = error.downcast_ref::<Trap>();
        let mut failed = if let Some(exit) = error.downcast_ref::<wasmtime_wasi::I32Exit>() {
            Self::internal("Exit", format!("the handler exited with status {} instead of returning", exit.0))
        } else if let Some(limit) = memory_limit {
            let limit = limit / (1024 * 1024);
            Self::internal(
                "OutOfMemory",
                format!("the handler needed more than {limit} MiB of memory; raise the function's memory or FIRSTBYTE_MEMORY_MB"),
            )
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
        }
        failed
    }
}
