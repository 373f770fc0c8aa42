//! What one node may do: the ghost of `quorum_write`, and what its peers and clients could say in a storm.
//!
//! As a replica it owes an answer within 20 ms, and shows no less than it has saved. As a coordinator it is held to what it
//! has heard: of whom, and for which read. Group commit, mail to oneself, asking few first, asking again, probing before
//! storing, repairs: all are allowed that keep this.

use super::script::text;
use super::{ANSWERS, ENOUGH, FAILED, GENUINE, KEEPS, NEWEST, SAVES, WRITTEN};
use crate::exercises::quorum_write::{Config, GRACE, Held, Message, QuorumWrite, REPLICA_TAKES, ReadId, Request, Response, Value, Version};
use crate::rng::Rng;
use crate::rule::{Broken, Check, Coverage};
use crate::sim::{Cause, ClientId, Effect, Factory, Input, NodeId, Numbers, Seen, Setting, Spec, Storm, Ticket, storm};
use crate::suite::Storms;
use crate::time::{Time, millis};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What a timer that is a little late is forgiven.
const LATE: Duration = millis(5);
/// What came so long before the deadline must have been counted, the own replica's part included.
const IN_TIME: Duration = millis(30);
/// Who gives up before this has not waited for those who are up.
const TOO_EARLY: Duration = millis(50);

pub(super) fn storms(factory: Factory<QuorumWrite>) -> Storms {
    Storms {
        rules: &[KEEPS, SAVES, WRITTEN, FAILED, ANSWERS, ENOUGH, NEWEST, GENUINE],
        must_meet: &[
            "storm crashes between two effects",
            "storm shadows",
            "storm: Stores acknowledged",
            "storm: acknowledged writes",
            "storm: writes without a quorum",
            "storm: reads",
            "storm: reads without a quorum",
            "storm: answers to reads of an earlier life",
        ],
        count: 10_000,
        run: Box::new(move |seed, probe| storm::<QuorumWrite, Ghost>(factory, seed, probe)),
    }
}

/// A write that the node has taken in this life and not answered.
#[derive(Clone)]
struct Write {
    held: Held,
    /// To whom it has sent a Store of it since.
    stored: BTreeSet<NodeId>,
    /// Who acknowledged after that, and in time.
    acked: BTreeSet<NodeId>,
    /// Another request for the same write was open with it: which one an acknowledgement is for, nobody knows.
    shared: bool,
}

/// A read that it has taken in this life and not answered.
#[derive(Clone)]
struct Read {
    /// What its own replica had saved when the read came.
    own: Option<Held>,
    /// What each replica has shown for it.
    heard: BTreeMap<NodeId, Vec<Option<Held>>>,
    /// The number under which it was asked at once.
    id: Option<ReadId>,
    /// Who answered under that number in time.
    in_time: BTreeSet<NodeId>,
    /// Reads were asked under new numbers later: which of them counts, nobody knows.
    renumbered: bool,
}

#[derive(Clone)]
enum What {
    Write(Write),
    Read(Read),
}

#[derive(Clone)]
struct Open {
    step: u64,
    since: Time,
    /// Whom it has asked anything since.
    asked: BTreeSet<NodeId>,
    what: What,
}

/// An answer that the node owes as a replica.
#[derive(Clone)]
struct Owed {
    to: NodeId,
    message: Message,
    since: Time,
    step: u64,
}

/// The ghost of one node.
#[derive(Clone)]
pub(super) struct Ghost {
    me: NodeId,
    nodes: usize,
    config: Config,
    /// What clients have written anywhere.
    writes: BTreeMap<Version, Value>,
    /// What has reached this node, and in which step first.
    seen: BTreeMap<Version, u64>,
    /// What a peer has spoken of: others may hold it, whatever this node says.
    told: BTreeSet<Version>,
    /// What a Store or a request brought, and when: it may hold it before it has saved it.
    brought: Vec<(Held, Time)>,
    saved: Option<Held>,
    /// What it had saved when it started, and in which step that was.
    began_with: Option<Held>,
    began: u64,
    /// In this life: what it has sent Stores of to others.
    sent: BTreeSet<Version>,
    /// What it said Failed to, and has not heard of since: in which step.
    failed: BTreeMap<Version, u64>,
    open: BTreeMap<Ticket, Open>,
    answered: BTreeMap<Ticket, u64>,
    owed: Vec<Owed>,
    /// The newest that each peer has shown or acknowledged.
    peers: Vec<Option<Version>>,
    numbers: Numbers,
    /// What it has asked its peers, in all its lives.
    stores: Vec<(NodeId, Version)>,
    fetches: Vec<(NodeId, ReadId, u64)>,
    promised: bool,
    /// Which kinds of input this storm has, as bits.
    kinds: u64,
    met: Met,
}

