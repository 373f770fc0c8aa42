//! The random runs of `pn_counter`: clients that count up and down and retry, faults of every kind, bounds after every
//! event.

use super::bounds::Books;
use super::{BOUNDS, CONVERGES, READS, RETRY, SURVIVES};
use crate::check::conservation::Bounds;
use crate::check::convergence;
use crate::exercises::pn_counter::{Message, OpId, PnCounter, Request, Response};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::sim::{Allowed, Cause, ClientId, Clients, Effect, Factory, NodeId, Plan, Referee, Setup, Step, Ticket, World, trial};
use crate::suite::{Run, Swarm};
use crate::time::{Time, millis};
use crate::trace::Probe;
use crate::words::counted;
use std::collections::BTreeMap;

const QUIET_AT: Time = Time::from_millis(2_000);
/// How long replicas have to converge in the quiet phase. One exchange in 200 ms with one random peer would do.
const END: Time = Time::from_millis(14_000);
const CLIENTS: usize = 3;
/// How long a client waits for an answer before it asks again, in milliseconds.
const PATIENCE_MS: std::ops::RangeInclusive<u64> = 60..=200;

pub(super) fn swarm(factory: Factory<PnCounter>) -> Swarm {
    Swarm {
        rules: &[BOUNDS, RETRY, SURVIVES, CONVERGES, READS],
        must_meet: &[
            "crashes between two effects",
            "partitions",
            "messages repeated",
            "messages lost",
            "retries",
            "acknowledged increments",
            "acknowledged decrements",
            "reads during a partition",
            "values below zero",
        ],
        run: Box::new(move |seed, probe| run(factory, seed, probe)),
    }
}

fn run(factory: Factory<PnCounter>, seed: u64, probe: &Probe) -> Run {
    let mut rng = Rng::stream(seed, 10);
    let nodes = rng.range(2..=5) as usize;
    // Some runs count mostly up, some mostly down, some both.
    let up_ppm = *rng.pick(&[800_000, 500_000, 500_000, 250_000]).unwrap_or(&500_000);
    let plan = Plan::draw(seed, nodes, &Allowed::everything(millis(400)), QUIET_AT);
    let setup = Setup { plan, end: END, ..Setup::new(seed, vec![(); nodes]) };
    trial(
        factory,
        &setup,
        probe,
        || Watch::new(nodes, up_ppm),
        |watch, run| {
            run.coverage.add("acknowledged increments", watch.books.increments.acknowledgements());
            run.coverage.add("acknowledged decrements", watch.books.decrements.acknowledgements());
            run.coverage.add("retries", watch.retries);
            run.coverage.add("reads", watch.reads);
            run.coverage.add("reads during a partition", watch.reads_cut_off);
            run.coverage.add("values below zero", watch.below_zero);
        },
    )
}

/// An operation: its id, and whether it is an increment.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Op {
    id: OpId,
    up: bool,
}

/// What a client waits for.
#[derive(Clone, Copy)]
struct Waiting {
    at: NodeId,
    op: Op,
}

struct Watch {
    books: Books,
    asked: BTreeMap<Ticket, Op>,
    /// Reads that have arrived at a replica which has not crashed since, and are not answered.
    reading: BTreeMap<Ticket, NodeId>,
    waiting: [Option<Waiting>; CLIENTS],
    up_ppm: u32,
    next_op: u64,
    quiet: bool,
    settled: bool,
    retries: u64,
    reads: u64,
    reads_cut_off: u64,
    below_zero: u64,
}

impl Watch {
    fn new(nodes: usize, up_ppm: u32) -> Self {
        Watch {
            books: Books::new(nodes),
            asked: BTreeMap::new(),
            reading: BTreeMap::new(),
            waiting: [None; CLIENTS],
            up_ppm,
            next_op: 1,
            quiet: false,
            settled: false,
            retries: 0,
            reads: 0,
            reads_cut_off: 0,
            below_zero: 0,
        }
    }

    fn ask(&mut self, client: ClientId, at: NodeId, op: Op, clients: &mut Clients<'_, PnCounter>) {
        clients.ask(client, at, if op.up { Request::Increment(op.id) } else { Request::Decrement(op.id) });
        let patience = millis(clients.rng.range(PATIENCE_MS));
        clients.wake(client, patience, op.id.0);
    }

    /// What keeps the replicas that are up from the same, right value.
    fn disagreement(&self, world: &World<'_, PnCounter>) -> Option<String> {
        let up: Vec<NodeId> = (0..world.nodes()).map(NodeId::from_index).filter(|n| world.is_up(*n)).collect();
        let values: Vec<(NodeId, i64)> = up.iter().map(|n| (*n, world.view(*n).unwrap_or(0))).collect();
        let (_, value) = *values.first()?;
        if let Err(diverged) = convergence::check(values) {
            return Some(diverged.pair());
        }
        // What was asked of those that are up is acknowledged by now; of what was asked of others, any part may count.
        let (plus, minus) = (self.books.increments.acked_at(&up), self.books.decrements.acked_at(&up));
        let mut bounds = Bounds::default();
        bounds.certain(plus - minus);
        bounds.possible(self.books.increments.arrived_elsewhere(&up));
        bounds.possible(-self.books.decrements.arrived_elsewhere(&up));
        bounds.check(value).is_err().then(|| {
            let (least, most) = (bounds.lowest(), bounds.highest());
            let right = if most == least { format!("{most}") } else { format!("from {least} to {most}") };
            format!(
                "all replicas show {value}, but those that are up acknowledged {} and {}: {right} is right",
                counted(plus, "increment"),
                counted(minus, "decrement")
            )
        })
    }

