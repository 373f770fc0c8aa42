//! What is watched in the random runs of `quorum_write`: each node by its ghost, and what only shows between nodes: a read
//! that is older than what was Written, a write that Failed and is there, a quorum that is up and was not enough. Plays no
//! client: see `swarm`.

use super::spec::{Ghost, text};
use super::{ANSWERS, ENOUGH, FAILED, NEWEST};
use crate::exercises::quorum_write::{Config, GRACE, Held, QuorumWrite, Request, Response, Version};
use crate::rule::{Broken, Check};
use crate::sim::{Cause, Effect, Fault, Ghosts, NodeId, Plan, Step, Ticket, World};
use crate::time::{Time, micros};
use std::collections::BTreeMap;
use std::time::Duration;

/// One write that clients asked for, perhaps several times.
#[derive(Default)]
struct Write {
    /// Under how many tickets.
    asked: u32,
    /// The first node that said Written, once one has, and the step.
    written: Option<(NodeId, u64)>,
    /// Who said Failed, and the step.
    failed: Option<(NodeId, u64)>,
    /// Who has saved it first, if anybody has.
    saved_by: Option<NodeId>,
}

/// A request that a node has taken and must answer.
struct Open {
    node: NodeId,
    taken: Time,
    due: Time,
    /// Whether enough replicas were up for it from then on, for good.
    must_succeed: bool,
    what: Asked,
}

#[derive(Clone, Copy)]
enum Asked {
    Write(Version),
    Read {
        /// The newest write that had been Written before.
        completed: Option<Version>,
        /// What any R replicas held then: the newest of them cannot be older.
        floor: Option<Version>,
    },
}

pub(super) struct Watch {
    config: Config,
    ghosts: Ghosts<QuorumWrite, Ghost>,
    nodes: usize,
    writes: BTreeMap<Version, Write>,
    open: BTreeMap<Ticket, Open>,
    pauses: Vec<(NodeId, Time, Time)>,
    /// The same, and steps of clocks: time that a node cannot use.
    lost: Vec<(NodeId, Time, Time)>,
    next_due: Time,
    step: u64,
    /// How many nodes are up in the quiet phase, once it has begun.
    pub up: Option<usize>,
    pub written: u64,
    pub unsure: u64,
    pub reads: u64,
    pub overlaps: u64,
    pub lesson: Option<String>,
}

impl Watch {
    pub fn new(nodes: usize, config: Config, plan: &Plan) -> Self {
        let ghost = |i| Ghost::in_company(NodeId::from_index(i), nodes, config.clone());
        let pauses = plan.faults.iter().filter_map(|(at, fault)| match fault {
            Fault::Pause { node, span } => Some((*node, *at, (*at + *span).min(plan.quiet_at.max(*at)))),
            _ => None,
        });
        let pauses: Vec<_> = pauses.collect();
        let steps = plan.faults.iter().filter_map(|(at, fault)| match fault {
            Fault::ClockStep { node, .. } => Some((*node, *at, *at)),
            _ => None,
        });
        Watch {
            ghosts: Ghosts::new((0..nodes).map(ghost)).patient(),
            config,
            nodes,
            writes: BTreeMap::new(),
            open: BTreeMap::new(),
            lost: pauses.iter().copied().chain(steps).collect(),
            pauses,
            next_due: Time::from_micros(u64::MAX),
            step: 0,
            up: None,
            written: 0,
            unsure: 0,
            reads: 0,
            overlaps: 0,
            lesson: None,
        }
    }

    /// A client is about to ask for a write, again or for the first time.
    pub fn asks(&mut self, held: Held) {
        self.writes.entry(held.version).or_default().asked += 1;
        for i in 0..self.nodes {
            self.ghosts.ghost(NodeId::from_index(i)).is_written_somewhere(held);
        }
    }

    fn quorums(&self) -> String {
        format!("N = {}, W = {}, R = {}", self.nodes, self.config.w, self.config.r)
    }

    /// When an answer must have left at the latest: clocks may run 1 % slow, and a node that is paused answers nobody.
    fn due(&self, node: NodeId, taken: Time) -> Time {
        let slack = |d: Duration| Duration::from_micros(micros(d) * 102 / 100);
        let mut due = taken + slack(self.config.deadline) + slack(GRACE);
        for (_, start, end) in self.pauses.iter().filter(|(n, _, end)| *n == node && *end >= taken) {
            if *start <= due {
                due = due.max(*end + slack(GRACE));
            }
        }
        due
    }

    pub fn cause(&mut self, at: Time, node: NodeId, cause: Cause<'_, QuorumWrite>) {
        match cause {
            Cause::Crash => self.open.retain(|_, open| open.node != node),
            Cause::Request { ticket, request } => {
                let (quorum, what) = match request {
                    Request::Write(held) => (self.config.w, Asked::Write(held.version)),
                    Request::Read => (self.config.r, self.read_begins()),
                };
                let due = self.due(node, at);
                self.next_due = self.next_due.min(due);
                let must_succeed = self.up.is_some_and(|up| up >= quorum);
                self.open.insert(ticket, Open { node, taken: at, due, must_succeed, what });
            }
            _ => {}
        }
        self.ghosts.cause(node, cause);
    }

