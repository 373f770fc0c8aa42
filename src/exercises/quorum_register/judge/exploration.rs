//! Every order of a few operations of two clients: what the watch of the random runs sees, and what the clients may see.

use super::script::{Log, op, ret};
use super::swarm::not_linearizable;
use super::watch::Watch;
use super::{ABOVE, BACK, KEEPS, LINEAR, MAJORITY, ONCE, SAVES, UNIQUE};
use crate::check::linearizable;
use crate::check::orders::Orders;
use crate::check::{Register, Verdict};
use crate::exercises::quorum_register::{QuorumRegister, Request, Response, Value};
use crate::rule::{Broken, Check};
use crate::sim::{Cause, ClientId, Factory, Invariant, NodeId, Scope, Step, Ticket, When, explored};
use crate::suite::Suite;
use crate::time::Time;
use crate::trace::Probe;
use std::hash::{Hash, Hasher};

/// States of one scope in a thorough check.
const THOROUGH: usize = 1_000_000;

/// A client, from 1; the node that it asks, from 1; and what.
type Ask = (usize, usize, Request);

const fn write(client: usize, node: usize, value: u64) -> Ask {
    (client, node, Request::Write(Value(value)))
}

const fn read(client: usize, node: usize) -> Ask {
    (client, node, Request::Read)
}

/// How often the timers of each node may fire, how many crashes there may be, and what is asked.
type Small = (&'static [u8], u8, &'static [Ask]);

/// New–old inversion: somebody sees the write, and the next read does not. The two reads are one client's.
const INVERSION: Small = (&[0; 3], 0, &[write(1, 1, 7), read(2, 2), read(2, 3)]);
/// With more time, the second read is another client's.
const THREE_CLIENTS: Small = (&[0; 3], 0, &[write(1, 1, 7), read(2, 2), read(3, 3)]);
const TWO_WRITERS: Small = (&[0; 3], 0, &[write(1, 1, 7), write(2, 2, 8)]);
const WRITES_AND_CRASH: Small = (&[0; 3], 1, &[write(1, 1, 7), write(2, 1, 8)]);
const READ_WRITE_AND_CRASH: Small = (&[0; 3], 1, &[read(1, 1), write(2, 1, 8)]);
/// Half of four is no majority.
const FOUR: Small = (&[0; 4], 0, &[write(1, 1, 7), read(2, 2)]);
/// Whoever asks again, or saves once in a while, does so by a timer.
const TIMERS: Small = (&[1, 2, 1], 0, &[write(1, 1, 7), read(2, 2)]);

fn scope((firings, crashes, asks): Small, states_max: usize) -> Scope<QuorumRegister> {
    let ask = |(client, node, request): &Ask| (ClientId::from_index(client - 1), NodeId::from_index(node - 1), request.clone());
    let requests = asks.iter().map(ask).collect();
    // Numbers of operations may be drawn, and must differ.
    let dice_go_on = true;
    Scope { firings: firings.to_vec(), crashes, requests, dice_go_on, states_max, ..Scope::new(vec![(); firings.len()]) }
}

pub(super) fn add(suite: &mut Suite, f: Factory<QuorumRegister>) {
    suite.explored = &[KEEPS, SAVES, MAJORITY, ABOVE, UNIQUE, BACK, LINEAR, ONCE];
    let mut explore = |rule, name, usual: (Small, usize), thorough: Small| {
        suite.exploration(rule, name, move |p: &Probe| {
            let (small, states_max) = if p.thorough { (thorough, THOROUGH) } else { usual };
            explored(f, &scope(small, states_max), &Seen::new(small.0.len()), p)
        });
    };
    // In the usual check twice as many states as any wrong implementation of the catalogue needs that is refused nowhere sooner:
    // mistakes are near the start, and all six scopes together take 0.03 s. Two writers are explored to the end.
    explore(LINEAR, "every order of a write and two reads", (INVERSION, 8_000), THREE_CLIENTS);
    let mut small = |rule, name, small, states| explore(rule, name, (small, states), small);
    small(ABOVE, "every order of two writes by two nodes", TWO_WRITERS, 20_000);
    small(UNIQUE, "every order of two writes by one node and a crash", WRITES_AND_CRASH, 8_000);
    small(SAVES, "every order of a read and a write by one node and a crash", READ_WRITE_AND_CRASH, 4_000);
    small(MAJORITY, "every order of a write and a read among four nodes", FOUR, 4_000);
    small(BACK, "every order of a write, a read and a few timers", TIMERS, 4_000);
}

/// What clients may see of the register, and what replicas and messages show of it.
#[derive(Clone)]
struct Seen {
    /// `None` if only the clients are watched.
    watch: Option<Watch>,
    orders: Orders<u64>,
    /// For the sentence: what the clients saw, as the run that is shown has it.
    log: Log,
}

/// The history is in the orders that it leaves possible.
impl Hash for Seen {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.watch, &self.orders).hash(state);
    }
}

impl Seen {
    fn new(nodes: usize) -> Self {
        let watch = Some(Watch::exploring(nodes));
        Seen { watch, orders: Orders::new(0), log: Log::default() }
    }

    /// The finding, from the history of the run that is shown: one of an exploration has no times.
    fn inexplicable(&self, when: When) -> Broken {
        match linearizable::check(&Register { initial: 0 }, &self.log.history, linearizable::DEFAULT_STEPS) {
            Verdict::Violated(evidence) => not_linearizable(&self.log, &evidence),
            _ => Broken::new(LINEAR, "no order of the operations explains their answers").at([when.step]),
        }
    }
}

impl Invariant<QuorumRegister> for Seen {
    fn seek(&mut self, rule: &'static str) {
        if rule == LINEAR {
            self.watch = None;
        }
    }

    fn asked(&mut self, when: When, _: NodeId, ticket: Ticket, request: &Request) {
        self.orders.begins(ticket.number(), if let Request::Write(value) = request { Some(value.0) } else { None });
        self.log.asks(ticket, op(request), when.at, when.step);
    }

    fn cause(&mut self, node: NodeId, cause: Cause<'_, QuorumRegister>) -> Check {
        if let Some(watch) = &mut self.watch {
            watch.cause(Time::ZERO, node, cause);
        }
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, QuorumRegister>) -> Check {
        self.watch.as_mut().map_or(Ok(()), |watch| watch.step(step))
    }

    fn response(&mut self, when: When, _: NodeId, ticket: Ticket, response: &Response) -> Check {
        // A second answer is a rule of its own.
        if !self.log.returns(ticket, ret(response), when.at, when.step) {
            return Ok(());
        }
        let read = if let Response::Read(value) = response { Some(value.0) } else { None };
        if self.orders.ends(ticket.number(), read.as_ref()) { Ok(()) } else { Err(self.inexplicable(when)) }
    }
}
