//! Storms of calls: a breaker with some numbers, a few dependencies, callers that come back early, late or never, and a clock that likes to
//! stand just before, at and just after the moments that matter.

use super::desk::{Desk, Make, Out};
use super::spec::Phase;
use super::{CALLER, CLOSES, EACH, HALF, LATE, OPEN, OPENS, REOPENS, SLOW};
use crate::bench::{Calls, Life, storm};
use crate::exercises::circuit_breaker::{Config, Outcome};
use crate::rng::Rng;
use crate::rule::{Check, Coverage};
use crate::suite::Storms;
use crate::time::micros;
use std::time::Duration;

/// Names that are easily taken for each other.
const NAMES: [&str; 5] = ["stock", "stock2", "Stock", "s", ""];
/// Few calls are out at once, or dozens of hundreds of storms would be about nothing else.
const OUT_MAX: usize = 400;

pub(super) fn storms(make: Make) -> Storms {
    Storms {
        rules: &[OPENS, OPEN, HALF, CLOSES, REOPENS, LATE, SLOW, CALLER, EACH],
        must_meet: &[
            "opened",
            "opened again",
            "closed again",
            "held back",
            "held back beside probes",
            "probes",
            "lost probes",
            "caller errors of probes",
            "late results while half-open",
            "late results",
            "slow successes",
            "caller errors",
            "more results than a byte counts",
            "two states that it may be in",
        ],
        count: 10_000,
        run: Box::new(move |seed, probe| storm(seed, probe, |rng, calls| Crowd::begin(make, rng, &calls))),
    }
}

struct Crowd {
    desk: Desk,
    /// How likely what is: of an event, and of a result.
    odds: [u64; 5],
    outcomes: [u64; 3],
}

impl Crowd {
    fn begin(make: Make, rng: &mut Rng, calls: &Calls) -> (Self, u64) {
        let large = rng.below(60) == 0;
        // Some live through dozens of outages.
        let long = !large && rng.below(20) == 0;
        let ms = |rng: &mut Rng, choices: &[u64]| Duration::from_millis(rng.pick(choices).copied().unwrap_or(1));
        let slow = ms(rng, &[100, 200, 1_000, 3_000]);
        let config = Config {
            window: ms(rng, &[10_000, 10_000, 10_000, 1_000, 60_000, 100, 7_200_000]),
            minimum: if large {
                200 + rng.below(120) as u32
            } else {
                [1, 2, 3, 4, 5, 10, 20][rng.below(if long { 3 } else { 7 }) as usize]
            },
            failure_percent: [50, 50, 100, 1, 34, 67, 25, 1 + rng.below(100) as u32][rng.below(8) as usize],
            slow,
            wait: ms(rng, &[5_000, 5_000, 1_000, 100, 3_600_000]),
            probes: if large && rng.chance(300_000) { 260 } else { [1, 1, 2, 3, 5, 10][rng.below(if long { 4 } else { 6 }) as usize] },
            lost_after: if rng.chance(500_000) { slow * 2 } else { ms(rng, &[500, 2_000, 10_000]) },
        };
        let names = if large { 1 } else { 1 + rng.below(3) as usize };
        let mut desk = Desk::new(make, config, &NAMES[..names], calls);
        desk.now = [0, 0, 0, (1 << 32) - 5_000_000, (1 << 53) + 1][rng.below(5) as usize];
        let odds = [[2, 5], [2, 5], [1, 4], [0, 1], [0, 3]].map(|odds: [u64; 2]| odds[rng.below(2) as usize]);
        let outcomes = [[1, 4, 8], [1, 4, 8], [0, 1, 3]].map(|odds: [u64; 3]| odds[rng.below(3) as usize]);
        let odds = match (large, long) {
            (true, _) => [1, 1, 6, 1, 0],
            (_, true) => [2, 2, 0, 1, 20],
            _ => odds,
        };
        let events = if large {
            6
        } else if long {
            160
        } else {
            [8, 16, 16, 40][rng.below(4) as usize]
        };
        (Crowd { desk, odds, outcomes }, events)
    }

    fn outcome(&self, rng: &mut Rng) -> Outcome {
        [Outcome::Success, Outcome::Failure, Outcome::CallerError][weighed(rng, &self.outcomes)]
    }