#[derive(Clone, Default)]
struct Met {
    stored: u64,
    written: u64,
    unsure: u64,
    reads: u64,
    unavailable: u64,
    late: u64,
}

fn version(held: Option<Held>) -> Option<Version> {
    held.map(|h| h.version)
}

fn shown(version: Option<Version>) -> String {
    version.map_or_else(|| "nothing".to_owned(), |v| format!("{v:?}"))
}

fn names(nodes: impl IntoIterator<Item = NodeId>) -> String {
    let names: Vec<String> = nodes.into_iter().map(|n| n.to_string()).collect();
    if names.is_empty() { "nobody".to_owned() } else { names.join(" and ") }
}

impl Ghost {
    fn new(me: NodeId, nodes: usize, config: Config) -> Self {
        Ghost {
            me,
            nodes,
            config,
            writes: BTreeMap::new(),
            seen: BTreeMap::new(),
            told: BTreeSet::new(),
            brought: Vec::new(),
            saved: None,
            began_with: None,
            began: 0,
            sent: BTreeSet::new(),
            failed: BTreeMap::new(),
            open: BTreeMap::new(),
            answered: BTreeMap::new(),
            owed: Vec::new(),
            peers: vec![None; nodes],
            numbers: Numbers::default(),
            stores: Vec::new(),
            fetches: Vec::new(),
            promised: false,
            kinds: u64::MAX,
            met: Met::default(),
        }
    }

    fn quorums(&self) -> String {
        format!("N = {}, W = {}, R = {}", self.nodes, self.config.w, self.config.r)
    }

    /// A crash takes with it what is not on the disk.
    fn crashes(&mut self) {
        self.open.clear();
        self.owed.clear();
        self.sent.clear();
        self.brought.clear();
        self.began_with = self.saved;
    }

    fn sees(&mut self, held: Held, step: u64) {
        self.seen.entry(held.version).or_insert(step);
        self.failed.remove(&held.version);
    }

    fn hears(&mut self, from: NodeId, message: &Message, seen: &Seen<'_, QuorumWrite>) {
        let (now, step) = (seen.now, seen.number);
        match message {
            Message::Store(held) => {
                self.sees(*held, step);
                self.told.insert(held.version);
                self.brought.push((*held, now));
                self.owed.push(Owed { to: from, message: message.clone(), since: now, step });
            }
            Message::Fetch(_) => self.owed.push(Owed { to: from, message: message.clone(), since: now, step }),
            Message::Stored(version) => {
                let known = &mut self.peers[from.index()];
                *known = (*known).max(Some(*version));
                let in_time = self.config.deadline.saturating_sub(IN_TIME);
                for open in self.open.values_mut() {
                    if let What::Write(write) = &mut open.what
                        && *version >= write.held.version
                        && write.stored.contains(&from)
                        && now <= open.since + in_time
                    {
                        write.acked.insert(from);
                    }
                }
            }
            Message::Fetched(id, held) => {
                if let Some(held) = held {
                    self.sees(*held, step);
                    self.told.insert(held.version);
                }
                let known = &mut self.peers[from.index()];
                *known = (*known).max(version(*held));
                let in_time = self.config.deadline.saturating_sub(IN_TIME);
                let Some(first) = self.numbers.since(id.0) else { return };
                for open in self.open.values_mut().filter(|open| first >= open.step) {
                    if let What::Read(read) = &mut open.what {
                        read.heard.entry(from).or_default().push(*held);
                        if read.id == Some(*id) && now <= open.since + in_time {
                            read.in_time.insert(from);
                        }
                    }
                }
            }
        }
    }

