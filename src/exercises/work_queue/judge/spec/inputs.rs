//! What producers, workers and whoever is on call could say to the broker in a storm: with ids and keys of every size, and with receipts that were given, each for its own
//! job, whatever has become of it since.

use super::super::N1;
use super::Ghost;
use super::job::Job;
use crate::exercises::work_queue::{Config, JobId, Key, Receipt, Request, WorkQueue};
use crate::rng::Rng;
use crate::rule::Coverage;
use crate::sim::{ClientId, Input, Setting, Storm};
use crate::time::millis;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// How those around one broker are.
#[derive(Clone, Default)]
pub(super) struct Habits {
    /// How often each kind of request comes, as in [`KINDS`].
    often: [u64; 7],
    ids: Vec<JobId>,
    keys: Vec<Key>,
}

#[derive(Clone, Copy)]
enum Kind {
    New,
    Again,
    Take,
    /// The worker that has a job has done it, or gives it back.
    Ack,
    Fail,
    /// Whoever had a job says something, at any time.
    Late,
    Dead,
}

const KINDS: [Kind; 7] = [Kind::New, Kind::Again, Kind::Take, Kind::Ack, Kind::Fail, Kind::Late, Kind::Dead];

/// Names of which some differ in one bit alone, some are large and some are small.
fn names(rng: &mut Rng, count: usize) -> Vec<u64> {
    let first = match rng.below(3) {
        0 => rng.below(4),
        _ => rng.wild(),
    };
    let bit = [1, 8, 16, 32, 53][rng.below(5) as usize];
    (0..count as u64)
        .map(|i| match rng.below(4) {
            0 => first.wrapping_add(i << bit),
            1 => rng.wild(),
            _ => first.wrapping_add(i),
        })
        .collect()
}

fn config(rng: &mut Rng) -> (Config, &'static [u64], bool) {
    let mut pick = |of: &[u64]| millis(of[rng.below(of.len() as u64) as usize]);
    let (lease, pause, most, remembers) =
        (pick(&[100, 300, 300, 1_000]), pick(&[1, 20, 100, 100]), pick(&[20, 100, 400, 800]), pick(&[200, 400, 5_000]));
    let attempts = [1, 2, 3, 3, 5, 100][rng.below(6) as usize];
    let capacity = [1, 2, 3, 4, 6, 300][rng.below(6) as usize];
    let mut config = Config { lease, attempts, pause, most, capacity, remembers };
    let waits: [(&'static [u64], bool); 5] = [
        (&[1, 20, 100, 400], false),
        (&[20, 300, 1_000], false),
        (&[99, 100, 200, 300], true),
        (&[5, 40], false),
        (&[1, 100, 2_000], true),
    ];
    let (mut waits, mut whole) = waits[rng.below(5) as usize];
    if rng.chance(40_000) {
        config = Config { lease: DAY * 9, most: DAY, remembers: DAY * 2, ..config };
    }
    if rng.chance(60_000) {
        config = Config { lease: millis(60_000), remembers: millis(60_000), pause: millis(5_000), most: millis(40_000), ..config };
        (waits, whole) = (&[20, 5_000, 59_000], true);
    }
    (config, waits, whole)
}

impl Ghost {
    fn any<'a>(&'a self, rng: &mut Rng, fits: impl Fn(&Job) -> bool) -> Option<&'a Job> {
        let all: Vec<&Job> = self.jobs.values().filter(|job| fits(job)).collect();
        rng.pick(&all).copied()
    }

    /// The receipt of a worker that has this job.
    fn held(&self, job: &Job) -> Option<Receipt> {
        job.last.filter(|receipt| job.is_held(*receipt, self.now))
    }

    fn draws(&mut self, kind: Kind, rng: &mut Rng) -> Option<Request> {
        match kind {
            Kind::New => {
                let fresh: Vec<JobId> = self.habits.ids.iter().copied().filter(|id| !self.jobs.contains_key(id)).collect();
                let job = rng.pick(&fresh).copied()?;
                let key = rng.pick(&self.habits.keys).copied()?;
                Some(Request::Enqueue { job, key })
            }
            Kind::Again => {
                let of_kind = rng.below(4);
                let job = self
                    .any(rng, |job| match of_kind {
                        0 => job.gone.is_some(),
                        1 => job.absent || job.accepted.is_none(),
                        2 => job.attempts > 0,
                        _ => true,
                    })
                    .or_else(|| self.jobs.values().next_back())?;
                Some(Request::Enqueue { job: job.id, key: job.key })
            }
            Kind::Take => Some(Request::Take),
            Kind::Ack | Kind::Fail => {
                let job = self.any(rng, |job| self.held(job).is_some())?;
                let (job, receipt) = (job.id, self.held(job)?);
                Some(if matches!(kind, Kind::Ack) { Request::Ack { job, receipt } } else { Request::Fail { job, receipt } })
            }
            Kind::Late => {
                let job = self.any(rng, |job| !job.receipts.is_empty())?;
                let all: Vec<Receipt> = job.receipts.keys().copied().collect();
                let end = job.gone.map(|end| end.receipt).filter(|_| rng.chance(500_000));
                let receipt = end.or_else(|| rng.pick(&all).copied())?;
                let job = job.id;
                Some(if rng.chance(700_000) { Request::Ack { job, receipt } } else { Request::Fail { job, receipt } })
            }
            Kind::Dead => Some(Request::Dead),
        }
    }
}

