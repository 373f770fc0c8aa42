//! Storms: one client with a few calls, whose ids come again, and which fail in every way at every moment. All that a policy decides is held
//! to the ghost; crowds and calls that fail together are among the events.

use super::client::{Client, Make, NEVER};
use super::crowd::{self, Crowd, MOST_FAILURES};
use super::{BUDGET, DEADLINE, DOUBLES, JITTER, KEY, NO_OVERFLOW, ONLY, RESETS, RETRY_AFTER};
use crate::bench::{Calls, Life, storm};
use crate::exercises::retry_backoff::{CallId, Config, Decision, Failure, Key, Request};
use crate::hash;
use crate::rng::Rng;
use crate::rule::{Check, Coverage};
use crate::suite::Storms;
use crate::time::{micros, millis};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn storms(make: Make) -> Storms {
    Storms {
        rules: &[DOUBLES, JITTER, ONLY, DEADLINE, BUDGET, KEY, RETRY_AFTER, RESETS, NO_OVERFLOW],
        must_meet: &[
            "retries",
            "calls given up",
            "retries with a key",
            "waits asked for by the service",
            "endless waits asked for",
            "calls with an id that was there before",
            "retries beyond the least",
            "failures at or after the deadline",
            "fifth failures",
            "crowds",
            "calls that failed together",
            "rests",
        ],
        count: 10_000,
        run: Box::new(move |seed, probe| storm(seed, probe, |rng, calls| Caller::begin(make, rng, calls))),
    }
}

struct Caller {
    make: Make,
    client: Client,
    ids: Vec<CallId>,
    keys: [u64; 2],
    /// How likely each kind of event is: begin, success, failure, failures in a row, a wait, a rest, an outage, a crowd, calls that fail together.
    odds: [u64; 9],
    met: Coverage,
    fingerprints: Vec<u64>,
}

impl Caller {
    fn begin(make: Make, rng: &mut Rng, calls: Calls) -> (Self, u64) {
        let base = millis(match rng.below(4) {
            0 => rng.range(1..=3),
            1 => rng.range(1..=400),
            _ => [50, 100, 200, 250, 1_000, 30_000][rng.below(6) as usize],
        });
        let cap = match rng.below(5) {
            0 => base,
            1 => base.saturating_mul(1 << rng.below(14)) + millis(rng.below(2)),
            2 => base + millis(rng.below(10_000)),
            _ => millis([1_000, 5_000, 10_000, 20_000, 3_600_000, 86_400_000][rng.below(6) as usize]),
        };
        let config = Config { base, cap: cap.clamp(base, DAY) };
        let ids = (0..rng.range(1..=4)).map(|_| if rng.chance(200_000) { CallId(rng.wild()) } else { CallId(rng.below(5)) }).collect();
        let keys = [rng.wild(), rng.below(3)];
        let rare = |rng: &mut Rng, one_in: u64| u64::from(rng.below(one_in) == 0);
        let odds = [
            8,
            rng.range(1..=5),
            rng.range(2..=12),
            rng.below(4),
            rng.range(1..=4),
            rare(rng, 3),
            rare(rng, 2),
            rare(rng, 40),
            rare(rng, 10),
        ];
        let client = Client::new(make, config, calls);
        let events = if rng.below(60) == 0 { 200 } else { rng.range(6..=30) };
        (Caller { make, client, ids, keys, odds, met: Coverage::default(), fingerprints: Vec::new() }, events)
    }

    fn request(&self, rng: &mut Rng) -> Request {
        let now = self.client.now;
        let deadline = match rng.below(6) {
            0 => now + Duration::from_micros(rng.range(1..=micros(self.client.ghost.config.base).saturating_mul(3))),
            1 => now + self.client.ghost.ceiling(rng.range(1..=6) as u32) + millis(rng.below(30)),
            2 => now + millis(rng.range(1..=60_000)),
            3 => now + DAY * 3,
            _ => NEVER,
        };
        let near = self.keys[rng.below(2) as usize];
        let key = rng.chance(400_000).then(|| Key(rng.near(near)));
        Request { idempotent: rng.chance(500_000), key, deadline }
    }