    /// Time goes on: not at all, a little, or to just before, at or just after a moment that matters.
    fn advances(&mut self, rng: &mut Rng, dependency: usize) {
        let Config { window, wait, slow, lost_after, .. } = self.desk.config;
        let far = micros(window).max(micros(wait)) / 2;
        let by = match rng.below(12) {
            0..=3 => 0,
            4 | 5 => rng.below(50) * 1_000,
            6 => rng.below(micros(window) / 4_000 + 1) * 1_000,
            7 => rng.or_less(far),
            _ => {
                let it = &self.desk.ghosts[dependency].maybe[0];
                let mut moments: Vec<u64> = Vec::new();
                let begun = self.desk.out.iter().filter(|out| out.dependency == dependency).map(|out| out.begun);
                moments.extend(begun.map(|begun| begun + micros(slow)));
                match it.phase {
                    Phase::Closed => {
                        let ends = |came: u64| [came + micros(window) / 10 * 9, came + micros(window) / 10 * 11];
                        moments.extend(it.results.iter().take(3).flat_map(|(came, _)| ends(*came)));
                    }
                    Phase::Open { .. } => moments.extend([it.since + micros(wait); 3]),
                    Phase::Half { .. } => moments.extend(it.out.iter().map(|(_, begun)| begun + micros(lost_after))),
                }
                moments.retain(|at| *at > self.desk.now);
                let to = rng.pick(&moments).copied().unwrap_or(self.desk.now);
                match rng.below(4) {
                    0 => to.saturating_sub(1).saturating_sub(self.desk.now),
                    1 => to + 1 - self.desk.now,
                    _ => to - self.desk.now,
                }
            }
        };
        self.desk.now += by;
    }

    /// One of the calls that are out: the oldest, the newest, or any.
    fn one_out(&self, rng: &mut Rng) -> Option<Out> {
        let out = &self.desk.out;
        match rng.below(3) {
            0 => out.first().copied(),
            1 => out.last().copied(),
            _ => rng.pick(out).copied(),
        }
    }

    /// Some calls go out together, and come back together: enough to open it, or not quite.
    fn burst(&mut self, rng: &mut Rng, dependency: usize) -> Check {
        let minimum = u64::from(self.desk.config.minimum);
        let probes = u64::from(self.desk.config.probes);
        let calls = match rng.below(4) {
            0 => minimum,
            1 => minimum.saturating_sub(1),
            2 => probes,
            _ => 1 + rng.below(minimum + 2),
        };
        let calls = rng.or_less(calls);
        let same = rng.chance(600_000).then(|| self.outcome(rng));
        let slow = if rng.below(4) == 0 { micros(self.desk.config.slow) - rng.below(2) } else { 0 };
        let mut went = Vec::new();
        for _ in 0..calls {
            went.extend(self.desk.permit(dependency)?);
        }
        self.desk.now += slow;
        let mut outcomes = Rng::new(rng.next_u64());
        went.into_iter().try_for_each(|out| {
            let outcome = same.unwrap_or_else(|| self.outcome(&mut outcomes));
            self.desk.record(out, outcome)
        })
    }
}

impl Crowd {
    /// On to the next state, as an outage and its end would lead there.
    fn drive(&mut self, rng: &mut Rng, dependency: usize) -> Check {
        let it = self.desk.ghosts[dependency].maybe[0].clone();
        match it.phase {
            Phase::Closed => (0..self.desk.config.minimum).try_for_each(|_| self.desk.call(dependency, Outcome::Failure)),
            Phase::Open { .. } => {
                self.desk.now = self.desk.now.max(it.since + micros(self.desk.config.wait));
                self.desk.permit(dependency).map(drop)
            }
            Phase::Half { .. } => {
                let outcome = if rng.below(4) == 0 { Outcome::Failure } else { Outcome::Success };
                let probes: Vec<Out> =
                    self.desk.out.iter().filter(|out| it.out.iter().any(|(call, _)| *call == out.call)).copied().collect();
                probes.into_iter().try_for_each(|out| self.desk.record(out, outcome))?;
                self.desk.permit(dependency).map(drop)
            }
        }
    }
}

impl Life for Crowd {
    fn event(&mut self, rng: &mut Rng) -> Check {
        let dependency = rng.below(self.desk.ghosts.len() as u64) as usize;
        self.advances(rng, dependency);
        match weighed(rng, &self.odds) {
            0 if self.desk.out.len() < OUT_MAX => self.desk.permit(dependency).map(drop),
            1 => {
                let outcome = self.outcome(rng);
                self.one_out(rng).map_or(Ok(()), |out| self.desk.record(out, outcome))
            }
            2 => self.burst(rng, dependency),
            4 => self.drive(rng, dependency),
            _ => {
                let outcome = self.outcome(rng);
                self.desk.call(dependency, outcome)
            }
        }
    }

    /// Each circuit is asked once more.
    fn end(&mut self, _: &mut Rng) -> Check {
        (0..self.desk.ghosts.len()).try_for_each(|dependency| self.desk.permit(dependency).map(drop))
    }

    fn tally(&self, coverage: &mut Coverage) {
        coverage.merge(&self.desk.met);
    }

    fn fingerprints(&self) -> Vec<u64> {
        self.desk.fingerprints.clone()
    }
}

/// The number of one of these, by their weights.
fn weighed(rng: &mut Rng, odds: &[u64]) -> usize {
    let mut left = rng.below(odds.iter().sum());
    odds.iter()
        .position(|weight| {
            let here = left < *weight;
            left = left.saturating_sub(*weight);
            here
        })
        .unwrap_or(0)
}
