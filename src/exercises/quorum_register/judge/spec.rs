//! What one node may do: the ghost of `quorum_register`, and what its peers and clients could say in a storm.
//!
//! As a replica it owes an answer within 20 ms, and shows no less than it has saved. As a coordinator it is held to what it
//! has heard: of whom, and for which operation; and it asks again, neither too seldom nor too often. Group commit, mail to
//! oneself, operations in a line, rounds that operations share, reads of one phase when timestamps agree: all are allowed.

use super::{ABOVE, BACK, BUDGET, ENDS, KEEPS, LINEAR, MAJORITY, ONCE, SAVES, UNIQUE};
use crate::exercises::quorum_register::{
    ASK_AGAIN_AFTER, ASK_AGAIN_WITHIN, Held, Message, OpId, QuorumRegister, REPLICA_TAKES, Request, Response, Saved, Timestamp, Value,
};
use crate::rng::Rng;
use crate::rule::{Broken, Check, Coverage};
use crate::sim::{Cause, ClientId, Effect, Factory, Input, NodeId, Numbers, Seen, Setting, Spec, Storm, Ticket, storm};
use crate::suite::Storms;
use crate::time::{Time, millis};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What a timer that is a little late is forgiven.
const LATE: Duration = millis(5);
/// The same for those who ask again by a tick.
const TICK: Duration = millis(30);

pub(super) fn storms(factory: Factory<QuorumRegister>) -> Storms {
    Storms {
        rules: &[KEEPS, SAVES, MAJORITY, ABOVE, UNIQUE, BACK, LINEAR, ENDS, ONCE, BUDGET],
        must_meet: &[
            "storm crashes between two effects",
            "storm shadows",
            "storm: Stores acknowledged",
            "storm: timestamps chosen",
            "storm: writes that ended",
            "storm: reads that ended",
            "storm: answers to operations of an earlier life",
        ],
        count: 10_000,
        run: Box::new(move |seed, probe| storm::<QuorumRegister, Ghost>(factory, seed, probe)),
    }
}

/// A request that the node has taken in this life and not answered.
#[derive(Clone)]
struct Open {
    step: u64,
    since: Time,
    write: Option<Value>,
    /// Its timestamp, once a message or the disk showed it.
    at: Option<Timestamp>,
    /// What its own replica had saved when the request came.
    own: Held,
    /// What each replica has shown under numbers that are no older than the request.
    heard: BTreeMap<NodeId, Vec<Held>>,
    /// Whether it was alone from its beginning: then whatever is asked is asked for it.
    alone: bool,
    /// What it asks now, if it is alone: since when, what it stores, and under which number.
    phase: (Time, Option<Timestamp>, Option<OpId>),
    /// Who was asked that, and when last; and who has answered it.
    asked: BTreeMap<NodeId, Time>,
    answered: BTreeSet<NodeId>,
    /// Since when a majority has answered.
    ripe: Option<Time>,
}

/// An answer that the node owes as a replica.
#[derive(Clone)]
struct Owed {
    to: NodeId,
    id: OpId,
    /// What is to be stored; `None` for a Query.
    store: Option<Timestamp>,
    since: Time,
    step: u64,
}

