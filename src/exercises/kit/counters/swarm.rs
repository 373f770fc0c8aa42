//! The random runs of a counter: clients that count and retry, faults of every kind. A ghost watches each replica; that all
//! of them come to one value, and to the right one, is watched here.

use super::{ANSWER_MS, CONVERGES, Ghost, READS, RETRY, Words};
use crate::check::convergence;
use crate::rng::Rng;
use crate::rule::{Broken, Check, Coverage};
use crate::sim::{Allowed, Cause, ClientId, Clients, Effect, Factory, Ghosts, NodeId, Plan, Referee, Setup, Step, Ticket, World, trial};
use crate::suite::{Run, Swarm};
use crate::time::{Time, millis};
use crate::trace::Probe;

const QUIET_AT: Time = Time::from_millis(2_000);
/// How long replicas have to converge in the quiet phase. One exchange in 200 ms with one random peer would do.
const END: Time = Time::from_millis(14_000);
const CLIENTS: usize = 3;
/// How long a client waits for an answer before it asks again, in milliseconds.
const PATIENCE_MS: std::ops::RangeInclusive<u64> = 60..=200;
const ACKNOWLEDGED: [&str; 2] = ["acknowledged increments", "acknowledged decrements"];

pub(crate) fn swarm<P: Words>(factory: Factory<P>, rules: &'static [&'static str], must_meet: &'static [&'static str]) -> Swarm
where
    P::Config: Default + Clone,
{
    Swarm { rules, must_meet, run: Box::new(move |seed, probe| run(factory, seed, probe)) }
}

fn run<P: Words>(factory: Factory<P>, seed: u64, probe: &Probe) -> Run
where
    P::Config: Default + Clone,
{
    let mut rng = Rng::stream(seed, 10);
    let nodes = rng.range(2..=5) as usize;
    // Some runs count mostly up, some mostly down, some both.
    let up_ppm = match P::KINDS.len() {
        1 => 1_000_000,
        _ => *rng.pick(&[800_000, 500_000, 500_000, 250_000]).unwrap_or(&500_000),
    };
    let plan = Plan::draw(seed, nodes, &Allowed::everything(millis(400)), QUIET_AT);
    let setup = Setup { plan, end: END, ..Setup::new(seed, vec![P::Config::default(); nodes]) };
    trial(factory, &setup, probe, || Watch::<P>::new(nodes, up_ppm), |watch, run| watch.tally(&mut run.coverage))
}

/// An operation: its kind and its id.
type Op = (usize, u64);

struct Watch<P: Words> {
    ghosts: Ghosts<P, Ghost<P>>,
    nodes: usize,
    asked: std::collections::BTreeMap<Ticket, Op>,
    /// What each client waits for, and of whom.
    waiting: [Option<(NodeId, Op)>; CLIENTS],
    up_ppm: u32,
    next_op: u64,
    quiet: bool,
    settled: bool,
    reads_cut_off: u64,
}

impl<P: Words> Watch<P> {
    fn new(nodes: usize, up_ppm: u32) -> Self {
        Watch {
            // Where nodes pause, late is not wrong.
            ghosts: Ghosts::new((0..nodes).map(|i| Ghost::new(nodes, NodeId::from_index(i)))).patient(),
            nodes,
            asked: std::collections::BTreeMap::new(),
            waiting: [None; CLIENTS],
            up_ppm,
            next_op: 1,
            quiet: false,
            settled: false,
            reads_cut_off: 0,
        }
    }

    fn all(&self) -> impl Iterator<Item = NodeId> + use<P> {
        (0..self.nodes).map(NodeId::from_index)
    }

    fn tally(&self, coverage: &mut Coverage) {
        for met in self.all().map(|node| &self.ghosts.seen(node).met) {
            for (name, acked) in ACKNOWLEDGED.iter().zip(met.acked).take(P::KINDS.len()) {
                coverage.add(name, acked);
            }
            coverage.add("retries", met.retries);
            coverage.add("reads", met.reads);
            coverage.add("values below zero", met.below_zero);
        }
        coverage.add("reads during a partition", self.reads_cut_off);
    }

    fn ask(&self, client: ClientId, at: NodeId, op: Op, clients: &mut Clients<'_, P>) {
        clients.ask(client, at, P::request(Some(op)));
        let patience = millis(clients.rng.range(PATIENCE_MS));
        clients.wake(client, patience, op.1);
    }

