//! What a function has to do: how many streams begin, and what one of them is. Knows no runtime, no AWS and no price.

use crate::error::CostError;
use serde::Serialize;

/// Hours of a month, as AWS's calculators have it.
pub const HOURS_PER_MONTH: f64 = 730.0;

const SECONDS_PER_MONTH: f64 = HOURS_PER_MONTH * 3600.0;

/// A load that goes on for the whole month.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Workload {
    /// Streams that begin in a second.
    pub per_second: f64,
    /// What one of them is, on average.
    pub stream: Stream,
}

/// One stream.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stream {
    /// How long it lasts.
    pub seconds: f64,
    /// Bytes of its response.
    pub bytes: f64,
    /// Pieces that it comes in.
    pub tokens: f64,
    /// CPU time in milliseconds, that of the handler and of the host's work for it. Absent: what the bench's tokens take.
    pub cpu_ms: Option<f64>,
    /// Memory of the handler's own, in MiB, beside what the bench's handler has.
    pub handler_memory_mib: f64,
    /// Connections to other servers that it has open.
    pub upstream: f64,
}

impl Workload {
    /// A load that can be.
    ///
    /// # Errors
    /// [`CostError::Invalid`].
    pub fn new(per_second: f64, stream: Stream) -> Result<Self, CostError> {
        let above_zero = [("seconds per stream", stream.seconds), ("streams per second", per_second)];
        for (name, value) in above_zero {
            if !(value.is_finite() && value > 0.0) {
                return Err(CostError::invalid(name, value, "it has to be a number above 0"));
            }
        }
        let Stream { bytes, tokens, cpu_ms, handler_memory_mib, upstream, .. } = stream;
        let others = [
            ("bytes per stream", bytes),
            ("tokens per stream", tokens),
            ("CPU milliseconds per stream", cpu_ms.unwrap_or(0.0)),
            ("the handler's memory", handler_memory_mib),
            ("upstream connections per stream", upstream),
        ];
        for (name, value) in others {
            if !(value.is_finite() && value >= 0.0) {
                return Err(CostError::invalid(name, value, "it has to be a number, at least 0"));
            }
        }
        if stream.seconds > 900.0 {
            return Err(CostError::invalid("seconds per stream", stream.seconds, "Lambda ends an invocation after 900"));
        }
        Ok(Self { per_second, stream })
    }

    /// Streams at once, on average (Little's law).
    #[must_use]
    pub fn at_once(&self) -> f64 {
        self.per_second * self.stream.seconds
    }

    /// Streams of a month.
    #[must_use]
    pub fn per_month(&self) -> f64 {
        self.per_second * SECONDS_PER_MONTH
    }

    /// Seconds that a month's streams last together, each rounded up to a millisecond, as Lambda bills them.
    #[must_use]
    pub fn billed_seconds(&self) -> f64 {
        // What is a whole number of milliseconds in decimals need not be one in binary.
        let milliseconds = (self.stream.seconds * 1000.0 - 1e-6).ceil().max(1.0);
        self.per_month() * milliseconds / 1000.0
    }

    /// Bytes that leave in a second.
    #[must_use]
    pub fn bytes_per_second(&self) -> f64 {
        self.per_second * self.stream.bytes
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A language model's answer: 20 s, 400 tokens, 20 kB.
    pub(crate) fn answers(per_second: f64) -> Workload {
        let stream =
            Stream { seconds: 20.0, bytes: 20_000.0, tokens: 400.0, cpu_ms: None, handler_memory_mib: 0.0, upstream: 1.0 };
        Workload::new(per_second, stream).expect("valid")
    }

    #[test]
    fn a_month_is_730_hours_and_streams_at_once_are_rate_times_length() {
        let workload = answers(5.0);
        assert_eq!(workload.at_once(), 100.0);
        assert_eq!(workload.per_month(), 5.0 * 730.0 * 3600.0);
        assert_eq!(workload.billed_seconds(), workload.per_month() * 20.0);
        assert_eq!(workload.bytes_per_second(), 100_000.0);
        let mut short = workload.clone();
        short.stream.seconds = 0.0201;
        assert!((short.billed_seconds() / short.per_month() - 0.021).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        let stream = answers(1.0).stream;
        for (per_second, changed, name) in [
            (0.0, stream.clone(), "streams per second"),
            (f64::NAN, stream.clone(), "streams per second"),
            (1.0, Stream { seconds: 0.0, ..stream.clone() }, "seconds per stream"),
            (1.0, Stream { seconds: 901.0, ..stream.clone() }, "seconds per stream"),
            (1.0, Stream { bytes: -1.0, ..stream.clone() }, "bytes per stream"),
            (1.0, Stream { cpu_ms: Some(f64::INFINITY), ..stream.clone() }, "CPU milliseconds per stream"),
        ] {
            let error = Workload::new(per_second, changed).expect_err(name).to_string();
            assert!(error.starts_with(name), "{error}");
        }
    }
}
