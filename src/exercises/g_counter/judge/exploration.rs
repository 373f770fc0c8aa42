//! Every order of two increments and what replicas tell each other of them, with a message that arrives twice or a crash.

use super::{BOUNDS, SURVIVES};
use crate::exercises::g_counter::{Counts, GCounter, Message, OpId, Request, Response};
use crate::rule::{Broken, Check};
use crate::sim::{Cause, ClientId, Effect, Factory, Invariant, NodeId, Scope, Step, Ticket, explored};
use crate::suite::Suite;
use crate::trace::Probe;
use std::collections::BTreeSet;

/// States of one scope in the usual check, and in a thorough one.
const STATES: (usize, usize) = (20_000, 500_000);

pub(super) fn add(suite: &mut Suite, f: Factory<GCounter>) {
    let mut scope = |rule, name, firings: &'static [u8], repeats, crashes| {
        suite.exploration(rule, name, move |p: &Probe| {
            let nodes = firings.len();
            let increment = |i: usize| (ClientId::from_index(i), NodeId::from_index(i), Request::Increment(OpId(i as u64 + 1)));
            let states_max = if p.thorough { STATES.1 } else { STATES.0 };
            let requests = vec![increment(0), increment(1)];
            let scope = Scope { firings: firings.to_vec(), repeats, crashes, requests, states_max, ..Scope::new(vec![(); nodes]) };
            explored(f, &scope, &Bounds::new(nodes), p)
        });
    };
    scope(BOUNDS, "every order of two increments and a repeated message", &[1, 1], 1, 0);
    scope(SURVIVES, "every order of two increments and a crash", &[1, 1], 0, 1);
    scope(BOUNDS, "every order of two increments among three replicas", &[1, 1, 1], 1, 0);
}

/// What each replica must know at least, and what all of them together can know at most.
#[derive(Clone, Hash)]
struct Bounds {
    /// Increments that were asked of anybody.
    asked: u64,
    /// Increments that each replica has acknowledged: each is asked once.
    acked: Vec<BTreeSet<Ticket>>,
    /// What each replica was told since its last start.
    told: Vec<Counts>,
}

impl Bounds {
    fn new(nodes: usize) -> Self {
        Bounds { asked: 0, acked: vec![BTreeSet::new(); nodes], told: vec![Counts::new(); nodes] }
    }

    fn holds(&self, node: NodeId, value: u64, what: &str, step: u64) -> Check {
        let (acked, told) = (self.acked[node.index()].len() as u64, &self.told[node.index()]);
        let broken = |rule, seen: String| Err(Broken::new(rule, format!("{node} {what} {value}, but {seen}")).at([step]));
        if value > self.asked {
            return broken(BOUNDS, format!("only {} increments had been asked for in the whole cluster", self.asked));
        }
        if value < acked {
            return broken(SURVIVES, format!("it had acknowledged {acked} increments itself"));
        }
        let others: u64 = told.iter().filter(|(id, _)| **id != node).map(|(_, n)| n).sum();
        if value < others + acked.max(told.get(&node).copied().unwrap_or(0)) {
            return broken(BOUNDS, format!("it had acknowledged {acked} increments itself and been told of {told:?}"));
        }
        Ok(())
    }
}

impl Invariant<GCounter> for Bounds {
    fn asked(&mut self, _: NodeId, _: Ticket, request: &Request) {
        self.asked += u64::from(matches!(request, Request::Increment(_)));
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
            if let Effect::Reply { ticket, response: Response::Done } = effect {
                self.acked[step.node.index()].insert(*ticket);
            }
        }
        step.view.map_or(Ok(()), |value| self.holds(step.node, value, "shows", step.number))
    }
}