/// The ghost of one node.
#[derive(Clone)]
pub(super) struct Ghost {
    me: NodeId,
    nodes: usize,
    /// All that was ever written, and in which step it reached this node first, if it did.
    writes: BTreeMap<Timestamp, (Value, Option<u64>)>,
    /// What a Store brought, and when: it may hold it before it has saved it.
    brought: Vec<(Held, Time)>,
    saved: Held,
    /// What it had saved when it started, and in which step that was.
    began_with: Held,
    began: u64,
    open: BTreeMap<Ticket, Open>,
    answered: BTreeMap<Ticket, u64>,
    owed: Vec<Owed>,
    /// What peers have asked it to store, in all its lives: of several under one number the oldest.
    told: BTreeMap<(NodeId, OpId), Timestamp>,
    /// The newest that each peer has acknowledged or shown.
    peers: Vec<Timestamp>,
    numbers: Numbers,
    /// What it has asked its peers, in all its lives, each thing once, and in which step; Stores with the oldest that they bore.
    queries: Vec<(NodeId, OpId, u64)>,
    stores: Vec<(NodeId, OpId, u64)>,
    stored: BTreeMap<(NodeId, OpId), Timestamp>,
    sent: BTreeSet<Timestamp>,
    /// How often it has asked the same peer the same thing, and since when.
    repeats: BTreeMap<(NodeId, OpId, bool), (u64, Time)>,
    /// When it asked anybody anything last.
    last_asked: Time,
    /// The timestamps that it chose in this life, and in which step.
    chosen: Vec<(Timestamp, u64)>,
    promised: bool,
    /// Which kinds of input this storm has, as bits.
    kinds: u64,
    /// How many operations are open at once, at most.
    most_open: usize,
    /// Once there were so many, all but one must end first: then nobody can hide behind the others.
    drains: bool,
    met: Met,
}

#[derive(Clone, Default)]
struct Met {
    stored: u64,
    chosen: u64,
    written: u64,
    reads: u64,
    late: u64,
}

fn text(held: Held) -> String {
    format!("{:?} = {}", held.at, held.value.0)
}

fn names(nodes: impl IntoIterator<Item = NodeId>) -> String {
    let names: Vec<String> = nodes.into_iter().map(|n| n.to_string()).collect();
    if names.is_empty() { "nobody".to_owned() } else { names.join(" and ") }
}

impl Ghost {
    fn new(me: NodeId, nodes: usize) -> Self {
        Ghost {
            me,
            nodes,
            writes: [(Held::INITIAL.at, (Held::INITIAL.value, Some(0)))].into(),
            brought: Vec::new(),
            saved: Held::INITIAL,
            began_with: Held::INITIAL,
            began: 0,
            open: BTreeMap::new(),
            answered: BTreeMap::new(),
            owed: Vec::new(),
            told: BTreeMap::new(),
            peers: vec![Held::INITIAL.at; nodes],
            numbers: Numbers::default(),
            queries: Vec::new(),
            stores: Vec::new(),
            stored: BTreeMap::new(),
            sent: BTreeSet::new(),
            repeats: BTreeMap::new(),
            last_asked: Time::ZERO,
            chosen: Vec::new(),
            promised: false,
            kinds: u64::MAX,
            most_open: 1,
            drains: false,
            met: Met::default(),
        }
    }

    fn majority(&self) -> usize {
        self.nodes / 2 + 1
    }

    /// A crash takes with it what is not on the disk.
    fn crashes(&mut self) {
        self.open.clear();
        self.owed.clear();
        self.brought.clear();
        self.chosen.clear();
        self.repeats.clear();
        self.began_with = self.saved;
    }

    fn sees(&mut self, held: Held, step: u64) {
        self.writes.entry(held.at).or_insert((held.value, None)).1.get_or_insert(step);
    }

    fn hears(&mut self, from: NodeId, message: &Message, seen: &Seen<'_, QuorumRegister>) {
        let (now, step) = (seen.now, seen.number);
        match message {
            Message::Query(id) => self.owed.push(Owed { to: from, id: *id, store: None, since: now, step }),
            Message::Store(id, held) => {
                self.sees(*held, step);
                self.brought.push((*held, now));
                let oldest = self.told.entry((from, *id)).or_insert(held.at);
                *oldest = held.at.min(*oldest);
                self.owed.push(Owed { to: from, id: *id, store: Some(held.at), since: now, step });
            }
            Message::Answer(id, held) => {
                self.sees(*held, step);
                self.peers[from.index()] = held.at.max(self.peers[from.index()]);
                let first = self.numbers.since(id.0);
                let majority = self.majority();
                for open in self.open.values_mut().filter(|open| first.is_some_and(|first| first >= open.step)) {
                    open.heard.entry(from).or_default().push(*held);
                    if open.phase.1.is_none() && open.phase.2 == Some(*id) {
                        open.answers(from, now, majority);
                    }
                }
            }
            Message::Stored(id) => {
                let Some(at) = self.stored.get(&(from, *id)).copied() else { return };
                self.peers[from.index()] = at.max(self.peers[from.index()]);
                let majority = self.majority();
                for open in self.open.values_mut().filter(|open| open.phase.1.is_some() && open.phase.2 == Some(*id)) {
                    open.answers(from, now, majority);
                }
            }
        }
    }

