//! A fleet, stream by stream: who gets an environment, who has to wait for a cold start, and who is refused.
//!
//! Streams come independently of each other and last equally long. On demand, an environment has one stream, is kept when that has
//! ended, and a new one is started where none is free, at Lambda's rate. On managed instances, environments are there from the
//! beginning, and a stream goes to one that has the fewest; AWS has not published how it chooses.

use super::random::Random;
use crate::limits::ENVIRONMENTS_PER_SECOND;
use serde::Serialize;
use std::collections::VecDeque;

/// What the fleet has to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Streams that begin in a second.
    pub per_second: f64,
    /// How long each lasts.
    pub seconds: f64,
    /// For how long streams come.
    pub until: f64,
}

/// What came of it on demand.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OnDemand {
    /// Streams that came.
    pub streams: u64,
    /// Those that were refused, because no environment was free and no other could be started yet.
    pub refused: u64,
    /// Environments that were started, each for a stream that waited for its cold start.
    pub cold_starts: u64,
    /// The most cold starts that began within one second.
    pub cold_starts_in_a_second: u64,
    /// The most streams at once.
    pub at_once: u64,
}

/// What came of it on managed instances.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OnInstances {
    /// Streams that came.
    pub streams: u64,
    /// Those that were refused, because all environments had as many as they may have.
    pub refused: u64,
    /// The most streams at once.
    pub at_once: u64,
    /// Streams in an environment when the last one came: the fewest, the median, and the most.
    pub in_each: [u32; 3],
}

/// When streams come, and which have ended when one comes.
struct Streams {
    load: Load,
    random: Random,
    now: f64,
    /// When each stream ends, and whose it is. They last equally long, so that they end in their order.
    ends: VecDeque<(f64, u32)>,
}

impl Streams {
    fn new(load: Load, seed: u64) -> Self {
        Self { load, random: Random::new(seed), now: 0.0, ends: VecDeque::new() }
    }

    /// The next stream comes. Absent if no more come.
    fn come(&mut self) -> Option<f64> {
        self.now += self.random.interval(self.load.per_second);
        (self.now < self.load.until).then_some(self.now)
    }

    /// Whose stream has ended by now.
    fn ended(&mut self) -> Option<u32> {
        let (_, whose) = self.ends.front().copied().filter(|(end, _)| *end <= self.now)?;
        self.ends.pop_front();
        Some(whose)
    }

    fn begin(&mut self, whose: u32) {
        self.ends.push_back((self.now + self.load.seconds, whose));
    }

    fn at_once(&self) -> u64 {
        self.ends.len() as u64
    }
}

/// One stream per environment, from a function that has none.
#[must_use]
pub fn on_demand(load: Load, seed: u64) -> OnDemand {
    let mut streams = Streams::new(load, seed);
    let mut outcome = OnDemand { streams: 0, refused: 0, cold_starts: 0, cold_starts_in_a_second: 0, at_once: 0 };
    let mut free = 0_u64;
    // Lambda refills continuously, and what is not used is lost.
    let burst = ENVIRONMENTS_PER_SECOND * 10.0;
    let (mut allowed, mut refilled) = (burst, 0.0);
    let mut starts: VecDeque<f64> = VecDeque::new();
    while let Some(now) = streams.come() {
        outcome.streams += 1;
        while streams.ended().is_some() {
            free += 1;
        }
        allowed = (allowed + (now - refilled) * ENVIRONMENTS_PER_SECOND).min(burst);
        refilled = now;
        if free > 0 {
            free -= 1;
        } else if allowed >= 1.0 {
            allowed -= 1.0;
            outcome.cold_starts += 1;
            starts.push_back(now);
            while starts.front().is_some_and(|start| *start <= now - 1.0) {
                starts.pop_front();
            }
            outcome.cold_starts_in_a_second = outcome.cold_starts_in_a_second.max(starts.len() as u64);
        } else {
            outcome.refused += 1;
            continue;
        }
        streams.begin(0);
        outcome.at_once = outcome.at_once.max(streams.at_once());
    }
    outcome
}

