//! What the emulator saw of an invocation: what Lambda would have seen.

use firstbyte_emulator::{Event, EventKind, Report, Verdict};

/// The events of one invocation, in their order.
#[derive(Clone, Debug, Default)]
pub struct Seen(pub Vec<Event>);

impl Seen {
    /// The report, if the invocation is over.
    #[must_use]
    pub fn report(&self) -> Option<&Report> {
        self.0.iter().rev().find_map(|event| match &event.kind {
            EventKind::InvocationEnded(report) => Some(report),
            _ => None,
        })
    }

    /// How Lambda counts it.
    ///
    /// # Panics
    /// If it is not over.
    #[must_use]
    pub fn outcome(&self) -> &Verdict {
        &self.report().expect("an invocation that is over").outcome
    }

    /// The error's type, if Lambda counts it as failed.
    #[must_use]
    pub fn error_type(&self) -> Option<&str> {
        match self.outcome() {
            Verdict::Success => None,
            Verdict::Error { error_type, .. } => Some(error_type),
            Verdict::Timeout => Some("timeout"),
        }
    }

    /// The error's message.
    #[must_use]
    pub fn error_message(&self) -> &str {
        match self.outcome() {
            Verdict::Error { message, .. } => message,
            Verdict::Success | Verdict::Timeout => "",
        }
    }

    /// What the runtime printed.
    #[must_use]
    pub fn printed(&self) -> Vec<&str> {
        self.0
            .iter()
            .filter_map(|event| match &event.kind {
                EventKind::Log { line, .. } => Some(line.as_str()),
                _ => None,
            })
            .collect()
    }

    /// What Lambda wrote to the log.
    #[must_use]
    pub fn platform(&self) -> Vec<&str> {
        self.0
            .iter()
            .filter_map(|event| match &event.kind {
                EventKind::Platform { line } => Some(line.as_str()),
                _ => None,
            })
            .collect()
    }

    /// What the client could not see.
    #[must_use]
    pub fn not_shown(&self) -> Vec<&str> {
        self.0
            .iter()
            .filter_map(|event| match &event.kind {
                EventKind::NotShown { what } => Some(what.as_str()),
                _ => None,
            })
            .collect()
    }

    /// What the client could see of a failure.
    #[must_use]
    pub fn failures_shown(&self) -> Vec<&str> {
        self.0
            .iter()
            .filter_map(|event| match &event.kind {
                EventKind::FailureShown { what } => Some(what.as_str()),
                _ => None,
            })
            .collect()
    }
}
