//! The ghost of the store: which flushes reached it, which it acknowledged; and so the least and the most that it may show.
//!
//! A store may remember one mark for each server or every flush, save each or several together, count what was not
//! acknowledged before a crash or not; and what it says of a life of a server that it knows to be over binds it to nothing.

use super::super::{ADDS_UP, NO_MORE, NUMBERS, ONCE, SAFE};
use super::{ANSWER_MS, GRACE_MS, name};
use crate::exercises::view_counter::{FlushId, Message, Request, Response, ViewCounter};
use crate::rule::{Broken, Check};
use crate::sim::{Cause, Effect, NodeId, Seen, Ticket};
use crate::time::{Time, millis};
use crate::words::counted;
use std::collections::{BTreeMap, BTreeSet};

/// Of so many flushes that may or may not count every sum is tried.
const OPEN_MAX: usize = 10;

/// A flush that reached the store.
#[derive(Clone)]
pub struct Flush {
    pub views: u64,
    pub acknowledged: bool,
    /// It was acknowledged while the server's life was not known to be over: it counts for ever.
    pub safe: bool,
    /// How often the store had restarted when it arrived last.
    restarts: u64,
}

#[derive(Clone, Copy)]
struct Asked {
    at: Time,
    step: u64,
    again: bool,
}

#[derive(Clone)]
pub struct Store {
    me: NodeId,
    pub flushes: BTreeMap<(NodeId, FlushId), Flush>,
    /// Those that are not safe, with their views.
    open: BTreeMap<(NodeId, FlushId), u64>,
    /// The newest life of each server of which it has heard.
    heard: BTreeMap<NodeId, u64>,
    /// What the disk that it was given had counted, and the last flush of each server there; who has sent it something last.
    found: u64,
    past: BTreeMap<NodeId, FlushId>,
    from: Option<NodeId>,
    /// Views of the flushes that reached it, each once, with those; of those that are safe; of those that reached it again.
    arrived: u64,
    safe: u64,
    again: u64,
    /// Views that were safe when it restarted last.
    safe_before: u64,
    /// What it has not acknowledged yet, and not answered.
    asked: BTreeMap<(NodeId, FlushId), Asked>,
    reads: BTreeMap<Ticket, (Time, u64)>,
    answered: BTreeSet<Ticket>,
    pub read: u64,
    pub shown: u64,
    /// The flush that it acknowledged in the last step.
    pub promised: Option<(NodeId, FlushId)>,
    /// And the last before that.
    pub last: Option<(NodeId, FlushId)>,
    /// Whether what has just arrived had arrived before the store's last crash, and not since.
    after_crash: bool,
    pub repeats: u64,
    pub restarts: u64,
    pub restarts_with_views: u64,
}

impl Store {
    pub fn new(me: NodeId) -> Self {
        Store {
            me,
            flushes: BTreeMap::new(),
            open: BTreeMap::new(),
            heard: BTreeMap::new(),
            found: 0,
            past: BTreeMap::new(),
            from: None,
            arrived: 0,
            safe: 0,
            again: 0,
            safe_before: 0,
            asked: BTreeMap::new(),
            reads: BTreeMap::new(),
            answered: BTreeSet::new(),
            read: 0,
            shown: 0,
            promised: None,
            last: None,
            after_crash: false,
            repeats: 0,
            restarts: 0,
            restarts_with_views: 0,
        }
    }

    /// One with the disk of a store that is years old: so many views, and the last flush of each server, which it has acknowledged.
    pub fn with_a_past(me: NodeId, total: u64, last: impl Iterator<Item = (NodeId, FlushId, u64)>) -> Self {
        let mut store = Store { found: total, arrived: total, safe: total, safe_before: total, ..Store::new(me) };
        for (server, id, views) in last {
            store.heard.insert(server, id.incarnation);
            store.past.insert(server, id);
            store.flushes.insert((server, id), Flush { views, acknowledged: true, safe: true, restarts: 0 });
            store.last = Some((server, id));
        }
        store
    }