    fn read_begins(&self) -> Asked {
        let completed = self.writes.iter().rfind(|(_, w)| w.written.is_some()).map(|(v, _)| *v);
        let saved = |i| self.ghosts.seen(NodeId::from_index(i)).has_saved();
        let mut versions: Vec<Option<Version>> = (0..self.nodes).map(saved).collect();
        versions.sort_unstable();
        Asked::Read { completed, floor: versions[self.config.r - 1] }
    }

    pub fn step(&mut self, step: &Step<'_, QuorumWrite>, world: &World<'_, QuorumWrite>) -> Check {
        self.step = step.number;
        let lately = |at: Time| at + self.config.deadline * 2 >= step.at;
        let slept = self.lost.iter().any(|(n, start, end)| *n == step.node && *start <= step.at && lately(*end));
        self.ghosts.ghost(step.node).slept = slept;
        self.ghosts.step(step, world)?;
        for effect in step.effects {
            match effect {
                Effect::Save(saved) => saved.held.map_or(Ok(()), |held| self.saves(step, held))?,
                Effect::Reply { ticket, response } => self.replies(step, *ticket, response)?,
                _ => {}
            }
        }
        if step.crashed {
            self.open.retain(|_, open| open.node != step.node);
        }
        Ok(())
    }

    /// Whether an answer is overdue.
    pub fn overdue(&mut self, at: Time) -> Check {
        if at <= self.next_due {
            return Ok(());
        }
        if let Some((ticket, open)) = self.open.iter().find(|(_, open)| open.due < at) {
            let seen = format!(
                "{} took request {ticket:?} at {} and had not answered it {} ms later: the deadline is {} ms, plus {} ms of grace",
                open.node,
                open.taken,
                at.since(open.taken).as_millis(),
                self.config.deadline.as_millis(),
                GRACE.as_millis()
            );
            return Err(Broken::new(ANSWERS, seen).timed().unanswered().at([self.step]));
        }
        self.next_due = self.open.values().map(|open| open.due).min().unwrap_or(Time::from_micros(u64::MAX));
        Ok(())
    }

    /// What Failed, and was asked for once, is nowhere: nobody else can have stored it.
    fn saves(&mut self, step: &Step<'_, QuorumWrite>, held: Held) -> Check {
        let Some(write) = self.writes.get_mut(&held.version) else { return Ok(()) };
        write.saved_by.get_or_insert(step.node);
        match write.failed.filter(|_| write.asked == 1) {
            Some((liar, when)) => {
                let seen = format!("{liar} answered Failed to the write of {:?}, but later {} saved it", held.version, step.node);
                Err(Broken::new(FAILED, seen).at([when, step.number]))
            }
            None => Ok(()),
        }
    }

    fn replies(&mut self, step: &Step<'_, QuorumWrite>, ticket: Ticket, response: &Response) -> Check {
        let node = step.node;
        let Some(open) = self.open.remove(&ticket).filter(|open| open.node == node) else { return Ok(()) };
        match (open.what, response) {
            (Asked::Write(version), Response::Written) => {
                self.written += 1;
                self.writes.entry(version).or_default().written.get_or_insert((node, step.number));
            }
            (Asked::Write(version), Response::Failed) => {
                let write = self.writes.entry(version).or_default();
                write.failed.get_or_insert((node, step.number));
                if let Some(by) = write.saved_by.filter(|_| write.asked == 1) {
                    let seen = format!("{node} answered Failed to the write of {version:?}, but {by} had saved it");
                    return Err(Broken::new(FAILED, seen).at([step.number]));
                }
            }
            (Asked::Read { completed, floor }, Response::Read(held)) => {
                self.reads += 1;
                self.is_newest(step, *held, completed, floor)?;
            }
            _ => self.unsure += 1,
        }
        if open.must_succeed && !matches!(response, Response::Written | Response::Read(_)) {
            let up = self.up.unwrap_or(0);
            let seen = format!(
                "{node} answered request {ticket:?} with {response:?} after {} ms in the quiet phase, with {up} replicas up and nothing lost ({})",
                step.at.since(open.taken).as_millis(),
                self.quorums()
            );
            return Err(Broken::new(ENOUGH, seen).at([step.number]));
        }
        Ok(())
    }

    fn is_newest(&mut self, step: &Step<'_, QuorumWrite>, held: Option<Held>, completed: Option<Version>, floor: Option<Version>) -> Check {
        let got = held.map(|h| h.version);
        let read = format!("{} answered a read with {}", step.node, held.map_or_else(|| text(None), |h| format!("{:?}", h.version)));
        let quorums = self.quorums();
        let meets = self.config.w + self.config.r > self.nodes;
        self.overlaps += u64::from(meets && completed.is_some());
        if let Some(version) = completed.filter(|v| got < Some(*v)) {
            let (by, when) = self.writes.get(&version).and_then(|w| w.written).unwrap_or((step.node, 0));
            let seen = format!("{read}, although {by} had answered Written to {version:?} before that read began");
            if meets {
                return Err(Broken::new(NEWEST, format!("{seen} ({quorums})")).at([when, step.number]));
            }
            if got >= floor {
                self.lesson.get_or_insert(format!("{seen}. That is no bug: with {quorums}, a read's replicas need not overlap a write's"));
            }
        }
        match floor.filter(|f| got < Some(*f)) {
            Some(floor) => {
                let seen = format!("{read}, although any {} replicas included one with {floor:?} or newer ({quorums})", self.config.r);
                Err(Broken::new(NEWEST, seen).at([step.number]))
            }
            None => Ok(()),
        }
    }
}
