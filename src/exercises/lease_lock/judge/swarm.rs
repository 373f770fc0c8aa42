//! The random runs of `lease_lock`: whole clusters with every fault but clocks that step, clients who lock, write and unlock; and when the network
//! has healed, everybody who waits gets the lock.

use super::WAITER;
use super::safety::Safety;
use super::spec::{ALL, Ghost};
use crate::exercises::kit::{Game, Play};
use crate::exercises::lease_lock::{Config, Entry, LeaseLock, Request, Response, Token};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::sim::{Allowed, Cause, ClientId, Factory, Fault, Ghosts, NodeId, Plan, Setup, Step, Storm, Ticket, World, trial};
use crate::suite::{Run, Swarm};
use crate::time::{Time, millis};
use crate::trace::Probe;
use std::ops::RangeInclusive;
use std::time::Duration;

const QUIET_AT: Time = Time::from_millis(1_500);
/// After the heal: a server that waits after a restart, leases of holders that have forgotten them, and then one client after the other.
const END: Time = Time::from_millis(5_000);
const CLIENTS: usize = 3;

pub(super) fn swarm(factory: Factory<LeaseLock>) -> Swarm {
    Swarm {
        rules: ALL,
        must_meet: &[
            "crashes between two effects",
            "restarts",
            "pauses",
            "messages repeated",
            "messages lost",
            "leases given",
            "leases that went on",
            "leases that ended by themselves",
            "leases after a restart",
            "locks held",
            "leases given back",
            "entries written",
        ],
        run: Box::new(move |seed, probe| run(factory, seed, probe)),
    }
}

fn run(factory: Factory<LeaseLock>, seed: u64, probe: &Probe) -> Run {
    let mut rng = Rng::stream(seed, 10);
    let nodes = [3, 4, 4, 5][rng.below(4) as usize];
    let mut all: Vec<NodeId> = (0..nodes).map(NodeId::from_index).collect();
    rng.shuffle(&mut all);
    let config = Config { server: all[0], storage: all[1], lease: millis(400) };
    // Without its server and its storage nobody can do anything: they come back.
    let allowed = Allowed { down_for_good: false, ..Allowed::everything(millis(250)) };
    let mut plan = Plan::draw(seed, nodes, &allowed, QUIET_AT);
    plan.faults.retain(|(_, fault)| !matches!(fault, Fault::ClockStep { .. }));
    let setup = Setup { plan, end: END, ..Setup::new(seed, vec![config.clone(); nodes]) };
    let all = || (0..nodes).map(NodeId::from_index);
    let watch = || Watch {
        ghosts: Ghosts::new(all().map(|node| Ghost::new(node, nodes, config.clone(), None))).patient(),
        safety: Safety::new(&config),
        workers: all().filter(|node| *node != config.server && *node != config.storage).collect(),
        storage: config.storage,
        tokens: [None; CLIENTS],
        waits: [None; CLIENTS],
        number: 0,
        next: 0,
    };
    trial(
        factory,
        &setup,
        probe,
        || Play::new(watch()),
        |play, run| all().for_each(|node| play.game.ghosts.seen(node).tally(&mut run.coverage)),
    )
}

struct Watch {
    ghosts: Ghosts<LeaseLock, Ghost>,
    safety: Safety,
    workers: Vec<NodeId>,
    storage: NodeId,
    /// Of each client: the lock that it holds, as far as it knows; and the Lock that it waits for, when and in which step it left.
    tokens: [Option<Token>; CLIENTS],
    waits: [Option<(Ticket, Time, u64)>; CLIENTS],
    number: u64,
    /// The client that asks now.
    next: usize,
}

impl Game<LeaseLock> for Watch {
    const CLIENTS: usize = CLIENTS;
    const PAUSE_MS: RangeInclusive<u64> = 5..=80;
    const ALWAYS_IMPATIENT: bool = false;

    fn next(&mut self, client: ClientId, duty: Option<u32>, rng: &mut Rng) -> Option<Request> {
        self.next = client.index();
        let write = |it: &mut Self, rng: &mut Rng| {
            it.number += 1;
            let token = it.tokens[client.index()].unwrap_or(Token(1));
            Request::Write(Entry { token, number: it.number, value: rng.below(4) })
        };
        match duty {
            // What was wanted before is over; then everybody takes the lock once.
            Some(0 | 3) => Some(Request::Unlock),
            Some(1) => Some(Request::Lock),
            Some(2) => Some(write(self, rng)),
            Some(4) => Some(Request::Read),
            Some(_) => None,
            None if rng.chance(100_000) => Some(Request::Read),
            None if self.tokens[client.index()].is_none() => Some(Request::Lock),
            None => Some(match rng.below(10) {
                0..=5 => write(self, rng),
                6 => Request::Lock,
                _ => {
                    self.tokens[client.index()] = None;
                    Request::Unlock
                }
            }),
        }
    }

    fn patience(&mut self, rng: &mut Rng) -> Duration {
        millis(rng.range(100..=600))
    }

    /// Each client has its worker; some share one.
    fn whom(&mut self, request: &Request, _: &[NodeId], _: &mut Rng) -> Option<NodeId> {
        match request {
            Request::Read => Some(self.storage),
            _ => self.workers.get(self.next % self.workers.len()).copied(),
        }
    }

    fn asked(&mut self, at: Time, step: u64, _: NodeId, ticket: Ticket, request: &Request) {
        if *request == Request::Lock {
            self.waits[ticket.client().index()] = Some((ticket, at, step));
        }
    }

    fn heard(&mut self, _: NodeId, ticket: Ticket, response: &Response, _: Time, _: u64) -> Check {
        let client = ticket.client().index();
        if self.waits[client].is_some_and(|(waits, ..)| waits == ticket) {
            self.waits[client] = None;
        }
        match response {
            Response::Locked(token) => self.tokens[client] = Some(*token),
            Response::NotHeld => self.tokens[client] = None,
            _ => {}
        }
        Ok(())
    }

    fn cause(&mut self, _: Time, node: NodeId, cause: Cause<'_, LeaseLock>) -> Check {
        self.ghosts.cause(node, cause);
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, LeaseLock>, world: &World<'_, LeaseLock>) -> Check {
        self.ghosts.step(step, world)?;
        self.safety.watches(step)
    }

    fn end(&mut self, _: &World<'_, LeaseLock>) -> Check {
        let waits = self.waits.iter().flatten().find(|(_, at, _)| *at >= QUIET_AT);
        let Some((ticket, at, step)) = waits else { return Ok(()) };
        let waited = END.since(*at).as_millis();
        let worker = self.workers[ticket.client().index() % self.workers.len()];
        let seen = format!(
            "{worker} was asked for the lock ({ticket:?}) when the network had healed, but has not got it {waited} ms later, with every node up and every holder giving it back"
        );
        Err(Broken::new(WAITER, seen).at([*step]).stuck())
    }
}