    /// What keeps the replicas that are up from the same, right value.
    fn disagreement(&self, world: &World<'_, P>) -> Option<String> {
        let values: Vec<(NodeId, i128)> =
            self.all().filter(|n| world.is_up(*n)).map(|n| (n, world.view(n).map_or(0, |view| P::value(&view)))).collect();
        let (_, value) = *values.first()?;
        if let Err(diverged) = convergence::check(values) {
            return Some(diverged.pair());
        }
        // What was asked of those that are up is acknowledged by now; of what was asked of others, any part may count.
        let count = |kind: usize| {
            self.all().fold((0, 0), |(sure, most), node| {
                let kind = &self.ghosts.seen(node).kinds[kind];
                if world.is_up(node) { (sure + kind.acked(), most + kind.acked()) } else { (sure, most + kind.arrived) }
            })
        };
        let (up, down) = (count(0), count(1));
        let (least, most) = (i128::from(up.0) - i128::from(down.1), i128::from(up.1) - i128::from(down.0));
        (value < least || value > most).then(|| {
            let right = if most == least { format!("{most}") } else { format!("from {least} to {most}") };
            format!("all replicas show {value}, and {right} is right: what those that are up acknowledged counts")
        })
    }

    /// A replica that is up and has not answered.
    fn unanswered(&self, world: &World<'_, P>) -> Option<(NodeId, Option<Op>)> {
        let open = self.all().filter(|n| world.is_up(*n)).find_map(|n| self.ghosts.seen(n).open.values().next().map(|open| (n, open.op)));
        let waits = self.waiting.iter().flatten().find(|(at, _)| !world.is_down_for_good(*at)).map(|(at, op)| (*at, Some(*op)));
        waits.or(open)
    }
}

impl<P: Words> Referee<P> for Watch<P> {
    fn begin(&mut self, clients: &mut Clients<'_, P>) {
        for i in 0..CLIENTS {
            let after = millis(clients.rng.range(1..=100));
            clients.wake(ClientId::from_index(i), after, 0);
        }
    }

    /// Tag 0: do something new. Any other tag: the answer to that operation is overdue.
    fn wake(&mut self, client: ClientId, tag: u64, clients: &mut Clients<'_, P>, world: &World<'_, P>) -> Check {
        match self.waiting[client.index()] {
            Some((at, op)) if op.1 == tag => {
                if world.is_down_for_good(at) {
                    self.waiting[client.index()] = None;
                    clients.wake(client, millis(1), 0);
                } else {
                    self.ask(client, at, op, clients);
                }
            }
            None if tag == 0 && !self.quiet => {
                let at = NodeId::from_index(clients.rng.below(world.nodes() as u64) as usize);
                if clients.rng.chance(250_000) {
                    clients.ask(client, at, P::request(None));
                    let after = millis(clients.rng.range(5..=60));
                    clients.wake(client, after, 0);
                } else {
                    let op = (usize::from(!clients.rng.chance(self.up_ppm)), self.next_op);
                    self.next_op += 1;
                    self.waiting[client.index()] = Some((at, op));
                    self.ask(client, at, op, clients);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn asked(&mut self, _: Time, _: u64, _: NodeId, ticket: Ticket, request: &P::Request) {
        self.asked.extend(P::asks(request).map(|op| (ticket, op)));
    }

    fn response(&mut self, _: NodeId, ticket: Ticket, _: &P::Response, clients: &mut Clients<'_, P>) -> Check {
        let waiting = &mut self.waiting[ticket.client().index()];
        if waiting.is_some_and(|(_, op)| self.asked.get(&ticket) == Some(&op)) {
            *waiting = None;
            let after = millis(clients.rng.range(5..=60));
            clients.wake(ticket.client(), after, 0);
        }
        Ok(())
    }

    fn cause(&mut self, _: Time, node: NodeId, cause: Cause<'_, P>) -> Check {
        self.ghosts.cause(node, cause);
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, P>, world: &World<'_, P>) -> Check {
        let read = |effect: &&Effect<P>| matches!(effect, Effect::Reply { response, .. } if P::answer(response).is_some());
        if step.effects.iter().any(|effect| read(&effect)) {
            self.reads_cut_off += u64::from(self.all().all(|n| n == step.node || world.is_cut(n, step.node)));
        }
        self.ghosts.step(step, world)?;
        self.settled = self.quiet && self.unanswered(world).is_none() && self.disagreement(world).is_none();
        Ok(())
    }

    fn quiet(&mut self, _: &World<'_, P>) -> Check {
        self.quiet = true;
        Ok(())
    }

    fn done(&self) -> bool {
        self.settled
    }

    fn end(&mut self, world: &World<'_, P>) -> Check {
        let span = (END - QUIET_AT).as_secs();
        match self.unanswered(world) {
            Some((at, Some((kind, id)))) => {
                let seen = format!(
                    "{} {id} was asked of {at}, again and again for {span} s after the network had healed, and was not answered",
                    P::KINDS[kind]
                );
                return Err(Broken::new(RETRY, seen).unanswered());
            }
            Some((at, None)) => {
                let seen = format!("a read reached {at}, which did not crash since and has not answered it within {ANSWER_MS} ms");
                return Err(Broken::new(READS, seen).unanswered());
            }
            None => {}
        }
        match self.disagreement(world) {
            Some(seen) => Err(Broken::new(CONVERGES, format!("{span} s after the network had healed, {seen}")).stuck()),
            None => Ok(()),
        }
    }
}
