//! How times, durations and bytes look in an event's JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Serialize as _, Serializer};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment as milliseconds since the Unix epoch, with microseconds as its fraction.
pub(super) fn moment<S: Serializer>(moment: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    millis(&moment.duration_since(UNIX_EPOCH).unwrap_or_default(), serializer)
}

/// A duration as milliseconds, with microseconds as its fraction.
pub(super) fn millis<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    // A fraction of more digits than a clock has would only make the number longer.
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    serializer.serialize_f64(micros as f64 / 1000.0)
}

/// The same of a duration that is there.
pub(super) fn maybe_millis<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    millis(&duration.unwrap_or_default(), serializer)
}

/// A text that is there.
pub(super) fn text<S: Serializer>(text: &Option<Arc<str>>, serializer: S) -> Result<S::Ok, S::Error> {
    text.as_deref().serialize(serializer)
}

/// Bytes in base64.
pub(super) fn base64<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

/// Bytes that are text.
pub(super) fn bytes_as_text<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&String::from_utf8_lossy(bytes))
}