    fn takes(&mut self, ticket: Ticket, request: &Request, seen: &Seen<'_, QuorumWrite>) {
        let what = match request {
            Request::Write(held) => {
                self.sees(*held, seen.number);
                self.brought.push((*held, seen.now));
                let mut shared = false;
                for open in self.open.values_mut() {
                    if let What::Write(other) = &mut open.what
                        && other.held == *held
                    {
                        (other.shared, shared) = (true, true);
                    }
                }
                What::Write(Write { held: *held, stored: BTreeSet::new(), acked: BTreeSet::new(), shared })
            }
            Request::Read => {
                What::Read(Read { own: self.saved, heard: BTreeMap::new(), id: None, in_time: BTreeSet::new(), renumbered: false })
            }
        };
        self.open.insert(ticket, Open { step: seen.number, since: seen.now, asked: BTreeSet::new(), what });
    }

    /// It shows `held` to others or to its disk: a write that has reached it, and not one that failed.
    fn genuine(&self, held: Held, does: &str, step: u64) -> Check {
        let me = self.me;
        match self.writes.get(&held.version) {
            Some(value) if *value == held.value => {}
            Some(value) => {
                let seen = format!("{me} {does} {}; what the client wrote is {:?} = {}", text(Some(held)), held.version, value.0);
                return Err(Broken::new(GENUINE, seen).at(self.seen.get(&held.version).copied()).at([step]));
            }
            None => return Err(Broken::new(GENUINE, format!("{me} {does} {}, which no client ever wrote", text(Some(held)))).at([step])),
        }
        if !self.seen.contains_key(&held.version) {
            let seen = format!("{me} {does} {}, which no message or request had brought to it", text(Some(held)));
            return Err(Broken::new(GENUINE, seen).at([step]));
        }
        match self.failed.get(&held.version) {
            Some(when) => {
                let seen = format!("{me} answered Failed to the write of {:?}, and later {does} it", held.version);
                Err(Broken::new(FAILED, seen).at([*when, step]))
            }
            None => Ok(()),
        }
    }

    fn saves(&mut self, held: Option<Held>, step: u64) -> Check {
        if version(held) < version(self.saved) {
            let seen = format!("{} saved {} over {}, which is newer", self.me, text(held), text(self.saved));
            return Err(Broken::new(KEEPS, seen).at([step]));
        }
        if let Some(held) = held {
            self.genuine(held, "saved", step)?;
        }
        self.saved = held;
        Ok(())
    }

    fn sends(&mut self, to: NodeId, message: &Message, seen: &Seen<'_, QuorumWrite>) -> Check {
        let (me, step) = (self.me, seen.number);
        match message {
            Message::Store(held) => {
                self.genuine(*held, "sent a Store of", step)?;
                if to == me {
                    return Ok(());
                }
                self.sent.insert(held.version);
                self.stores.push((to, held.version));
                for open in self.open.values_mut() {
                    if let What::Write(write) = &mut open.what
                        && write.held == *held
                    {
                        open.asked.insert(to);
                        write.stored.insert(to);
                    }
                }
            }
            Message::Fetch(id) => self.asks(to, *id, seen)?,
            Message::Stored(of) => {
                if version(self.saved) < Some(*of) {
                    let seen = format!("{me} told {to} that it had saved {of:?}, and what it had saved by then was {}", text(self.saved));
                    // Of the same number, it was not taken for newer.
                    let tie = self.saved.is_some_and(|held| held.version.number == of.number);
                    return Err(Broken::new(if tie { KEEPS } else { SAVES }, seen).at([step]));
                }
                self.met.stored += 1;
                self.promised = true;
                self.owed.retain(|o| !(o.to == to && matches!(o.message, Message::Store(held) if held.version <= *of)));
            }
            Message::Fetched(id, held) => {
                if let Some(held) = held {
                    self.genuine(*held, "showed", step)?;
                }
                if version(*held) < version(self.saved) {
                    let had = format!("answered {to}'s Fetch with {}, and had saved {}, which is newer", text(*held), text(self.saved));
                    return Err(if version(*held) < version(self.began_with) {
                        Broken::new(SAVES, format!("{me} {had}, before its last restart")).at([self.began, step])
                    } else {
                        Broken::new(KEEPS, format!("{me} {had}")).at([step])
                    });
                }
                self.owed.retain(|o| !(o.to == to && o.message == Message::Fetch(*id)));
            }
        }
        Ok(())
    }

