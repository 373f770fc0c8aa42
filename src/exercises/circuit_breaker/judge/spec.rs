//! What a circuit may do: a ghost of it, kept from what it was asked and told.
//!
//! A learner may count in exact windows or in buckets of a tenth, and may look again at each permit. So there is not always one state that
//! the circuit must be in: the ghost has all that it may be in, each answer leaves those that would have given it, and when none is left, a
//! rule is broken: see `why` for which.

use super::{CLOSES, HALF, OPEN, OPENS, REOPENS};
use crate::exercises::circuit_breaker::{Config, Outcome};
use crate::time::micros;
use crate::words::counted;
use std::time::Duration;

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
    /// How many failures, of how many results, opened it.
    opened: (usize, usize),
    /// Calls of this state that are out, and when they went out.
    pub out: Vec<(usize, u64)>,
    /// Whether it was half-open before.
    closed_again: bool,
}

/// What is asked, or told, and what the answer was.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    Permit {
        given: bool,
    },
    /// `late`: of a call that went out in an earlier state, or a lost probe.
    Record {
        outcome: Outcome,
        took: u64,
        late: bool,
    },
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
    pub maybe: Vec<Maybe>,
}

impl Ghost {
    pub fn new(config: Config) -> Self {
        let closed =
            Maybe { phase: Phase::Closed, since: 0, step: 1, results: Vec::new(), opened: (0, 0), out: Vec::new(), closed_again: false };
        Ghost { config, maybe: vec![closed] }
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
            Act::Record { outcome, took, .. } => {
                let mut next = Vec::with_capacity(self.maybe.len());
                for it in std::mem::take(&mut self.maybe) {
                    self.record(it, seen, outcome, took, &mut next);
                }
                self.maybe = next;
            }
        }
        true
    }

    /// Whether a call is one of the state that is now, and not lost.
    pub fn knows(&self, call: usize, now: u64) -> bool {
        let it = &self.maybe[0];
        let is_lost = |begun: u64| matches!(it.phase, Phase::Half { .. }) && now - begun >= micros(self.config.lost_after);
        it.out.iter().any(|(number, begun)| *number == call && !is_lost(*begun))
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
                it.opens(seen, false);
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
        let failed = match outcome {
            Outcome::Failure => true,
            Outcome::Success => took >= micros(self.config.slow),
            Outcome::CallerError => return keep(it, next),
        };
        // Late.
        if place.is_none() {
            return keep(it, next);
        }
        match it.phase {
            Phase::Closed => {
                it.results.push((seen.now, failed));
                it.results.retain(|(came, _)| (seen.now - came) * 10 < micros(self.config.window) * 11);
                match (self.verdict(&it, seen.now), failed) {
                    ((_, true), true) => it.opens(seen, false),
                    // It may open, and need not.
                    ((true, _), _) => {
                        let mut open = it.clone();
                        open.opens(seen, false);
                        keep(open, next);
                    }
                    _ => {}
                }
            }
            Phase::Open { .. } => {}
            Phase::Half { .. } if failed => it.opens(seen, true),
            Phase::Half { successes, .. } if successes + 1 == self.config.probes => it.closes(seen),
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

    /// Which rule the answer to a permit breaks, by the state that the circuit is in; and in words what should have been.
    pub fn explain(&self, now: u64, given: bool) -> (&'static str, String) {
        let (config, was) = (&self.config, &self.maybe[0]);
        let mut it = was.clone();
        it.wakes(config, &Seen { step: 0, now, dependency: 0, call: 0, act: Act::Permit { given } });
        let (all, bad) = (it.results.len(), it.results.iter().filter(|(_, failed)| *failed).count());
        match (&was.phase, &it.phase) {
            (Phase::Closed, _) => {
                let since = if it.closed_again { format!("closed again since {}", at(it.since)) } else { "closed".to_owned() };
                let limits = format!("from {} on, if {} % are failures", counted(config.minimum, "result"), config.failure_percent);
                let have = if all == 0 { "no result of this state is in the window".to_owned() } else { format!("of {all} {bad} failed") };
                let rule = if it.closed_again { CLOSES } else { OPENS };
                (rule, format!("the circuit is {since}, and it opens {limits}: {have}"))
            }
            (Phase::Open { again, refused }, Phase::Open { .. }) => {
                let rule = match (again, refused) {
                    (true, _) => REOPENS,
                    (false, true) => OPEN,
                    (false, false) => OPENS,
                };
                let (bad, all) = it.opened;
                let why = if *again { "a probe failed".to_owned() } else { format!("{bad} of {} failed", counted(all, "result")) };
                let until = at(it.since + micros(config.wait));
                (rule, format!("{why} at {}, so the circuit is open until {until}", at(it.since)))
            }
            (Phase::Open { again, .. }, _) => {
                let rule = if *again { REOPENS } else { HALF };
                (rule, format!("the circuit opened at {}, and the wait of {} is over", at(was.since), span(config.wait)))
            }
            (Phase::Half { successes, .. }, _) => {
                let lost = was.out.len() - it.out.len();
                let lost = if lost > 0 { format!(", and {lost} lost after {}", span(config.lost_after)) } else { String::new() };
                let (out, probes) = (it.out.len(), counted(config.probes, "probe"));
                let place = if given { "no place" } else { "a place" };
                (HALF, format!("the circuit is half-open; of {probes}, {out} out, {successes} succeeded{lost}: there was {place}"))
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

    fn opens(&mut self, seen: &Seen, again: bool) {
        self.opened = (self.results.iter().filter(|(_, failed)| *failed).count(), self.results.len());
        self.results.clear();
        self.becomes(Phase::Open { again, refused: false }, seen);
    }

    fn closes(&mut self, seen: &Seen) {
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
