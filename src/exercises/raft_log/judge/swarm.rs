//! The random runs of `raft_log`: whole clusters with every fault, clients who write in the middle of it; and when the network has healed, with all nodes or
//! with a minority down for good, writes are acknowledged and all logs become the same.

use super::rules::{
    ACKED, ANSWERS, APPEND, BUDGET, CATCHES, COMPLETE, CONFLICT, COUNTS, ELECTION, LOWER, MACHINE, MATCHING, OWN, PROGRESS, REPLICATES,
    SAVED,
};
use super::safety::Safety;
use super::spec::Ghost;
use crate::exercises::kit::{Game, Play};
use crate::exercises::raft_log::{RaftLog, Request, Response, Term};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::sim::{Allowed, Cause, ClientId, Factory, Ghosts, NodeId, Plan, Setup, Step, Ticket, World, trial};
use crate::suite::{Run, Swarm};
use crate::time::{Time, millis};
use crate::trace::Probe;
use std::ops::RangeInclusive;
use std::time::Duration;

const QUIET_AT: Time = Time::from_millis(1_000);
/// So many writes, acknowledged by one leader, are enough then.
const ENOUGH: usize = 2;
/// How long it may take then: elections, several of which may have no winner, and what there is to mend.
const QUIET: Duration = millis(6_000);

pub(super) fn swarm(factory: Factory<RaftLog>) -> Swarm {
    Swarm {
        rules: &[
            OWN, COUNTS, MATCHING, CONFLICT, APPEND, SAVED, LOWER, MACHINE, ACKED, COMPLETE, ELECTION, CATCHES, REPLICATES, PROGRESS,
            BUDGET, ANSWERS,
        ],
        must_meet: &[
            "crashes between two effects",
            "restarts",
            "messages repeated",
            "messages lost",
            "elections won",
            "entries acknowledged to clients",
            "entries applied as a follower",
            "conflicts",
            "appends that do not fit",
        ],
        run: Box::new(move |seed, probe| run(factory, seed, probe)),
    }
}

fn run(factory: Factory<RaftLog>, seed: u64, probe: &Probe) -> Run {
    let mut rng = Rng::stream(seed, 10);
    let nodes = [2, 3, 3, 3, 4, 5, 5][rng.below(7) as usize];
    let allowed = Allowed::everything(millis(400));
    let plan = Plan::draw(seed, nodes, &allowed, QUIET_AT);
    let setup = Setup { plan, end: QUIET_AT + QUIET, ..Setup::new(seed, vec![(); nodes]) };
    let all = || (0..nodes).map(NodeId::from_index);
    let watch = || Watch {
        ghosts: Ghosts::new(all().map(|node| Ghost::new(node, nodes))).patient(),
        safety: Safety::default(),
        nodes,
        written: 0,
        term: 0,
        level: false,
    };
    trial(
        factory,
        &setup,
        probe,
        || Play::new(watch()),
        |play, run| all().for_each(|node| play.game.ghosts.seen(node).counts(&mut run.coverage)),
    )
}

struct Watch {
    ghosts: Ghosts<RaftLog, Ghost>,
    safety: Safety,
    nodes: usize,
    /// How many writes the leader of the newest term has acknowledged since the network healed, and that term: only with an entry of its own does it
    /// know what is committed.
    written: usize,
    term: Term,
    /// Whether enough is acknowledged, and all have what the leader has.
    level: bool,
}

impl Watch {
    /// The first node that is up and has not the leader's log, or has not applied all of it.
    fn behind(&self, world: &World<'_, RaftLog>) -> Option<NodeId> {
        // One who is elected after the last write need not know yet what is committed.
        let leader = self.safety.leader.filter(|_| self.safety.term == self.term)?;
        let log = self.safety.log(leader);
        let commands = log.iter().filter(|entry| entry.command.is_some()).count();
        let same = |node: &NodeId| self.safety.log(*node) == log && self.safety.applied(*node) == commands;
        (0..self.nodes).map(NodeId::from_index).filter(|node| world.is_up(*node)).find(|node| !same(node))
    }
}

impl Game<RaftLog> for Watch {
    const PAUSE_MS: RangeInclusive<u64> = 20..=120;

    fn next(&mut self, _: ClientId, duty: Option<u32>, rng: &mut Rng) -> Option<Request> {
        match duty {
            // Until one is acknowledged there may be no leader yet, or one that has not heard of another.
            Some(_) if self.written >= ENOUGH => None,
            _ => Some(Request::Write(rng.below(4))),
        }
    }

    fn patience(&mut self, rng: &mut Rng) -> Duration {
        millis(rng.range(60..=400))
    }

    fn whom(&mut self, _: &Request, there: &[NodeId], rng: &mut Rng) -> Option<NodeId> {
        let leader = self.safety.leader.filter(|leader| there.contains(leader) && rng.chance(800_000));
        leader.or_else(|| rng.pick(there).copied())
    }

    fn heard(&mut self, from: NodeId, _: Ticket, response: &Response, at: Time, _: u64) -> Check {
        let is_now = at > QUIET_AT && self.safety.leader == Some(from);
        self.written += usize::from(is_now && matches!(response, Response::Applied { .. }));
        Ok(())
    }

    fn cause(&mut self, _: Time, node: NodeId, cause: Cause<'_, RaftLog>) -> Check {
        self.ghosts.cause(node, cause);
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, RaftLog>, world: &World<'_, RaftLog>) -> Check {
        // What shows between nodes first: it is what somebody would notice.
        self.safety.watches(step)?;
        self.ghosts.step(step, world)?;
        if self.safety.term != self.term && self.written < ENOUGH {
            (self.term, self.written) = (self.safety.term, 0);
        }
        self.level = self.written >= ENOUGH && self.behind(world).is_none();
        Ok(())
    }

    fn done(&self, asked: bool) -> bool {
        asked && self.level
    }

    fn end(&mut self, world: &World<'_, RaftLog>) -> Check {
        let up = (0..self.nodes).map(NodeId::from_index).filter(|node| world.is_up(*node)).count();
        let since = format!("{} s after the network healed, with {up} of {} nodes up", QUIET.as_secs(), self.nodes);
        let Some(leader) = self.safety.leader else {
            return Err(Broken::new(PROGRESS, format!("no node has led any term {since}")).stuck());
        };
        if self.written < ENOUGH {
            let text = format!("{leader} was elected last, but only {} writes were acknowledged {since}", self.written);
            return Err(Broken::new(PROGRESS, text).stuck());
        }
        let Some(node) = self.behind(world) else { return Ok(()) };
        let (log, theirs) = (self.safety.log(node), self.safety.log(leader));
        let same = log.iter().zip(theirs).take_while(|(a, b)| a == b).count();
        let text = format!(
            "{leader} leads, and has {} entries; {node} has {}, of which the first {same} are the same, and has applied {} commands, {since}",
            theirs.len(),
            log.len(),
            self.safety.applied(node)
        );
        Err(Broken::new(PROGRESS, text).stuck())
    }
}