    fn effect(&mut self, step: &Step<'_, PnCounter>, effect: &Effect<PnCounter>, world: &World<'_, PnCounter>) -> Check {
        let Effect::Reply { ticket, response } = effect else { return Ok(()) };
        match response {
            Response::Done => {
                if let Some(op) = self.asked.get(ticket) {
                    self.books.kind(op.up).acknowledged(step.node, op.id);
                }
                Ok(())
            }
            Response::Value(v) => {
                self.reading.remove(ticket);
                self.reads += 1;
                let cut_off = (0..world.nodes()).all(|i| i == step.node.index() || world.is_cut(NodeId::from_index(i), step.node));
                self.reads_cut_off += u64::from(cut_off);
                self.books.value(step.node, *v, "answered a read with", step.number)
            }
        }
    }
}

impl Referee<PnCounter> for Watch {
    fn begin(&mut self, clients: &mut Clients<'_, PnCounter>) {
        for i in 0..CLIENTS {
            let after = millis(clients.rng.range(1..=100));
            clients.wake(ClientId::from_index(i), after, 0);
        }
    }

    /// Tag 0: do something new. Any other tag: the answer to that operation is overdue.
    fn wake(&mut self, client: ClientId, tag: u64, clients: &mut Clients<'_, PnCounter>, world: &World<'_, PnCounter>) -> Check {
        let slot = client.index();
        match self.waiting[slot] {
            Some(Waiting { at, op }) if op.id.0 == tag => {
                if world.is_down_for_good(at) {
                    self.waiting[slot] = None;
                    clients.wake(client, millis(1), 0);
                } else {
                    self.retries += 1;
                    self.ask(client, at, op, clients);
                }
            }
            None if tag == 0 && !self.quiet => {
                let at = NodeId::from_index(clients.rng.below(world.nodes() as u64) as usize);
                if clients.rng.chance(250_000) {
                    clients.ask(client, at, Request::Read);
                    let after = millis(clients.rng.range(5..=60));
                    clients.wake(client, after, 0);
                } else {
                    let op = Op { id: OpId(self.next_op), up: clients.rng.chance(self.up_ppm) };
                    self.next_op += 1;
                    self.waiting[slot] = Some(Waiting { at, op });
                    self.ask(client, at, op, clients);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn asked(&mut self, _: Time, _: u64, _: NodeId, ticket: Ticket, request: &Request) {
        match request {
            Request::Increment(id) => drop(self.asked.insert(ticket, Op { id: *id, up: true })),
            Request::Decrement(id) => drop(self.asked.insert(ticket, Op { id: *id, up: false })),
            Request::Read => {}
        }
    }

    fn response(&mut self, _: NodeId, ticket: Ticket, response: &Response, clients: &mut Clients<'_, PnCounter>) -> Check {
        let client = ticket.client();
        if let (Response::Done, Some(op), Some(w)) = (response, self.asked.get(&ticket), self.waiting[client.index()])
            && w.op == *op
        {
            self.waiting[client.index()] = None;
            let after = millis(clients.rng.range(5..=60));
            clients.wake(client, after, 0);
        }
        Ok(())
    }

    fn cause(&mut self, _: Time, node: NodeId, cause: Cause<'_, PnCounter>) -> Check {
        match cause {
            Cause::Start { again: true } => {
                self.books.restarts(node);
                self.reading.retain(|_, at| *at != node);
            }
            Cause::Crash => self.reading.retain(|_, at| *at != node),
            Cause::Message { id, message: Message::Counts { increments, decrements }, .. } => {
                self.books.receives(node, id, increments, decrements);
            }
            Cause::Request { request: Request::Increment(op), .. } => self.books.increments.arrives(node, *op),
            Cause::Request { request: Request::Decrement(op), .. } => self.books.decrements.arrives(node, *op),
            Cause::Request { request: Request::Read, ticket } => {
                self.reading.insert(ticket, node);
            }
            _ => {}
        }
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, PnCounter>, world: &World<'_, PnCounter>) -> Check {
        for effect in step.effects {
            self.effect(step, effect, world)?;
        }
        if step.crashed {
            self.reading.retain(|_, at| *at != step.node);
        }
        for (id, to, Message::Counts { increments, decrements }) in step.sent() {
            self.books.said(step.node, to, increments, decrements, step.number)?;
            self.books.sends(step.node, id);
        }
        if let Some(value) = step.view {
            self.below_zero += u64::from(value < 0);
            self.books.value(step.node, value, "shows", step.number)?;
        }
        let asked = self.quiet && self.waiting.iter().all(Option::is_none) && self.reading.is_empty();
        self.settled = asked && self.disagreement(world).is_none();
        Ok(())
    }

    fn quiet(&mut self, _: &World<'_, PnCounter>) -> Check {
        self.quiet = true;
        Ok(())
    }

    fn done(&self) -> bool {
        self.settled
    }

    fn end(&mut self, world: &World<'_, PnCounter>) -> Check {
        let span = (END - QUIET_AT).as_secs();
        if let Some(w) = self.waiting.iter().flatten().find(|w| !world.is_down_for_good(w.at)) {
            let (kind, id) = (if w.op.up { "increment" } else { "decrement" }, w.op.id.0);
            let seen = format!(
                "{kind} {id} was asked of {} again and again for {span} s after the network had healed, and never acknowledged",
                w.at
            );
            return Err(Broken::new(RETRY, seen).unanswered());
        }
        if let Some((ticket, at)) = self.reading.first_key_value() {
            return Err(
                Broken::new(READS, format!("read {ticket:?} reached {at}, which did not crash since and never answered it")).unanswered()
            );
        }
        match self.disagreement(world) {
            Some(seen) => Err(Broken::new(CONVERGES, format!("{span} s after the network had healed, {seen}")).stuck()),
            None => Ok(()),
        }
    }
}
