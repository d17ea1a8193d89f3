//! A recorded invocation, as a test: it is replayed, and what came of it then is compared with what comes of it now.

mod difference;
mod events;
mod listed;
mod script;

pub use difference::Difference;
pub use listed::Listed;

use crate::component::Component;
use crate::message::{Context, Invocation, Replaying};
use crate::response::Response;
use events::{Event, Kind, Verdict};
use script::{Call, Script};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The version of recordings that this library reads.
const VERSION: u32 = 1;

/// An invocation that the console of `firstbyte serve` recorded, and saved as a file.
///
/// It is replayed with the same event and context, the same random numbers, the same clock, and the same answers of other servers, byte
/// by byte and with their times, their silences and their ends. The clock is [paused](Component::paused): what took minutes takes
/// milliseconds. What is the handler's own stays the handler's own: its environment variables are not in the file, but their names
/// are ([`variables`](Self::variables)).
///
/// ```no_run
/// use firstbyte_testing::{Component, Recording};
///
/// #[test]
/// fn the_model_that_stalled_is_told_as_it_was() -> Result<(), Box<dyn std::error::Error>> {
///     let recording = Recording::open("tests/failure.json")?;
///     let servers = recording.servers().join(",");
///     let chat = Component::of_this_crate_with([("CHAT_BASE_URL", "https://api.openai.com"), ("FIRSTBYTE_ALLOW_HTTP", &servers)]);
///     recording.replay(&chat).assert_same();
///     Ok(())
/// }
/// ```
///
/// In a replay, computing takes no time unless it goes on for seconds, so that each one goes as the one before. A handler that answers
/// how long it has computed, or what microsecond it is, will differ from its recording.
#[derive(Clone, Debug)]
pub struct Recording {
    handler: Option<String>,
    request_id: String,
    variables: Vec<String>,
    event: String,
    context: Context,
    seed: u64,
    /// The guest's wall clock at its beginning, since the Unix epoch.
    clock: Duration,
    timeout: Duration,
    calls: Vec<Call>,
    told: Told,
}

/// What came of the invocation when it was recorded.
#[derive(Clone, Debug, Default)]
struct Told {
    /// Absent where no door said it.
    head: Option<(u16, Vec<(String, String)>)>,
    body: Vec<Piece>,
    /// Whether the client left, after which nobody looks at the body any more.
    is_cut: bool,
    outcome: Verdict,
}

/// A piece of the body, and when it came, counted from the invocation's beginning.
#[derive(Clone, Debug)]
struct Piece {
    at: Duration,
    bytes: Vec<u8>,
}

/// Why a file cannot be replayed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// It cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: std::io::Error,
    },
    /// It is something else.
    #[error("{} is not a recording of Firstbyte's console: {reason}", path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// Why it cannot be one, as the end of a sentence.
        reason: String,
    },
    /// Another version of Firstbyte wrote it.
    #[error("{} is a recording of version {version}, and this library reads version {VERSION}: record it anew, or install the version of Firstbyte that wrote it", path.display())]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
    /// It has several invocations, or none.
    #[error("{} has {} invocations, and one is replayed at a time{}", path.display(), invocations.len(), listed::lines(invocations))]
    NotOne {
        /// The file.
        path: PathBuf,
        /// The invocations that it has.
        invocations: Vec<Listed>,
    },
    /// It does not have the invocation that was asked for.
    #[error("{} has no invocation {wanted}; it has {}{}", path.display(), invocations.len(), listed::lines(invocations))]
    Unknown {
        /// The file.
        path: PathBuf,
        /// The id that was asked for.
        wanted: String,
        /// The invocations that it has.
        invocations: Vec<Listed>,
    },
    /// Something that a replay needs is missing.
    #[error("{} cannot be replayed: {reason}", path.display())]
    Incomplete {
        /// The file.
        path: PathBuf,
        /// Which part of the invocation the file lacks, and why.
        reason: String,
    },
}

/// The members of a recording's file that a replay reads.
#[derive(Deserialize)]
struct File {
    handler: Option<String>,
    #[serde(default)]
    complete: bool,
    events: Vec<Event>,
}

