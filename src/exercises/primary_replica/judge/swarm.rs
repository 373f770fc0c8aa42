//! The random runs of `primary_replica`: whole clusters with every fault, an operator who replaces the primary in the middle of it, clients who write and
//! read; and when the network has healed, all have the same log.

use super::rules::{ACKED, ANSWERS, BY_K, CATCHES, CLIENT, DIVERGED, LEADS, PREFIX, READS, SEALED, SHIPS, STOPS, TRUTH};
use super::safety::Safety;
use super::spec::Ghost;
use super::{arbiter, configs};
use crate::exercises::kit::{Game, Play};
use crate::exercises::primary_replica::{Epoch, PrimaryReplica, Request, Response, Saved};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::sim::{Allowed, Cause, ClientId, Factory, Ghosts, NodeId, Plan, Setup, Step, Ticket, World, trial};
use crate::suite::{Run, Swarm};
use crate::time::{Time, millis};
use crate::trace::Probe;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

const QUIET_AT: Time = Time::from_millis(800);
const END: Time = Time::from_millis(2_500);

pub(super) fn swarm(factory: Factory<PrimaryReplica>) -> Swarm {
    Swarm {
        rules: &[ACKED, BY_K, SEALED, TRUTH, PREFIX, DIVERGED, SHIPS, READS, CATCHES, STOPS, LEADS, CLIENT, ANSWERS],
        must_meet: &[
            "crashes between two effects",
            "restarts",
            "messages repeated",
            "messages lost",
            "epochs sealed",
            "writes acknowledged",
            "suffixes that went",
            "primaries that were replaced",
        ],
        run: Box::new(move |seed, probe| run(factory, seed, probe)),
    }
}

fn run(factory: Factory<PrimaryReplica>, seed: u64, probe: &Probe) -> Run {
    let mut rng = Rng::stream(seed, 10);
    let nodes = [2, 3, 3, 3, 4, 5][rng.below(6) as usize];
    let acks = 1 + rng.below(nodes as u64 - 1) as usize;
    let began = if rng.chance(200_000) { rng.wild() >> 2 } else { 0 };
    let spared = 1 << nodes;
    // With K replicas down for good nothing can be acknowledged: that is no fault of anybody's.
    let allowed = Allowed { down_for_good: false, spared, services: 1, ..Allowed::everything(millis(200)) };
    let plan = Plan::draw(seed, nodes + 1, &allowed, QUIET_AT);
    let configs = configs(nodes, acks);
    let mut saved = vec![None; nodes];
    saved.push(Some(Saved { epoch: Epoch(began), ..Saved::default() }));
    let setup = Setup { plan, end: END, saved, ..Setup::new(seed, configs.clone()) };
    let all = || (0..nodes).map(NodeId::from_index);
    let watch = || Watch {
        ghosts: Ghosts::new(all().map(|node| Ghost::new(node, nodes, configs[0].clone()))).patient(),
        safety: Safety::default(),
        nodes,
        written: false,
        shown: BTreeMap::new(),
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
    ghosts: Ghosts<PrimaryReplica, Ghost>,
    safety: Safety,
    nodes: usize,
    /// Whether a write was acknowledged since the network healed, and how much each node has shown to readers.
    written: bool,
    shown: BTreeMap<NodeId, usize>,
}

impl Watch {
    /// The first node that has not what the primary has, or has not shown it yet.
    fn behind(&self) -> Option<(NodeId, NodeId)> {
        let primary = self.safety.primary?;
        let has = self.safety.disk(primary);
        let same = |node: &NodeId| {
            let disk = self.safety.disk(*node);
            (disk.agreed, &disk.log) == (has.agreed, &has.log) && self.shown.get(node) == Some(&has.log.len())
        };
        (0..self.nodes).map(NodeId::from_index).find(|node| !same(node)).map(|node| (node, primary))
    }
}

impl Game<PrimaryReplica> for Watch {
    /// A log that grows is saved whole each time.
    const PAUSE_MS: RangeInclusive<u64> = 20..=100;

    fn next(&mut self, client: ClientId, duty: Option<u32>, rng: &mut Rng) -> Option<Request> {
        match duty {
            // Until a write is acknowledged there may be no primary yet, or one that does not know that it was replaced.
            Some(duty) if duty < 2 || !self.written => Some(Request::Write(rng.below(4))),
            Some(_) => self.behind().map(|_| Request::Read),
            None if client.index() == 2 && rng.chance(300_000) => Some(Request::FailOver),
            None if rng.chance(300_000) => Some(Request::Read),
            None => Some(Request::Write(rng.below(4))),
        }
    }

    fn patience(&mut self, rng: &mut Rng) -> Duration {
        millis(rng.range(60..=250))
    }

    fn whom(&mut self, request: &Request, there: &[NodeId], rng: &mut Rng) -> Option<NodeId> {
        match request {
            Request::FailOver => Some(arbiter(self.nodes)),
            Request::Write(_) if rng.chance(800_000) => self.safety.primary.or_else(|| rng.pick(there).copied()),
            Request::Read if self.written => self.behind().map(|(node, _)| node).or_else(|| rng.pick(there).copied()),
            _ => rng.pick(there).copied(),
        }
    }

    fn heard(&mut self, from: NodeId, _: Ticket, response: &Response, at: Time, _: u64) -> Check {
        match response {
            Response::Written(_) => self.written |= at > QUIET_AT,
            Response::Known(length, _) => drop(self.shown.insert(from, *length)),
            _ => {}
        }
        Ok(())
    }

    fn cause(&mut self, _: Time, node: NodeId, cause: Cause<'_, PrimaryReplica>) -> Check {
        self.safety.comes(node, &cause);
        self.ghosts.cause(node, cause);
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, PrimaryReplica>, world: &World<'_, PrimaryReplica>) -> Check {
        // What shows between nodes first: it is what somebody would notice.
        self.safety.watches(step)?;
        self.ghosts.step(step, world)
    }

    fn done(&self, asked: bool) -> bool {
        asked && self.written && self.behind().is_none()
    }

    fn end(&mut self, _: &World<'_, PrimaryReplica>) -> Check {
        let quiet = END.since(QUIET_AT).as_millis();
        let since = format!("{quiet} ms after the network healed, with every node up");
        let Some(primary) = self.safety.primary else {
            return Err(Broken::new(ANSWERS, format!("the arbiter had named no primary {since}")).stuck());
        };
        if !self.written {
            let seen = format!("{primary} leads, but has acknowledged no write {since}");
            return Err(Broken::new(LEADS, seen).stuck());
        }
        let Some((node, primary)) = self.behind() else { return Ok(()) };
        let (is, has) = (self.safety.disk(node).log.len(), self.safety.disk(primary).log.len());
        let shows = self.shown.get(&node).copied().unwrap_or(0);
        let seen = format!("{primary} leads with {has} entries; {node} has {is} and shows {shows} of them to readers, {since}");
        Err(Broken::new(CATCHES, seen).stuck())
    }
}
