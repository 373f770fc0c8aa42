//! The book of a node's requests, as a ghost keeps it: taken in this life and not answered yet. Each is answered once, and in time.

use crate::rule::{Broken, Check};
use crate::sim::{NodeId, Protocol, Seen, Ticket};
use crate::time::Time;
use crate::words::shown;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A request that was taken, and in which step, and when by the node's clock.
#[derive(Clone)]
pub(crate) struct Taken<P: Protocol> {
    pub ticket: Ticket,
    pub step: u64,
    pub since: Time,
    pub request: P::Request,
}

/// A request with its answer.
type Answered<'a, P> = (Taken<P>, &'a <P as Protocol>::Response);

/// The requests of one node. `rule` breaks if one is answered twice, or late.
#[derive(Clone)]
pub(crate) struct Open<P: Protocol> {
    rule: &'static str,
    me: NodeId,
    pub of: BTreeMap<Ticket, Taken<P>>,
    answered: BTreeSet<Ticket>,
}

impl<P: Protocol> Open<P> {
    pub fn new(rule: &'static str, me: NodeId) -> Self {
        Open { rule, me, of: BTreeMap::new(), answered: BTreeSet::new() }
    }

    /// A step of the node: the request that it takes, and those that it answers, in order, each with its answer. Begin with it: a step that
    /// crashes leaves nothing open.
    pub fn step<'a>(&mut self, seen: &Seen<'a, P>) -> Result<Vec<Answered<'a, P>>, Broken> {
        if seen.is_start() {
            self.of.clear();
        }
        if let Some((ticket, request)) = seen.request() {
            self.of.insert(ticket, Taken { ticket, step: seen.number, since: seen.now, request: request.clone() });
        }
        let mut answers = Vec::new();
        for (ticket, response) in seen.replies() {
            if !self.answered.insert(ticket) {
                let said = format!("{} answered request {ticket:?} a second time, with {}", self.me, shown(response));
                return Err(Broken::new(self.rule, said).at([seen.number]));
            }
            answers.extend(self.of.remove(&ticket).map(|taken| (taken, response)));
        }
        if seen.crashed {
            self.of.clear();
        }
        Ok(answers)
    }

    /// Whether one is open for longer than an answer may take. Give a timer that is a little late some milliseconds more.
    pub fn in_time(&self, now: Time, most: Duration) -> Check {
        let Some((ticket, taken)) = self.of.iter().find(|(_, taken)| now > taken.since + most) else { return Ok(()) };
        let request = shown(&taken.request);
        let seen = format!("{} took request {ticket:?}, {request}, and had not answered it {} later", self.me, super::story::span(most));
        Err(Broken::new(self.rule, seen).at([taken.step]).unanswered())
    }
}
