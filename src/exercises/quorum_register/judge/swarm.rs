//! The random runs of `quorum_register`: clients that write and read through any node, faults of every kind, and the history
//! of what the clients saw.

use super::script::Log;
use super::watch::Watch;
use super::{ABOVE, BACK, BUDGET, ENDS, KEEPS, LINEAR, MAJORITY, ONCE, SAVES, UNIQUE};
use crate::check::linearizable::{self, Evidence};
use crate::check::{OpId, Register, RegisterOp, RegisterRet, Verdict, explain};
use crate::exercises::quorum_register::{QuorumRegister, Request, Response, Value};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::sim::{Allowed, Cause, ClientId, Clients, Factory, NodeId, Plan, Referee, Setup, Step, Ticket, World, trial};
use crate::suite::{Run, Swarm};
use crate::time::{Time, millis};
use crate::trace::Probe;
use std::collections::BTreeMap;

const QUIET_AT: Time = Time::from_millis(1_500);
/// How long operations have to end in the quiet phase: asking again once in 300 ms would do many times over.
const END: Time = Time::from_millis(4_500);
const CLIENTS: usize = 3;
/// How long a client waits before it gives an operation up (which may still happen) and goes on, in milliseconds.
const PATIENCE_MS: std::ops::RangeInclusive<u64> = 100..=400;

pub(super) fn swarm(factory: Factory<QuorumRegister>) -> Swarm {
    Swarm {
        rules: &[KEEPS, SAVES, MAJORITY, ABOVE, UNIQUE, BACK, LINEAR, ENDS, ONCE, BUDGET],
        must_meet: &[
            "crashes between two effects",
            "partitions",
            "messages repeated",
            "messages lost",
            "pauses",
            "acknowledged writes",
            "reads",
            "operations given up",
            "histories checked",
        ],
        run: Box::new(move |seed, probe| run(factory, seed, probe)),
    }
}

fn run(factory: Factory<QuorumRegister>, seed: u64, probe: &Probe) -> Run {
    let nodes = [1, 2, 3, 3, 3, 3, 4, 5, 5, 5][Rng::stream(seed, 10).below(10) as usize];
    let plan = Plan::draw(seed, nodes, &Allowed::everything(millis(250)), QUIET_AT);
    let setup = Setup { plan, end: END, ..Setup::new(seed, vec![(); nodes]) };
    let play = || Play { watch: Watch::new(nodes), ..Play::default() };
    trial(factory, &setup, probe, play, |play, run| {
        run.coverage.add("acknowledged writes", play.watch.written);
        run.coverage.add("reads", play.watch.reads);
        run.coverage.add("reads answered before all replicas had the value", play.watch.concurrent);
        run.coverage.add("operations given up", play.given_up);
        run.coverage.add("histories checked", play.checked);
        run.coverage.add("histories too hard to check", play.too_hard);
    })
}

/// What one client does.
#[derive(Clone, Copy)]
struct Client {
    waits: Option<Ticket>,
    /// What it still has to do in the quiet phase: a write, then a read.
    duties: u8,
    done: bool,
}

struct Play {
    watch: Watch,
    clients: [Client; CLIENTS],
    log: Log,
    /// The operation of each ticket that was not answered.
    asked: BTreeMap<Ticket, OpId>,
    /// The step at which each operation began or ended, for marks.
    steps: BTreeMap<OpId, Vec<u64>>,
    next_value: u64,
    quiet: bool,
    given_up: u64,
    checked: u64,
    too_hard: u64,
}

impl Default for Play {
    fn default() -> Self {
        Play {
            watch: Watch::new(0),
            clients: [Client { waits: None, duties: 2, done: false }; CLIENTS],
            log: Log::new(),
            asked: BTreeMap::new(),
            steps: BTreeMap::new(),
            next_value: 1,
            quiet: false,
            given_up: 0,
            checked: 0,
            too_hard: 0,
        }
    }
}

impl Play {
    fn ask(&mut self, client: ClientId, write: bool, clients: &mut Clients<'_, QuorumRegister>, world: &World<'_, QuorumRegister>) {
        let up: Vec<NodeId> = (0..world.nodes()).map(NodeId::from_index).filter(|n| !self.quiet || world.is_up(*n)).collect();
        let Some(&at) = clients.rng.pick(&up) else { return };
        // Every write has a value of its own, so that a read says whose it saw.
        let request = if write {
            self.next_value += 1;
            Request::Write(Value(self.next_value))
        } else {
            Request::Read
        };
        let ticket = clients.ask(client, at, request);
        self.clients[client.index()].waits = Some(ticket);
        let patience = millis(clients.rng.range(PATIENCE_MS));
        clients.wake(client, patience, ticket_tag(ticket));
    }

