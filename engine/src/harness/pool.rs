//! Runs all units of a judging on several threads. What comes out does not depend on how many: units are numbered, a
//! failure that ends the search ends it at its number, and whatever was done beyond that number is thrown away.

use super::deadline::Deadline;
use super::options::{Options, Unit};
use super::results::{Failure, Left, Results, Show};
use super::run::{Outcome, parted, run_unit};
use super::watchdog::Board;
use crate::rule::{BOUNDED_WORK, Broken, Coverage, DETERMINISTIC};
use crate::suite::Suite;
use crate::trace::{Extent, Probe};
use crate::words::counted;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// How many of the first seeds are run twice and compared, in every judging.
const TWINS: u64 = 10;

/// The units of a judging, in order: cases, then storms, then seeds.
pub(super) struct Work {
    cases: Vec<usize>,
    first_seed: u64,
    storms: u64,
    seeds: u64,
}

impl Work {
    pub fn of(suite: &Suite, options: &Options) -> Work {
        let wanted = |rule: &str| options.test.as_deref().is_none_or(|t| t == rule);
        let common = suite.common.iter().any(|r| wanted(r.name));
        // What every exercise is held to is looked for in random runs; where there are none, in the cases.
        let all = common && suite.swarm.is_none() && suite.storms.is_none();
        let sought = |i: usize| options.sought(suite, Unit::Case(i)).is_some();
        let cases = suite.cases.iter().enumerate().filter(|(i, c)| all || wanted(c.rule) || sought(*i)).map(|(i, _)| i).collect();
        let swarm = suite.swarm.as_ref().is_some_and(|s| common || s.rules.iter().any(|r| wanted(r)));
        let storms = suite.storms.as_ref().filter(|s| common || s.rules.iter().any(|r| wanted(r))).map_or(0, |s| options.storms(s.count));
        Work { cases, first_seed: options.seed, storms, seeds: if swarm { options.runs() } else { 0 } }
    }

    /// The number of a unit; `None` if it is not part of this work.
    pub fn index(&self, unit: Unit) -> Option<u64> {
        match unit {
            Unit::Case(i) => self.cases.iter().position(|case| *case == i).map(|at| at as u64),
            Unit::Storm(seed) => {
                let k = seed.wrapping_sub(self.first_seed);
                (k < self.storms).then_some(self.cases.len() as u64 + k)
            }
            Unit::Seed(seed) => {
                let k = seed.wrapping_sub(self.first_seed);
                (k < self.seeds).then_some(self.cases.len() as u64 + self.storms + k)
            }
        }
    }

    /// How much of it was done: `3 of 7 cases and 120 of 1,000 random runs`.
    pub fn done(&self, results: &Results) -> String {
        let cases = format!("{} of {}", results.cases_done.len(), counted(self.cases.len(), "case"));
        let random = [(results.storms_done, self.storms, "storm"), (results.seeds_done, self.seeds, "random run")];
        let random =
            random.iter().filter(|(_, of, _)| *of > 0).map(|(done, of, what)| format!("{done} of {}", counted(*of as usize, what)));
        std::iter::once(cases).chain(random).collect::<Vec<_>>().join(" and ")
    }

    /// What of it was not done.
    pub fn left(&self, results: &Results, why: String) -> Left {
        let cases = self.cases.iter().copied().filter(|i| !results.cases_done.contains(i)).collect();
        let storms = self.storms.saturating_sub(results.storms_done);
        Left { cases, storms, seeds: self.seeds.saturating_sub(results.seeds_done), why }
    }

    fn unit(&self, index: u64) -> Option<Unit> {
        match self.cases.get(index as usize) {
            Some(&case) => Some(Unit::Case(case)),
            None => {
                let k = index - self.cases.len() as u64;
                if k < self.storms {
                    return Some(Unit::Storm(self.first_seed.wrapping_add(k)));
                }
                let k = k - self.storms;
                (k < self.seeds).then(|| Unit::Seed(self.first_seed.wrapping_add(k)))
            }
        }
    }
}

/// After a run that died, or worked without end, the next thousand would do the same, and slowly. A case ends nothing:
/// there are few, and each asks something else.
fn ends_the_search(unit: Unit, outcome: &Outcome) -> bool {
    let ends = match outcome {
        Outcome::Fine => false,
        Outcome::Broken(broken) => broken.rule == BOUNDED_WORK,
        Outcome::Panicked(_) => true,
    };
    ends && !matches!(unit, Unit::Case(_))
}

/// Nothing more is to be looked for after this.
fn is_enough(options: &Options, outcome: &Outcome) -> bool {
    options.until_first || options.until.is_some() && options.until.as_deref() == outcome.rule()
}

/// A unit's part of the results, kept until it is known which units count.
struct Share {
    index: u64,
    unit: Unit,
    outcomes: Vec<(Outcome, u64)>,
    coverage: Coverage,
    lessons: Vec<String>,
    extent: Option<Extent>,
}

/// What is decided, while the rest is still being judged: whoever stops a judging reports this.
pub(super) struct Ledger {
    shares: Mutex<Vec<Share>>,
    /// The last unit that counts.
    stop: AtomicU64,
    time: Deadline,
    late: AtomicBool,
    /// The runs to show, of the failures for which they are made.
    pub shown: Mutex<BTreeMap<&'static str, (Failure, Show)>>,
}