/// Many streams per environment, in so many environments.
#[must_use]
pub fn on_instances(load: Load, environments: u32, streams_per_environment: u32, seed: u64) -> OnInstances {
    let mut streams = Streams::new(load, seed);
    let mut places = Places::new(environments, streams_per_environment);
    let mut outcome = OnInstances { streams: 0, refused: 0, at_once: 0, in_each: [0; 3] };
    while let Some(_now) = streams.come() {
        outcome.streams += 1;
        while let Some(whose) = streams.ended() {
            places.leave(whose);
        }
        match places.take() {
            Some(whose) => streams.begin(whose),
            None => outcome.refused += 1,
        }
        outcome.at_once = outcome.at_once.max(streams.at_once());
    }
    places.loads.sort_unstable();
    let at = |index: usize| places.loads.get(index).copied().unwrap_or(0);
    let last = places.loads.len().saturating_sub(1);
    outcome.in_each = [at(0), at(last / 2), at(last)];
    outcome
}

/// The environments, by how many streams each has, so that one with the fewest is found at once.
struct Places {
    /// Streams of each environment.
    loads: Vec<u32>,
    /// Environments with so many streams.
    with: Vec<Vec<u32>>,
    /// Where in `with` each environment stands.
    index: Vec<usize>,
    /// No environment has fewer.
    fewest: usize,
    most: u32,
}

impl Places {
    fn new(environments: u32, most: u32) -> Self {
        let mut with = vec![Vec::new(); most as usize + 1];
        if let Some(empty) = with.first_mut() {
            empty.extend(0..environments);
        }
        Self { loads: vec![0; environments as usize], with, index: (0..environments as usize).collect(), fewest: 0, most }
    }

    /// A place in an environment that has the fewest streams. Absent if all are full.
    fn take(&mut self) -> Option<u32> {
        while self.with.get(self.fewest).is_some_and(Vec::is_empty) {
            self.fewest += 1;
        }
        let environment = *self.with.get(self.fewest)?.last()?;
        if self.fewest as u32 == self.most {
            return None;
        }
        self.shift(environment, 1);
        Some(environment)
    }

    fn leave(&mut self, environment: u32) {
        self.shift(environment, -1);
    }

    fn shift(&mut self, environment: u32, by: i32) {
        let (Some(load), Some(index)) = (self.loads.get_mut(environment as usize), self.index.get(environment as usize).copied())
        else {
            return;
        };
        let before = *load as usize;
        *load = load.saturating_add_signed(by);
        let after = *load as usize;
        if let Some(others) = self.with.get_mut(before) {
            others.swap_remove(index);
            if let Some(moved) = others.get(index) {
                self.index[*moved as usize] = index;
            }
        }
        if let Some(others) = self.with.get_mut(after) {
            self.index[environment as usize] = others.len();
            others.push(environment);
        }
        self.fewest = self.fewest.min(after);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_goes_where_the_fewest_are_and_nowhere_if_all_are_full() {
        let mut places = Places::new(3, 2);
        let mut taken: Vec<u32> = (0..3).filter_map(|_| places.take()).collect();
        taken.sort_unstable();
        assert_eq!(taken, [0, 1, 2]);
        places.leave(1);
        assert_eq!(places.take(), Some(1));
        assert_eq!((0..4).filter_map(|_| places.take()).count(), 3);
        assert_eq!((places.take(), &places.loads[..]), (None, &[2, 2, 2][..]));
        places.leave(2);
        assert_eq!((places.take(), places.take()), (Some(2), None));
    }

    #[test]
    fn a_fleet_settles_at_rate_times_length_with_an_environment_for_each_at_its_peak() {
        let load = Load { per_second: 25.0, seconds: 20.0, until: 200.0 };
        let outcome = on_demand(load, 1);
        assert_eq!((outcome.refused, outcome.cold_starts), (0, outcome.at_once));
        // Poisson: within five standard deviations of 500.
        assert!((500..612).contains(&outcome.at_once), "{outcome:?}");
        assert!((4646..5354).contains(&outcome.streams), "{outcome:?}");
        let outcome = on_instances(load, 15, 64, 1);
        let [fewest, median, most] = outcome.in_each;
        assert!(outcome.refused == 0 && fewest <= median && median <= most && (27..40).contains(&median), "{outcome:?}");
        let outcome = on_instances(load, 5, 64, 1);
        assert_eq!((outcome.at_once, outcome.in_each), (320, [64, 64, 64]));
        assert!(outcome.refused > 0, "{outcome:?}");
    }

    #[test]
    fn environments_come_at_lambda_s_rate_and_no_faster() {
        // 1,000 at once and 100 per second: in ten seconds 2,000.
        let outcome = on_demand(Load { per_second: 1000.0, seconds: 20.0, until: 10.0 }, 3);
        assert!((1990..=2000).contains(&outcome.cold_starts), "{outcome:?}");
        assert_eq!(outcome.streams, outcome.refused + outcome.cold_starts);
    }
}