    fn takes(&mut self, ticket: Ticket, request: &Request, seen: &Seen<'_, QuorumRegister>) {
        let write = if let Request::Write(value) = request { Some(*value) } else { None };
        for open in self.open.values_mut() {
            open.alone = false;
        }
        let alone = self.open.is_empty();
        if alone {
            self.last_asked = seen.now;
        }
        let open = Open {
            step: seen.number,
            since: seen.now,
            write,
            at: None,
            own: self.saved,
            heard: BTreeMap::new(),
            alone,
            phase: (seen.now, None, None),
            asked: BTreeMap::new(),
            answered: BTreeSet::new(),
            ripe: (self.nodes == 1).then_some(seen.now),
        };
        self.open.insert(ticket, open);
    }

    /// It shows `held` to others or to its disk: something that has reached it, or a write of its own with a new timestamp.
    fn genuine(&mut self, held: Held, does: &str, seen: &Seen<'_, QuorumRegister>) -> Check {
        let (me, step) = (self.me, seen.number);
        match self.writes.get(&held.at) {
            Some((value, first)) if *value != held.value => {
                let seen = format!("{me} {does} {}, and {:?} is the timestamp of {}", text(held), held.at, value.0);
                Err(Broken::new(UNIQUE, seen).at(*first).at([step]))
            }
            Some((_, Some(_))) => Ok(()),
            _ => self.chooses(held, does, seen),
        }
    }

    /// It has chosen a timestamp: for which write, after which answers?
    fn chooses(&mut self, held: Held, does: &str, seen: &Seen<'_, QuorumRegister>) -> Check {
        let (me, step) = (self.me, seen.number);
        let of_it: Vec<Ticket> = self.open.iter().filter(|(_, o)| o.write == Some(held.value)).map(|(ticket, _)| *ticket).collect();
        let free: Vec<Ticket> = of_it.iter().copied().filter(|ticket| self.open[ticket].at.is_none()).collect();
        if held.at.writer != me || of_it.is_empty() {
            let why = if of_it.is_empty() { "which nobody had asked it to write" } else { "in another node's name" };
            return Err(Broken::new(UNIQUE, format!("{me} {does} {}, {why}", text(held))).at([step]));
        }
        if free.is_empty() {
            let first = self.open[&of_it[0]].at.unwrap_or(held.at);
            let seen =
                format!("{me} {does} {}, a write that has the timestamp {first:?} already: overwritten, it would come back", text(held));
            return Err(Broken::new(UNIQUE, seen).at([self.open[&of_it[0]].step, step]));
        }
        let mut check = Ok(());
        for ticket in free {
            check = self.is_above(&self.open[&ticket], held, step);
            if check.is_ok() {
                if let Some(open) = self.open.get_mut(&ticket) {
                    open.at = Some(held.at);
                }
                break;
            }
        }
        check?;
        self.writes.insert(held.at, (held.value, Some(step)));
        self.chosen.push((held.at, step));
        self.met.chosen += 1;
        Ok(())
    }

    /// What each replica showed at least, for this operation.
    fn shown(&self, open: &Open) -> BTreeMap<NodeId, Timestamp> {
        let mut shown: BTreeMap<NodeId, Timestamp> =
            open.heard.iter().filter_map(|(n, all)| Some((*n, all.iter().map(|h| h.at).min()?))).collect();
        shown.insert(self.me, open.own.at);
        shown
    }

