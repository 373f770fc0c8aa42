//! What a circuit may do: a ghost of it, kept from what it was asked and told.
//!
//! A learner may count in exact windows or in buckets of a tenth, and may look again at each permit. So there is not always one state that
//! the circuit must be in: the ghost has all that it may be in, each answer leaves those that would have given it, and when none is left, a
//! rule is broken. Which one is found by ghosts that make one classical mistake each ([`Mistake`]): the one that would have answered all of the
//! run as it was answered names it. If there is none, the state does.

use super::{CALLER, CLOSES, EACH, HALF, LATE, OPEN, OPENS, REOPENS, SLOW};
use crate::exercises::circuit_breaker::{Config, Outcome};
use crate::time::micros;
use crate::words::counted;
use std::time::Duration;

/// What is often done wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mistake {
    None,
    OneForAll,
    LateCounts,
    CallerFails,
    CallerSucceeds,
    SlowIsFine,
    OldWindow,
}

impl Mistake {
    pub const ALL: [Mistake; 6] =
        [Mistake::OneForAll, Mistake::LateCounts, Mistake::CallerFails, Mistake::CallerSucceeds, Mistake::SlowIsFine, Mistake::OldWindow];

    /// The rule that it breaks, and how it would explain what was seen.
    pub fn names(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Mistake::None => return None,
            Mistake::OneForAll => (EACH, "all dependencies had one circuit"),
            Mistake::LateCounts => (LATE, "the result of a call that began in an earlier state counted"),
            Mistake::CallerFails => (CALLER, "a caller's error were a failure"),
            Mistake::CallerSucceeds => (CALLER, "a caller's error were a success"),
            Mistake::SlowIsFine => (SLOW, "a slow success were no failure"),
            Mistake::OldWindow => (CLOSES, "results from before it opened counted when it had closed again"),
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Closed,
    /// `again`: a probe failed. `refused`: it has held a call back since.
    Open {
        again: bool,
        refused: bool,
    },
    /// `again`: it was open after a failed probe.
    Half {
        successes: u32,
        again: bool,
    },
}

/// A state that the circuit may be in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Maybe {
    pub phase: Phase,
    /// Since when, and since which step.
    pub since: u64,
    pub step: u64,
    /// Results that may be in the window, and whether each was a failure.
    pub results: Vec<(u64, bool)>,
    /// Those from before it opened.
    old: Vec<(u64, bool)>,
    /// Calls of this state that are out, and when they went out.
    pub out: Vec<(usize, u64)>,
    /// Whether it was half-open before.
    closed_again: bool,
}

/// What is asked, or told, and what the answer was.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    Permit { given: bool },
    Record { outcome: Outcome, took: u64 },
}

/// One thing that happened to a circuit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub step: u64,
    pub now: u64,
    pub dependency: usize,
    pub call: usize,
    pub act: Act,
}

/// The ghost of one circuit.
#[derive(Clone, Debug)]
pub(super) struct Ghost {
    config: Config,
    mistake: Mistake,
    pub maybe: Vec<Maybe>,
}

impl Ghost {
    pub fn new(config: Config, mistake: Mistake) -> Self {
        let closed =
            Maybe { phase: Phase::Closed, since: 0, step: 1, results: Vec::new(), old: Vec::new(), out: Vec::new(), closed_again: false };
        Ghost { config, mistake, maybe: vec![closed] }
    }

    /// Takes in what happened; whether it may have. If not, nothing is taken in.
    pub fn take(&mut self, seen: &Seen) -> bool {
        match seen.act {
            Act::Permit { given } => {
                if !self.maybe.iter().any(|it| self.answers(it, seen.now, given)) {
                    return false;
                }
                let mut next = Vec::with_capacity(self.maybe.len());
                for mut it in std::mem::take(&mut self.maybe) {
                    if self.answers(&it, seen.now, given) {
                        self.permit(&mut it, seen, given);
                        keep(it, &mut next);
                    }
                }
                self.maybe = next;
            }
            Act::Record { outcome, took } => {
                let mut next = Vec::with_capacity(self.maybe.len());
                for it in std::mem::take(&mut self.maybe) {
                    self.record(it, seen, outcome, took, &mut next);
                }
                self.maybe = next;
            }
        }
        true
    }

