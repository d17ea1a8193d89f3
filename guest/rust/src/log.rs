//! The function's log: records with a level and with members of their own.
//!
//! What a handler prints is in the log without this: [`println!`] as INFO, [`eprintln!`] as ERROR, line by line. A line that is one
//! JSON object is a record of its own, which is what this module writes:
//!
//! ```no_run
//! use firstbyte::log::{self, Level};
//! use serde_json::json;
//!
//! log::write(Level::Warn, "low on stock", &json!({ "item": 7, "left": 3 }));
//! ```
//!
//! becomes, by the format that is set for the function (`AWS_LAMBDA_LOG_FORMAT`), one of
//!
//! ```text
//! {"timestamp":"2026-01-02T03:04:05.678Z","level":"WARN","requestId":"…","message":"low on stock","item":7,"left":3}
//! 2026-01-02T03:04:05.678Z    …    WARN    low on stock {"item":7,"left":3}
//! ```
//!
//! Records below the function's level (`AWS_LAMBDA_LOG_LEVEL`, INFO unless it is set) are not written, nor formatted: where
//! `FIRSTBYTE_ENV` names the variables that handlers see, it has to name that one, too.
//!
//! # `tracing` and `log`
//!
//! With the feature `tracing` or `log`, [`init`] has the macros of that crate write such records: levels stay what they are, and
//! fields become members. Of `tracing`, the fields of the spans around an event are its members, too.
//!
//! ```no_run
//! # use firstbyte::{Request, Response, Result};
//! fn order(request: Request, response: Response) -> Result {
//!     firstbyte::log::init();
//!     tracing::info!(item = 7, left = 3, "low on stock");
//!     response.empty(204)
//! }
//! ```
//!
//! Other loggers that write JSON lines to standard output work without a feature, such as `tracing_subscriber`'s with
//! `fmt().json().flatten_event(true).without_time()`.

#[cfg(feature = "log")]
mod facade;
mod line;
#[cfg(feature = "tracing")]
mod subscriber;

use std::{env, fmt, sync::OnceLock};

use serde::Serialize;

use crate::init as preparation;

/// How bad it is, in Lambda's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Every step.
    Trace,
    /// What helps to find a mistake.
    Debug,
    /// What happens.
    Info,
    /// What may go wrong, or went wrong and was made up for.
    Warn,
    /// What went wrong.
    Error,
    /// What ends the function.
    Fatal,
}

impl Level {
    const ALL: [Self; 6] = [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error, Self::Fatal];

    /// Lambda's name: `INFO`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }
}

/// The lowest level that is written: the function's, by `AWS_LAMBDA_LOG_LEVEL`; INFO if that is not set.
pub fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    if preparation::is_for_snapshot() {
        // The function's own is not known yet.
        return Level::Info;
    }
    *LEVEL.get_or_init(|| {
        let name = env::var("AWS_LAMBDA_LOG_LEVEL").unwrap_or_default();
        Level::ALL.into_iter().find(|level| level.name().eq_ignore_ascii_case(&name)).unwrap_or(Level::Info)
    })
}

/// The lowest level that may still be written, for those who ask once: while a snapshot is made, the function's is not known.
#[cfg(any(feature = "tracing", feature = "log"))]
fn lowest() -> Level {
    if preparation::is_for_snapshot() { Level::Trace } else { level() }
}

/// Writes a record, unless its level is below the function's. Its members are those of a struct or a map; what cannot be one (a
/// number, a list) has none. `timestamp`, `requestId` and `tenantId` are the host's to say.
///
/// A record has 16 KiB at most. One that would have more has its members left out, and its message cut.
pub fn write(level: Level, message: impl fmt::Display, members: &impl Serialize) {
    if level >= self::level() {
        let members = match serde_json::to_value(members) {
            Ok(serde_json::Value::Object(members)) => members,
            _ => serde_json::Map::new(),
        };
        line::print(level, &message.to_string(), members);
    }
}

/// Has the macros of `tracing` and of `log` write to the function's log. Further calls do nothing. Needs the feature `tracing` or
/// `log`.
#[cfg(any(feature = "tracing", feature = "log"))]
pub fn init() {
    #[cfg(feature = "tracing")]
    subscriber::init();
    #[cfg(feature = "log")]
    facade::init();
}
