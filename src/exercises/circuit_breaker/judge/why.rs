//! Which rule was broken: a wrong answer alone does not tell. So the run is made again with a new breaker and without what may have misled it, late
//! results, say: if all is right then, that is what did.

use super::desk::{Make, asked, told};
use super::spec::{Act, Ghost, Seen};
use super::{CALLER, EACH, LATE, SLOW};
use crate::bench::Calls;
use crate::exercises::circuit_breaker::{Config, Outcome, Ticket};
use crate::time::{Time, micros};
use std::collections::BTreeMap;
use std::time::Duration;

/// The run in which something was wrong.
pub(super) struct Life<'a> {
    pub make: Make,
    pub config: Config,
    pub names: &'a [&'static str],
    pub calls: &'a Calls,
    /// Of which the last one is wrong.
    pub log: &'a [Seen],
}

/// What may mislead a breaker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cause {
    kind: Kind,
    pub rule: &'static str,
    /// How the sentence ends.
    pub says: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Others,
    Late,
    Caller,
    Slow,
}

const CAUSES: [Cause; 4] = [
    Cause { kind: Kind::Others, rule: EACH, says: "; without the calls to other dependencies, it answers as it should" },
    Cause { kind: Kind::Late, rule: LATE, says: "; without the results that came late, it answers as it should" },
    Cause { kind: Kind::Caller, rule: CALLER, says: "; without the callers' errors, it answers as it should" },
    Cause { kind: Kind::Slow, rule: SLOW, says: "; with failures in place of slow successes, it answers as it should" },
];

/// The first cause without which all is right.
pub(super) fn cause(life: &Life<'_>) -> Option<Cause> {
    CAUSES.into_iter().find(|cause| life.log.iter().any(|seen| life.shows(cause.kind, seen)) && life.is_right_without(cause.kind))
}

impl Life<'_> {
    /// Whether this is a step of that kind.
    fn shows(&self, kind: Kind, seen: &Seen) -> bool {
        match (kind, seen.act) {
            (Kind::Others, _) => self.log.last().is_some_and(|last| last.dependency != seen.dependency),
            (Kind::Late, Act::Record { late, .. }) => late,
            (Kind::Caller, Act::Record { outcome, .. }) => outcome == Outcome::CallerError,
            (Kind::Slow, Act::Record { outcome, took, .. }) => outcome == Outcome::Success && took >= micros(self.config.slow),
            (_, Act::Permit { .. }) => false,
        }
    }

    /// The last step of that kind.
    pub fn last(&self, cause: Cause) -> Option<u64> {
        self.log.iter().rev().find(|seen| self.shows(cause.kind, seen)).map(|seen| seen.step)
    }

    fn is_right_without(&self, kind: Kind) -> bool {
        let mut it = (self.make)(self.config);
        let mut ghosts = vec![Ghost::new(self.config); self.names.len()];
        let mut tickets: BTreeMap<usize, Ticket> = BTreeMap::new();
        self.log.iter().all(|seen| {
            let (now, name) = (Time::from_micros(seen.now), self.names[seen.dependency]);
            let act = match seen.act {
                _ if kind == Kind::Others && self.shows(kind, seen) => return true,
                Act::Permit { .. } => {
                    let ticket = self.calls.ask_quietly(|| asked(now, name), || it.permit(now, name));
                    tickets.extend(ticket.map(|ticket| (seen.call, ticket)));
                    Act::Permit { given: ticket.is_some() }
                }
                // Whoever asks goes on to ask: to a breaker its call is one of which nothing was heard.
                Act::Record { .. } if matches!(kind, Kind::Late | Kind::Caller) && self.shows(kind, seen) => return true,
                Act::Record { outcome, took, late } => {
                    let Some(ticket) = tickets.remove(&seen.call) else { return true };
                    let outcome = if kind == Kind::Slow && self.shows(kind, seen) { Outcome::Failure } else { outcome };
                    let text = || told(now, name, ticket, outcome, took);
                    self.calls.ask_quietly(text, || it.record(now, name, ticket, outcome, Duration::from_micros(took)));
                    Act::Record { outcome, took, late }
                }
            };
            ghosts[seen.dependency].take(&Seen { act, ..*seen })
        })
    }
}
