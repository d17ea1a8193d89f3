//! What a recording of the console, or a log with metrics, says about streams. Reads text; the file is the caller's.

use crate::error::CostError;
use crate::workload::Stream;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The version of recordings that are read.
const RECORDING: u32 = 1;

/// What was seen of the streams in a file, on average.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// What kind of file it is.
    pub kind: Kind,
    /// How many streams.
    pub streams: usize,
    /// The average of them.
    pub stream: Stream,
    /// Streams that began per second. Absent of a recording, and of fewer than two streams.
    pub per_second: Option<f64>,
    /// The longest of them, in seconds.
    pub longest: f64,
}

/// What kind of file was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A recording of `firstbyte serve`'s console.
    Recording,
    /// A log with lines of `FIRSTBYTE_METRICS=emf`.
    Metrics,
}

impl Kind {
    /// In words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Recording => "a recording",
            Self::Metrics => "metrics",
        }
    }
}

/// One stream, as far as a file tells.
#[derive(Debug, Default)]
struct Seen {
    /// When it began, in milliseconds since the Unix epoch.
    began_ms: f64,
    seconds: f64,
    bytes: f64,
    tokens: f64,
    cpu_ms: Option<f64>,
    memory_mib: f64,
    upstream: f64,
}

impl Observed {
    /// Of a file's text, whichever kind it is.
    ///
    /// # Errors
    /// [`CostError::Observed`].
    pub fn read(text: &str) -> Result<Self, CostError> {
        let start: String = text.trim_start().chars().take(64).collect();
        let (kind, seen) = if start.contains("firstbyte_recording") {
            (Kind::Recording, recording(text)?)
        } else {
            (Kind::Metrics, metrics(text)?)
        };
        Ok(Self::of(kind, &seen))
    }

    fn of(kind: Kind, seen: &[Seen]) -> Self {
        let mean = |of: fn(&Seen) -> f64| seen.iter().map(of).sum::<f64>() / seen.len() as f64;
        let cpu: Option<f64> = seen.iter().map(|seen| seen.cpu_ms).sum();
        let begun = seen.iter().map(|seen| seen.began_ms);
        let (first, last) = (begun.clone().fold(f64::INFINITY, f64::min), begun.fold(0.0, f64::max));
        // Between n beginnings are n - 1 intervals.
        let rate = (seen.len() - 1) as f64 / ((last - first) / 1000.0);
        Self {
            kind,
            streams: seen.len(),
            stream: Stream {
                seconds: mean(|seen| seen.seconds),
                bytes: mean(|seen| seen.bytes),
                tokens: mean(|seen| seen.tokens),
                cpu_ms: cpu.map(|cpu| cpu / seen.len() as f64),
                handler_memory_mib: mean(|seen| seen.memory_mib),
                upstream: mean(|seen| seen.upstream),
            },
            per_second: (kind == Kind::Metrics && rate.is_finite() && rate > 0.0).then_some(rate),
            longest: seen.iter().map(|seen| seen.seconds).fold(0.0, f64::max),
        }
    }
}

/// The members of a recording that are read. `host/emulator`'s feed and the runtime's recorder say them.
#[derive(Deserialize)]
struct Recording {
    firstbyte_recording: u32,
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    at: f64,
    request_id: Option<String>,
    kind: String,
    duration_ms: Option<f64>,
    bytes: Option<f64>,
    call: Option<u64>,
}

/// The invocations of a recording that have ended. What a laptop's CPU took is not in it.
fn recording(text: &str) -> Result<Vec<Seen>, CostError> {
    let not = |why: &dyn std::fmt::Display| CostError::Observed(format!("the recording cannot be read: {why}"));
    let recording: Recording = serde_json::from_str(text).map_err(|error| not(&error))?;
    if recording.firstbyte_recording != RECORDING {
        return Err(not(&format!("it is of version {}, and this program reads {RECORDING}", recording.firstbyte_recording)));
    }
    let mut streams: BTreeMap<&str, (Seen, bool)> = BTreeMap::new();
    let mut calls: BTreeSet<(&str, u64)> = BTreeSet::new();
    for event in &recording.events {
        let Some(id) = event.request_id.as_deref() else { continue };
        let (seen, has_ended) = streams.entry(id).or_default();
        match event.kind.as_str() {
            "invocation_started" => seen.began_ms = event.at,
            "chunk" => {
                seen.tokens += 1.0;
                seen.bytes += event.bytes.unwrap_or(0.0);
            }
            "upstream_asked" if calls.insert((id, event.call.unwrap_or(0))) => seen.upstream += 1.0,
            "invocation_ended" => {
                *has_ended = true;
                seen.seconds = event.duration_ms.unwrap_or(0.0) / 1000.0;
            }
            _ => {}
        }
    }
    let seen: Vec<Seen> = streams.into_values().filter(|(_, has_ended)| *has_ended).map(|(seen, _)| seen).collect();
    if seen.is_empty() { Err(not(&"no invocation of it has ended")) } else { Ok(seen) }
}

