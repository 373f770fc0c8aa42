//! What is watched in the random runs of `quorum_write`: after every step, what each replica has saved, what each message
//! can have told its receiver, and what each answer promises. Plays no client: see `swarm`.

use super::{ANSWERS, ENOUGH, FAILED, GENUINE, KEEPS, NEWEST, SAVES, WRITTEN};
use crate::exercises::quorum_write::{Config, GRACE, Held, Message, QuorumWrite, Request, Response, Version};
use crate::rule::{Broken, Check};
use crate::sim::{Cause, Effect, Fault, NodeId, Plan, Step, Ticket};
use crate::time::{Time, micros};
use std::collections::BTreeMap;
use std::time::Duration;

/// The most writes of one run: they are numbered by bits.
pub(super) const WRITES_MAX: usize = 128;

/// One write that clients asked for, perhaps several times.
pub(super) struct Write {
    pub held: Held,
    /// Under how many tickets.
    pub asked: u32,
    /// The first node that said Written, once one has, and the step.
    written: Option<(NodeId, u64)>,
    /// Whether a Store of it was sent to another node.
    sent: bool,
    /// Who has saved it first, if anybody has.
    saved_by: Option<NodeId>,
    /// Who said Failed, and the step.
    failed: Option<(NodeId, u64)>,
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

enum Asked {
    Write(usize),
    Read {
        /// The newest write that had been Written before.
        completed: Option<(Version, usize)>,
        /// What any R replicas held then: the newest of them cannot be older.
        floor: Option<Version>,
    },
}

/// What the watch remembers of one node, across its crashes.
struct Place {
    saved: Option<Held>,
    /// For each replica, the newest version that it had saved when it sent something that has arrived here.
    heard: Vec<Option<Version>>,
    /// Which writes a message or a request has brought here.
    seen: u128,
    /// Which writes it has sent Stores of to others since it started.
    sent: u128,
}

pub(super) struct Watch {
    config: Config,
    pub writes: Vec<Write>,
    by_version: BTreeMap<Version, usize>,
    places: Vec<Place>,
    open: BTreeMap<Ticket, Open>,
    answered: BTreeMap<Ticket, u64>,
    /// What each message's sender had saved when it left, by the message's number.
    carried: Vec<Option<Version>>,
    pauses: Vec<(NodeId, Time, Time)>,
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
        let place = || Place { saved: None, heard: vec![None; nodes], seen: 0, sent: 0 };
        let pauses = plan.faults.iter().filter_map(|(at, fault)| match fault {
            Fault::Pause { node, span } => Some((*node, *at, (*at + *span).min(plan.quiet_at.max(*at)))),
            _ => None,
        });
        Watch {
            config,
            writes: Vec::new(),
            by_version: BTreeMap::new(),
            places: (0..nodes).map(|_| place()).collect(),
            open: BTreeMap::new(),
            answered: BTreeMap::new(),
            carried: vec![None],
            pauses: pauses.collect(),
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

    /// A client is about to ask for a write, again or for the first time: which one it is.
    pub fn asks(&mut self, held: Held) -> usize {
        let next = self.writes.len();
        let index = *self.by_version.entry(held.version).or_insert(next);
        if index == next {
            self.writes.push(Write { held, asked: 0, written: None, sent: false, saved_by: None, failed: None });
        }
        self.writes[index].asked += 1;
        index
    }

    fn quorums(&self) -> String {
        format!("N = {}, W = {}, R = {}", self.places.len(), self.config.w, self.config.r)
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

    pub fn cause(&mut self, at: Time, node: NodeId, cause: Cause<'_, QuorumWrite>) -> Check {
        let i = node.index();
        match cause {
            Cause::Crash => self.crashes(node),
            Cause::Message { from, id, message } => {
                let carried = self.carried.get(id as usize).copied().flatten();
                let heard = &mut self.places[i].heard[from.index()];
                *heard = (*heard).max(carried);
                if let Message::Store(held) | Message::Fetched(_, Some(held)) = message {
                    self.sees(i, held.version);
                }
            }
            Cause::Request { ticket, request } => {
                let quorum = if matches!(request, Request::Read) { self.config.r } else { self.config.w };
                let what = match request {
                    Request::Write(held) => {
                        self.sees(i, held.version);
                        Asked::Write(self.by_version.get(&held.version).copied().unwrap_or(0))
                    }
                    Request::Read => self.read_begins(),
                };
                let due = self.due(node, at);
                self.next_due = self.next_due.min(due);
                let must_succeed = self.up.is_some_and(|up| up >= quorum);
                self.open.insert(ticket, Open { node, taken: at, due, must_succeed, what });
            }
            _ => {}
        }
        Ok(())
    }

    /// Forgets what a crash takes with it.
    fn crashes(&mut self, node: NodeId) {
        self.open.retain(|_, open| open.node != node);
        self.places[node.index()].sent = 0;
    }

    fn sees(&mut self, node: usize, version: Version) {
        if let Some(index) = self.by_version.get(&version) {
            self.places[node].seen |= 1 << index;
        }
    }

    fn read_begins(&mut self) -> Asked {
        let writes = self.writes.iter().enumerate();
        let completed = writes.filter(|(_, w)| w.written.is_some()).map(|(i, w)| (w.held.version, i)).max();
        let mut versions: Vec<Option<Version>> = self.places.iter().map(|p| p.saved.map(|h| h.version)).collect();
        versions.sort_unstable();
        Asked::Read { completed, floor: versions[self.config.r - 1] }
    }

    pub fn step(&mut self, step: &Step<'_, QuorumWrite>) -> Check {
        self.step = step.number;
        self.overdue(step.at)?;
        for effect in step.effects {
            match effect {
                Effect::Save(saved) => self.saves(step, saved.held)?,
                Effect::Send { to, message } => self.sends(step, *to, message)?,
                Effect::Reply { ticket, response } => self.replies(step, *ticket, response)?,
                _ => {}
            }
        }
        if step.crashed {
            self.crashes(step.node);
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
                "{} took request {ticket:?} at {} and had not answered it {} ms later: the deadline is {} ms, and {} ms of grace",
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

    /// `node` shows `held` to others or to its disk: it must be a write that has reached it, and not one that failed.
    fn genuine(&mut self, step: &Step<'_, QuorumWrite>, held: Held, does: &str) -> Check {
        let node = step.node;
        let Some(&index) = self.by_version.get(&held.version).filter(|i| self.writes[**i].held == held) else {
            let seen = format!("{node} {does} {:?} = {}, which no client ever wrote", held.version, held.value.0);
            return Err(Broken::new(GENUINE, seen).at([step.number]));
        };
        if self.places[node.index()].seen >> index & 1 == 0 {
            let seen = format!("{node} {does} {:?} = {}, which no message or request had brought to it", held.version, held.value.0);
            return Err(Broken::new(GENUINE, seen).at([step.number]));
        }
        match self.writes[index].failed {
            // Asked for once: nobody else can have stored it.
            Some((liar, when)) if self.writes[index].asked == 1 => {
                let seen = format!("{liar} answered Failed to the write of {:?}, and later {node} {does} it", held.version);
                Err(Broken::new(FAILED, seen).at([when, step.number]))
            }
            _ => Ok(()),
        }
    }

    fn saves(&mut self, step: &Step<'_, QuorumWrite>, held: Option<Held>) -> Check {
        let node = step.node;
        let before = self.places[node.index()].saved;
        if held.map(|h| h.version) < before.map(|h| h.version) {
            let name = |h: Option<Held>| h.map_or_else(|| "nothing".to_owned(), |h| format!("{:?}", h.version));
            let seen = format!("{node} saved {} over {}, which is newer", name(held), name(before));
            return Err(Broken::new(KEEPS, seen).at([step.number]));
        }
        if let Some(held) = held.filter(|h| Some(*h) != before) {
            self.genuine(step, held, "saved")?;
            if let Some(index) = self.by_version.get(&held.version) {
                self.writes[*index].saved_by.get_or_insert(node);
            }
        }
        self.places[node.index()].saved = held;
        Ok(())
    }

    fn sends(&mut self, step: &Step<'_, QuorumWrite>, to: NodeId, message: &Message) -> Check {
        let node = step.node;
        let saved = self.places[node.index()].saved;
        self.carried.push(saved.map(|h| h.version));
        match message {
            Message::Store(held) => {
                self.genuine(step, *held, "sent a Store of")?;
                if let Some(index) = self.by_version.get(&held.version) {
                    self.writes[*index].sent |= to != node;
                    self.places[node.index()].sent |= u128::from(to != node) << index;
                }
            }
            Message::Stored(version) if saved.is_none_or(|h| h.version < *version) => {
                let had = saved.map_or_else(|| "nothing".to_owned(), |h| format!("{:?}", h.version));
                let seen = format!("{node} told {to} that it had saved {version:?}, and what it had saved by then was {had}");
                return Err(Broken::new(SAVES, seen).at([step.number]));
            }
            Message::Fetched(_, held) => {
                if let Some(held) = held {
                    self.genuine(step, *held, "showed")?;
                }
                if held.map(|h| h.version) < saved.map(|h| h.version) {
                    let seen = format!("{node} answered {to}'s Fetch with {held:?}, and had saved {saved:?}, which is newer");
                    return Err(Broken::new(KEEPS, seen).at([step.number]));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn replies(&mut self, step: &Step<'_, QuorumWrite>, ticket: Ticket, response: &Response) -> Check {
        let node = step.node;
        let Some(open) = self.open.remove(&ticket).filter(|open| open.node == node) else {
            return match self.answered.get(&ticket) {
                Some(first) => {
                    let seen = format!("{node} answered request {ticket:?} a second time, with {response:?}");
                    Err(Broken::new(ANSWERS, seen).at([*first, step.number]))
                }
                None => Ok(()),
            };
        };
        self.answered.insert(ticket, step.number);
        let broken = |rule, seen: String| Err(Broken::new(rule, seen).at([step.number]));
        match (&open.what, response) {
            (Asked::Write(index), Response::Written) => self.is_written(step, *index)?,
            (Asked::Write(index), Response::Failed) => self.is_failed(step, *index)?,
            (Asked::Write(_), Response::Unknown) => self.unsure += 1,
            (Asked::Read { completed, floor }, Response::Read(held)) => {
                self.reads += 1;
                if let Some(held) = held {
                    self.genuine(step, *held, "answered a read with")?;
                }
                self.is_newest(step, *held, *completed, *floor)?;
            }
            (Asked::Read { .. }, Response::Unavailable) => self.unsure += 1,
            (Asked::Write(_), other) => return broken(ANSWERS, format!("{node} answered the write {ticket:?} with {other:?}")),
            (Asked::Read { .. }, other) => return broken(ANSWERS, format!("{node} answered the read {ticket:?} with {other:?}")),
        }
        if open.must_succeed && !matches!(response, Response::Written | Response::Read(_)) {
            let up = self.up.unwrap_or(0);
            let seen = format!(
                "{node} answered request {ticket:?} with {response:?} after {} ms in the quiet phase, with {up} replicas up and nothing lost ({})",
                step.at.since(open.taken).as_millis(),
                self.quorums()
            );
            return broken(ENOUGH, seen);
        }
        Ok(())
    }

    fn is_written(&mut self, step: &Step<'_, QuorumWrite>, index: usize) -> Check {
        let (node, version) = (step.node, self.writes[index].held.version);
        let has = |v: Option<Version>| v.is_some_and(|v| v >= version);
        let saved = |i: usize| has(self.places[i].saved.map(|h| h.version));
        let told = |i: usize| if i == node.index() { saved(i) } else { has(self.places[node.index()].heard[i]) };
        let count = |f: &dyn Fn(usize) -> bool| (0..self.places.len()).filter(|i| f(*i)).count();
        let (really, known) = (count(&saved), count(&told));
        if known < self.config.w {
            let names = |f: &dyn Fn(usize) -> bool| {
                let names: Vec<String> = (0..self.places.len()).filter(|i| f(*i)).map(|i| NodeId::from_index(i).to_string()).collect();
                if names.is_empty() { "nobody".to_owned() } else { names.join(" and ") }
            };
            let by = if really == 0 {
                "nobody had saved by then".to_owned()
            } else if really < self.config.w {
                format!("had been saved by {} then, and by nobody else", names(&saved))
            } else {
                format!("had been saved by {} as far as any message could have told {node}", names(&told))
            };
            let seen = format!("{node} answered Written to {version:?}, which {by} ({})", self.quorums());
            return Err(Broken::new(WRITTEN, seen).at([step.number]));
        }
        self.written += 1;
        self.writes[index].written.get_or_insert((node, step.number));
        Ok(())
    }

    /// Failed to a write that was asked for once must be true. Of one that was asked for again, this node must not know better:
    /// that it holds it, or has sent Stores of it, for whatever request that was.
    fn is_failed(&mut self, step: &Step<'_, QuorumWrite>, index: usize) -> Check {
        let place = &self.places[step.node.index()];
        let write = &mut self.writes[index];
        let once = write.asked == 1;
        let holds = place.saved == Some(write.held);
        let saved_by = if holds { Some(step.node) } else { write.saved_by.filter(|_| once) };
        if saved_by.is_some() || place.sent >> index & 1 == 1 || (once && write.sent) {
            let why = match saved_by {
                Some(n) => format!("{n} had saved it"),
                None => "Stores of it had been sent, which somebody may receive yet".to_owned(),
            };
            let again = if once { "" } else { ", which it was asked for again" };
            let seen = format!("{} answered Failed to the write of {:?}{again}, and {why}", step.node, write.held.version);
            return Err(Broken::new(FAILED, seen).at([step.number]));
        }
        write.failed.get_or_insert((step.node, step.number));
        Ok(())
    }

    fn is_newest(
        &mut self,
        step: &Step<'_, QuorumWrite>,
        held: Option<Held>,
        completed: Option<(Version, usize)>,
        floor: Option<Version>,
    ) -> Check {
        let got = held.map(|h| h.version);
        let shown = got.map_or_else(|| "nothing".to_owned(), |v| format!("{v:?}"));
        let quorums = self.quorums();
        let meets = self.config.w + self.config.r > self.places.len();
        self.overlaps += u64::from(meets && completed.is_some());
        if let Some((version, index)) = completed.filter(|(v, _)| got < Some(*v)) {
            let (by, when) = self.writes[index].written.unwrap_or((step.node, 0));
            let seen = format!(
                "{} answered a read with {shown}, although {by} had answered Written to {version:?} before that read began",
                step.node
            );
            if meets {
                return Err(Broken::new(NEWEST, format!("{seen} ({quorums})")).at([when, step.number]));
            }
            if got >= floor {
                self.lesson.get_or_insert(format!("{seen}. That is no bug: with {quorums} a read's replicas need not meet a write's"));
            }
        }
        match floor.filter(|f| got < Some(*f)) {
            Some(floor) => {
                let r = self.config.r;
                let seen =
                    format!("{} answered a read with {shown}, although any {r} replicas held {floor:?} or newer ({quorums})", step.node);
                Err(Broken::new(NEWEST, seen).at([step.number]))
            }
            None => Ok(()),
        }
    }
}
