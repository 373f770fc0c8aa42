//! Every order of a few operations and what replicas tell each other of them, with a message that arrives twice or
//! a crash.

use super::{BOUNDS, SURVIVES};
use crate::exercises::pn_counter::{Counts, Message, OpId, PnCounter, Request, Response};
use crate::rule::{Broken, Check};
use crate::sim::{Cause, ClientId, Effect, Factory, Invariant, NodeId, Scope, Step, Ticket, When, explored};
use crate::suite::Suite;
use crate::trace::Probe;
use crate::words::counted;
use std::collections::BTreeMap;

/// States of one scope in the usual check, and in a thorough one.
const STATES: (usize, usize) = (20_000, 500_000);

pub(super) fn add(suite: &mut Suite, f: Factory<PnCounter>) {
    let ask = |i, request| (ClientId::from_index(i), NodeId::from_index(i), request);
    suite.explored = &[BOUNDS, SURVIVES];
    let mut scope = |rule, name, firings: &'static [u8], repeats, crashes, requests: Vec<_>| {
        suite.exploration(rule, name, move |p: &Probe| {
            let states_max = if p.thorough { STATES.1 } else { STATES.0 };
            let (firings, nodes) = (firings.to_vec(), firings.len());
            let scope = Scope { firings, repeats, crashes, requests: requests.clone(), states_max, ..Scope::new(vec![(); nodes]) };
            explored(f, &scope, &Bounds::new(nodes), p)
        });
    };
    let two = vec![ask(0, Request::Increment(OpId(1))), ask(1, Request::Decrement(OpId(2)))];
    let more = || two.iter().cloned().chain([ask(0, Request::Increment(OpId(3)))]).collect();
    scope(BOUNDS, "every order of three operations and a repeated message", &[2, 1], 1, 0, more());
    scope(SURVIVES, "every order of three operations and a crash", &[1, 1], 0, 1, more());
    scope(BOUNDS, "every order of two operations among three replicas", &[1, 1, 1], 1, 0, two);
}

/// Operations of one kind: what all replicas together can know at most, and each of them must know at least.
#[derive(Clone, Hash)]
struct Kind {
    asked: i64,
    /// What each replica has acknowledged: each operation is asked once.
    acked: Vec<i64>,
    /// What each replica was told since its last start.
    told: Vec<Counts>,
}

impl Kind {
    fn new(nodes: usize) -> Self {
        Kind { asked: 0, acked: vec![0; nodes], told: vec![Counts::new(); nodes] }
    }

    fn told(&mut self, node: NodeId, counts: &Counts) {
        for (origin, n) in counts {
            let known = self.told[node.index()].entry(*origin).or_default();
            *known = (*known).max(*n);
        }
    }

    fn least(&self, node: NodeId) -> i64 {
        let told = &self.told[node.index()];
        let others: u64 = told.iter().filter(|(id, _)| **id != node).map(|(_, n)| n).sum();
        others as i64 + self.acked[node.index()].max(told.get(&node).map_or(0, |n| *n as i64))
    }
}

#[derive(Clone, Hash)]
struct Bounds {
    increments: Kind,
    decrements: Kind,
    tickets: BTreeMap<Ticket, bool>,
}

impl Bounds {
    fn new(nodes: usize) -> Self {
        Bounds { increments: Kind::new(nodes), decrements: Kind::new(nodes), tickets: BTreeMap::new() }
    }

    /// Known increments less all decrements is the least that may be shown; the most is the other way round.
    fn holds(&self, node: NodeId, value: i64, step: u64) -> Check {
        let (up, down) = (&self.increments, &self.decrements);
        let i = node.index();
        let seen = |least: i64, most: i64| {
            format!(
                "{node} shows {value}, and should show {}: it had acknowledged {} and {}, and been told of increments {:?} and decrements {:?}; \
                 {} and {} had been asked for in all",
                if least == most { least.to_string() } else { format!("{least} to {most}") },
                counted(up.acked[i], "increment"),
                counted(down.acked[i], "decrement"),
                up.told[i],
                down.told[i],
                counted(up.asked, "increment"),
                counted(down.asked, "decrement")
            )
        };
        for (rule, least, most) in [
            (SURVIVES, up.acked[i] - down.asked, up.asked - down.acked[i]),
            (BOUNDS, up.least(node) - down.asked, up.asked - down.least(node)),
        ] {
            if value < least || value > most {
                // A value that no operation explains is not one that was lost.
                let rule = if value > up.asked || value < -down.asked { BOUNDS } else { rule };
                return Err(Broken::new(rule, seen(least, most)).at([step]));
            }
        }
        Ok(())
    }
}

impl Invariant<PnCounter> for Bounds {
    fn asked(&mut self, _: When, _: NodeId, ticket: Ticket, request: &Request) {
        match request {
            Request::Increment(_) => self.increments.asked += 1,
            Request::Decrement(_) => self.decrements.asked += 1,
            Request::Read => return,
        }
        self.tickets.insert(ticket, matches!(request, Request::Increment(_)));
    }

    fn cause(&mut self, node: NodeId, cause: Cause<'_, PnCounter>) -> Check {
        match cause {
            Cause::Start { again: true } => {
                self.increments.told[node.index()].clear();
                self.decrements.told[node.index()].clear();
            }
            Cause::Message { message: Message::Counts { increments, decrements }, .. } => {
                self.increments.told(node, increments);
                self.decrements.told(node, decrements);
            }
            _ => {}
        }
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, PnCounter>) -> Check {
        for effect in step.effects {
            if let Effect::Reply { ticket, response: Response::Done } = effect
                && let Some(up) = self.tickets.remove(ticket)
            {
                let kind = if up { &mut self.increments } else { &mut self.decrements };
                kind.acked[step.node.index()] += 1;
            }
        }
        step.view.map_or(Ok(()), |value| self.holds(step.node, value, step.number))
    }
}