    /// Whether a circuit in this state may answer so.
    fn answers(&self, it: &Maybe, now: u64, given: bool) -> bool {
        match it.phase {
            // It may look again when old successes have left the window.
            Phase::Closed => given || self.verdict(it, now).0,
            Phase::Open { .. } => given == (now - it.since >= micros(self.config.wait)),
            Phase::Half { successes, .. } => {
                let out = it.out.iter().filter(|(_, begun)| now - begun < micros(self.config.lost_after)).count();
                given == (out as u64 + u64::from(successes) < u64::from(self.config.probes))
            }
        }
    }

    fn permit(&self, it: &mut Maybe, seen: &Seen, given: bool) {
        it.wakes(&self.config, seen);
        match &mut it.phase {
            Phase::Closed if !given => {
                it.opens(seen, false, self.mistake);
                it.phase = Phase::Open { again: false, refused: true };
            }
            Phase::Open { refused, .. } => *refused = true,
            Phase::Closed | Phase::Half { .. } => {}
        }
        it.out.extend(given.then_some((seen.call, seen.now)));
    }

    fn record(&self, mut it: Maybe, seen: &Seen, outcome: Outcome, took: u64, next: &mut Vec<Maybe>) {
        it.forgets_lost(&self.config, seen.now);
        let place = it.out.iter().position(|(call, _)| *call == seen.call);
        place.map(|place| it.out.remove(place));
        let counts = place.is_some() || self.mistake == Mistake::LateCounts;
        let failed = match (outcome, self.mistake) {
            (Outcome::Failure, _) | (Outcome::CallerError, Mistake::CallerFails) => Some(true),
            (Outcome::CallerError, Mistake::CallerSucceeds) => Some(false),
            (Outcome::CallerError, _) => None,
            (Outcome::Success, Mistake::SlowIsFine) => Some(false),
            (Outcome::Success, _) => Some(took >= micros(self.config.slow)),
        };
        let Some(failed) = failed.filter(|_| counts) else { return keep(it, next) };
        match it.phase {
            Phase::Closed => {
                it.results.push((seen.now, failed));
                it.results.retain(|(came, _)| (seen.now - came) * 10 < micros(self.config.window) * 11);
                match (self.verdict(&it, seen.now), failed) {
                    ((_, true), true) => it.opens(seen, false, self.mistake),
                    // It may open, and need not.
                    ((true, _), _) => {
                        let mut open = it.clone();
                        open.opens(seen, false, self.mistake);
                        keep(open, next);
                    }
                    _ => {}
                }
            }
            Phase::Open { .. } if failed => it.since = seen.now,
            Phase::Open { .. } => {}
            Phase::Half { .. } if failed => it.opens(seen, true, self.mistake),
            Phase::Half { successes, .. } if successes + 1 == self.config.probes => it.closes(seen, self.mistake),
            Phase::Half { successes, again } => it.phase = Phase::Half { successes: successes + 1, again },
        }
        keep(it, next);
    }

    /// Whether it may open with these results, and whether it must: what is nine to eleven tenths of a window old may count or not.
    fn verdict(&self, it: &Maybe, now: u64) -> (bool, bool) {
        let window = micros(self.config.window);
        let mut counts = [[0u64; 2]; 2];
        for (came, failed) in &it.results {
            let age = (now - came) * 10;
            if age < window * 11 {
                counts[usize::from(age > window * 9)][usize::from(*failed)] += 1;
            }
        }
        let [[good, bad], [old_good, old_bad]] = counts;
        let (minimum, percent) = (u64::from(self.config.minimum), u64::from(self.config.failure_percent));
        let must = good + bad >= minimum && bad * 100 >= percent * (good + bad + old_good);
        let most_bad = bad + old_bad;
        let needed = minimum.saturating_sub(most_bad + good);
        let may = needed <= old_good && most_bad > 0 && most_bad * 100 >= percent * (most_bad + good + needed);
        (may, must && bad > 0)
    }

