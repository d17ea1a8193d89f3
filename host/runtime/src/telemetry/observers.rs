//! Who is shown what was measured of invocations, and when.
//!
//! Telling costs more than a short invocation does, and Lambda may stop the process whenever it has asked for the next one. So an
//! invocation is told of before the next is asked for, unless others were told of a moment ago: then it waits for a moment, and
//! all that have ended meanwhile are told of together. Where invocations follow each other that fast, telling is seldom.

use super::emf::Emf;
use super::otlp::Otlp;
use super::{Function, Measured, TelemetrySettings};
use crate::handler::Settled;
use crate::invocation::InvocationContext;
use crate::log::{BoxFuture, Log};
use crate::outcome::Outcome;
use crate::path::PathError;
use crate::settings::Settings;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::RwLock;
use tokio::time::Instant;

/// With so many invocations and requests of their handlers waiting to be told of, nobody waits for more.
const MOST: usize = 256;

/// How long the process's end waits for what is still to be told.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A settled invocation, as observers are shown it.
pub(crate) struct Observed {
    pub(crate) context: InvocationContext,
    pub(crate) outcome: Outcome,
    /// Bytes of the body that the outlet took.
    pub(crate) written: u64,
    pub(crate) measured: Measured,
    /// Whether it is the first of its process.
    pub(crate) is_cold: bool,
}

/// Somebody who is shown invocations.
pub(crate) trait Observer: Send + Sync {
    /// Tells of them. What cannot be told is logged, and forgotten.
    fn observe<'a>(&'a self, observed: &'a [Observed]) -> BoxFuture<'a, ()>;
}

/// Everybody who is shown each invocation. Clones share them.
#[derive(Clone)]
pub(crate) struct Observers(Arc<Shared>);

struct Shared {
    observers: Vec<Box<dyn Observer>>,
    log: Arc<dyn Log>,
    gather: Duration,
    /// Whether an invocation was seen.
    is_warm: AtomicBool,
    waiting: Mutex<Waiting>,
    /// Held for reading while a report is under way: who locks it for writing has waited for all of them.
    telling: RwLock<()>,
}

/// Invocations that have ended, and of which nobody was told.
#[derive(Default)]
struct Waiting {
    observed: Vec<Observed>,
    /// Invocations, and requests of their handlers.
    weight: usize,
    /// When the next invocation is told of at once again. Absent if none was told of before.
    due: Option<Instant>,
}

impl Observers {
    /// Those that the settings ask for.
    ///
    /// # Errors
    /// A file of certificates that is of no use.
    pub(crate) fn new(settings: &Settings, function: &Function, log: &Arc<dyn Log>) -> Result<Self, PathError> {
        let mut observers: Vec<Box<dyn Observer>> = Vec::new();
        let TelemetrySettings { metrics, traces, gather } = settings.telemetry.clone();
        if let Some(metrics) = metrics {
            observers.push(Box::new(Emf::new(metrics, function.clone(), Arc::clone(log))));
        }
        if let Some(traces) = traces {
            observers.push(Box::new(Otlp::new(traces, function, &settings.egress, Arc::clone(log))?));
        }
        Ok(Self::of(observers, gather, Arc::clone(log)))
    }

    fn of(observers: Vec<Box<dyn Observer>>, gather: Duration, log: Arc<dyn Log>) -> Self {
        let (is_warm, waiting, telling) = (AtomicBool::default(), Mutex::default(), RwLock::default());
        Self(Arc::new(Shared { observers, log, gather, is_warm, waiting, telling }))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.observers.is_empty()
    }

    /// Shows them an invocation, at once or a moment later.
    pub(crate) async fn observe(&self, context: InvocationContext, settled: Settled) {
        let Shared { is_warm, gather, .. } = &*self.0;
        let is_cold = !is_warm.swap(true, Ordering::Relaxed);
        let Settled { outcome, written, measured: Some(measured), .. } = settled else { return };
        let observed = Observed { context, outcome, written, measured, is_cold };
        let todo = self.0.waiting().add(observed, Instant::now(), *gather);
        match todo {
            // A task of its own: at the process's end it goes on while this one is dropped.
            Todo::Tell => drop(tokio::spawn(self.clone().tell()).await),
            Todo::TellAt(due) => {
                let observers = self.clone();
                tokio::spawn(async move {
                    tokio::time::sleep_until(due).await;
                    observers.tell().await;
                });
            }
            Todo::Nothing => {}
        }
        // Lambda must not stop the process in the middle of what a timer tells.
        self.told().await;
    }