    /// It asks for a read: under a number that no earlier read had.
    fn asks(&mut self, to: NodeId, id: ReadId, seen: &Seen<'_, QuorumWrite>) -> Check {
        let (me, step) = (self.me, seen.number);
        // A read that was answered may still be asked for, to repair: only what a new read asks under is judged.
        let oldest = match seen.request() {
            Some(_) => self.open.values().map(|open| open.step).min().unwrap_or(step),
            None => self.began,
        };
        if let Some(first) = self.numbers.uses(id.0, step, seen.now, oldest.max(self.began)) {
            let when = if first < self.began { "before its crash" } else { "for an earlier read" };
            let text =
                format!("{me} asks for a read under {id:?}, under which it had asked {when}: a late answer to that would count for this");
            return Err(Broken::new(NEWEST, text).at([first, step]));
        }
        if to != me {
            self.fetches.push((to, id, step));
            self.promised = true;
        }
        let is_new = self.numbers.since(id.0) == Some(step);
        let taken = seen.request().map(|(ticket, _)| ticket);
        for (ticket, open) in &mut self.open {
            open.asked.extend(Some(to).filter(|to| *to != me));
            if let What::Read(read) = &mut open.what
                && is_new
                && taken.is_none_or(|taken| taken == *ticket)
            {
                if taken.is_some() && read.id.is_none_or(|other| other == id) {
                    read.id = Some(id);
                } else {
                    read.renumbered = true;
                }
            }
        }
        Ok(())
    }

    fn replies(&mut self, ticket: Ticket, response: &Response, seen: &Seen<'_, QuorumWrite>) -> Check {
        let (me, step) = (self.me, seen.number);
        let Some(open) = self.open.remove(&ticket) else {
            return match self.answered.get(&ticket) {
                Some(first) => {
                    Err(Broken::new(ANSWERS, format!("{me} answered request {ticket:?} a second time, with {response:?}"))
                        .at([*first, step]))
                }
                None => Ok(()),
            };
        };
        self.answered.insert(ticket, step);
        match (&open.what, response) {
            (What::Write(write), Response::Written) => self.is_written(write, &open, step),
            (What::Write(write), Response::Failed) => {
                self.is_failed(write, step)?;
                self.gave_up(&open, response, seen)
            }
            (What::Write(_), Response::Unknown) | (What::Read(_), Response::Unavailable) => self.gave_up(&open, response, seen),
            (What::Read(read), Response::Read(held)) => self.is_newest(read, &open, *held, step),
            (What::Write(write), _) => {
                Err(Broken::new(ANSWERS, format!("{me} answered the write of {} with {response:?}", text(Some(write.held)))).at([step]))
            }
            (What::Read(_), _) => Err(Broken::new(ANSWERS, format!("{me} answered a read with {response:?}")).at([step])),
        }
    }

    fn is_written(&mut self, write: &Write, open: &Open, step: u64) -> Check {
        let of = Some(write.held.version);
        let has = |i: usize| if i == self.me.index() { version(self.saved) >= of } else { self.peers[i] >= of };
        let by: Vec<NodeId> = (0..self.nodes).filter(|i| has(*i)).map(NodeId::from_index).collect();
        if by.len() < self.config.w {
            let seen = format!(
                "{} answered Written to {:?}, and as far as it could know that was saved by {} ({})",
                self.me,
                write.held.version,
                names(by),
                self.quorums()
            );
            return Err(Broken::new(WRITTEN, seen).at([open.step, step]));
        }
        (self.met.written, self.promised) = (self.met.written + 1, true);
        Ok(())
    }

    fn is_failed(&mut self, write: &Write, step: u64) -> Check {
        let of = write.held.version;
        let why = if self.saved == Some(write.held) {
            "it had saved it"
        } else if self.sent.contains(&of) {
            "it had sent Stores of it since it started, which somebody may have or yet receive"
        } else {
            if !self.told.contains(&of)
                && !self.open.values().any(|open| matches!(&open.what, What::Write(other) if other.held.version == of))
            {
                self.failed.insert(of, step);
            }
            return Ok(());
        };
        Err(Broken::new(FAILED, format!("{} answered Failed to the write of {of:?}, and {why}", self.me)).at([step]))
    }

