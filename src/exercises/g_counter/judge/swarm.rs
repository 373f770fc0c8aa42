//! The random runs of `g_counter`: clients that increment and retry, faults of every kind, bounds after every event.

use super::{BOUNDS, CONVERGES, READS, RETRY, SURVIVES};
use crate::check::convergence;
use crate::check::knowledge::Knowledge;
use crate::exercises::g_counter::{Counts, GCounter, Message, OpId, Request, Response};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::sim::{Allowed, Cause, ClientId, Clients, Effect, Factory, NodeId, Plan, Referee, Setup, Step, Ticket, World, trial};
use crate::suite::{Run, Swarm};
use crate::time::{Time, millis};
use crate::trace::Probe;
use crate::words::counted;
use std::collections::{BTreeMap, BTreeSet};

const QUIET_AT: Time = Time::from_millis(2_000);
/// How long replicas have to converge in the quiet phase. One exchange in 200 ms with one random peer would do.
const END: Time = Time::from_millis(14_000);
const CLIENTS: usize = 3;
/// How long a client waits for an answer before it asks again, in milliseconds.
const PATIENCE_MS: std::ops::RangeInclusive<u64> = 60..=200;

pub(super) fn swarm(factory: Factory<GCounter>) -> Swarm {
    Swarm {
        rules: &[BOUNDS, RETRY, SURVIVES, CONVERGES, READS],
        must_meet: &[
            "crashes between two effects",
            "partitions",
            "messages repeated",
            "messages lost",
            "retries",
            "acknowledged increments",
            "reads",
        ],
        run: Box::new(move |seed, probe| run(factory, seed, probe)),
    }
}

fn run(factory: Factory<GCounter>, seed: u64, probe: &Probe) -> Run {
    let nodes = Rng::stream(seed, 10).range(2..=5) as usize;
    let plan = Plan::draw(seed, nodes, &Allowed::everything(millis(400)), QUIET_AT);
    let setup = Setup { plan, end: END, ..Setup::new(seed, vec![(); nodes]) };
    trial(
        factory,
        &setup,
        probe,
        || Watch::new(nodes),
        |watch, run| {
            run.coverage.add("acknowledged increments", watch.acked.iter().map(|a| a.len() as u64).sum());
            run.coverage.add("retries", watch.retries);
            run.coverage.add("reads", watch.reads);
        },
    )
}

/// What a client waits for.
#[derive(Clone, Copy)]
struct Waiting {
    at: NodeId,
    op: OpId,
}

struct Watch {
    /// Which increments arrived at each replica: what its own entry may count at most.
    arrived: Vec<BTreeSet<OpId>>,
    /// Which increments each replica acknowledged: what its own entry must count at least.
    acked: Vec<BTreeSet<OpId>>,
    /// What each replica was told in messages since its last start, entry by entry.
    told: Vec<Counts>,
    past: Knowledge,
    asked: BTreeMap<Ticket, OpId>,
    waiting: [Option<Waiting>; CLIENTS],
    next_op: u64,
    quiet: bool,
    settled: bool,
    retries: u64,
    reads: u64,
}

impl Watch {
    fn new(nodes: usize) -> Self {
        Watch {
            arrived: vec![BTreeSet::new(); nodes],
            acked: vec![BTreeSet::new(); nodes],
            told: vec![Counts::new(); nodes],
            past: Knowledge::new(nodes),
            asked: BTreeMap::new(),
            waiting: [None; CLIENTS],
            next_op: 1,
            quiet: false,
            settled: false,
            retries: 0,
            reads: 0,
        }
    }

    /// The least that a replica must show: what it was told of, and what it acknowledged itself.
    fn least(&self, node: NodeId) -> u64 {
        let own = self.acked[node.index()].len() as u64;
        let told = &self.told[node.index()];
        let others: u64 = told.iter().filter(|(id, _)| **id != node).map(|(_, n)| n).sum();
        others + own.max(told.get(&node).copied().unwrap_or(0))
    }

    /// Checks a value that a replica shows or answers.
    fn bounded(&self, node: NodeId, value: u64, what: &str, step: u64) -> Check {
        let most = self.past.total(node.index());
        if value > most {
            let seen = format!("{node} {what} {value}, but by then it can have heard of {} at most", counted(most, "different increment"));
            let rule = if self.retries > 0 && self.counted_twice(node, value) { RETRY } else { BOUNDS };
            return Err(Broken::new(rule, seen).at([step]));
        }
        let acked = self.acked[node.index()].len() as u64;
        if value < acked {
            return Err(Broken::new(
                SURVIVES,
                format!("{node} {what} {value}, but it had acknowledged {} itself", counted(acked, "increment")),
            )
            .at([step]));
        }
        let least = self.least(node);
        if value < least {
            let seen = format!(
                "{node} {what} {value}, but it had acknowledged {} itself and been told of {:?}",
                counted(acked, "increment"),
                self.told[node.index()]
            );
            return Err(Broken::new(BOUNDS, seen).at([step]));
        }
        Ok(())
    }

    /// Whether the surplus is no larger than what repeated requests would explain.
    fn counted_twice(&self, node: NodeId, value: u64) -> bool {
        value <= self.past.total(node.index()) + self.retries
    }

