//! Every order of a few increments and what replicas tell each other of them, with a message that arrives twice or a crash.

use super::{BOUNDS, RETRY, SURVIVES};
use crate::exercises::g_counter::{Counts, GCounter, Message, OpId, Request, Response};
use crate::rule::{Broken, Check};
use crate::sim::{Cause, ClientId, Effect, Factory, Invariant, NodeId, Scope, Step, Ticket, When, explored};
use crate::suite::Suite;
use crate::trace::Probe;
use crate::words::counted;
use std::collections::{BTreeMap, BTreeSet};

/// States of one scope in the usual check, and in a thorough one.
const STATES: (usize, usize) = (20_000, 500_000);

pub(super) fn add(suite: &mut Suite, f: Factory<GCounter>) {
    let increment = |i: usize, op| (ClientId::from_index(i), NodeId::from_index(i), Request::Increment(OpId(op)));
    suite.explored = &[BOUNDS, RETRY, SURVIVES];
    let mut scope = |rule, name, firings: &'static [u8], repeats, crashes, requests: Vec<_>| {
        suite.exploration(rule, name, move |p: &Probe| {
            let states_max = if p.thorough { STATES.1 } else { STATES.0 };
            let (firings, nodes) = (firings.to_vec(), firings.len());
            let scope = Scope { firings, repeats, crashes, requests: requests.clone(), states_max, ..Scope::new(vec![(); nodes]) };
            explored(f, &scope, &Bounds::new(nodes), p)
        });
    };
    let read = (ClientId::from_index(2), NodeId::from_index(1), Request::Read);
    let three = vec![increment(0, 1), increment(0, 3), increment(1, 2), read];
    let retried = vec![increment(0, 1), increment(0, 1), increment(1, 2)];
    scope(BOUNDS, "every order of three increments and a repeated message", &[2, 1], 1, 0, three);
    scope(SURVIVES, "every order of two increments, a retry and a crash", &[1, 1], 0, 1, retried);
    let two = vec![increment(0, 1), increment(1, 2)];
    scope(BOUNDS, "every order of two increments among three replicas", &[1, 1, 1], 1, 0, two);
}

/// What each replica must know at least, and what all of them together can know at most.
#[derive(Clone, Hash)]
struct Bounds {
    /// The increment of each ticket.
    asked: BTreeMap<Ticket, OpId>,
    /// What each replica has acknowledged.
    acked: Vec<BTreeSet<OpId>>,
    /// What each replica was told since its last start.
    told: Vec<Counts>,
}

impl Bounds {
    fn new(nodes: usize) -> Self {
        Bounds { asked: BTreeMap::new(), acked: vec![BTreeSet::new(); nodes], told: vec![Counts::new(); nodes] }
    }

    fn holds(&self, node: NodeId, value: u64, what: &str, step: u64) -> Check {
        let (acked, told) = (self.acked[node.index()].len() as u64, &self.told[node.index()]);
        let broken = |rule, seen: String| Err(Broken::new(rule, format!("{node} {what} {value}, but {seen}")).at([step]));
        let most = self.asked.values().collect::<BTreeSet<_>>().len() as u64;
        if value > most {
            let seen = format!("only {} had been asked for in the whole cluster", counted(most, "different increment"));
            return broken(if value <= self.asked.len() as u64 { RETRY } else { BOUNDS }, seen);
        }
        if value < acked {
            return broken(SURVIVES, format!("it had acknowledged {} itself", counted(acked, "increment")));
        }
        let others: u64 = told.iter().filter(|(id, _)| **id != node).map(|(_, n)| n).sum();
        if value < others + acked.max(told.get(&node).copied().unwrap_or(0)) {
            return broken(BOUNDS, format!("it had acknowledged {} itself and been told of {told:?}", counted(acked, "increment")));
        }
        Ok(())
    }
}

impl Invariant<GCounter> for Bounds {
    fn asked(&mut self, _: When, _: NodeId, ticket: Ticket, request: &Request) {
        if let Request::Increment(op) = request {
            self.asked.insert(ticket, *op);
        }
    }

    fn cause(&mut self, node: NodeId, cause: Cause<'_, GCounter>) -> Check {
        let told = &mut self.told[node.index()];
        match cause {
            Cause::Start { again: true } => told.clear(),
            Cause::Message { message: Message::Counts(counts), .. } => {
                for (origin, n) in counts {
                    let known = told.entry(*origin).or_default();
                    *known = (*known).max(*n);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, GCounter>) -> Check {
        for effect in step.effects {
            match effect {
                Effect::Reply { ticket, response: Response::Done } => {
                    self.acked[step.node.index()].extend(self.asked.get(ticket));
                }
                Effect::Reply { response: Response::Value(value), .. } => {
                    self.holds(step.node, *value, "answered a read with", step.number)?;
                }
                _ => {}
            }
        }
        step.view.map_or(Ok(()), |value| self.holds(step.node, value, "shows", step.number))
    }
}
