//! The random runs of `quorum_write`: quorums of every size, clients with their own idea of the next version who ask again
//! elsewhere, and faults of every kind.

use super::watch::Watch;
use super::{ANSWERS, ENOUGH, FAILED, GENUINE, KEEPS, NEWEST, SAVES, WRITTEN};
use crate::exercises::kit::{Game, Play};
use crate::exercises::quorum_write::{Config, Held, QuorumWrite, Request, Response, Value, Version};
use crate::rng::Rng;
use crate::rule::Check;
use crate::sim::{Allowed, Cause, ClientId, Factory, NodeId, Plan, Setup, Step, Ticket, World, trial};
use crate::suite::{Run, Swarm};
use crate::time::{Time, millis};
use crate::trace::Probe;
use std::time::Duration;

const QUIET_AT: Time = Time::from_millis(1_500);
const END: Time = Time::from_millis(4_500);
/// How long after the deadline a client goes on waiting, in milliseconds.
const PATIENCE_MS: u64 = 60;

pub(super) fn swarm(factory: Factory<QuorumWrite>) -> Swarm {
    Swarm {
        rules: &[KEEPS, SAVES, WRITTEN, FAILED, ANSWERS, ENOUGH, NEWEST, GENUINE],
        must_meet: &[
            "crashes between two effects",
            "partitions",
            "messages repeated",
            "messages lost",
            "pauses",
            "acknowledged writes",
            "writes asked for again",
            "reads",
            "reads after an acknowledged write, W + R > N",
        ],
        run: Box::new(move |seed, probe| run(factory, seed, probe)),
    }
}

fn run(factory: Factory<QuorumWrite>, seed: u64, probe: &Probe) -> Run {
    let mut rng = Rng::stream(seed, 10);
    let nodes = [1, 2, 3, 3, 3, 4, 5, 5, 5][rng.below(9) as usize];
    let all = nodes as u64;
    let w = rng.range(1..=all);
    // Two runs of three have quorums that meet.
    let r = if rng.chance(667_000) { rng.range(all + 1 - w..=all) } else { rng.range(1..=all) };
    let config = Config { w: w as usize, r: r as usize, deadline: millis(rng.range(120..=200)) };
    let plan = Plan::draw(seed, nodes, &Allowed::everything(millis(250)), QUIET_AT);
    let watch = || Watch::new(nodes, config.clone(), &plan);
    let play = || Play::new(Write { watch: watch(), deadline: config.deadline, last: [0; 3], next_value: 1, newest_number: 0 });
    let setup = Setup { plan: plan.clone(), end: END, ..Setup::new(seed, vec![config.clone(); nodes]) };
    trial(factory, &setup, probe, play, |play, run| {
        let watch = &play.game.watch;
        run.coverage.add("acknowledged writes", watch.written);
        run.coverage.add("requests answered with Unknown or Unavailable", watch.unsure);
        run.coverage.add("reads", watch.reads);
        run.coverage.add("reads after an acknowledged write, W + R > N", watch.overlaps);
        run.coverage.add("writes asked for again", play.again);
        run.coverage.add("stale reads that W + R <= N allows", u64::from(watch.lesson.is_some()));
        run.lessons.extend(watch.lesson.clone());
    })
}

struct Write {
    watch: Watch,
    deadline: Duration,
    /// The last number of each client's own.
    last: [u64; 3],
    next_value: u64,
    newest_number: u64,
}

impl Game<QuorumWrite> for Write {
    /// In the quiet phase a write, then a read.
    fn next(&mut self, client: ClientId, duty: Option<u32>, rng: &mut Rng) -> Option<Request> {
        let writes = match duty {
            Some(2..) => return None,
            Some(nth) => nth == 0,
            None => rng.chance(500_000),
        };
        if !writes {
            return Some(Request::Read);
        }
        // Clients' ideas of the next number differ: most have heard of the newest, some count by themselves.
        let own = &mut self.last[client.index()];
        let number = if rng.chance(700_000) { self.newest_number.max(*own) + 1 } else { *own + 1 + rng.below(2) };
        (*own, self.newest_number) = (number, self.newest_number.max(number));
        self.next_value += 1;
        Some(Request::Write(Held { version: Version { number, writer: client }, value: Value(self.next_value) }))
    }

    fn patience(&mut self, _: &mut Rng) -> Duration {
        self.deadline + millis(PATIENCE_MS)
    }

    /// A write that may not have happened is sometimes asked for again.
    fn again(&mut self, request: &Request, answer: Option<&Response>, rng: &mut Rng) -> bool {
        *request != Request::Read && matches!(answer, None | Some(Response::Unknown)) && rng.chance(400_000)
    }

    fn asked(&mut self, _: Time, _: u64, _: NodeId, _: Ticket, request: &Request) {
        if let Request::Write(held) = request {
            self.watch.asks(*held);
        }
    }

    fn time(&mut self, now: Time, _: &World<'_, QuorumWrite>) -> Check {
        self.watch.overdue(now)
    }

    fn cause(&mut self, at: Time, node: NodeId, cause: Cause<'_, QuorumWrite>) -> Check {
        self.watch.cause(at, node, cause);
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, QuorumWrite>, world: &World<'_, QuorumWrite>) -> Check {
        self.watch.step(step, world)
    }

    fn quiet(&mut self, world: &World<'_, QuorumWrite>) {
        self.watch.up = Some((0..world.nodes()).filter(|i| world.is_up(NodeId::from_index(*i))).count());
    }
}