    pub fn step(&mut self, seen: &Seen<'_, ViewCounter>) -> Check {
        self.promised = None;
        self.after_crash = false;
        match seen.cause {
            Cause::Start { again } => self.starts(again),
            Cause::Message { from, message: Message::Flush { id, views }, .. } => self.takes(from, *id, *views, seen),
            Cause::Request { ticket, request: Request::Read } => drop(self.reads.insert(ticket, (seen.now, seen.number))),
            _ => {}
        }
        for effect in seen.effects {
            match effect {
                Effect::Send { to, message: Message::Flushed { id } } if *to != self.me => self.acknowledges(*to, *id, seen.number)?,
                Effect::Reply { ticket, response: Response::Views(n) } => {
                    if self.reads.remove(ticket).is_none() && !self.answered.insert(*ticket) {
                        let text = format!("the store, {}, answered a read twice, the second time with {n}", self.me);
                        return Err(Broken::new(ADDS_UP, text).at([seen.number]));
                    }
                    self.answered.insert(*ticket);
                    self.read += 1;
                    self.shows(*n, "answered a read with", seen.number)?;
                }
                _ => {}
            }
        }
        if let Some(shown) = seen.view {
            self.shows(*shown, "shows", seen.number)?;
            self.shown = *shown;
        }
        Ok(())
    }

    fn starts(&mut self, again: bool) {
        self.restarts += u64::from(again);
        self.restarts_with_views += u64::from(again && self.safe > 0);
        self.safe_before = self.safe;
        self.asked.clear();
        self.reads.clear();
    }

    fn takes(&mut self, from: NodeId, id: FlushId, views: u64, seen: &Seen<'_, ViewCounter>) {
        self.from = Some(from);
        let restarts = self.restarts;
        let again = match self.flushes.get_mut(&(from, id)) {
            Some(flush) => {
                self.after_crash = std::mem::replace(&mut flush.restarts, restarts) != restarts;
                self.again = self.again.saturating_add(views);
                self.repeats += 1;
                true
            }
            None => {
                self.arrived = self.arrived.saturating_add(views);
                self.flushes.insert((from, id), Flush { views, acknowledged: false, safe: false, restarts });
                self.open.insert((from, id), views);
                false
            }
        };
        let heard = self.heard.entry(from).or_default();
        *heard = (*heard).max(id.incarnation);
        let newest = *heard;
        if id.incarnation >= newest {
            // Nobody listens any more to what is said about an earlier life.
            self.asked.retain(|(server, id), _| *server != from || id.incarnation >= newest);
            self.asked.entry((from, id)).or_insert(Asked { at: seen.now, step: seen.number, again });
        }
    }

    fn acknowledges(&mut self, to: NodeId, id: FlushId, step: u64) -> Check {
        let Some(flush) = self.flushes.get_mut(&(to, id)) else {
            let owed = self.asked.iter().rev().find(|((server, _), _)| *server == to).map(|((_, id), _)| *id);
            let (rule, instead) = match owed {
                Some(owed) if owed.incarnation == id.incarnation => (ADDS_UP, format!("; the one that had: {}", name(owed))),
                Some(owed) => (NUMBERS, format!("; the one that had: {}", name(owed))),
                None => (SAFE, String::new()),
            };
            let text = format!("the store, {}, acknowledged to {to} a flush that had not reached it: {}{instead}", self.me, name(id));
            return Err(Broken::new(rule, text).at([step]));
        };
        self.asked.remove(&(to, id));
        (self.promised, self.last) = (Some((to, id)), Some((to, id)));
        flush.acknowledged = true;
        if !flush.safe && self.heard.get(&to).is_none_or(|heard| id.incarnation >= *heard) {
            flush.safe = true;
            self.safe += flush.views;
            self.open.remove(&(to, id));
        }
        Ok(())
    }

    /// Whether some of the flushes that may count add up to `rest`.
    fn adds_up_to(&self, rest: u64) -> bool {
        let open: Vec<u64> = self.open.values().copied().filter(|views| *views > 0).collect();
        open.len() > OPEN_MAX
            || (0..1_u32 << open.len()).any(|of| (0..open.len()).filter(|i| of >> i & 1 == 1).map(|i| open[i]).sum::<u64>() == rest)
    }

