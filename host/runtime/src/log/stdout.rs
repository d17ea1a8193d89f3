//! The log of a function: standard output, written by a thread of its own so that a reader who is behind holds nobody up.

use super::{BoxFuture, Level, Log, Record, timestamp};
use serde::Serialize;
use serde_json::{Map, Value};
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Bytes that may wait to be written.
const QUEUE: usize = 256 * 1024;

/// How long a handler waits for the log's reader before its lines are dropped.
const PATIENCE: Duration = Duration::from_millis(250);

/// Writes records to standard output.
#[derive(Debug)]
pub struct StdoutLog {
    json: bool,
    level: Level,
    shared: Arc<Shared>,
    started: AtomicBool,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    filled: Condvar,
    drained: Condvar,
    progress: Notify,
    /// The reader kept somebody waiting in vain and has not read since.
    given_up: AtomicBool,
}

#[derive(Debug, Default)]
struct Queue {
    bytes: Vec<u8>,
    /// Counted from the start: bytes that were taken, and bytes that were written.
    taken: u64,
    written: u64,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonRecord<'a> {
    timestamp: String,
    level: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(flatten)]
    members: Option<&'a Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stack_trace: Option<&'a [String]>,
}

impl StdoutLog {
    /// A log in the format of `AWS_LAMBDA_LOG_FORMAT` (`JSON`, else text) that leaves out what is below
    /// `AWS_LAMBDA_LOG_LEVEL`.
    #[must_use]
    pub fn new(format: Option<&str>, level: Option<&str>) -> Arc<Self> {
        Arc::new(Self {
            json: format.is_some_and(|format| format.eq_ignore_ascii_case("json")),
            level: level.and_then(Level::parse).unwrap_or(Level::Info),
            shared: Arc::default(),
            started: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
        })
    }

    /// Waits until everything is written, but not for a reader who has stopped: at most a second.
    pub fn flush(&self) {
        let queue = self.shared.lock();
        let pending = |queue: &mut Queue| queue.written < queue.taken;
        drop(self.shared.drained.wait_timeout_while(queue, Duration::from_secs(1), pending));
    }

    /// Waits for the writing thread, unless its reader has let somebody wait in vain before.
    async fn wait_for(&self, done: impl Fn(&Queue) -> bool) {
        let wait = async {
            loop {
                let mut progress = std::pin::pin!(self.shared.progress.notified());
                progress.as_mut().enable();
                if done(&self.shared.lock()) {
                    return;
                }
                progress.await;
            }
        };
        if !self.shared.given_up.load(Ordering::Relaxed) && tokio::time::timeout(PATIENCE, wait).await.is_err() {
            self.shared.given_up.store(true, Ordering::Relaxed);
        }
    }

    fn render(&self, record: &Record<'_>) -> String {
        let timestamp = timestamp::now();
        let failure = record.failure;
        let members = record.members.filter(|members| !members.is_empty());
        if self.json {
            let record = JsonRecord {
                timestamp,
                level: record.level.name(),
                request_id: record.request_id,
                tenant_id: record.tenant_id,
                // Its members may be all that there is to say.
                message: Some(record.message).filter(|message| !message.is_empty() || members.is_none()),
                members,
                error_type: failure.map(|failure| failure.error_type.as_str()),
                error_message: failure.map(|failure| failure.error_message.as_str()),
                stack_trace: failure.map(|failure| failure.stack_trace.as_slice()),
            };
            let mut line = serde_json::to_string(&record).unwrap_or_default();
            line.push('\n');
            return line;
        }
        let request_id = record.request_id.unwrap_or("-");
        let mut line = format!("{timestamp}\t{request_id}\t{}\t", record.level.name());
        push_plain(&mut line, record.message);
        if let Some(members) = members {
            line.push_str(if record.message.is_empty() { "" } else { " " });
            push_plain(&mut line, &serde_json::to_string(members).unwrap_or_default());
        }
        for frame in failure.map(|failure| failure.stack_trace.as_slice()).unwrap_or_default() {
            line.push_str(" | ");
            push_plain(&mut line, frame);
        }
        line.push('\n');
        line
    }

    /// Says how many lines were dropped, if there is room to say it.
    fn tell_dropped(&self, request_id: Option<&str>, tenant_id: Option<&str>) {
        if self.dropped.load(Ordering::Relaxed) == 0 || !self.has_room() {
            return;
        }
        let message = format!("{} log lines were dropped: nobody read them in time", self.dropped.swap(0, Ordering::Relaxed));
        self.enqueue(&self.render(&Record {
            level: Level::Warn,
            request_id,
            tenant_id,
            message: &message,
            members: None,
            failure: None,
        }));
    }

