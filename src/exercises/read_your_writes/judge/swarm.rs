//! The random runs of `read_your_writes`: whole clusters with every fault, and clients who carry a token from node to node. The ghosts watch the
//! nodes; what the clients saw is given to the checker of session guarantees, which knows nothing of tokens and logs.

use super::spec::{Ghost, RULES};
use super::{LAG, MONOTONIC, YOURS};
use crate::check::session::{self, Guarantee};
use crate::check::{RegisterOp, RegisterRet, Verdict};
use crate::exercises::kit::{Game, Log, Play};
use crate::exercises::read_your_writes::{Config, Key, Position, ReadYourWrites, Request, Response, Value, Write};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::sim::{Allowed, Cause, ClientId, Factory, Ghosts, NodeId, Plan, Setup, Step, Storm, Ticket, World, trial};
use crate::suite::{Run, Swarm};
use crate::time::{Time, millis};
use crate::trace::Probe;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

const QUIET_AT: Time = Time::from_millis(800);
const END: Time = Time::from_millis(2_500);
const KEYS: u64 = 2;

pub(super) fn swarm(factory: Factory<ReadYourWrites>) -> Swarm {
    const ALL: &[&str] = &{
        let mut all = [MONOTONIC; RULES.len() + 1];
        let mut i = 0;
        while i < RULES.len() {
            all[i] = RULES[i];
            i += 1;
        }
        all
    };
    Swarm {
        rules: ALL,
        must_meet: &[
            "crashes between two effects",
            "restarts",
            "messages repeated",
            "messages lost",
            "writes of the primary",
            "reads that a replica could answer",
            "reads that came to a replica that lagged",
            "reads that a client can hold against what it saw before",
        ],
        run: Box::new(move |seed, probe| run(factory, seed, probe)),
    }
}

fn run(factory: Factory<ReadYourWrites>, seed: u64, probe: &Probe) -> Run {
    let mut rng = Rng::stream(seed, 10);
    let nodes = [2, 3, 3, 3, 4, 5][rng.below(6) as usize];
    let primary = NodeId::from_index(rng.below(nodes as u64) as usize);
    // What a primary that is down for good has not sent, nobody will ever have.
    let allowed = Allowed { down_for_good: false, ..Allowed::everything(millis(250)) };
    let configs = vec![Config { primary }; nodes];
    let setup = Setup { plan: Plan::draw(seed, nodes, &allowed, QUIET_AT), end: END, ..Setup::new(seed, configs) };
    let all = || (0..nodes).map(NodeId::from_index);
    let watch = || Watch {
        ghosts: Ghosts::new(all().map(|node| Ghost::new(node, nodes, primary))).patient(),
        primary,
        nodes,
        sessions: BTreeMap::new(),
        written: 0,
        log: Log::default(),
        compared: 0,
        impossible: false,
    };
    trial(
        factory,
        &setup,
        probe,
        || Play::new(watch()),
        |play, run| {
            all().for_each(|node| play.game.ghosts.seen(node).tally(&mut run.coverage));
            run.coverage.add("reads that a client can hold against what it saw before", play.game.compared);
        },
    )
}

/// A client: the token that it carries, and what it waits for.
#[derive(Default)]
struct Session {
    token: Position,
    waits: Option<Ticket>,
}

struct Watch {
    ghosts: Ghosts<ReadYourWrites, Ghost>,
    primary: NodeId,
    nodes: usize,
    sessions: BTreeMap<ClientId, Session>,
    /// No value is written twice.
    written: u64,
    log: Log<(u64, RegisterOp<u64>), RegisterRet<u64>>,
    compared: u64,
    /// A run that is made smaller may have a client with a token that nobody gave it: from there on it proves nothing.
    impossible: bool,
}

impl Watch {
    fn disk(&self, node: NodeId) -> u64 {
        self.ghosts.seen(node).disk()
    }

    /// A replica that has less of the log than the primary.
    fn behind(&self) -> Option<NodeId> {
        (0..self.nodes).map(NodeId::from_index).find(|node| self.disk(*node) < self.disk(self.primary))
    }
}