    fn failure(&self, rng: &mut Rng, call: CallId) -> Failure {
        match rng.below(8) {
            0 => Failure::CallerError,
            1 | 2 => Failure::Timeout,
            3 => Failure::ServerError,
            4 | 5 => Failure::Unavailable,
            _ => {
                let left = self.client.ghost.open.get(&call).map_or(Duration::ZERO, |open| open.request.deadline - self.client.now);
                let span = match rng.below(6) {
                    0 => None,
                    1 => Some(Duration::ZERO),
                    2 => Some(Duration::from_secs(rng.range(1..=120))),
                    3 => Some(left.saturating_sub(millis(rng.below(400)))),
                    4 => Some(Duration::from_secs(rng.wild())),
                    _ => Some(millis(rng.range(1..=5_000))),
                };
                Failure::Overloaded { retry_after: span }
            }
        }
    }

    /// One of the calls that are open, and not for ages: a service may have asked for that.
    fn one_open(&self, rng: &mut Rng) -> Option<CallId> {
        let in_reach = self.client.now + DAY * 8;
        let open: Vec<CallId> = self.client.ghost.open.iter().filter(|(_, open)| open.ready < in_reach).map(|(id, _)| *id).collect();
        rng.pick(&open).copied()
    }

    fn begins(&mut self, rng: &mut Rng) {
        let free: Vec<CallId> = self.ids.iter().copied().filter(|id| !self.client.ghost.open.contains_key(id)).collect();
        let Some(id) = rng.pick(&free).copied() else { return };
        let request = self.request(rng);
        self.met.add("calls with an id that was there before", u64::from(self.client.ghost.was(id)));
        self.client.begin(id, request);
    }

    fn fails(&mut self, id: CallId, failure: Failure, rng: &mut Rng) -> Check {
        let after = Duration::from_micros(rng.below(200_000));
        self.client.comes_to(id, after);
        let Some(open) = self.client.ghost.open.get(&id).copied() else { return Ok(()) };
        let is_late = self.client.now >= open.request.deadline;
        let owed = self.client.ghost.owed();
        let decision = self.client.fails(id, failure, rng)?;
        self.fingerprints.push(hash::of(&decision));
        self.met.add("failures at or after the deadline", u64::from(is_late));
        self.met.add("fifth failures", u64::from(open.failures == 4));
        match decision {
            Decision::GiveUp => self.met.add("calls given up", 1),
            Decision::Retry { key, .. } => {
                self.met.add("retries", 1);
                self.met.add("retries with a key", u64::from(key.is_some()));
                self.met.add("retries beyond the least", u64::from(owed == 0));
            }
        }
        if let Failure::Overloaded { retry_after: Some(span) } = failure {
            self.met.add("waits asked for by the service", u64::from(!span.is_zero()));
            self.met.add("endless waits asked for", u64::from(span > Duration::from_secs(u64::MAX / 2)));
        }
        Ok(())
    }

    /// The service is down, and many calls want it at once: what others have earned before may be old by then.
    fn outage(&mut self, rng: &mut Rng) -> Check {
        let (calls, step, tries) = (rng.range(10..=60), millis(rng.below(100)), rng.range(1..=3));
        let first = if rng.chance(300_000) { rng.wild() } else { 500 };
        let key = rng.chance(300_000).then(|| Key(rng.wild()));
        let mut ids: Vec<CallId> = Vec::new();
        for call in 0..calls {
            let id = self.client.free(first.wrapping_add(call));
            self.client.now = self.client.now + step;
            self.client.begin(id, Request { idempotent: true, key, deadline: NEVER });
            ids.push(id);
        }
        if rng.chance(300_000) {
            let (id, request) = (self.client.free(rng.below(1_000)), Request { idempotent: true, key, deadline: NEVER });
            self.client.succeed_in_turn(rng.range(100..=600), millis(1), id, request);
        }
        let pause = [0, 0, 0, 5_000, 9_900, 12_100, 20_000][rng.below(7) as usize];
        self.client.now = self.client.now + millis(pause);
        if rng.chance(300_000) {
            ids.reverse();
        }
        for _ in 0..tries {
            for id in &ids {
                if self.client.ghost.open.contains_key(id) {
                    self.fails(*id, Failure::Unavailable, rng)?;
                }
            }
        }
        // Some of them stay open, and may fail again.
        for id in ids.into_iter().filter(|id| id.0 % 8 != 0) {
            if self.client.ghost.open.contains_key(&id) {
                self.client.comes_to(id, millis(1));
                self.client.succeeds(id);
            }
        }
        Ok(())
    }