    /// It answers that there was no quorum: then there was none, and it has looked for one.
    fn gave_up(&mut self, open: &Open, response: &Response, seen: &Seen<'_, QuorumWrite>) -> Check {
        let me = self.me;
        let (what, by, need, shared) = match &open.what {
            What::Write(write) => (format!("the write of {}", text(Some(write.held))), &write.acked, self.config.w, write.shared),
            What::Read(read) => ("a read".to_owned(), &read.in_time, self.config.r, read.renumbered),
        };
        let others = by.iter().filter(|n| **n != me).count();
        let broken = |why: String| {
            let text = format!("{me} answered {what} with {response:?}, {why} ({})", self.quorums());
            Err(Broken::new(ENOUGH, text).at([open.step, seen.number]))
        };
        if others + 1 >= need && !shared {
            return broken(match others {
                0 => "and its own replica is enough".to_owned(),
                _ => {
                    format!("and {} had answered in time: with {me} itself they are enough", names(by.iter().copied().filter(|n| *n != me)))
                }
            });
        }
        if seen.now < open.since + TOO_EARLY {
            return broken(format!("{} ms after it took it: those who are up may need longer", seen.now.since(open.since).as_millis()));
        }
        let skipped = (0..self.nodes).map(NodeId::from_index).find(|n| *n != me && !open.asked.contains(n));
        if let Some(skipped) = skipped.filter(|_| !shared) {
            return broken(format!("and had asked {skipped} nothing"));
        }
        *(if matches!(response, Response::Unavailable) { &mut self.met.unavailable } else { &mut self.met.unsure }) += 1;
        Ok(())
    }

    fn is_newest(&mut self, read: &Read, open: &Open, held: Option<Held>, step: u64) -> Check {
        let me = self.me;
        self.met.reads += 1;
        if let Some(held) = held {
            self.genuine(held, "answered a read with", step)?;
        }
        let mut of: BTreeMap<NodeId, Option<Version>> =
            read.heard.iter().map(|(n, shown)| (*n, shown.iter().map(|h| version(*h)).min().flatten())).collect();
        of.insert(me, version(read.own));
        let who = || names(read.heard.keys().copied().filter(|n| *n != me).chain([me]));
        if of.len() < self.config.r {
            let seen = format!("{me} answered a read with {}, for which only {} had been heard ({})", text(held), who(), self.quorums());
            return Err(Broken::new(NEWEST, seen).at([open.step, step]));
        }
        let newer: Vec<NodeId> = of.iter().filter(|(_, v)| **v > version(held)).map(|(n, _)| *n).collect();
        if of.len() - newer.len() < self.config.r {
            let seen = format!(
                "{me} answered a read with {}, and of {}, whom it had heard for it, {} held something newer: {} ({})",
                text(held),
                who(),
                names(newer.iter().copied()),
                shown(newer.iter().filter_map(|n| of[n]).max()),
                self.quorums()
            );
            return Err(Broken::new(NEWEST, seen).at([open.step, step]));
        }
        // Its own replica may hold what it has not saved yet.
        let lately = |(h, at): &(Held, Time)| Some(*h) == held && *at + REPLICA_TAKES + LATE >= open.since;
        let own = held == read.own || held == self.saved || self.brought.iter().any(lately);
        if !own && !read.heard.values().flatten().any(|h| *h == held) {
            let seen = format!("{me} answered a read with {}, which none of {} had shown it for this read", text(held), who());
            return Err(Broken::new(NEWEST, seen).at([open.step, step]));
        }
        Ok(())
    }
}

impl Spec<QuorumWrite> for Ghost {
    fn step(&mut self, seen: &Seen<'_, QuorumWrite>) -> Check {
        self.promised = false;
        match seen.cause {
            Cause::Start { .. } => {
                self.crashes();
                self.began = seen.number;
            }
            Cause::Message { from, message, .. } => self.hears(from, message, seen),
            Cause::Request { ticket, request } => self.takes(ticket, request, seen),
            _ => {}
        }
        for effect in seen.effects {
            match effect {
                Effect::Save(saved) => self.saves(saved.held, seen.number)?,
                Effect::Send { to, message } => self.sends(*to, message, seen)?,
                Effect::Reply { ticket, response } => self.replies(*ticket, response, seen)?,
                _ => {}
            }
        }
        if seen.crashed {
            self.crashes();
        }
        Ok(())
    }