    fn is_above(&self, open: &Open, held: Held, step: u64) -> Check {
        let (me, n) = (self.me, self.nodes);
        let shown = self.shown(open);
        if shown.len() < self.majority() {
            let who = names(shown.keys().copied());
            let seen = format!("{me} stores {}, and of {n} only {who} had answered its Query", text(held));
            return Err(Broken::new(MAJORITY, seen).at([open.step, step]));
        }
        let below = shown.values().filter(|at| **at < held.at).count();
        if below < self.majority() {
            let (who, newest) = shown.iter().max_by_key(|(_, at)| **at).map_or((me, held.at), |(n, at)| (*n, *at));
            let seen = format!("{me} stores {}, and {who} had shown it {newest:?} for that write, which is newer", text(held));
            return Err(Broken::new(ABOVE, seen).at([open.step, step]));
        }
        Ok(())
    }

    fn saves(&mut self, held: Held, seen: &Seen<'_, QuorumRegister>) -> Check {
        if held.at < self.saved.at {
            let text = format!("{} saved {} over {}, which is newer", self.me, text(held), text(self.saved));
            return Err(Broken::new(KEEPS, text).at([seen.number]));
        }
        self.genuine(held, "saved", seen)?;
        self.saved = held;
        Ok(())
    }

    fn sends(&mut self, to: NodeId, message: &Message, seen: &Seen<'_, QuorumRegister>) -> Check {
        let (me, step) = (self.me, seen.number);
        match message {
            Message::Query(id) => self.asks(to, *id, None, seen),
            Message::Store(id, held) => {
                self.genuine(*held, "sent a Store of", seen)?;
                self.asks(to, *id, Some(held.at), seen)
            }
            Message::Stored(id) => {
                let why = match self.told.get(&(to, *id)) {
                    Some(at) if *at <= self.saved.at => {
                        let (at, saved) = (*at, self.saved.at);
                        self.met.stored += 1;
                        self.promised = true;
                        self.owed.retain(|o| !(o.to == to && o.id == *id && o.store.is_some_and(|of| of <= at.max(saved))));
                        return Ok(());
                    }
                    Some(at) => {
                        let seen =
                            format!("{me} told {to} that it had saved {at:?}, and what it had saved by then was {}", text(self.saved));
                        // Of the same number, it was not taken for newer.
                        let tie = at.number == self.saved.at.number && self.saved != Held::INITIAL;
                        return Err(Broken::new(if tie { KEEPS } else { SAVES }, seen).at([step]));
                    }
                    None => format!("{me} acknowledged a Store {id:?} to {to} that had never reached it"),
                };
                Err(Broken::new(SAVES, why).at([step]))
            }
            Message::Answer(id, held) => {
                if held.at < self.saved.at {
                    let had = format!("answered {to}'s Query with {}, and had saved {}, which is newer", text(*held), text(self.saved));
                    return Err(if held.at < self.began_with.at {
                        Broken::new(SAVES, format!("{me} {had}, before its last restart")).at([self.began, step])
                    } else {
                        Broken::new(KEEPS, format!("{me} {had}")).at([step])
                    });
                }
                self.genuine(*held, "showed", seen)?;
                self.owed.retain(|o| !(o.to == to && o.id == *id && o.store.is_none()));
                Ok(())
            }
        }
    }

