//! The random runs of `two_phase_commit`: whole clusters with every fault, clients who transfer and read, and what must have ended when the
//! network has healed.

use super::safety::Safety;
use super::spec::Ghost;
use super::{ABORTS, ATOMIC, CHANGES, ENDS, FREES, IDS, IN_TIME, LOCKS, NEEDS, ONCE, SAVED, TRUTH, VOTES, WAITS, YES};
use crate::exercises::kit::{Game, Play};
use crate::exercises::two_phase_commit::{Account, Change, Config, Request, TwoPhaseCommit, TxId};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::sim::{Allowed, Cause, ClientId, Factory, Ghosts, NodeId, Plan, Setup, Step, Storm, World, trial};
use crate::suite::{Run, Swarm};
use crate::time::{Time, millis};
use crate::trace::Probe;
use std::ops::RangeInclusive;
use std::time::Duration;

const QUIET_AT: Time = Time::from_millis(800);
/// After the heal: time for the duties, and then for whoever is still in doubt to ask.
const END: Time = Time::from_millis(3_000);

pub(super) fn swarm(factory: Factory<TwoPhaseCommit>) -> Swarm {
    Swarm {
        rules: &[ATOMIC, NEEDS, YES, SAVED, CHANGES, WAITS, ENDS, LOCKS, FREES, ONCE, TRUTH, VOTES, ABORTS, IDS, IN_TIME],
        must_meet: &[
            "crashes between two effects",
            "restarts",
            "messages repeated",
            "messages lost",
            "commits of a coordinator",
            "aborts of a coordinator",
            "commits of a participant",
            "aborts of a participant in doubt",
            "questions about a transaction of an earlier life",
        ],
        run: Box::new(move |seed, probe| run(factory, seed, probe)),
    }
}

fn run(factory: Factory<TwoPhaseCommit>, seed: u64, probe: &Probe) -> Run {
    let mut rng = Rng::stream(seed, 10);
    let nodes = [2, 3, 3, 3, 4, 5][rng.below(6) as usize];
    let coordinator = NodeId::from_index(rng.below(nodes as u64) as usize);
    let config = Config { coordinator, opening: [2, 10, 100][rng.below(3) as usize] };
    // A coordinator that is down for good leaves its participants in doubt for good: that is shown, not judged.
    let allowed = Allowed { down_for_good: false, ..Allowed::everything(millis(250)) };
    let setup = Setup { plan: Plan::draw(seed, nodes, &allowed, QUIET_AT), end: END, ..Setup::new(seed, vec![config.clone(); nodes]) };
    let all = || (0..nodes).map(NodeId::from_index);
    let watch = || Watch {
        ghosts: Ghosts::new(all().map(|node| Ghost::new(node, nodes, config.clone()))).patient(),
        safety: Safety::new(coordinator, config.opening),
        coordinator,
        nodes,
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
    ghosts: Ghosts<TwoPhaseCommit, Ghost>,
    safety: Safety,
    coordinator: NodeId,
    nodes: usize,
}

impl Watch {
    fn in_doubt(&self) -> Option<(NodeId, TxId, u64)> {
        let all = (0..self.nodes).map(NodeId::from_index);
        all.flat_map(|node| self.ghosts.seen(node).in_doubt().into_iter().map(move |(tx, step)| (node, tx, step))).next()
    }
}

impl Game<TwoPhaseCommit> for Watch {
    /// A log that grows is saved whole each time.
    const PAUSE_MS: RangeInclusive<u64> = 20..=120;

    fn next(&mut self, _: ClientId, duty: Option<u32>, rng: &mut Rng) -> Option<Request> {
        let account = |rng: &mut Rng| Account(rng.below(3));
        if duty >= Some(3) {
            return None;
        }
        if rng.chance(300_000) {
            return Some(Request::Read(account(rng)));
        }
        let mut participants: Vec<NodeId> = (0..self.nodes).map(NodeId::from_index).filter(|node| *node != self.coordinator).collect();
        rng.shuffle(&mut participants);
        participants.truncate(1 + rng.below(participants.len() as u64) as usize);
        let change = |rng: &mut Rng| Change { account: account(rng), by: rng.below(8) as i64 - 4 };
        Some(Request::Transact(participants.into_iter().map(|node| (node, change(rng))).collect()))
    }

    fn patience(&mut self, rng: &mut Rng) -> Duration {
        millis(rng.range(100..=450))
    }

    fn whom(&mut self, request: &Request, there: &[NodeId], rng: &mut Rng) -> Option<NodeId> {
        match request {
            Request::Transact(_) => Some(self.coordinator),
            Request::Read(_) => {
                let participants: Vec<NodeId> = there.iter().copied().filter(|node| *node != self.coordinator).collect();
                rng.pick(&participants).copied()
            }
        }
    }

    fn cause(&mut self, _: Time, node: NodeId, cause: Cause<'_, TwoPhaseCommit>) -> Check {
        self.ghosts.cause(node, cause);
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, TwoPhaseCommit>, world: &World<'_, TwoPhaseCommit>) -> Check {
        self.ghosts.step(step, world)?;
        self.safety.watches(step)
    }

    fn done(&self, asked: bool) -> bool {
        asked && self.in_doubt().is_none()
    }

    /// The coordinator is up and nothing is lost: nobody stays in doubt.
    fn end(&mut self, _: &World<'_, TwoPhaseCommit>) -> Check {
        let Some((node, tx, step)) = self.in_doubt() else { return Ok(()) };
        let quiet = END.since(QUIET_AT).as_millis();
        let seen = format!("{node} is in doubt about {tx:?}, and still was {quiet} ms after the network healed, with every node up");
        Err(Broken::new(ENDS, seen).at([step]).stuck())
    }
}