    fn time(&mut self, now: Time) -> Check {
        if let Some(owed) = self.owed.iter().find(|o| now > o.since + REPLICA_TAKES + LATE) {
            let (me, to) = (self.me, owed.to);
            let text = match &owed.message {
                Message::Store(held) => format!(
                    "{to} sent {me} Store({}), and {me} did not answer Stored({:?}), or of something newer, within 20 ms",
                    text(Some(*held)),
                    held.version
                ),
                other => {
                    format!("{to} sent {me} {other:?}, and {me} did not answer Fetched under that number within 20 ms")
                }
            };
            return Err(Broken::new(ENOUGH, text).at([owed.step]));
        }
        let due = self.config.deadline + GRACE + millis(1);
        let Some((ticket, open)) = self.open.iter().find(|(_, open)| now > open.since + due) else { return Ok(()) };
        let seen = format!(
            "{} took request {ticket:?} and had not answered it {} ms later: the deadline is {} ms, and {} ms of grace",
            self.me,
            now.since(open.since).as_millis(),
            self.config.deadline.as_millis(),
            GRACE.as_millis()
        );
        Err(Broken::new(ANSWERS, seen).at([open.step]).unanswered())
    }
}

/// What comes in, as bits of a storm's kinds.
const KINDS: u64 = 6;

impl Ghost {
    fn peer(&self, rng: &mut Rng) -> Option<NodeId> {
        let others: Vec<NodeId> = (0..self.nodes).map(NodeId::from_index).filter(|n| *n != self.me).collect();
        rng.pick(&others).copied()
    }

    /// A write of some client, near what is there and wild.
    fn write(&mut self, rng: &mut Rng) -> Held {
        let known: Vec<Version> = self.writes.keys().copied().collect();
        let near = if rng.chance(600_000) { version(self.saved) } else { rng.pick(&known).copied() };
        let number = match (near, rng.below(6)) {
            (Some(near), 0..=3) => rng.near(near.number),
            (_, 4) => rng.wild(),
            _ => rng.below(4),
        };
        let writer = match rng.below(8) {
            0 => [127, 128, 253, 254][rng.below(4) as usize],
            1 | 2 => near.map_or(0, |near| near.writer.index()),
            _ => rng.below(4) as usize,
        };
        let value = match rng.below(6) {
            0 => 0,
            1 => rng.below(4),
            2 | 3 => self.saved.map_or(1, |held| rng.near(held.value.0)),
            _ => rng.wild(),
        };
        let version = Version { number, writer: ClientId::from_index(writer) };
        Held { version, value: *self.writes.entry(version).or_insert(Value(value)) }
    }

    /// One that there is, or a new one.
    fn any_write(&mut self, rng: &mut Rng, at_least: Option<Version>) -> Option<Held> {
        if rng.chance(300_000) {
            let write = self.write(rng);
            if Some(write.version) >= at_least {
                return Some(write);
            }
        }
        let from = |least: Version| self.writes.range(least..).map(|(v, value)| Held { version: *v, value: *value });
        let known: Vec<Held> = match at_least {
            Some(least) => from(least).collect(),
            None => from(Version { number: 0, writer: ClientId::from_index(0) }).collect(),
        };
        if at_least.is_none() && rng.chance(250_000) {
            return None;
        }
        if rng.chance(400_000) { known.first().copied() } else { rng.pick(&known).copied() }
    }

    /// One of the last few, or any.
    fn recent<T: Copy>(rng: &mut Rng, all: &[T], few: u64) -> Option<T> {
        let n = all.len() as u64;
        if n == 0 {
            return None;
        }
        let back = if rng.chance(800_000) { rng.below(n.min(few)) } else { rng.below(n) };
        all.get((n - 1 - back) as usize).copied()
    }