/// The metric lines of a log. Anything may be around them: a line's JSON begins at its first brace.
fn metrics(text: &str) -> Result<Vec<Seen>, CostError> {
    let mut seen = Vec::new();
    for line in text.lines() {
        let Some(json) = line.find('{').and_then(|at| line.get(at..)) else { continue };
        let Ok(value) = serde_json::from_str::<Value>(json) else { continue };
        let figure = |name: &str| value.get(name).and_then(Value::as_f64);
        // Both are in every line of ours.
        let (Some(end_ms), Some(bytes)) = (figure("EndTime"), figure("ResponseBytes")) else { continue };
        seen.push(Seen {
            began_ms: value.pointer("/_aws/Timestamp").and_then(Value::as_f64).unwrap_or(0.0),
            seconds: end_ms / 1000.0,
            bytes,
            tokens: figure("Writes").unwrap_or(0.0),
            cpu_ms: figure("CpuTime"),
            // Linear memory, of which a handler need not have touched all.
            memory_mib: figure("MemoryUsed").unwrap_or(0.0) / 1_048_576.0,
            upstream: figure("UpstreamCalls").unwrap_or(0.0),
        });
    }
    if seen.is_empty() {
        return Err(CostError::Observed(
            "the file is no recording of the console's, and has no line of metrics (FIRSTBYTE_METRICS=emf)".to_owned(),
        ));
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_tells_length_bytes_tokens_and_calls() {
        let text = r#"{"firstbyte_recording":1,"handler":"a","saved_ms":1.5,"complete":true,"events":[
            {"seq":1,"at":1000,"request_id":"a","kind":"invocation_started","event":"{}","deadline_ms":9},
            {"seq":2,"at":1001,"request_id":"a","kind":"upstream_asked","call":0,"method":"GET","url":"u"},
            {"seq":3,"at":1002,"request_id":"a","kind":"chunk","bytes":4,"data":"AA=="},
            {"seq":4,"at":1003,"request_id":"a","kind":"chunk","bytes":2,"data":"AA=="},
            {"seq":5,"at":1003,"request_id":"b","kind":"invocation_started"},
            {"seq":6,"at":1004,"kind":"platform","line":"x"},
            {"seq":7,"at":3000,"request_id":"a","kind":"invocation_ended","outcome":{"is":"success"},"duration_ms":2000,"bytes":160}]}"#;
        let observed = Observed::read(text).expect("a recording");
        assert_eq!((observed.kind, observed.streams, observed.per_second), (Kind::Recording, 1, None));
        let Stream { seconds, bytes, tokens, cpu_ms, upstream, .. } = observed.stream;
        assert_eq!((seconds, bytes, tokens, cpu_ms, upstream), (2.0, 6.0, 2.0, None, 1.0));
    }

    #[test]
    fn metrics_tell_cpu_and_the_rate_too_whatever_is_around_them() {
        let line = |at: u64, end: u64| {
            format!(
                r#"2026-11-27T10:00:00Z [1] {{"_aws":{{"Timestamp":{at},"CloudWatchMetrics":[]}},"EndTime":{end},"CpuTime":3,"ResponseBytes":100,"Writes":7,"MemoryUsed":2097152,"UpstreamCalls":1,"requestId":"r"}}"#
            )
        };
        let text =
            [line(1000, 4000), "{\"level\":\"INFO\"}".to_owned(), "{".to_owned(), line(3000, 2000), line(2000, 3000)].join("\n");
        let observed = Observed::read(&text).expect("metrics");
        assert_eq!((observed.kind, observed.streams, observed.longest), (Kind::Metrics, 3, 4.0));
        assert_eq!(observed.per_second, Some(1.0));
        let Stream { seconds, bytes, tokens, cpu_ms, upstream, handler_memory_mib } = observed.stream;
        assert_eq!((seconds, bytes, tokens, cpu_ms, upstream, handler_memory_mib), (3.0, 100.0, 7.0, Some(3.0), 1.0, 2.0));
        assert_eq!(Observed::read(&line(1, 1)).expect("one").per_second, None);
    }

    #[test]
    fn other_files_are_refused_with_what_is_wrong() {
        for (text, why) in [
            ("", "no line of metrics (FIRSTBYTE_METRICS=emf)"),
            ("{\"EndTime\":3}", "no line of metrics"),
            ("{\"firstbyte_recording\":2,\"events\":[]}", "it is of version 2, and this program reads 1"),
            ("{\"firstbyte_recording\":1,\"events\":[]}", "no invocation of it has ended"),
            ("{\"firstbyte_recording\":1", "EOF"),
        ] {
            let error = Observed::read(text).expect_err(why).to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
