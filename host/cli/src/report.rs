//! How chunks and events look on a terminal.

use firstbyte_emulator::{Event, EventKind};
use std::time::Duration;

/// One line for one piece of a response: when it came, and what it was.
pub(crate) fn chunk(at: Duration, bytes: &[u8]) -> String {
    format!("  {:>8.3} s  {}", at.as_secs_f64(), quoted(bytes))
}

/// The bytes as text between quotes, or how many there are.
fn quoted(bytes: &[u8]) -> String {
    const SHOWN: usize = 200;
    match std::str::from_utf8(bytes) {
        Ok(text) if text.len() <= SHOWN => format!("{text:?}"),
        Ok(text) => format!("{:?}… ({} bytes)", &text[..text.floor_char_boundary(SHOWN)], bytes.len()),
        Err(_) => format!("({} bytes, not text)", bytes.len()),
    }
}

/// A line that a runtime printed. What is more than one line to a reader of Lambda's log has carriage returns in it, with which
/// a terminal would write one line over the other.
pub(crate) fn log(line: &str) -> String {
    line.replace('\r', "\n      ")
}

/// One line for an event that a user of `serve` wants to see; none for the others.
pub(crate) fn event(event: &Event) -> Option<String> {
    let place = event.environment.map(|number| format!("[{number}] ")).unwrap_or_default();
    match &event.kind {
        EventKind::Log { line, .. } => Some(format!("{place}{}", log(line))),
        EventKind::Platform { .. }
        | EventKind::InitFailed { .. }
        | EventKind::EnvironmentExited { .. }
        | EventKind::NotShown { .. }
        | EventKind::FailureShown { .. }
        | EventKind::ClientLeft
        | EventKind::RuntimeRefused { .. }
        | EventKind::Refused { .. }
        | EventKind::Missed { .. } => Some(format!("{place}{event}")),
        _ => None,
    }
}
