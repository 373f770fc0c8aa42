//! What one node may do: the ghost of `quorum_register`, and what its peers and clients could say in a storm.
//!
//! As a replica it owes an answer within 20 ms, and shows no less than it has saved. As a coordinator it is held to what it
//! has heard: of whom, and for which operation; and it asks again, neither too seldom nor too often. Group commit, mail to
//! oneself, operations in a line, rounds that operations share, reads of one phase when timestamps agree: all are allowed.

mod answers;
mod inputs;

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
/// How long a request that others have overtaken may go without anybody being asked again: at the end of its first phase and at
/// the beginning of its second one, and what it may take from the one to the other.
const NEGLECTED: Duration = millis(750);

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
    /// Whether one of its kind that was asked later has been answered: so it shares nothing with that, and waits in no line.
    overtaken: bool,
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
    /// What it has saved since there was nothing open, and in which step: a read may have found its own replica with any of that.
    found: Vec<(Held, u64)>,
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
    /// When it asked anybody anything last, and when the same thing once more.
    last_asked: Time,
    last_again: Time,
    /// The timestamps that it chose in this life, and in which step.
    chosen: Vec<(Timestamp, u64)>,
    promised: bool,
    /// Which kinds of input this storm has, as bits.
    kinds: u64,
    /// How many operations are open at once, at most.
    most_open: usize,
    /// Once there were so many, all but one must end first: then nobody can hide behind the others.
    drains: bool,
    /// Nobody answers what is asked for the request that waits longest.
    neglects: bool,
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
            found: Vec::new(),
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
            last_again: Time::ZERO,
            chosen: Vec::new(),
            promised: false,
            kinds: u64::MAX,
            most_open: 1,
            drains: false,
            neglects: false,
            met: Met::default(),
        }
    }

    fn majority(&self) -> usize {
        self.nodes / 2 + 1
    }

    /// A crash takes with it what is not on the disk.
    fn crashes(&mut self) {
        self.open.clear();
        self.found.clear();
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
            overtaken: false,
        };
        self.open.insert(ticket, open);
    }

    /// It shows `held` to others or to its disk: something that has reached it, or a write of its own with a new timestamp.
    fn genuine(&mut self, held: Held, does: &str, seen: &Seen<'_, QuorumRegister>) -> Check {
        let (me, step) = (self.me, seen.number);
        match self.writes.get(&held.at) {
            Some((value, first)) if *value != held.value => {
                let seen = format!("{me} {does} {}, but {:?} is already the timestamp of {}", text(held), held.at, value.0);
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
            let seen = format!(
                "{me} {does} {}, a write that already has the timestamp {first:?}: once overwritten, it would come back",
                text(held)
            );
            return Err(Broken::new(UNIQUE, seen).at([self.open[&of_it[0]].step, step]));
        }
        // Of two writes of one value it may be either: that of which more is asked, so that the other one can have what is lower.
        let (may, why_not): (Vec<_>, Vec<_>) =
            free.iter().map(|ticket| (*ticket, self.is_above(&self.open[ticket], held, step))).partition(|(_, check)| check.is_ok());
        let asks_most = may.iter().map(|(ticket, _)| *ticket).max_by_key(|ticket| self.least(&self.open[ticket]));
        let Some(open) = asks_most.and_then(|ticket| self.open.get_mut(&ticket)) else {
            return why_not.into_iter().next_back().map_or(Ok(()), |(_, check)| check);
        };
        open.at = Some(held.at);
        self.writes.insert(held.at, (held.value, Some(step)));
        self.chosen.push((held.at, step));
        self.met.chosen += 1;
        Ok(())
    }

    fn is_above(&self, open: &Open, held: Held, step: u64) -> Check {
        let (me, n) = (self.me, self.nodes);
        let shown = self.shown(open);
        if shown.len() < self.majority() {
            let who = names(shown.keys().copied());
            let seen = format!("{me} stores {}, but of {n} nodes only {who} had answered its Query", text(held));
            return Err(Broken::new(MAJORITY, seen).at([open.step, step]));
        }
        let below = shown.values().filter(|at| **at < held.at).count();
        if below < self.majority() {
            let (who, newest) = shown.iter().max_by_key(|(_, at)| **at).map_or((me, held.at), |(n, at)| (*n, *at));
            let seen = format!("{me} stores {}, but {who} had shown it {newest:?} for that write, which is newer", text(held));
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
        self.found.extend((!self.open.is_empty()).then_some((held, seen.number)));
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
                        let seen = format!("{me} told {to} that it had saved {at:?}, but by then it had saved only {}", text(self.saved));
                        // Of the same number, it was not taken for newer.
                        let tie = at.number == self.saved.at.number && self.saved != Held::INITIAL;
                        return Err(Broken::new(if tie { KEEPS } else { SAVES }, seen).at([step]));
                    }
                    None => format!("{me} acknowledged to {to} a Store {id:?} that had never reached it"),
                };
                Err(Broken::new(SAVES, why).at([step]))
            }
            Message::Answer(id, held) => {
                if held.at < self.saved.at {
                    let had = format!("answered {to}'s Query with {}, but had saved {}, which is newer", text(*held), text(self.saved));
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
        if *times > 1 {
            self.last_again = now;
        } else {
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
            let text =
                format!("{me} has sent {to} the {what} {id:?} {times} times within {} ms; once per 20 ms is allowed", span.as_millis());
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
                Some(at) => format!("{to} sent {me} a Store {id:?} of {at:?}, but {me} did not answer Stored({id:?}) within 20 ms"),
                None => format!("{to} sent {me} Query({id:?}), but {me} did not answer it within 20 ms"),
            };
            return Err(Broken::new(ENDS, seen).at([owed.step]));
        }
        if let Some(open) = self.open.values().find(|open| open.alone) {
            self.goes_on(open, now)?;
        }
        let Some((ticket, open)) = self.open.iter().min_by_key(|(_, open)| open.step) else { return Ok(()) };
        if open.overtaken && self.nodes > 1 && now > self.last_again.max(open.since) + NEGLECTED {
            let seen = format!(
                "{me} has answered a later request, but not request {ticket:?}, and has asked nobody the same thing again for {} ms",
                NEGLECTED.as_millis()
            );
            return Err(Broken::new(ENDS, seen).at([open.step]).unanswered());
        }
        if now > self.last_asked.max(open.since) + ASK_AGAIN_WITHIN + TICK {
            let seen = format!("{me} has not answered request {ticket:?}, and has asked nobody anything for 300 ms");
            return Err(Broken::new(ENDS, seen).at([open.step]).unanswered());
        }
        Ok(())
    }
}