    /// A write that was asked for before, or another.
    fn asks_to_write(&mut self, rng: &mut Rng) -> Held {
        let known: Vec<Held> = self.writes.iter().map(|(v, value)| Held { version: *v, value: *value }).collect();
        match rng.pick(&known) {
            Some(held) if rng.chance(250_000) => *held,
            _ => self.write(rng),
        }
    }
}

impl Storm<QuorumWrite> for Ghost {
    fn setting(rng: &mut Rng) -> (Self, Setting<QuorumWrite>) {
        let nodes = [1, 2, 3, 3, 3, 4, 5, 5][rng.below(8) as usize];
        let me = NodeId::from_index(rng.below(nodes as u64) as usize);
        let quorum = |rng: &mut Rng| 1 + rng.below(nodes as u64) as usize;
        let config = Config { w: quorum(rng), r: quorum(rng), deadline: millis([100, 150, 200, 200, 450][rng.below(5) as usize]) };
        let waits: [&'static [u64]; 3] = [&[1, 5, 20, 60], &[2, 20, 60, 60, 200], &[2, 100, 500]];
        let setting = Setting {
            waits_ms: waits[rng.below(3) as usize],
            // A second answer may come late.
            rest_ms: if rng.chance(50_000) { 60_000 } else { 600 },
            // Numbers may be times: those of a true clock are large.
            clock_ahead_us: 2_000_000_000 + rng.below(1 << 40),
            ..Setting::new(nodes, me, config.clone())
        };
        let kinds = if rng.chance(500_000) { u64::MAX } else { 1 + rng.below((1 << KINDS) - 1) };
        (Ghost { kinds, ..Ghost::new(me, nodes, config) }, setting)
    }

    fn input(&mut self, rng: &mut Rng) -> Option<Input<QuorumWrite>> {
        let kind = loop {
            let kind = rng.below(KINDS);
            if self.kinds >> kind & 1 == 1 {
                break kind;
            }
        };
        let (from, message) = match kind {
            0 => {
                let held = if rng.chance(700_000) { self.write(rng) } else { self.any_write(rng, None)? };
                (self.peer(rng)?, Message::Store(held))
            }
            1 => {
                let own: Vec<ReadId> = self.fetches.iter().map(|(_, id, _)| *id).collect();
                let id = match Self::recent(rng, &own, 4) {
                    Some(ReadId(id)) if rng.chance(500_000) => rng.near(id),
                    _ => rng.wild(),
                };
                (self.peer(rng)?, Message::Fetch(ReadId(id)))
            }
            2 => {
                let (peer, version) = Self::recent(rng, &self.stores, 2 * self.nodes as u64)?;
                let said = if rng.chance(700_000) { version } else { self.any_write(rng, Some(version))?.version };
                (peer, Message::Stored(said))
            }
            3 => {
                let (peer, id, asked) = Self::recent(rng, &self.fetches, 2 * self.nodes as u64)?;
                self.met.late += u64::from(asked < self.began);
                (peer, Message::Fetched(id, self.any_write(rng, self.peers[peer.index()])))
            }
            4 => {
                let held = self.asks_to_write(rng);
                return Some(Input::Request(held.version.writer, Request::Write(held)));
            }
            _ => return Some(Input::Request(ClientId::from_index(rng.below(3) as usize), Request::Read)),
        };
        Some(Input::Message(from, message))
    }

    fn promised(&self) -> bool {
        self.promised
    }

    /// What does it hold, and under which number does it ask now?
    fn betray(&mut self, rng: &mut Rng) -> Option<Input<QuorumWrite>> {
        match self.peer(rng) {
            Some(peer) if rng.chance(500_000) => Some(Input::Message(peer, Message::Fetch(ReadId(rng.wild())))),
            _ => Some(Input::Request(ClientId::from_index(0), Request::Read)),
        }
    }

    fn tally(&self, coverage: &mut Coverage) {
        coverage.add("storm: Stores acknowledged", self.met.stored);
        coverage.add("storm: acknowledged writes", self.met.written);
        coverage.add("storm: writes without a quorum", self.met.unsure);
        coverage.add("storm: reads", self.met.reads);
        coverage.add("storm: reads without a quorum", self.met.unavailable);
        coverage.add("storm: answers to reads of an earlier life", self.met.late);
    }
}