    /// Whether everything has come to rest: same value everywhere, and nothing acknowledged is missing from it.
    fn disagreement(&self, world: &World<'_, GCounter>) -> Option<String> {
        let up: Vec<NodeId> = (0..world.nodes()).map(NodeId::from_index).filter(|n| world.is_up(*n)).collect();
        let values: Vec<(NodeId, u64)> = up.iter().map(|n| (*n, world.view(*n).unwrap_or(0))).collect();
        let least: u64 = up.iter().map(|n| self.acked[n.index()].len() as u64).sum();
        let (_, value) = *values.first()?;
        if let Err(diverged) = convergence::check(values) {
            return Some(diverged.pair());
        }
        (value < least).then(|| format!("all replicas show {value}, but those that are up acknowledged {}", counted(least, "increment")))
    }
}

impl Referee<GCounter> for Watch {
    fn begin(&mut self, clients: &mut Clients<'_, GCounter>) {
        for i in 0..CLIENTS {
            let after = millis(clients.rng.range(1..=100));
            clients.wake(ClientId::from_index(i), after, 0);
        }
    }

    /// Tag 0: do something new. Any other tag: the answer to that operation is overdue.
    fn wake(&mut self, client: ClientId, tag: u64, clients: &mut Clients<'_, GCounter>, world: &World<'_, GCounter>) -> Check {
        let slot = client.index();
        match self.waiting[slot] {
            Some(Waiting { at, op }) if op.0 == tag => {
                if world.is_down_for_good(at) {
                    self.waiting[slot] = None;
                    clients.wake(client, millis(1), 0);
                } else {
                    clients.ask(client, at, Request::Increment(op));
                    let patience = millis(clients.rng.range(PATIENCE_MS));
                    clients.wake(client, patience, tag);
                }
            }
            None if tag == 0 && !self.quiet => {
                let at = NodeId::from_index(clients.rng.below(world.nodes() as u64) as usize);
                if clients.rng.chance(250_000) {
                    clients.ask(client, at, Request::Read);
                    let after = millis(clients.rng.range(5..=60));
                    clients.wake(client, after, 0);
                } else {
                    let op = OpId(self.next_op);
                    self.next_op += 1;
                    self.waiting[slot] = Some(Waiting { at, op });
                    clients.ask(client, at, Request::Increment(op));
                    let patience = millis(clients.rng.range(PATIENCE_MS));
                    clients.wake(client, patience, op.0);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn asked(&mut self, _: Time, _: u64, _: NodeId, ticket: Ticket, request: &Request) {
        if let Request::Increment(op) = request {
            self.retries += u64::from(self.asked.values().any(|asked| asked == op));
            self.asked.insert(ticket, *op);
        }
    }

    fn response(&mut self, _: NodeId, ticket: Ticket, response: &Response, clients: &mut Clients<'_, GCounter>) -> Check {
        let client = ticket.client();
        let waiting = self.waiting[client.index()];
        if let (Response::Done, Some(op), Some(w)) = (response, self.asked.get(&ticket), waiting)
            && w.op == *op
        {
            self.waiting[client.index()] = None;
            let after = millis(clients.rng.range(5..=60));
            clients.wake(client, after, 0);
        }
        Ok(())
    }

    fn cause(&mut self, _: Time, node: NodeId, cause: Cause<'_, GCounter>) -> Check {
        let i = node.index();
        match cause {
            // What others said may be learned again; only what was acknowledged must have been saved.
            Cause::Start { again: true } => self.told[i].clear(),
            Cause::Message { id, message: Message::Counts(counts), .. } => {
                self.past.receives(i, id);
                for (origin, n) in counts {
                    let known = self.told[i].entry(*origin).or_default();
                    *known = (*known).max(*n);
                }
            }
            Cause::Request { request: Request::Increment(op), .. } if self.arrived[i].insert(*op) => self.past.happens(i),
            _ => {}
        }
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, GCounter>, world: &World<'_, GCounter>) -> Check {
        let i = step.node.index();
        for effect in step.effects {
            match effect {
                Effect::Reply { ticket, response: Response::Done } => {
                    if let Some(op) = self.asked.get(ticket) {
                        self.acked[i].insert(*op);
                    }
                }
                Effect::Reply { response: Response::Value(v), .. } => {
                    self.reads += 1;
                    self.bounded(step.node, *v, "answered a read with", step.number)?;
                }
                _ => {}
            }
        }
        for (id, _, _) in step.sent() {
            self.past.sends(i, id);
        }
        if let Some(value) = step.view {
            self.bounded(step.node, value, "shows", step.number)?;
        }
        self.settled = self.quiet && self.waiting.iter().all(Option::is_none) && self.disagreement(world).is_none();
        Ok(())
    }

    fn quiet(&mut self, _: &World<'_, GCounter>) -> Check {
        self.quiet = true;
        Ok(())
    }

    fn done(&self) -> bool {
        self.settled
    }

    fn end(&mut self, world: &World<'_, GCounter>) -> Check {
        if let Some(w) = self.waiting.iter().flatten().find(|w| !world.is_down_for_good(w.at)) {
            let seen = format!(
                "increment {} was asked of {} again and again for {} after the network had healed, and never acknowledged",
                w.op.0,
                w.at,
                world.now()
            );
            return Err(Broken::new(RETRY, seen).unanswered());
        }
        match self.disagreement(world) {
            Some(seen) if world.nodes() > 0 => {
                Err(Broken::new(CONVERGES, format!("{} s after the network had healed, {seen}", (END - QUIET_AT).as_secs())).stuck())
            }
            _ => Ok(()),
        }
    }
}