    /// Which rule the answer to a permit breaks, in this state; and in words what should have been, and why.
    pub fn explain(&self, now: u64, given: bool) -> (&'static str, String) {
        let config = &self.config;
        let mut it = self.maybe[0].clone();
        let was = it.clone();
        it.wakes(config, &Seen { step: 0, now, dependency: 0, call: 0, act: Act::Permit { given } });
        it.forgets_lost(config, now);
        let out = it.out.len();
        match (&was.phase, &it.phase) {
            (Phase::Closed, _) => {
                let young = |(came, _): &&(u64, bool)| (now - came) * 10 < micros(config.window) * 11;
                let (all, bad) = (it.results.iter().filter(young).count(), it.results.iter().filter(young).filter(|(_, bad)| *bad).count());
                let rule = if it.closed_again && all == 0 { CLOSES } else { OPENS };
                let since = if it.closed_again { format!("is closed again since {}", at(it.since)) } else { "is closed".to_owned() };
                let limits = format!("{} of a hundred of at least {} open it", config.failure_percent, counted(config.minimum, "result"));
                let results = match all {
                    0 => "no result of this state is in the window".to_owned(),
                    1 => format!("of the one result in the window {}", if bad == 1 { "is a failure" } else { "none is a failure" }),
                    _ => format!("of {all} results in the window {bad} {} failures", if bad == 1 { "is" } else { "are" }),
                };
                (rule, format!("the circuit {since}: {results}, and {limits}"))
            }
            (Phase::Open { again, refused }, Phase::Open { .. }) => {
                let rule = match (again, refused) {
                    (true, _) => REOPENS,
                    (false, true) => OPEN,
                    (false, false) => OPENS,
                };
                let why = if *again { "a probe failed" } else { "there were enough failures" };
                let until = at(it.since + micros(config.wait));
                (rule, format!("{why} at {}, and from then until {until} the circuit must be open", at(it.since)))
            }
            (Phase::Open { again, .. }, _) => {
                let rule = if *again { REOPENS } else { HALF };
                (rule, format!("it has been open since {}, and its wait of {} is over", at(it.since), span(config.wait)))
            }
            (Phase::Half { successes, .. }, _) if given => (
                HALF,
                format!("the circuit is half-open, and of {} {out} is out and {successes} succeeded", counted(config.probes, "probe")),
            ),
            (Phase::Half { successes, .. }, _) => {
                let lost = was.out.len() - out;
                let lost =
                    if lost > 0 { format!(", {} is lost after {}", counted(lost, "more"), span(config.lost_after)) } else { String::new() };
                (
                    HALF,
                    format!(
                        "the circuit is half-open, and of {} only {out} is out and {successes} succeeded{lost}",
                        counted(config.probes, "probe")
                    ),
                )
            }
        }
    }
}

/// One more state, if it is not known.
fn keep(it: Maybe, next: &mut Vec<Maybe>) {
    if !next.contains(&it) {
        next.push(it);
    }
}

impl Maybe {
    /// The wait is over.
    fn wakes(&mut self, config: &Config, seen: &Seen) {
        if let Phase::Open { again, .. } = self.phase
            && seen.now - self.since >= micros(config.wait)
        {
            self.becomes(Phase::Half { successes: 0, again }, seen);
        }
        self.forgets_lost(config, seen.now);
    }

    fn forgets_lost(&mut self, config: &Config, now: u64) {
        if matches!(self.phase, Phase::Half { .. }) {
            self.out.retain(|(_, begun)| now - begun < micros(config.lost_after));
        }
    }

    fn opens(&mut self, seen: &Seen, again: bool, mistake: Mistake) {
        if !again && mistake == Mistake::OldWindow {
            self.old = std::mem::take(&mut self.results);
        }
        self.results.clear();
        self.becomes(Phase::Open { again, refused: false }, seen);
    }

    fn closes(&mut self, seen: &Seen, mistake: Mistake) {
        self.results = if mistake == Mistake::OldWindow { std::mem::take(&mut self.old) } else { Vec::new() };
        self.closed_again = true;
        self.becomes(Phase::Closed, seen);
    }

    fn becomes(&mut self, phase: Phase, seen: &Seen) {
        (self.phase, self.since, self.step) = (phase, seen.now, seen.step);
        self.out.clear();
    }
}

/// `12.345 s`, and with more digits if there are any.
pub(super) fn at(us: u64) -> String {
    let digits = if us.is_multiple_of(1_000) { format!("{:03}", us / 1_000 % 1_000) } else { format!("{:06}", us % 1_000_000) };
    format!("{}.{digits} s", us / 1_000_000)
}

pub(super) fn span(span: Duration) -> String {
    at(micros(span))
}