impl Game<ReadYourWrites> for Watch {
    /// A log that grows is saved whole each time.
    const PAUSE_MS: RangeInclusive<u64> = 5..=60;

    fn next(&mut self, client: ClientId, duty: Option<u32>, rng: &mut Rng) -> Option<Request> {
        if duty >= Some(4) {
            return None;
        }
        let key = Key(rng.below(KEYS));
        // In the end each writes, and reads that.
        if duty == Some(0) || (duty.is_none() && rng.chance(400_000)) {
            self.written += 1;
            return Some(Request::Write(Write { key, value: Value(self.written) }));
        }
        Some(Request::Read { key, token: self.sessions.entry(client).or_default().token })
    }

    fn patience(&mut self, rng: &mut Rng) -> Duration {
        millis(rng.range(50..=450))
    }

    fn whom(&mut self, request: &Request, there: &[NodeId], rng: &mut Rng) -> Option<NodeId> {
        match request {
            Request::Write(_) => Some(self.primary),
            Request::Read { .. } => rng.pick(there).copied(),
        }
    }

    fn asked(&mut self, at: Time, step: u64, _: NodeId, ticket: Ticket, request: &Request) {
        let session = self.sessions.entry(ticket.client()).or_default();
        session.waits = Some(ticket);
        let op = match request {
            Request::Write(write) => (write.key.0, RegisterOp::Write(write.value.0)),
            Request::Read { key, token } => {
                self.impossible |= *token != session.token;
                self.compared += u64::from(*token > Position(0));
                (key.0, RegisterOp::Read)
            }
        };
        self.log.asks(ticket, op, at, step);
    }

    /// What comes after the client has gone on is not of its session.
    fn heard(&mut self, _: NodeId, ticket: Ticket, response: &Response, at: Time, step: u64) -> Check {
        let session = self.sessions.entry(ticket.client()).or_default();
        if session.waits.take_if(|waits| *waits == ticket).is_none() {
            return Ok(());
        }
        let ret = match response {
            Response::Written(token) => {
                session.token = *token;
                RegisterRet::Written
            }
            Response::Value { value, token } => {
                session.token = *token;
                RegisterRet::Value(value.map_or(0, |value| value.0))
            }
            Response::Behind => return Ok(()),
        };
        self.log.returns(ticket, ret, at, step);
        Ok(())
    }

    fn cause(&mut self, _: Time, node: NodeId, cause: Cause<'_, ReadYourWrites>) -> Check {
        self.ghosts.cause(node, cause);
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, ReadYourWrites>, world: &World<'_, ReadYourWrites>) -> Check {
        if self.impossible { Ok(()) } else { self.ghosts.step(step, world) }
    }

    fn done(&self, asked: bool) -> bool {
        asked && (self.impossible || self.behind().is_none())
    }

    fn verdict(&mut self, _: &World<'_, ReadYourWrites>) -> Check {
        for key in (0..KEYS).filter(|_| !self.impossible) {
            let (history, ids) = self.log.history.of_key(key);
            if let Verdict::Violated(broken) = session::check(&history, &0) {
                let rule = match broken.guarantee {
                    Guarantee::ReadYourWrites => YOURS,
                    Guarantee::MonotonicReads => MONOTONIC,
                };
                let marks = self.log.marks([broken.newer, broken.read].map(|op| ids[op.0 as usize]));
                return Err(Broken::new(rule, format!("for {:?}: {}", Key(key), broken.sentence(&history))).at(marks));
            }
        }
        Ok(())
    }

    fn end(&mut self, _: &World<'_, ReadYourWrites>) -> Check {
        let Some(node) = self.behind().filter(|_| !self.impossible) else { return Ok(()) };
        let (has, all) = (Position(self.disk(node)), Position(self.disk(self.primary)));
        let quiet = END.since(QUIET_AT).as_millis();
        let seen = format!(
            "{node} has the log up to {has:?}, and the primary {} up to {all:?}, {quiet} ms after the network healed",
            self.primary
        );
        Err(Broken::new(LAG, seen).stuck())
    }
}