    /// It asks: under a number that no earlier operation had, and not too often.
    fn asks(&mut self, to: NodeId, id: OpId, store: Option<Timestamp>, seen: &Seen<'_, QuorumRegister>) -> Check {
        let (me, step, now) = (self.me, seen.number, seen.now);
        let oldest = match seen.request() {
            Some(_) => self.open.values().map(|open| open.step).min().unwrap_or(step),
            None => self.began,
        };
        if let Some(first) = self.numbers.uses(id.0, step, now, oldest.max(self.began)) {
            let when = if first < self.began { "before its crash" } else { "for an earlier operation" };
            let text = format!("{me} asks under {id:?}, under which it had asked {when}: a late answer to that would count for this");
            return Err(Broken::new(MAJORITY, text).at([first, step]));
        }
        if to == me {
            return Ok(());
        }
        self.promised = true;
        self.last_asked = now;
        let (times, since) = self.repeats.entry((to, id, store.is_some())).or_insert((0, now));
        *times += 1;
        if *times == 1 {
            (if store.is_some() { &mut self.stores } else { &mut self.queries }).push((to, id, step));
        }
        if let Some(at) = store {
            let oldest = self.stored.entry((to, id)).or_insert(at);
            *oldest = at.min(*oldest);
            self.sent.insert(at);
        }
        let span = now.since(*since);
        if *times > 3 + (span.as_micros() / ASK_AGAIN_AFTER.as_micros()) as u64 {
            let what = if store.is_some() { "Store" } else { "Query" };
            let text = format!("{me} has sent {to} the {what} {id:?} {times} times within {} ms, and may once in 20 ms", span.as_millis());
            return Err(Broken::new(BUDGET, text).at([step]));
        }
        for open in self.open.values_mut() {
            if open.phase.1 < store || (open.phase.1 == store && open.phase.2 != Some(id)) {
                open.phase = (now, store, Some(id));
                open.asked.clear();
                open.answered.clear();
                open.ripe = None;
            }
            if open.phase.1 == store {
                open.asked.insert(to, now);
            }
        }
        Ok(())
    }

    fn replies(&mut self, ticket: Ticket, response: &Response, seen: &Seen<'_, QuorumRegister>) -> Check {
        let (me, step) = (self.me, seen.number);
        let Some(mut open) = self.open.remove(&ticket) else {
            return match self.answered.get(&ticket) {
                Some(first) => {
                    Err(Broken::new(ONCE, format!("{me} answered request {ticket:?} a second time, with {response:?}")).at([*first, step]))
                }
                None => Ok(()),
            };
        };
        self.answered.insert(ticket, step);
        self.last_asked = seen.now;
        match (open.write, response) {
            (Some(value), Response::Written) => {
                self.settles(&mut open);
                self.is_written(&open, value, step)
            }
            (None, Response::Read(value)) => self.is_newest(&open, *value, step),
            (Some(value), _) => Err(Broken::new(ONCE, format!("{me} answered a write of {} with {response:?}", value.0)).at([step])),
            (None, _) => Err(Broken::new(ONCE, format!("{me} answered a read with {response:?}")).at([step])),
        }
    }

    /// Who has `at` or something newer, as far as the node can know.
    fn holders(&self, at: Timestamp) -> Vec<NodeId> {
        let has = |i: &usize| if *i == self.me.index() { self.saved.at >= at } else { self.peers[*i] >= at };
        (0..self.nodes).filter(has).map(NodeId::from_index).collect()
    }

    /// Of writes of the same value nobody knows which has which timestamp: this one has the oldest that a majority has.
    fn settles(&mut self, open: &mut Open) {
        let done = |at: &Option<Timestamp>| at.is_some_and(|at| self.holders(at).len() >= self.majority());
        if done(&open.at) {
            return;
        }
        let twins = self.open.iter().filter(|(_, other)| other.write == open.write && done(&other.at));
        if let Some(ticket) = twins.min_by_key(|(_, other)| other.at).map(|(ticket, _)| *ticket)
            && let Some(twin) = self.open.get_mut(&ticket)
        {
            std::mem::swap(&mut open.at, &mut twin.at);
        }
    }

    fn is_written(&mut self, open: &Open, value: Value, step: u64) -> Check {
        self.met.written += 1;
        // Several may be stored at once, as the newest of them: then the others have no timestamp that anybody saw.
        let at = open.at.or_else(|| self.chosen.iter().filter(|(_, when)| *when >= open.step).map(|(at, _)| *at).min());
        let by = at.map(|at| self.holders(at)).unwrap_or_default();
        if by.len() < self.majority() {
            let stamp = at.map_or_else(|| "not stored under any timestamp".to_owned(), |at| format!("{at:?}"));
            let seen = format!(
                "{} answered Written to the write of {} ({stamp}), and as far as it could know that was saved by {}: no majority of {}",
                self.me,
                value.0,
                names(by),
                self.nodes
            );
            return Err(Broken::new(MAJORITY, seen).at([open.step, step]));
        }
        self.promised = true;
        Ok(())
    }