impl Recording {
    /// Opens a file with one invocation in it.
    ///
    /// # Errors
    /// [`RecordingError`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, RecordingError> {
        Self::read(path.as_ref(), None)
    }

    /// Opens one invocation of a file that may have several.
    ///
    /// # Errors
    /// [`RecordingError`].
    pub fn open_invocation(path: impl AsRef<Path>, request_id: &str) -> Result<Self, RecordingError> {
        Self::read(path.as_ref(), Some(request_id))
    }

    fn read(path: &Path, request_id: Option<&str>) -> Result<Self, RecordingError> {
        let unreadable = |reason| RecordingError::Unreadable { path: path.to_owned(), reason };
        let text = std::fs::read(path).map_err(unreadable)?;
        // Windows' programs write a mark of the byte order before the text.
        let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&text);
        let other = |error: serde_json::Error| RecordingError::Other { path: path.to_owned(), reason: error.to_string() };
        // The version comes first: what it says decides what the rest may be.
        #[derive(Deserialize)]
        struct Version {
            firstbyte_recording: u32,
        }
        let Version { firstbyte_recording: version } = serde_json::from_slice(text).map_err(other)?;
        if version != VERSION {
            return Err(RecordingError::OtherVersion { path: path.to_owned(), version });
        }
        let file: File = serde_json::from_slice(text).map_err(other)?;
        let invocations = Listed::all(&file.events);
        let id = match (request_id, &invocations[..]) {
            (Some(wanted), all) => all.iter().map(|one| &*one.request_id).find(|id| *id == wanted),
            (None, [only]) => Some(&*only.request_id),
            (None, _) => None,
        };
        let Some(id) = id else {
            let path = path.to_owned();
            return Err(match request_id {
                Some(wanted) => RecordingError::Unknown { path, wanted: wanted.to_owned(), invocations },
                None => RecordingError::NotOne { path, invocations },
            });
        };
        let incomplete = |reason: &str| RecordingError::Incomplete { path: path.to_owned(), reason: reason.to_owned() };
        if !file.complete {
            return Err(incomplete(
                "it says that not all of what happened is in it; record the invocation anew, and save it alone",
            ));
        }
        Self::of(&file, id).map_err(incomplete)
    }

    /// One invocation of a file.
    fn of(file: &File, id: &str) -> Result<Self, &'static str> {
        let events = || file.events.iter().filter(|event| event.request_id.as_deref() == Some(id));
        let mut began = None;
        let mut started = None;
        let mut told = Told::default();
        let mut outcome = None;
        for event in events() {
            match &event.kind {
                Kind::InvocationStarted(invocation) => started = Some(invocation),
                Kind::Began { seed, clock_ms, variables, reused } => {
                    if *reused {
                        return Err(
                            "its instance had served others before (FIRSTBYTE_REUSE), and what it kept of them was not recorded",
                        );
                    }
                    let seed = seed.parse::<u64>().map_err(|_| "its seed is not a number")?;
                    began = Some((event.at(), seed, *clock_ms, variables));
                }
                Kind::ResponseStarted { streamed: false } => {
                    return Err("its response was not streamed: a replay is of FIRSTBYTE_RESPONSE=stream");
                }
                Kind::ResponseHead { status, headers } => told.head = Some((*status, headers.clone())),
                Kind::Chunk { data } => told.body.push(Piece { at: event.at(), bytes: data.clone() }),
                Kind::Missed {} => return Err("the runtime told more than the console could take, and a part is missing"),
                Kind::ClientLeft => told.is_cut = true,
                Kind::InvocationEnded { outcome: ended } => outcome = Some(ended.clone()),
                _ => {}
            }
        }
        let started = started.ok_or("the invocation's beginning is not in it")?;
        let (begun, seed, clock_ms, variables) = began.ok_or(
            "nothing is in it of what the runtime did (FIRSTBYTE_RECORD, which `firstbyte serve` sets for its own runtimes)",
        )?;
        told.outcome = outcome.ok_or("the invocation's end is not in it")?;
        for piece in &mut told.body {
            piece.at = piece.at.saturating_sub(begun);
        }
        let clock = events::millis(clock_ms);
        Ok(Self {
            handler: file.handler.clone(),
            request_id: id.to_owned(),
            variables: variables.clone(),
            event: started.event.clone(),
            context: started.context(id),
            seed,
            clock,
            timeout: events::millis(started.deadline_ms).saturating_sub(clock),
            calls: Call::all(events())?,
            told,
        })
    }

    /// The file name of the handler that was recorded.
    #[must_use]
    pub fn handler(&self) -> Option<&str> {
        self.handler.as_deref()
    }

    /// Lambda's id of the invocation.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// When the invocation began, as the time since the Unix epoch.
    #[must_use]
    pub fn clock(&self) -> Duration {
        self.clock
    }

    /// The servers that the handler asked: what `FIRSTBYTE_ALLOW_HTTP` has to name for the replay.
    #[must_use]
    pub fn servers(&self) -> Vec<String> {
        let servers: BTreeSet<&String> = self.calls.iter().map(|call| &call.origin).collect();
        servers.into_iter().cloned().collect()
    }

    /// Names of the environment variables that the handler saw. Their values are not in the file.
    #[must_use]
    pub fn variables(&self) -> &[String] {
        &self.variables
    }

    /// Replays the invocation, and compares. Settings of the component that say how long it may take, or whether its clock is paused, do
    /// not matter: the recording says it. For servers that were asked, the recording answers.
    ///
    /// # Panics
    /// As [`Component::invoke`].
    #[must_use]
    #[track_caller]
    pub fn replay(&self, component: &Component) -> Replay {
        let script = Script::new(self.calls.clone());
        let invocation = Invocation {
            event: self.event.clone().into_bytes(),
            context: self.context.clone(),
            timeout: self.timeout,
            is_paused: true,
            replaying: Some(Replaying { seed: self.seed, clock: self.clock }),
        };
        let response = component.replay(invocation, &script.upstream());
        let difference = difference::first(&self.told, &response, &script);
        Replay { response, difference }
    }
}

/// The result of a replay: what the handler answered this time, and where that differs from the recording.
#[derive(Debug)]
pub struct Replay {
    response: Response,
    difference: Option<Difference>,
}

impl Replay {
    /// What the handler answered this time.
    #[must_use]
    pub fn response(&self) -> &Response {
        &self.response
    }

    /// The first thing that is not as it was recorded. None if the head, the bytes and the outcome are the same, and the handler asked
    /// other servers for the same.
    #[must_use]
    pub fn difference(&self) -> Option<&Difference> {
        self.difference.as_ref()
    }

    /// Holds the replay to its recording.
    ///
    /// # Panics
    /// If something is not as it was recorded; the message says what, and has the log.
    #[track_caller]
    pub fn assert_same(&self) {
        if let Some(difference) = &self.difference {
            let log = self.response.log().iter().map(|line| format!("\n  {} {}", line.level, line.message));
            panic!("the replay differs from its recording: {difference}\nlog:{}", log.collect::<String>());
        }
    }
}