    /// Whether its number, but for its incarnation, would be an old one.
    fn looks_like_a_repeat(&self, of: NodeId, id: FlushId) -> bool {
        let before = self.flushes.range((of, FlushId { incarnation: 0, number: 0 })..(of, FlushId { number: 0, ..id }));
        before.last().is_some_and(|((_, last), _)| last.incarnation < id.incarnation && last.number >= id.number)
    }

    /// The rule that a second count breaks.
    fn twice(&self) -> &'static str {
        if self.after_crash { SAFE } else { ONCE }
    }

    /// What it had counted when it started first.
    fn of_the_past(&self) -> String {
        let Some(id) = self.from.and_then(|from| self.past.get(&from)) else { return String::new() };
        format!(" with the {} that were on its disk at the start, where the last flush of this server was {}", self.found, name(*id))
    }

    fn shows(&self, shown: u64, what: &str, step: u64) -> Check {
        let store = self.me;
        if shown > self.arrived {
            let rule = if shown - self.arrived <= self.again { self.twice() } else { NO_MORE };
            let seen = format!(
                "the store, {store}, {what} {shown}, but all different flushes that reached it hold {} together{} ({} reached it again{})",
                counted(self.arrived, "view"),
                self.of_the_past(),
                counted(self.repeats, "flush"),
                if self.after_crash { ", the last of them for the first time after a crash" } else { "" }
            );
            return Err(Broken::new(rule, seen).at([step]));
        }
        if shown < self.safe {
            // What it showed before its crash and does not show after it did not survive; what it lost before or since is no crash's doing.
            let (rule, since) = match self.last.filter(|_| shown >= self.safe_before) {
                None => (SAFE, ", and it has crashed since".to_owned()),
                Some((of, id)) if self.looks_like_a_repeat(of, id) => {
                    (NUMBERS, format!("; the last of them was of a new life of {of}: {}", name(id)))
                }
                Some(_) => (ADDS_UP, String::new()),
            };
            let seen = format!(
                "the store, {store}, {what} {shown}, but the flushes that it had acknowledged hold {} together{}{since}",
                counted(self.safe, "view"),
                self.of_the_past()
            );
            return Err(Broken::new(rule, seen).at([step]));
        }
        if shown == self.safe || shown == self.arrived || self.adds_up_to(shown - self.safe) {
            return Ok(());
        }
        let seen = format!(
            "the store, {store}, {what} {shown}; the flushes that it acknowledged hold {} together{}, and no other flushes that reached it make up the rest ({} reached it again)",
            counted(self.safe, "view"),
            self.of_the_past(),
            counted(self.repeats, "flush")
        );
        Err(Broken::new(if self.repeats > 0 { self.twice() } else { ADDS_UP }, seen).at([step]))
    }

    pub fn time(&mut self, now: Time) -> Check {
        let late = |at: Time| now > at + millis(ANSWER_MS + GRACE_MS);
        if let Some(((from, id), asked)) = self.asked.iter().find(|(_, asked)| late(asked.at)) {
            let again = if asked.again { " again" } else { "" };
            let text = format!(
                "{from}'s flush, {}, reached the store, {},{again} at {}, and by {now}, more than {ANSWER_MS} ms later, it was not acknowledged",
                name(*id),
                self.me,
                asked.at
            );
            let rule = match asked.again {
                true => ONCE,
                false if self.looks_like_a_repeat(*from, *id) => NUMBERS,
                false => ADDS_UP,
            };
            return Err(Broken::new(rule, text).at([asked.step]).stuck());
        }
        if let Some((at, step)) = self.reads.values().find(|(at, _)| late(*at)) {
            let text = format!("the store, {}, took a read at {at}, but did not answer it within {ANSWER_MS} ms", self.me);
            return Err(Broken::new(ADDS_UP, text).at([*step]).unanswered());
        }
        Ok(())
    }
}
