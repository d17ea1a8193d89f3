//! One process with many slow streams, event by event: who waits, when the timer rings, and who gets the CPU.
//!
//! It follows `host/runtime`: one timer for all waits, whose rings are 16 µs apart for each that waits and a millisecond at most
//! (`clock/alarms.rs`); tasks that are ready stand in one queue; and the executor looks for rings and new events when that queue is
//! empty, or after 61 tasks. It knows neither the network nor the reader, who share the machine with a process in truth.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::ops::Range;

/// How far apart two rings are, for each that waits, and at most, in nanoseconds.
const APART: u64 = 16_000;
const LONGEST: u64 = 1_000_000;

/// After how many tasks the executor looks for events although tasks are ready.
const TASKS_BETWEEN_LOOKS: u32 = 61;

/// What things take, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    /// CPU time to begin a stream, and to end it.
    pub start: u64,
    /// CPU time to write a token, with what wakes the task for it.
    pub token: u64,
    /// CPU time that the process takes in a second besides, whatever its streams do. It delays nobody here.
    pub background: u64,
    /// From a token's writing to its arrival, which takes no CPU time of the process's.
    pub arrival: u64,
}

/// What the process has to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// When each stream begins, in nanoseconds, in ascending order.
    pub begin: Vec<u64>,
    /// Tokens of each.
    pub tokens: u32,
    /// From one token to the next, in nanoseconds.
    pub apart: u64,
    /// CPUs of the process.
    pub cpus: u32,
    /// Only tokens that are due in this time count, and only this time does.
    pub counted: Range<u64>,
}

impl Load {
    /// The load of the bench's `density`: streams that all begin at once, 100 tokens 50 ms apart.
    #[must_use]
    pub fn of_the_bench(streams: usize, cpus: usize) -> Self {
        Self { begin: vec![0; streams], tokens: 100, apart: 50_000_000, cpus: cpus as u32, counted: 0..u64::MAX }
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// CPU time per token, in microseconds.
    pub token_cpu_us: f64,
    /// The share of all CPUs that was busy.
    pub busy: f64,
    /// How late each token was, in nanoseconds, in ascending order.
    late: Vec<u64>,
}

impl Outcome {
    /// How late a token is: `0.5` for the median, in milliseconds. Between the two nearest, as the bench has it.
    #[must_use]
    pub fn late_ms(&self, share: f64) -> f64 {
        let place = share * self.late.len().saturating_sub(1) as f64;
        let at = |index: f64| self.late.get(index as usize).map_or(0.0, |late| *late as f64);
        (at(place.floor()) + (at(place.ceil()) - at(place.floor())) * place.fract()) / 1e6
    }

    /// Tokens that were counted.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.late.len()
    }
}

/// What is ready to be run. The number is the stream's.
#[derive(Clone, Copy)]
enum Task {
    Start(u32),
    Token(u32),
}

#[derive(Clone, Default)]
struct Stream {
    begun: u64,
    written: u32,
}

struct Process<'a> {
    load: &'a Load,
    costs: Costs,
    streams: Vec<Stream>,
    /// How many have been taken up.
    taken: usize,
    ready: VecDeque<Task>,
    waiting: BinaryHeap<Reverse<(u64, u32)>>,
    /// When the timer rings next, and when it rang last.
    set: Option<u64>,
    rung: Option<u64>,
    tasks_since_look: u32,
    late: Vec<u64>,
    busy: u64,
}

/// Lets a process do its work.
#[must_use]
pub fn run(load: &Load, costs: Costs) -> Outcome {
    let mut process = Process {
        load,
        costs,
        streams: vec![Stream::default(); load.begin.len()],
        taken: 0,
        ready: VecDeque::new(),
        waiting: BinaryHeap::new(),
        set: None,
        rung: None,
        tasks_since_look: 0,
        late: Vec::new(),
        busy: 0,
    };
    let cpus = load.cpus.max(1);
    // When each CPU is free again.
    let mut free: BinaryHeap<Reverse<u64>> = (0..cpus).map(|_| Reverse(0)).collect();
    let mut end = 0;
    while let Some(Reverse(now)) = free.pop() {
        match process.step(now) {
            Some(until) => {
                end = end.max(until);
                free.push(Reverse(until));
            }
            // A CPU that is still at work may make work for this one. Without one, all is done.
            None => match free.peek().copied().filter(|Reverse(other)| *other > now) {
                Some(other) => free.push(other),
                None => break,
            },
        }
    }
    let nanoseconds = end.min(load.counted.end).saturating_sub(load.counted.start).max(1) as f64;
    let busy = process.busy as f64 + nanoseconds / 1e9 * costs.background as f64;
    process.late.sort_unstable();
    Outcome {
        token_cpu_us: busy / 1000.0 / process.late.len().max(1) as f64,
        busy: busy / (nanoseconds * f64::from(cpus)),
        late: process.late,
    }
}

impl Process<'_> {
    /// What a CPU does that is free now, and until when. Absent if there is nothing to do.
    fn step(&mut self, now: u64) -> Option<u64> {
        if self.ready.is_empty() || self.tasks_since_look >= TASKS_BETWEEN_LOOKS {
            self.look(now);
        }
        let Some(task) = self.ready.pop_front() else {
            // Sleeps until the timer rings, or a stream begins.
            let begins = self.load.begin.get(self.taken).copied();
            return [self.set, begins].into_iter().flatten().min().map(|next| next.max(now + 1));
        };
        self.tasks_since_look += 1;
        Some(self.work(task, now))
    }

    /// Takes up streams that have begun, and wakes all whose moment has come, if the timer has rung.
    fn look(&mut self, now: u64) {
        self.tasks_since_look = 0;
        while self.load.begin.get(self.taken).is_some_and(|begin| *begin <= now) {
            self.ready.push_back(Task::Start(self.taken as u32));
            self.taken += 1;
        }
        if self.set.is_none_or(|set| set > now) {
            return;
        }
        (self.set, self.rung) = (None, Some(now));
        while let Some(Reverse((due, stream))) = self.waiting.peek().copied() {
            if due > now {
                self.set_timer(due);
                break;
            }
            self.waiting.pop();
            self.ready.push_back(Task::Token(stream));
        }
    }

    fn work(&mut self, task: Task, mut now: u64) -> u64 {
        let begun = now;
        let (Task::Start(index) | Task::Token(index)) = task;
        let Some(stream) = self.streams.get_mut(index as usize) else { return now };
        if let Task::Start(_) = task {
            now += self.costs.start;
            stream.begun = now;
        }
        // A stream that is behind writes all that is due.
        while stream.written < self.load.tokens {
            let due = stream.begun + u64::from(stream.written) * self.load.apart;
            if due > now {
                self.waiting.push(Reverse((due, index)));
                self.set_timer(due);
                break;
            }
            now += self.costs.token;
            stream.written += 1;
            if self.load.counted.contains(&due) {
                self.late.push(now + self.costs.arrival - due);
            }
        }
        // Whatever of it is within the time that counts.
        let Range { start, end } = self.load.counted;
        self.busy += now.min(end).saturating_sub(begun.max(start));
        now
    }

    /// Has the timer ring at a moment, unless it rings before.
    fn set_timer(&mut self, until: u64) {
        let apart = APART.saturating_mul(self.waiting.len() as u64).min(LONGEST);
        let until = self.rung.map_or(until, |rung| until.max(rung + apart));
        if self.set.is_none_or(|set| set > until) {
            self.set = Some(until);
        }
    }
}