    /// Tells what is still to be told, at the end of the process.
    pub(crate) async fn finish(&self) {
        let last_words = async {
            self.clone().tell().await;
            self.told().await;
        };
        let _ = tokio::time::timeout(LAST_WORDS, last_words).await;
    }

    /// Waits until nobody tells.
    async fn told(&self) {
        drop(self.0.telling.write().await);
    }

    /// Shows all that waits to one observer after the other.
    async fn tell(self) {
        let Shared { observers, log, telling, .. } = &*self.0;
        let _telling = telling.read().await;
        let observed = self.0.waiting().take();
        if observed.is_empty() {
            return;
        }
        for observer in observers {
            observer.observe(&observed).await;
        }
        log.written().await;
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What comes of an invocation that is to be told.
enum Todo {
    /// Somebody else tells of it.
    Nothing,
    /// All that waits is to be told now.
    Tell,
    /// All that waits then is to be told.
    TellAt(Instant),
}

impl Waiting {
    fn add(&mut self, observed: Observed, now: Instant, gather: Duration) -> Todo {
        let is_first = self.observed.is_empty();
        self.weight += 1 + observed.measured.calls.len();
        self.observed.push(observed);
        match self.due.filter(|due| now < *due && self.weight < MOST) {
            None => {
                self.due = Some(now + gather);
                Todo::Tell
            }
            Some(due) if is_first => Todo::TellAt(due),
            Some(_) => Todo::Nothing,
        }
    }

    fn take(&mut self) -> Vec<Observed> {
        self.weight = 0;
        std::mem::take(&mut self.observed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Measures;
    use firstbyte_wire::Trigger;

    const GATHER: Duration = Duration::from_millis(10);

    /// An invocation that wrote as many bytes as its number says.
    fn observed(number: u64) -> Observed {
        let measured = Measures::begin(Trigger::Direct, None, None).read(0, Duration::ZERO, 0);
        Observed { context: InvocationContext::default(), outcome: Outcome::Success, written: number, measured, is_cold: false }
    }

    fn numbers(observed: &[Observed]) -> Vec<u64> {
        observed.iter().map(|observed| observed.written).collect()
    }

    #[test]
    fn what_ends_soon_after_is_told_together_a_moment_later() {
        let mut waiting = Waiting::default();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let told = |waiting: &mut Waiting| numbers(&waiting.take());
        assert!(matches!(waiting.add(observed(1), at(0), GATHER), Todo::Tell), "before the next one is asked for");
        assert_eq!(told(&mut waiting), [1]);
        assert!(matches!(waiting.add(observed(2), at(2), GATHER), Todo::TellAt(due) if due == at(10)), "whatever comes");
        assert!(matches!(waiting.add(observed(3), at(4), GATHER), Todo::Nothing));
        assert!(matches!(waiting.add(observed(4), at(10), GATHER), Todo::Tell), "with those that wait");
        assert_eq!(told(&mut waiting), [2, 3, 4]);
        assert!(matches!(waiting.add(observed(5), at(19), GATHER), Todo::TellAt(_)));
        // The timer, which keeps nobody waiting for longer.
        assert_eq!(told(&mut waiting), [5]);
        assert!(matches!(waiting.add(observed(6), at(21), GATHER), Todo::Tell), "it took as long as is gathered");
    }

    #[test]
    fn many_do_not_wait() {
        let mut waiting = Waiting::default();
        let now = Instant::now();
        let mut told = Vec::new();
        for number in 0..600 {
            if let Todo::Tell = waiting.add(observed(number), now, GATHER) {
                told.push(waiting.take().len());
            }
        }
        assert_eq!(told, [1, MOST, MOST]);
        assert_eq!(waiting.take().len(), 600 - 1 - 2 * MOST);
    }

    #[test]
    fn nothing_waits_where_nothing_is_gathered() {
        let mut waiting = Waiting::default();
        let now = Instant::now();
        assert!((0..3).all(|number| matches!(waiting.add(observed(number), now, Duration::ZERO), Todo::Tell)));
    }
}