    /// A hundred other callers, in a situation like this one's.
    fn crowd(&mut self, rng: &mut Rng) -> Check {
        let mut crowd = Crowd::new(self.client.ghost.config, rng.range(1..=u64::from(MOST_FAILURES)) as u32, Failure::Unavailable);
        crowd.failure = [Failure::Unavailable, Failure::Timeout, Failure::Overloaded { retry_after: None }][rng.below(3) as usize];
        crowd.id = CallId([1, 0, rng.wild(), rng.below(300)][rng.below(4) as usize]);
        crowd.key = rng.chance(300_000).then(|| Key(rng.wild()));
        if rng.chance(400_000) {
            crowd.others = [1, 2, 3, 12, 40][rng.below(5) as usize];
            crowd.of_the_first = if rng.chance(200_000) { rng.below(6) as u32 } else { 0 };
        }
        self.met.add("crowds", 1);
        crowd::crowd(self.make, crowd, &self.client.calls, rng.next_u64())
    }
}

impl Life for Caller {
    fn event(&mut self, rng: &mut Rng) -> Check {
        let mut left = rng.below(self.odds.iter().sum());
        let kind = self.odds.iter().position(|odds| {
            let here = left < *odds;
            left = left.saturating_sub(*odds);
            here
        });
        match kind {
            Some(1) => {
                if let Some(id) = self.one_open(rng) {
                    self.client.comes_to(id, Duration::from_micros(rng.below(200_000)));
                    self.client.succeeds(id);
                }
            }
            Some(2) => {
                if let Some(id) = self.one_open(rng) {
                    let failure = self.failure(rng, id);
                    self.fails(id, failure, rng)?;
                }
            }
            Some(3) => {
                if let Some(id) = self.one_open(rng) {
                    let failure = [Failure::Unavailable, Failure::Timeout][rng.below(2) as usize];
                    for _ in 0..rng.range(2..=9) {
                        if self.client.ghost.open.contains_key(&id) {
                            self.fails(id, failure, rng)?;
                        }
                    }
                }
            }
            Some(4) => {
                let wait = [millis(rng.below(500)), millis(rng.below(15_000)), BUDGETS, DAY][rng.below(4) as usize];
                self.client.now = self.client.now + wait;
            }
            Some(5) => {
                self.client.rests();
                self.met.add("rests", 1);
            }
            Some(6) => self.outage(rng)?,
            Some(7) => self.crowd(rng)?,
            Some(8) => {
                self.met.add("calls that failed together", 1);
                // Dice that no shrinking can load.
                let dice = &mut Rng::new(rng.next_u64());
                crowd::together(&mut self.client, dice)?;
            }
            _ => self.begins(rng),
        }
        Ok(())
    }

    fn end(&mut self, _: &mut Rng) -> Check {
        Ok(())
    }

    fn tally(&self, coverage: &mut Coverage) {
        coverage.merge(&self.met);
    }

    fn fingerprints(&self) -> Vec<u64> {
        self.fingerprints.clone()
    }
}

/// As long as the budget looks back.
const BUDGETS: Duration = crate::exercises::retry_backoff::BUDGET_WINDOW;