    fn enqueue(&self, line: &str) {
        let mut queue = self.shared.lock();
        if queue.bytes.len() + line.len() > QUEUE && !queue.bytes.is_empty() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        queue.bytes.extend_from_slice(line.as_bytes());
        queue.taken += line.len() as u64;
        if self.started.swap(true, Ordering::Relaxed) {
            self.shared.filled.notify_one();
            return;
        }
        let shared = Arc::clone(&self.shared);
        let thread = std::thread::Builder::new().name("log".to_owned()).stack_size(64 * 1024);
        if thread.spawn(move || write_out(&shared)).is_err() {
            self.started.store(false, Ordering::Relaxed);
        }
    }
}

impl Log for StdoutLog {
    fn record(&self, record: &Record<'_>) {
        if record.level < self.level {
            return;
        }
        self.tell_dropped(record.request_id, record.tenant_id);
        self.enqueue(&self.render(record));
    }

    fn line(&self, line: &str) {
        self.tell_dropped(None, None);
        self.enqueue(&format!("{line}\n"));
    }

    fn has_room(&self) -> bool {
        self.shared.lock().bytes.len() < QUEUE / 2
    }

    fn room(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.wait_for(|queue| queue.bytes.len() < QUEUE / 2))
    }

    fn written(&self) -> BoxFuture<'_, ()> {
        self.tell_dropped(None, None);
        let Queue { taken, written, .. } = *self.shared.lock();
        if written >= taken {
            return Box::pin(std::future::ready(()));
        }
        Box::pin(self.wait_for(move |queue| queue.written >= taken))
    }
}

/// Adds text without what would end the record, or do something to a terminal: such characters are written as Rust escapes them.
fn push_plain(line: &mut String, text: &str) {
    for char in text.chars() {
        let is_break = matches!(char, '\u{2028}' | '\u{2029}');
        if is_break || (char.is_control() && char != '\t') {
            line.extend(char.escape_default());
        } else {
            line.push(char);
        }
    }
}

fn write_out(shared: &Shared) {
    let mut batch = Vec::new();
    let mut queue = shared.lock();
    loop {
        while queue.bytes.is_empty() {
            queue = shared.filled.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(&mut batch, &mut queue.bytes);
        drop(queue);
        let mut stdout = std::io::stdout().lock();
        let _ = stdout.write_all(&batch).and_then(|()| stdout.flush());
        drop(stdout);
        queue = shared.lock();
        queue.written += batch.len() as u64;
        shared.given_up.store(false, Ordering::Relaxed);
        // A line may be longer than all that waits.
        batch.clear();
        batch.shrink_to(QUEUE);
        shared.drained.notify_all();
        shared.progress.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firstbyte_wire::ErrorReport;

    #[test]
    fn a_record_is_one_line_whatever_is_in_it() {
        let failure = ErrorReport {
            error_type: "Function.Odd".to_owned(),
            error_message: "a\nb".to_owned(),
            stack_trace: vec![
                "one\n2026-01-01T00:00:00.000Z\tid\tINFO\tall is well".to_owned(),
                "two\r\n\u{1b}[2Jthree".to_owned(),
            ],
        };
        for format in [None, Some("JSON")] {
            let (message, failure) = ("Function.Odd: a\nb", Some(&failure));
            let record = Record { level: Level::Error, request_id: Some("id"), tenant_id: None, message, members: None, failure };
            let line = StdoutLog::new(format, None).render(&record);
            assert_eq!(line.find('\n'), Some(line.len() - 1), "{line:?}");
            assert!(line.contains("all is well") && line.contains("three"), "{line:?}");
            assert!(line.trim_end().chars().all(|char| !char.is_control() || char == '\t'), "{line:?}");
        }
    }

    #[test]
    fn members_are_the_records_own() {
        let line = |format: Option<&str>, message: &str, members: &str| {
            let members = serde_json::from_str(members).expect("an object");
            let (request_id, members) = (Some("id"), Some(&members));
            let record = Record { level: Level::Warn, request_id, tenant_id: None, message, members, failure: None };
            let line = StdoutLog::new(format, None).render(&record);
            line.split_once(if format.is_some() { ",\"level\":" } else { "Z\t" }).expect("a time").1.to_owned()
        };
        let members = r#"{"left":3,"odd":"\n\u001b","requestTime":null}"#;
        for (format, message, members, expected) in [
            (None, "low", members, "id\tWARN\tlow {\"left\":3,\"odd\":\"\\n\\u001b\",\"requestTime\":null}\n"),
            (None, "", r#"{"a":1}"#, "id\tWARN\t{\"a\":1}\n"),
            (None, "low", "{}", "id\tWARN\tlow\n"),
            (Some("JSON"), "low", r#"{"left":3}"#, "\"WARN\",\"requestId\":\"id\",\"message\":\"low\",\"left\":3}\n"),
            (Some("JSON"), "", r#"{"message":[1]}"#, "\"WARN\",\"requestId\":\"id\",\"message\":[1]}\n"),
        ] {
            assert_eq!(line(format, message, members), expected);
        }
    }
}
