//! What a function has to do: how many streams begin, and what one of them is. Knows no runtime, no AWS and no price.

use crate::error::{CostError, within};
use serde::Serialize;

/// Hours of a month, as AWS's calculators have it.
pub const HOURS_PER_MONTH: f64 = 730.0;

const SECONDS_PER_MONTH: f64 = HOURS_PER_MONTH * 3600.0;

/// After how many seconds Lambda ends an invocation at the latest (Lambda's quotas).
const MOST_SECONDS: f64 = 900.0;
/// Bytes that a streamed response has at most (Lambda's quotas).
const MOST_BYTES: f64 = 200.0 * 1024.0 * 1024.0;
/// The most that any other figure may be: more than anybody has, and so little that no sum of a month overflows.
const MOST: f64 = 1e9;
/// The fewest streams per second, or at once: one in thirty years.
const LEAST_RATE: f64 = 1e-9;

/// A load that goes on for the whole month.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Workload {
    /// Streams that begin in a second.
    pub per_second: f64,
    /// What one of them is, on average.
    pub stream: Stream,
}

/// How many streams there are, on average over the month.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// Streams that begin per second.
    PerSecond(f64),
    /// Streams that go on at the same time.
    AtOnce(f64),
}

/// One stream.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stream {
    /// How long it lasts, in seconds.
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
    pub fn new(rate: Rate, stream: Stream) -> Result<Self, CostError> {
        let Stream { seconds, bytes, tokens, cpu_ms, handler_memory_mib, upstream } = stream;
        within("the length of a stream in seconds", seconds, 1e-6..=MOST_SECONDS, "; Lambda ends an invocation after that")?;
        within("the bytes of a stream", bytes, 0.0..=MOST_BYTES, "; Lambda streams no more than 200 MiB")?;
        within("the number of tokens of a stream", tokens, 0.0..=MOST, "")?;
        within("the CPU time of a stream in milliseconds", cpu_ms.unwrap_or(0.0), 0.0..=MOST, "")?;
        within("the memory of a stream's handler in MiB", handler_memory_mib, 0.0..=MOST, "")?;
        within("the number of a stream's connections to other servers", upstream, 0.0..=MOST, "")?;
        let per_second = match rate {
            Rate::PerSecond(rate) => {
                within("the number of streams per second", rate, LEAST_RATE..=MOST, "")?;
                rate
            }
            Rate::AtOnce(streams) => {
                within("the number of streams at once", streams, LEAST_RATE..=MOST, "")?;
                streams / seconds
            }
        };
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
        Workload::new(Rate::PerSecond(per_second), stream).expect("valid")
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
    fn streams_at_once_are_as_many_as_begin_in_the_length_of_one() {
        let workload = Workload::new(Rate::AtOnce(100.0), answers(1.0).stream).expect("valid");
        assert_eq!((workload.per_second, workload.at_once()), (5.0, 100.0));
    }

    #[test]
    fn a_figure_that_cannot_be_is_refused_by_its_name_whatever_it_is() {
        let stream = answers(1.0).stream;
        let with = |change: fn(&mut Stream, f64)| {
            move |value| {
                let mut changed = answers(1.0).stream;
                change(&mut changed, value);
                Workload::new(Rate::PerSecond(1.0), changed)
            }
        };
        type Refused = Box<dyn Fn(f64) -> Result<Workload, CostError>>;
        let at_rate = |rate: fn(f64) -> Rate| {
            let stream = stream.clone();
            move |value| Workload::new(rate(value), stream.clone())
        };
        let figures: [(&str, Refused); 8] = [
            ("the number of streams per second", Box::new(at_rate(Rate::PerSecond))),
            ("the number of streams at once", Box::new(at_rate(Rate::AtOnce))),
            ("the length of a stream in seconds", Box::new(with(|stream, value| stream.seconds = value))),
            ("the bytes of a stream", Box::new(with(|stream, value| stream.bytes = value))),
            ("the number of tokens of a stream", Box::new(with(|stream, value| stream.tokens = value))),
            ("the CPU time of a stream in milliseconds", Box::new(with(|stream, value| stream.cpu_ms = Some(value)))),
            ("the memory of a stream's handler in MiB", Box::new(with(|stream, value| stream.handler_memory_mib = value))),
            ("the number of a stream's connections to other servers", Box::new(with(|stream, value| stream.upstream = value))),
        ];
        for (name, of) in figures {
            for (value, shown) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf"), (1e308, "1e308"), (-1.0, "-1")] {
                let error = of(value).expect_err(name).to_string();
                assert!(error.starts_with(&format!("{name} cannot be {shown}: it has to be a number from ")), "{error}");
            }
            assert!(of(1.0).is_ok(), "{name}");
        }
        for rate in [Rate::PerSecond(0.0), Rate::AtOnce(0.0), Rate::AtOnce(5e-324)] {
            let error = Workload::new(rate, stream.clone()).expect_err("no stream").to_string();
            assert!(error.ends_with("it has to be a number from 1e-9 to 1e9"), "{error}");
        }
        let error = with(|stream, value| stream.seconds = value)(901.0).expect_err("too long").to_string();
        assert!(
            error.ends_with("cannot be 901: it has to be a number from 0.000001 to 900; Lambda ends an invocation after that"),
            "{error}"
        );
    }
}