    fn is_newest(&mut self, open: &Open, value: Value, step: u64) -> Check {
        let (me, n) = (self.me, self.nodes);
        self.met.reads += 1;
        let shown = self.shown(open);
        let who = || names(shown.keys().copied());
        if shown.len() < self.majority() {
            let seen = format!("{me} answered a read with {}, and of {n} only {} had answered a Query for it", value.0, who());
            return Err(Broken::new(MAJORITY, seen).at([open.step, step]));
        }
        // Its own replica may hold what it has not saved yet.
        let lately = self.brought.iter().filter(|(_, at)| *at + REPLICA_TAKES + LATE >= open.since).map(|(held, _)| *held);
        let own = self.chosen.iter().filter_map(|(at, _)| Some(Held { at: *at, value: self.writes.get(at)?.0 }));
        let all: BTreeSet<Timestamp> = open
            .heard
            .values()
            .flatten()
            .copied()
            .chain([open.own, self.saved])
            .chain(lately)
            .chain(own)
            .filter(|held| held.value == value)
            .map(|held| held.at)
            .collect();
        let fresh = |at: &Timestamp| shown.values().filter(|of| *of <= at).count() >= self.majority();
        let known = |at: &Timestamp| self.holders(*at).len() >= self.majority();
        if all.iter().any(|at| fresh(at) && known(at)) {
            return Ok(());
        }
        let broken = |rule, seen: String| Err(Broken::new(rule, seen).at([open.step, step]));
        match (all.last(), all.iter().rev().find(|at| fresh(at))) {
            (None, _) => {
                broken(LINEAR, format!("{me} answered a read with {}, which none of {} had shown it for this read", value.0, who()))
            }
            (Some(_), Some(at)) => broken(
                BACK,
                format!(
                    "{me} answered a read with {} ({at:?}), and as far as it could know that was saved by {}: no majority of {n}",
                    value.0,
                    names(self.holders(*at))
                ),
            ),
            (Some(at), None) => {
                let (newer, of) = shown.iter().max_by_key(|(_, of)| **of).map_or((me, *at), |(n, of)| (*n, *of));
                broken(
                    LINEAR,
                    format!("{me} answered a read with {} ({at:?}), although {newer} had shown it {of:?} for this read", value.0),
                )
            }
        }
    }

    /// What an operation that is alone owes: it goes on when a majority has answered, and asks those again that have not.
    fn goes_on(&self, open: &Open, now: Time) -> Check {
        let me = self.me;
        let what = open.write.map_or_else(|| "a read".to_owned(), |value| format!("a write of {}", value.0));
        let phase = if open.phase.1.is_some() { "Store" } else { "Query" };
        if open.ripe.is_some_and(|ripe| now > ripe + REPLICA_TAKES + TICK) {
            let by = names(open.answered.iter().copied().chain([me]));
            let seen =
                format!("{me} was asked for {what}; its {phase} was answered by {by}, a majority of {}; and it does not go on", self.nodes);
            return Err(Broken::new(ENDS, seen).at([open.step]).unanswered());
        }
        let waits = |peer: &NodeId| {
            *peer != me && !open.answered.contains(peer) && {
                let last = open.asked.get(peer).copied().unwrap_or(open.phase.0);
                now > last + ASK_AGAIN_WITHIN + TICK
            }
        };
        if open.ripe.is_none()
            && let Some(peer) = (0..self.nodes).map(NodeId::from_index).find(waits)
        {
            let seen =
                format!("{me} was asked for {what}, and its {phase} was not answered by {peer}, whom it has not asked again for 300 ms");
            return Err(Broken::new(ENDS, seen).at([open.step]).unanswered());
        }
        Ok(())
    }
}

impl Open {
    /// A peer has answered what is asked now.
    fn answers(&mut self, from: NodeId, now: Time, majority: usize) {
        if self.asked.contains_key(&from) && self.answered.insert(from) && self.answered.len() + 1 >= majority {
            self.ripe.get_or_insert(now);
        }
    }
}