impl Storm<WorkQueue> for Ghost {
    fn setting(rng: &mut Rng) -> (Self, Setting<WorkQueue>) {
        let (config, waits_ms, whole) = config(rng);
        let mut ghost = Ghost::new(config.clone(), Duration::ZERO);
        let many = if rng.chance(250_000) { 300 } else { [1, 2, 4, 8][rng.below(4) as usize] };
        let of_key = [1, 2, 3, 50][rng.below(4) as usize];
        // Workers that do their work, that fail, that die; a crowd of producers.
        let often = [
            [20, 10, 30, 20, 10, 10, 5],
            [10, 5, 40, 5, 40, 5, 10],
            [10, 5, 40, 5, 5, 10, 10],
            [40, 15, 20, 15, 5, 5, 2],
            [10, 20, 20, 20, 5, 20, 2],
        ][rng.below(5) as usize];
        ghost.habits = Habits {
            often,
            ids: names(rng, many).into_iter().map(JobId).collect(),
            keys: names(rng, of_key).into_iter().map(Key).collect(),
        };
        let setting = Setting {
            waits_ms,
            whole,
            waits_until_ms: 300_000,
            // The clock may be set to any year.
            clock_ahead_us: if rng.chance(300_000) { rng.wild() >> 2 } else { rng.below(1 << 40) },
            rest_ms: 250,
            ..Setting::new(1, N1, config)
        };
        (ghost, setting)
    }

    fn input(&mut self, rng: &mut Rng) -> Option<Input<WorkQueue>> {
        let client = ClientId::from_index(rng.below(3) as usize);
        let all: u64 = self.habits.often.iter().sum();
        let mut left = rng.below(all);
        let kind = KINDS.iter().zip(self.habits.often).find(|(_, often)| {
            let is_it = left < *often;
            left = left.saturating_sub(*often);
            is_it
        });
        let kind = *kind.map_or(&Kind::Take, |(kind, _)| kind);
        let request = self.draws(kind, rng).or_else(|| self.draws(Kind::New, rng)).unwrap_or(Request::Take);
        Some(Input::Request(client, request))
    }

    fn promised(&self) -> bool {
        self.promised
    }

    /// What was promised last is of one job; most of the time a Take shows whether it is kept.
    fn betray(&mut self, rng: &mut Rng) -> Option<Input<WorkQueue>> {
        let kind = [Kind::Take, Kind::Take, Kind::Take, Kind::Late, Kind::Ack, Kind::Dead, Kind::Again][rng.below(7) as usize];
        let request = self.draws(kind, rng).unwrap_or(Request::Take);
        Some(Input::Request(ClientId::from_index(0), request))
    }

    fn owes(&self) -> bool {
        !self.open.of.is_empty()
    }

    fn tally(&self, coverage: &mut Coverage) {
        coverage.merge(&self.met);
    }
}
