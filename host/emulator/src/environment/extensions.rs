//! The extensions of one environment: who registered for what, and who owes a poll. Knows nothing of HTTP.
//!
//! Follows AWS's "Using the Lambda Extensions API to create extensions", and its Runtime Interface Emulator where that says
//! nothing. Lambda itself starts what it calls external extensions, and lets only these register for `SHUTDOWN`. The emulator
//! starts one command, and cannot tell by which of its processes it is asked: whoever registers for `SHUTDOWN` is external.

use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// How many extensions an environment may have.
const LIMIT: usize = 10;

/// How long an environment may take to end, with internal extensions only and with external ones. Without extensions, it is
/// ended at once.
const INTERNAL_GRACE: Duration = Duration::from_millis(500);
const EXTERNAL_GRACE: Duration = Duration::from_secs(2);

/// What an extension wants to be told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Subscriptions {
    /// Every invocation. The environment is then busy until the extension polls again.
    pub(super) invoke: bool,
    /// The environment's end.
    pub(super) shutdown: bool,
}

/// Why an extension was not registered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unregistered {
    /// The runtime has polled: the start is over for extensions.
    TooLate,
    /// There is one of that name.
    Known,
    /// There are [`LIMIT`].
    TooMany,
}

impl Unregistered {
    /// How many there may be, for words about [`Self::TooMany`].
    pub(super) const LIMIT: usize = LIMIT;
}

/// Nobody has this identifier.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unknown;

/// Who has to do something next: the extension or the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// The extension has not polled yet.
    Starting,
    /// It polled, and has what it was told of behind it.
    Waiting,
    /// It was told of an invocation and owes a poll.
    Working,
}

#[derive(Debug)]
struct Extension {
    id: String,
    name: String,
    subscriptions: Subscriptions,
    turn: Turn,
    /// The event that its next request for one will be answered with.
    event: Option<Bytes>,
    /// Somebody may want `event`.
    told: Arc<Notify>,
}

/// The answer to an extension's request for its next event.
#[derive(Debug)]
pub(super) enum Polled {
    Event(Bytes),
    /// Nothing yet: ask again when this is notified.
    Nothing(Arc<Notify>),
}

/// All extensions.
#[derive(Debug, Default)]
pub(super) struct Extensions {
    all: Vec<Extension>,
    is_closed: bool,
}

impl Extensions {
    /// Adds an extension and gives its identifier.
    pub(super) fn register(&mut self, name: &str, subscriptions: Subscriptions) -> Result<String, Unregistered> {
        if self.is_closed {
            return Err(Unregistered::TooLate);
        }
        if self.all.iter().any(|known| known.name == name) {
            return Err(Unregistered::Known);
        }
        if self.all.len() >= LIMIT {
            return Err(Unregistered::TooMany);
        }
        let id = uuid::Uuid::new_v4().to_string();
        self.all.push(Extension {
            id: id.clone(),
            name: name.to_owned(),
            subscriptions,
            turn: Turn::Starting,
            event: None,
            told: Arc::new(Notify::new()),
        });
        Ok(id)
    }

    /// Refuses whoever registers from now on.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
    }

    /// The name of an extension.
    pub(super) fn name(&self, id: &str) -> Result<&str, Unknown> {
        self.all.iter().find(|known| known.id == id).map(|known| known.name.as_str()).ok_or(Unknown)
    }

    /// Name and subscriptions of each.
    pub(super) fn each(&self) -> impl Iterator<Item = (&str, Subscriptions)> {
        self.all.iter().map(|known| (known.name.as_str(), known.subscriptions))
    }

    /// Gives what an extension was told, or notes that it is done with all it was told before.
    pub(super) fn poll(&mut self, id: &str) -> Result<Polled, Unknown> {
        let extension = self.all.iter_mut().find(|known| known.id == id).ok_or(Unknown)?;
        if let Some(event) = extension.event.take() {
            return Ok(Polled::Event(event));
        }
        extension.turn = Turn::Waiting;
        Ok(Polled::Nothing(extension.told.clone()))
    }

    /// Whether each has polled at least once.
    pub(super) fn are_ready(&self) -> bool {
        self.all.iter().all(|known| known.turn != Turn::Starting)
    }

    /// Whether none is at work on an invocation.
    pub(super) fn are_done(&self) -> bool {
        self.all.iter().all(|known| known.turn != Turn::Working)
    }

    /// Tells of an invocation.
    pub(super) fn invoke(&mut self, event: &Bytes) {
        for extension in self.all.iter_mut().filter(|known| known.subscriptions.invoke) {
            extension.turn = Turn::Working;
            extension.tell(event.clone());
        }
    }

    /// Tells of the environment's end.
    pub(super) fn shut_down(&mut self, event: &Bytes) {
        for extension in self.all.iter_mut().filter(|known| known.subscriptions.shutdown) {
            extension.tell(event.clone());
        }
    }

    /// Whether some live on for a while when the runtime is gone.
    pub(super) fn are_external(&self) -> bool {
        self.all.iter().any(|known| known.subscriptions.shutdown)
    }

    /// How long the environment may take to end.
    pub(super) fn grace(&self) -> Duration {
        match self.are_external() {
            true => EXTERNAL_GRACE,
            false if self.all.is_empty() => Duration::ZERO,
            false => INTERNAL_GRACE,
        }
    }
}

impl Extension {
    fn tell(&mut self, event: Bytes) {
        self.event = Some(event);
        self.told.notify_one();
    }
}