impl Spec<QuorumRegister> for Ghost {
    fn step(&mut self, seen: &Seen<'_, QuorumRegister>) -> Check {
        self.promised = false;
        match seen.cause {
            Cause::Start { .. } => {
                self.crashes();
                (self.began, self.last_asked) = (seen.number, seen.now);
            }
            Cause::Message { from, message, .. } => self.hears(from, message, seen),
            Cause::Request { ticket, request } => self.takes(ticket, request, seen),
            _ => {}
        }
        for effect in seen.effects {
            match effect {
                Effect::Save(Saved { held, .. }) => self.saves(*held, seen)?,
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
        let me = self.me;
        if let Some(owed) = self.owed.iter().find(|o| now > o.since + REPLICA_TAKES + LATE) {
            let (to, id) = (owed.to, owed.id);
            let seen = match owed.store {
                Some(at) => format!("{to} sent {me} a Store {id:?} of {at:?}, and {me} did not answer Stored({id:?}) within 20 ms"),
                None => format!("{to} sent {me} Query({id:?}), and {me} did not answer it within 20 ms"),
            };
            return Err(Broken::new(ENDS, seen).at([owed.step]));
        }
        if let Some(open) = self.open.values().find(|open| open.alone) {
            self.goes_on(open, now)?;
        }
        let Some((ticket, open)) = self.open.iter().next() else { return Ok(()) };
        if now > self.last_asked.max(open.since) + ASK_AGAIN_WITHIN + TICK {
            let seen = format!("{me} has not answered request {ticket:?}, and has asked nobody anything for 300 ms");
            return Err(Broken::new(ENDS, seen).at([open.step]).unanswered());
        }
        Ok(())
    }
}

/// What comes in, as bits of a storm's kinds.
const KINDS: u64 = 6;
/// Numbers stay below this, so that there is always a next one.
const NUMBERS: u64 = 1 << 62;

impl Ghost {
    fn peer(&self, rng: &mut Rng) -> Option<NodeId> {
        let others: Vec<NodeId> = (0..self.nodes).map(NodeId::from_index).filter(|n| *n != self.me).collect();
        rng.pick(&others).copied()
    }

    fn value(&self, rng: &mut Rng) -> Value {
        Value(match rng.below(6) {
            0 => 0,
            1 => rng.below(4),
            2 | 3 => rng.near(self.saved.value.0),
            _ => rng.wild(),
        })
    }

    /// What a peer could have written: near what is there, and wild.
    fn write(&mut self, rng: &mut Rng) -> Option<Held> {
        let number = match rng.below(6) {
            0..=3 => rng.near(self.saved.at.number),
            4 => rng.wild(),
            _ => rng.below(5),
        };
        let at = Timestamp { number: (number % NUMBERS).max(1), writer: self.peer(rng)? };
        let value = self.value(rng);
        Some(Held { at, value: self.writes.entry(at).or_insert((value, None)).0 })
    }

    /// Something that is at least as new, and that a peer can have.
    fn any(&mut self, rng: &mut Rng, at_least: Timestamp) -> Option<Held> {
        if rng.chance(300_000)
            && let Some(held) = self.write(rng).filter(|held| held.at >= at_least)
        {
            return Some(held);
        }
        let can = |at: &Timestamp| at.writer != self.me || *at == Held::INITIAL.at || self.sent.contains(at);
        let known = self.writes.range(at_least..).filter(|(at, _)| can(at)).map(|(at, (value, _))| Held { at: *at, value: *value });
        let known: Vec<Held> = known.collect();
        if rng.chance(500_000) { known.first().copied() } else { rng.pick(&known).copied() }
    }

    /// One of the last few questions of a kind, or any.
    fn question(&mut self, rng: &mut Rng, store: bool) -> Option<(NodeId, OpId)> {
        let of_kind = if store { &self.stores } else { &self.queries };
        let n = of_kind.len() as u64;
        if n == 0 {
            return None;
        }
        let back = if rng.chance(850_000) { rng.below(n.min((2 * self.nodes * self.open.len().max(1)) as u64)) } else { rng.below(n) };
        let (peer, id, step) = of_kind[(n - 1 - back) as usize];
        self.met.late += u64::from(step < self.began);
        Some((peer, id))
    }
}

impl Storm<QuorumRegister> for Ghost {
    fn setting(rng: &mut Rng) -> (Self, Setting<QuorumRegister>) {
        let nodes = [1, 2, 2, 3, 3, 3, 4, 5][rng.below(8) as usize];
        let me = NodeId::from_index(rng.below(nodes as u64) as usize);
        let waits: [&'static [u64]; 3] = [&[1, 5, 20, 60], &[2, 20, 60, 60, 200], &[2, 100, 700]];
        let most_open = [1, 1, 2, 2, 4, 12][rng.below(6) as usize];
        let setting = Setting {
            waits_ms: waits[rng.below(3) as usize],
            // Who gives up does so late, and a second answer may come late.
            rest_ms: if most_open <= 2 && rng.chance(30_000) { 20_000 } else { 500 },
            // Numbers may be times: those of a true clock are large.
            clock_ahead_us: 2_000_000_000 + rng.below(1 << 40),
            ..Setting::new(nodes, me, ())
        };
        let kinds = if rng.chance(500_000) { u64::MAX } else { 1 + rng.below((1 << KINDS) - 1) };
        (Ghost { kinds, most_open, ..Ghost::new(me, nodes) }, setting)
    }

    fn input(&mut self, rng: &mut Rng) -> Option<Input<QuorumRegister>> {
        self.drains = self.open.len() >= self.most_open.max(2) || self.drains && self.open.len() > 1;
        let kind = loop {
            let kind = rng.below(KINDS);
            if self.kinds >> kind & 1 == 1 {
                break kind;
            }
        };
        let foreign = |rng: &mut Rng, queries: &[(NodeId, OpId, u64)]| match queries.last() {
            Some((_, id, _)) if rng.chance(300_000) => OpId(rng.near(id.0)),
            _ => OpId(rng.wild()),
        };
        let client = ClientId::from_index(rng.below(3) as usize);
        let (from, message) = match kind {
            0 => (self.peer(rng)?, Message::Query(foreign(rng, &self.queries))),
            1 => {
                let (peer, id) = (self.peer(rng)?, foreign(rng, &self.queries));
                let held = if rng.chance(800_000) { self.write(rng)? } else { self.any(rng, Held::INITIAL.at)? };
                // A number is one operation's.
                if self.told.get(&(peer, id)).is_some_and(|at| *at != held.at) {
                    return None;
                }
                (peer, Message::Store(id, held))
            }
            2 => {
                let (peer, id) = self.question(rng, false)?;
                (peer, Message::Answer(id, self.any(rng, self.peers[peer.index()])?))
            }
            3 => {
                let (peer, id) = self.question(rng, true)?;
                (peer, Message::Stored(id))
            }
            _ if self.drains || self.open.len() >= self.most_open => return None,
            4 => return Some(Input::Request(client, Request::Write(self.value(rng)))),
            _ => return Some(Input::Request(client, Request::Read)),
        };
        Some(Input::Message(from, message))
    }

    fn promised(&self) -> bool {
        self.promised
    }

    /// What does it hold, under which number does it ask now, and which timestamp does it choose?
    fn betray(&mut self, rng: &mut Rng) -> Option<Input<QuorumRegister>> {
        let request = if rng.chance(500_000) { Request::Read } else { Request::Write(Value(rng.wild())) };
        match self.peer(rng) {
            Some(peer) if rng.chance(500_000) => Some(Input::Message(peer, Message::Query(OpId(rng.wild())))),
            _ => Some(Input::Request(ClientId::from_index(0), request)),
        }
    }

    fn tally(&self, coverage: &mut Coverage) {
        coverage.add("storm: Stores acknowledged", self.met.stored);
        coverage.add("storm: timestamps chosen", self.met.chosen);
        coverage.add("storm: writes that ended", self.met.written);
        coverage.add("storm: reads that ended", self.met.reads);
        coverage.add("storm: answers to operations of an earlier life", self.met.late);
    }
}
