//! The random runs of `quorum_register`: clients that write and read through any node, faults of every kind, and the history
//! of what the clients saw.

use super::script::{Log, op, ret};
use super::watch::Watch;
use super::{ABOVE, BACK, BUDGET, ENDS, KEEPS, LINEAR, MAJORITY, ONCE, SAVES, UNIQUE};
use crate::check::linearizable::{self, Evidence};
use crate::check::{Register, Verdict, explain};
use crate::exercises::kit::{Game, Play};
use crate::exercises::quorum_register::{QuorumRegister, Request, Response, Value};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::sim::{Allowed, Cause, ClientId, Factory, NodeId, Plan, Setup, Step, Ticket, World, trial};
use crate::suite::{Run, Swarm};
use crate::time::{Time, millis};
use crate::trace::Probe;
use std::time::Duration;

const QUIET_AT: Time = Time::from_millis(1_500);
/// How long operations have to end in the quiet phase: asking again once in 300 ms would do many times over.
const END: Time = Time::from_millis(4_500);

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
    let watch = || Watch::new(nodes);
    let play = || Play::new(Operations { watch: watch(), log: Log::default(), next_value: 1, checked: 0, too_hard: 0 });
    trial(factory, &setup, probe, play, |play, run| {
        run.coverage.add("acknowledged writes", play.game.watch.written);
        run.coverage.add("reads", play.game.watch.reads);
        run.coverage.add("reads answered before all replicas had the value", play.game.watch.concurrent);
        run.coverage.add("operations given up", play.given_up);
        run.coverage.add("histories checked", play.game.checked);
        run.coverage.add("histories too hard to check", play.game.too_hard);
    })
}

struct Operations {
    watch: Watch,
    log: Log,
    next_value: u64,
    checked: u64,
    too_hard: u64,
}

/// The finding about a history that is not linearizable.
pub(super) fn not_linearizable(log: &Log, evidence: &Evidence) -> Broken {
    let named = explain::register(&log.history, &0).map_or_else(|| vec![evidence.blocked], |e| e.operations());
    Broken::new(LINEAR, explain::sentence(&log.history, &0, evidence)).at(log.marks(named))
}

impl Game<QuorumRegister> for Operations {
    /// In the quiet phase everything must end, and END says by when.
    const ALWAYS_IMPATIENT: bool = false;

    /// In the quiet phase a write, then a read.
    fn next(&mut self, _: ClientId, duty: Option<u32>, rng: &mut Rng) -> Option<Request> {
        let writes = match duty {
            Some(2..) => return None,
            Some(nth) => nth == 0,
            None => rng.chance(500_000),
        };
        // Every write has a value of its own, so that a read says whose it saw.
        self.next_value += u64::from(writes);
        Some(if writes { Request::Write(Value(self.next_value)) } else { Request::Read })
    }

    /// It may still happen.
    fn patience(&mut self, rng: &mut Rng) -> Duration {
        millis(rng.range(100..=400))
    }

    fn asked(&mut self, at: Time, step: u64, _: NodeId, ticket: Ticket, request: &Request) {
        self.log.asks(ticket, op(request), at, step);
    }

    /// Also if the client has given it up: a late answer is an answer.
    fn heard(&mut self, _: NodeId, ticket: Ticket, response: &Response, at: Time, step: u64) -> Check {
        self.log.returns(ticket, ret(response), at, step);
        Ok(())
    }

    fn cause(&mut self, at: Time, node: NodeId, cause: Cause<'_, QuorumRegister>) -> Check {
        self.watch.cause(at, node, cause);
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, QuorumRegister>, _: &World<'_, QuorumRegister>) -> Check {
        self.watch.step(step)
    }

    fn done(&self, asked: bool) -> bool {
        asked && self.watch.is_idle()
    }

    fn verdict(&mut self, _: &World<'_, QuorumRegister>) -> Check {
        match linearizable::check(&Register { initial: 0 }, &self.log.history, linearizable::DEFAULT_STEPS) {
            Verdict::Holds => self.checked += 1,
            Verdict::Unknown(_) => self.too_hard += 1,
            Verdict::Violated(evidence) => return Err(not_linearizable(&self.log, &evidence)),
        }
        Ok(())
    }

    fn end(&mut self, world: &World<'_, QuorumRegister>) -> Check {
        self.watch.unfinished(world.now(), QUIET_AT)
    }
}