impl Ledger {
    pub fn new(time: Deadline) -> Ledger {
        Ledger { shares: Mutex::default(), stop: AtomicU64::new(u64::MAX), time, late: AtomicBool::new(false), shown: Mutex::default() }
    }

    /// What the units gave, up to that one.
    pub fn results(&self, last: u64) -> Results {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        merge(&mut shares, last.min(self.stop.load(Ordering::Relaxed)))
    }

    /// Whether work was left undone because the time was up.
    pub fn is_late(&self) -> bool {
        self.late.load(Ordering::Relaxed)
    }

    fn time_is_up(&self) -> bool {
        let up = self.time.ends();
        if up {
            self.late.store(true, Ordering::Relaxed);
        }
        up
    }
}

/// Runs all the work.
///
/// # Errors
/// A panic of ours.
pub(super) fn run_all(
    suite: &Suite,
    work: &Work,
    options: &Options,
    board: &Board,
    ledger: &Ledger,
    started: Instant,
) -> Result<Results, String> {
    let next = AtomicU64::new(0);
    let stop = &ledger.stop;
    let ours: Mutex<Option<String>> = Mutex::new(None);
    let bug = |message: String| {
        stop.store(0, Ordering::Relaxed);
        *ours.lock().unwrap_or_else(PoisonError::into_inner) = Some(message);
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..board.workers())
            .map(|w| {
                let (next, bug) = (&next, &bug);
                let worker = move || {
                    board.works(w);
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(unit) = work.unit(index).filter(|_| index <= stop.load(Ordering::Relaxed)) else { break };
                        if ledger.time_is_up() {
                            break;
                        }
                        board.at(w, Some(unit));
                        match share(suite, index, unit, &board.probe(w), options, started) {
                            Ok(share) => {
                                if share.outcomes.iter().any(|(o, _)| is_enough(options, o) || ends_the_search(unit, o)) {
                                    stop.fetch_min(index, Ordering::Relaxed);
                                }
                                ledger.shares.lock().unwrap_or_else(PoisonError::into_inner).push(share);
                            }
                            Err(message) => bug(message),
                        }
                    }
                    board.at(w, None);
                };
                // Learners' recursion is theirs to see; ours needs little. The default of 2 MiB is what they know.
                std::thread::Builder::new().name(format!("worker {w}")).spawn_scoped(scope, worker)
            })
            .collect();
        if workers.iter().all(Result::is_err) {
            bug("no thread could be started".to_owned());
        }
        for worker in workers.into_iter().flatten() {
            if let Err(payload) = worker.join() {
                bug(format!("a thread of the judging was lost: {}", super::run::text_of(&*payload)));
                // Whatever it is, its destructor may panic as well.
                std::mem::forget(payload);
            }
        }
    });
    if let Some(message) = ours.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(message);
    }
    Ok(ledger.results(u64::MAX))
}

fn merge(shares: &mut [Share], stop: u64) -> Results {
    shares.sort_by_key(|s| s.index);
    let mut results = Results::default();
    for share in shares.iter().filter(|s| s.index <= stop) {
        match share.unit {
            Unit::Case(i) => {
                results.cases_done.insert(i);
                results.cases_broken.extend((!share.outcomes.is_empty()).then_some(i));
                results.extents.extend(share.extent.map(|extent| (i, extent)));
            }
            Unit::Storm(_) => results.storms_done += 1,
            Unit::Seed(_) => results.seeds_done += 1,
        }
        results.coverage.merge(&share.coverage);
        if results.lessons.is_empty() {
            results.lessons.clone_from(&share.lessons);
        }
        for (outcome, micros) in &share.outcomes {
            if let Some(rule) = outcome.rule() {
                let outcome = outcome.clone();
                results.add(rule, Failure { index: share.index, unit: share.unit, outcome, micros: *micros, regression: None });
            }
        }
    }
    results
}

/// Runs one unit; one of the first seeds twice, and every case if there are no seeds.
fn share(suite: &Suite, index: u64, unit: Unit, probe: &Probe, options: &Options, started: Instant) -> Result<Share, String> {
    let twin = match unit {
        Unit::Seed(seed) | Unit::Storm(seed) => seed.wrapping_sub(options.seed) < TWINS,
        Unit::Case(_) => suite.swarm.is_none() && suite.storms.is_none(),
    };
    let sought = options.sought(suite, unit);
    let probe = Probe { fingerprint: twin, sought, ..probe.clone() };
    let done = run_unit(suite, unit, &probe)?;
    let mut outcomes = Vec::new();
    if twin {
        let again = run_unit(suite, unit, &probe)?;
        if let Some(seen) = parted(&done.fingerprints, &again.fingerprints, &done.outcome, &again.outcome) {
            outcomes.push((Outcome::Broken(Broken::new(DETERMINISTIC, seen.0).at(seen.1)), started.elapsed().as_micros() as u64));
        }
    }
    if done.outcome != Outcome::Fine {
        outcomes.push((done.outcome, started.elapsed().as_micros() as u64));
    }
    Ok(Share { index, unit, outcomes, coverage: done.coverage, lessons: done.lessons, extent: done.extent })
}
