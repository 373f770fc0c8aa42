//! What one node may do: the ghost of `quorum_write`. What it may answer to clients is in `answers`, what its peers and clients
//! could say in a storm in `inputs`.
//!
//! As a replica it owes an answer within 20 ms, and shows no less than it has saved. As a coordinator it is held to what it
//! has heard: of whom, and for which read. Group commit, mail to oneself, asking few first, asking again, probing before
//! storing, repairs: all are allowed that keep this.

mod answers;
mod books;
mod inputs;

pub(super) use books::text;

use super::{ANSWERS, ENOUGH, FAILED, GENUINE, KEEPS, NEWEST, SAVES, WRITTEN};
use crate::exercises::quorum_write::{Config, GRACE, Held, Message, QuorumWrite, REPLICA_TAKES, ReadId, Request, Value, Version};
use crate::rule::{Broken, Check};
use crate::sim::{Cause, Effect, Factory, NodeId, Numbers, Seen, Spec, Ticket, storm};
use crate::suite::Storms;
use crate::time::{Time, millis};
use books::{Nodes, Open, Owed, Read, What, Write, names, shown, version};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What a timer that is a little late is forgiven.
const LATE: Duration = millis(5);
/// What came so long before the deadline must have been counted, the own replica's part included.
const IN_TIME: Duration = millis(30);
/// Who asks itself by message, and these may be lost, is forgiven if it has asked again so short a time ago.
const AGAIN: Duration = millis(60);
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
    /// What it has saved since there was nothing open, and in which step: a read may have found its own replica with any of that.
    saves: Vec<(Held, u64)>,
    /// What was found genuine last.
    vouched: Option<Held>,
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
    /// Whether it is one of many real nodes: then what it sends to itself may be lost.
    in_company: bool,
    /// Whether it was paused of late, or its clock was set: then it is forgiven to give up without having looked.
    pub(super) slept: bool,
    /// Which kinds of input this storm has, as bits.
    kinds: u64,
    /// How many of its inputs are requests in a crowd of them, in millionths: 0 in most storms.
    crowd: u32,
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
            saves: Vec::new(),
            vouched: None,
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
            in_company: false,
            slept: false,
            kinds: u64::MAX,
            crowd: 0,
            met: Met::default(),
        }
    }

    /// The ghost of one of many real nodes, whose clients tell it what they write anywhere.
    pub(super) fn in_company(me: NodeId, nodes: usize, config: Config) -> Self {
        Ghost { in_company: true, ..Ghost::new(me, nodes, config) }
    }

    pub(super) fn is_written_somewhere(&mut self, held: Held) {
        self.writes.insert(held.version, held.value);
    }

    pub(super) fn has_saved(&self) -> Option<Version> {
        version(self.saved)
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
        self.saves.clear();
        self.began_with = self.saved;
    }

    fn sees(&mut self, held: Held, step: u64) {
        self.seen.entry(held.version).or_insert(step);
        self.failed.remove(&held.version);
    }

    /// It may show this before it has saved it.
    fn brings(&mut self, held: Held, now: Time) {
        if self.brought.len() >= 64 {
            self.brought.retain(|(_, at)| *at + millis(1_000) >= now);
        }
        self.brought.push((held, now));
    }

    /// In company deadlines are not judged: nodes pause there.
    fn owes(&mut self, to: NodeId, message: &Message, since: Time, step: u64) {
        if !self.in_company {
            self.owed.push(Owed { to, message: message.clone(), since, step });
        }
    }

    fn hears(&mut self, from: NodeId, message: &Message, seen: &Seen<'_, QuorumWrite>) {
        let (now, step) = (seen.now, seen.number);
        match message {
            Message::Store(held) => {
                self.sees(*held, step);
                self.told.insert(held.version);
                self.brings(*held, now);
                self.owes(from, message, now, step);
            }
            Message::Fetch(_) => self.owes(from, message, now, step),
            Message::Stored(version) => {
                let known = &mut self.peers[from.index()];
                *known = (*known).max(Some(*version));
                let in_time = self.config.deadline.saturating_sub(IN_TIME);
                for open in self.open.values_mut() {
                    if let What::Write(write) = &mut open.what
                        && *version >= write.held.version
                        && write.stored.has(from)
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
                    match &mut open.what {
                        What::Read(read) => {
                            read.heard.push((from, *held));
                            if read.ids.contains(id) && now <= open.since + in_time {
                                read.in_time.insert(from);
                            }
                        }
                        What::Write(write) => {
                            if write.id == Some(*id) && write.there.insert(from) && *held == Some(write.held) {
                                write.shown = Some((from, step));
                            }
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
                self.brings(*held, seen.now);
                let mut shared = false;
                for open in self.open.values_mut() {
                    if let What::Write(other) = &mut open.what
                        && other.held == *held
                    {
                        (other.shared, shared) = (true, true);
                    }
                }
                What::Write(Write {
                    held: *held,
                    stored: Nodes::default(),
                    acked: Nodes::default(),
                    id: None,
                    there: Nodes::default(),
                    shown: None,
                    shared,
                })
            }
            Request::Read => {
                What::Read(Read { own: self.saved, heard: Vec::new(), ids: Vec::new(), in_time: Nodes::default(), renumbered: false })
            }
        };
        self.open.insert(ticket, Open { step: seen.number, since: seen.now, asked: Nodes::default(), last: None, itself: None, what });
    }

    /// It shows `held` to others or to its disk: a write that has reached it, and not one that failed.
    fn genuine(&mut self, held: Held, does: &str, step: u64) -> Check {
        let me = self.me;
        if self.vouched == Some(held) && self.failed.is_empty() {
            return Ok(());
        }
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
                let seen = format!("{me} answered Failed to the write of {:?}, but later {does} it", held.version);
                Err(Broken::new(FAILED, seen).at([*when, step]))
            }
            None => {
                self.vouched = Some(held);
                Ok(())
            }
        }
    }

    fn saves(&mut self, held: Option<Held>, step: u64) -> Check {
        if version(held) < version(self.saved) {
            let seen = format!("{} saved {} over {}, which is newer", self.me, text(held), text(self.saved));
            return Err(Broken::new(KEEPS, seen).at([step]));
        }
        if let Some(held) = held {
            self.genuine(held, "saved", step)?;
            if self.open.is_empty() {
                self.saves.clear();
            } else {
                self.saves.push((held, step));
            }
        }
        self.saved = held;
        Ok(())
    }

    fn sends(&mut self, to: NodeId, message: &Message, seen: &Seen<'_, QuorumWrite>) -> Check {
        let (me, step) = (self.me, seen.number);
        match message {
            Message::Store(held) => {
                self.genuine(*held, "sent a Store of", step)?;
                if to != me {
                    self.sent.insert(held.version);
                    if !self.in_company {
                        self.stores.push((to, held.version));
                    }
                }
                for open in self.open.values_mut() {
                    if let What::Write(write) = &mut open.what
                        && write.held == *held
                    {
                        if to == me {
                            open.itself = Some(seen.now);
                            continue;
                        }
                        write.stored.insert(to);
                        open.asks(to, seen.now);
                    }
                }
            }
            Message::Fetch(id) => self.asks(to, *id, seen)?,
            Message::Stored(of) => {
                if version(self.saved) < Some(*of) {
                    let seen = format!("{me} told {to} that it had saved {of:?}, but what it had saved by then was {}", text(self.saved));
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
                    let had = format!("answered {to}'s Fetch with {}, but had saved {}, which is newer", text(*held), text(self.saved));
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
        if to != me && !self.in_company {
            self.fetches.push((to, id, step));
            self.promised = true;
        }
        let is_new = self.numbers.since(id.0) == Some(step);
        let taken = seen.request().map(|(ticket, _)| ticket);
        let alone = self.open.len() == 1;
        for (ticket, open) in &mut self.open {
            if to == me {
                open.itself = Some(seen.now);
            } else {
                open.asks(to, seen.now);
            }
            if !is_new || taken.is_some_and(|taken| taken != *ticket) {
                continue;
            }
            match &mut open.what {
                What::Read(read) if taken.is_some() || alone => read.ids.push(id),
                What::Read(read) => read.renumbered = true,
                What::Write(write) if taken.is_some() => write.id = Some(id),
                What::Write(_) => {}
            }
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
                    "{to} sent {me} Store({}), but {me} did not answer Stored({:?}), or Stored of something newer, within 20 ms",
                    text(Some(*held)),
                    held.version
                ),
                other => {
                    format!("{to} sent {me} {other:?}, but {me} did not answer Fetched under that number within 20 ms")
                }
            };
            return Err(Broken::new(ENOUGH, text).at([owed.step]));
        }
        let due = self.config.deadline + GRACE + millis(1);
        let Some((ticket, open)) = self.open.iter().find(|(_, open)| now > open.since + due) else { return Ok(()) };
        let seen = format!(
            "{} took request {ticket:?} and had not answered it {} ms later: the deadline is {} ms, plus {} ms of grace",
            self.me,
            now.since(open.since).as_millis(),
            self.config.deadline.as_millis(),
            GRACE.as_millis()
        );
        Err(Broken::new(ANSWERS, seen).at([open.step]).unanswered())
    }
}