    fn go_on(&mut self, client: ClientId, clients: &mut Clients<'_, QuorumRegister>) {
        self.clients[client.index()].waits = None;
        let after = millis(clients.rng.range(5..=40));
        clients.wake(client, after, 0);
    }

    fn linearizable(&mut self) -> Check {
        match linearizable::check(&Register { initial: 0 }, &self.log, linearizable::DEFAULT_STEPS) {
            Verdict::Holds => self.checked += 1,
            Verdict::Unknown(_) => self.too_hard += 1,
            Verdict::Violated(evidence) => return Err(not_linearizable(&self.log, &self.steps, &evidence)),
        }
        Ok(())
    }
}

/// The finding about a history that is not linearizable; `steps` has those at which each operation began and ended.
pub(super) fn not_linearizable(log: &Log, steps: &BTreeMap<OpId, Vec<u64>>, evidence: &Evidence) -> Broken {
    let named = explain::register(log, &0).map_or_else(|| vec![evidence.blocked], |e| e.operations());
    let marks = named.iter().filter_map(|op| steps.get(op)).flatten().copied();
    Broken::new(LINEAR, explain::sentence(log, &0, evidence)).at(marks)
}

/// Tag 0 means "do something new".
fn ticket_tag(ticket: Ticket) -> u64 {
    u64::from(ticket.number()) + 1
}

impl Referee<QuorumRegister> for Play {
    fn begin(&mut self, clients: &mut Clients<'_, QuorumRegister>) {
        for i in 0..CLIENTS {
            let after = millis(clients.rng.range(1..=50));
            clients.wake(ClientId::from_index(i), after, 0);
        }
    }

    fn wake(&mut self, client: ClientId, tag: u64, clients: &mut Clients<'_, QuorumRegister>, world: &World<'_, QuorumRegister>) -> Check {
        let state = self.clients[client.index()];
        match state.waits {
            // In the quiet phase it waits: everything must end, and END says by when.
            Some(ticket) if tag == ticket_tag(ticket) && !self.quiet => {
                self.given_up += 1;
                clients.give_up(ticket, "no answer in time");
                self.go_on(client, clients);
            }
            // An operation from before it may have been lost on its way to a node, or with one.
            Some(ticket) if tag == ticket_tag(ticket) && state.duties == 2 => self.go_on(client, clients),
            None if tag == 0 && !state.done => {
                let write = if self.quiet { state.duties == 2 } else { clients.rng.chance(500_000) };
                if self.quiet && state.duties == 0 {
                    self.clients[client.index()].done = true;
                    return Ok(());
                }
                self.clients[client.index()].duties -= u8::from(self.quiet);
                self.ask(client, write, clients, world);
            }
            _ => {}
        }
        Ok(())
    }

    fn asked(&mut self, at: Time, step: u64, _: NodeId, ticket: Ticket, request: &Request) {
        let op = match request {
            Request::Write(value) => RegisterOp::Write(value.0),
            Request::Read => RegisterOp::Read,
        };
        let id = self.log.invoke(ticket.client().index() as u32, op, at);
        self.asked.insert(ticket, id);
        self.steps.entry(id).or_default().push(step);
    }

    fn response(&mut self, _: NodeId, ticket: Ticket, response: &Response, clients: &mut Clients<'_, QuorumRegister>) -> Check {
        if let Some(id) = self.asked.remove(&ticket) {
            let ret = match response {
                Response::Written => RegisterRet::Written,
                Response::Read(value) => RegisterRet::Value(value.0),
            };
            // Also if the client has given it up: a late answer is an answer.
            self.log.ok(id, ret, clients.now);
            self.steps.entry(id).or_default().push(clients.step);
        }
        let client = ticket.client();
        if self.clients[client.index()].waits == Some(ticket) {
            self.go_on(client, clients);
        }
        Ok(())
    }

    fn cause(&mut self, at: Time, node: NodeId, cause: Cause<'_, QuorumRegister>) -> Check {
        self.watch.cause(at, node, cause);
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, QuorumRegister>, _: &World<'_, QuorumRegister>) -> Check {
        self.watch.step(step)
    }

    fn quiet(&mut self, _: &World<'_, QuorumRegister>) -> Check {
        self.quiet = true;
        Ok(())
    }

    fn done(&self) -> bool {
        self.clients.iter().all(|c| c.done) && self.watch.is_idle()
    }

    fn verdict(&mut self, _: &World<'_, QuorumRegister>) -> Check {
        self.linearizable()
    }

    fn end(&mut self, world: &World<'_, QuorumRegister>) -> Check {
        self.watch.unfinished(world.now(), QUIET_AT)
    }
}
