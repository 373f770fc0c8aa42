//! The ghost of a server: which views it took, which flush each went into, what was acknowledged.
//!
//! Any way of flushing is allowed: one batch under way or many, ticks or deadlines, views and batches on disk or not, empty
//! flushes, mail to oneself, any spans between two tries that stay within ten intervals and a second.

use super::super::{ADDS_UP, BUDGET, FRESH, KEPT, NO_MORE, NUMBERS};
use super::{SLACK_MS, name, settled};
use crate::exercises::view_counter::{FlushId, Message, Request, Saved, ViewCounter};
use crate::rule::{Broken, Check};
use crate::sim::{Cause, Effect, NodeId, Seen};
use crate::time::{Time, micros, millis};
use crate::words::counted;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Messages of a server in one interval, on average over ten: one is what it takes; a repeat beside it is fair.
const MESSAGES_AN_INTERVAL: u64 = 3;
/// So many intervals' messages may be sent at once: two in which nothing is known, and ten of the average.
const AT_START: u32 = 2;
const AT_MOST: u32 = 12;
/// An acknowledgement that takes longer is no fair weather: two delays.
const PROMPT_MS: u64 = 25;

/// What travels under one id.
#[derive(Clone)]
pub struct Batch {
    pub views: u64,
    /// The life of the server in which it was first sent.
    pub life: u64,
    step: u64,
    /// The life in which it was acknowledged last, if it was: a crash may have made the server forget that.
    pub acknowledged: Option<u64>,
}

/// A view.
#[derive(Clone, Copy)]
struct Taken {
    at: Time,
    step: u64,
    /// What came first after it.
    next: Option<Next>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// A flush that it was not in.
    Flush,
    /// An acknowledgement.
    Acknowledged,
}

#[derive(Clone)]
pub struct Server {
    me: NodeId,
    store: NodeId,
    every: Duration,
    /// Whether it runs without pauses, so that late is wrong.
    punctual: bool,
    pub batches: BTreeMap<FlushId, Batch>,
    pub taken: u64,
    flushed: u64,
    /// The largest incarnation of its earlier lives, whether there are views on its disk, and were at its last start.
    before: Option<u64>,
    saves_views: bool,
    found_views: bool,
    // Its present life.
    pub life: u64,
    started: Time,
    sent: u64,
    pub taken_now: u64,
    flushed_now: u64,
    /// Views that are in no flush yet.
    waiting: VecDeque<Taken>,
    /// Flushes that were sent in this life and are not acknowledged: when that was first.
    pub out: BTreeMap<FlushId, Time>,
    /// When one of them was last sent or acknowledged, and in which step.
    moved: (Time, u64),
    /// Since when nothing is out, and until when all that was held up may take its time.
    clear: Time,
    rough: Time,
    /// For how much time it may send messages, in microseconds, and at what time that was so.
    credit: u64,
    counted_at: Time,
    pub restarted: u64,
    pub flushed_after_restart: u64,
}

impl Server {
    pub fn new(me: NodeId, store: NodeId, every: Duration, punctual: bool) -> Self {
        Server {
            me,
            store,
            every,
            punctual,
            batches: BTreeMap::new(),
            taken: 0,
            flushed: 0,
            before: None,
            saves_views: false,
            found_views: false,
            life: 0,
            started: Time::ZERO,
            sent: 0,
            taken_now: 0,
            flushed_now: 0,
            waiting: VecDeque::new(),
            out: BTreeMap::new(),
            moved: (Time::ZERO, 0),
            clear: Time::ZERO,
            rough: Time::ZERO,
            credit: 0,
            counted_at: Time::ZERO,
            restarted: 0,
            flushed_after_restart: 0,
        }
    }

    pub fn step(&mut self, seen: &Seen<'_, ViewCounter>) -> Check {
        match seen.cause {
            Cause::Start { again } => self.starts(again, seen.now),
            Cause::Request { request: Request::View, .. } => {
                (self.taken, self.taken_now) = (self.taken + 1, self.taken_now + 1);
                self.waiting.push_back(Taken { at: seen.now, step: seen.number, next: None });
            }
            Cause::Message { from, message: Message::Flushed { id }, .. } if from == self.store => {
                self.acknowledged(*id, seen.now, seen.number);
            }
            _ => {}
        }
        for effect in seen.effects {
            match effect {
                Effect::Save(Saved::Server { unflushed, outbox, .. }) => self.saves_views = *unflushed > 0 || !outbox.is_empty(),
                Effect::Send { to, message } if *to != self.me => {
                    self.sends(seen.now, seen.number)?;
                    if let Message::Flush { id, views } = message
                        && *to == self.store
                    {
                        self.flushes(*id, *views, seen.now, seen.number)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// A new life.
    fn starts(&mut self, again: bool, now: Time) {
        self.restarted += u64::from(again);
        self.before = self.batches.keys().map(|id| id.incarnation).max();
        self.found_views = self.saves_views;
        (self.life, self.taken_now, self.flushed_now) = (self.life + 1, 0, 0);
        (self.started, self.sent) = (now, 0);
        self.waiting.clear();
        self.out.clear();
        (self.clear, self.rough, self.counted_at) = (now, now, now);
        self.credit = micros(self.every * AT_START);
    }

    fn acknowledged(&mut self, id: FlushId, now: Time, step: u64) {
        if let Some(batch) = self.batches.get_mut(&id) {
            batch.acknowledged = Some(self.life);
            self.comes_next(Next::Acknowledged);
        }
        let Some(sent) = self.out.remove(&id) else { return };
        self.moved = (now, step);
        if now > sent + millis(PROMPT_MS) {
            self.rough = settled(now, self.every);
        }
        if self.out.is_empty() {
            self.clear = now;
        }
    }

    fn comes_next(&mut self, next: Next) {
        for taken in self.waiting.iter_mut().rev().take_while(|taken| taken.next.is_none()) {
            taken.next = Some(next);
        }
    }

    fn sends(&mut self, now: Time, step: u64) -> Check {
        self.sent += 1;
        let most = micros(self.every * AT_MOST);
        self.credit = (self.credit + micros(now.since(self.counted_at))).min(most);
        self.counted_at = now;
        let price = micros(self.every) / MESSAGES_AN_INTERVAL;
        if let Some(left) = self.credit.checked_sub(price) {
            self.credit = left;
            return Ok(());
        }
        let seen = format!(
            "{} has been up for {} ms, with a flush interval of {} ms, and this is its message number {}; three per interval are allowed, on average over ten, and six when it starts",
            self.me,
            now.since(self.started).as_millis(),
            self.every.as_millis(),
            self.sent
        );
        Err(Broken::new(BUDGET, seen).timed().at([step]))
    }

    fn flushes(&mut self, id: FlushId, views: u64, now: Time, step: u64) -> Check {
        let me = self.me;
        if let Some(first) = self.batches.get(&id) {
            if first.views != views {
                let crashed = if first.life == self.life { "" } else { ", before a crash" };
                let seen = format!(
                    "{me} flushed {} under {}, under which it had flushed {} before{crashed}",
                    counted(views, "view"),
                    name(id),
                    first.views
                );
                return Err(Broken::new(NUMBERS, seen).at([first.step, step]));
            }
            if first.life != self.life && !self.found_views {
                let seen = format!(
                    "{me} restarted with no views on its disk, but flushed {} under {}, under which it had flushed before the crash",
                    counted(views, "view"),
                    name(id)
                );
                return Err(Broken::new(NUMBERS, seen).at([first.step, step]));
            }
            if first.acknowledged != Some(self.life) {
                self.out.entry(id).or_insert(now);
                self.moved = (now, step);
            }
            return Ok(());
        }
        if let Some(before) = self.before.filter(|before| id.incarnation <= *before && !self.found_views) {
            let seen = format!(
                "{me} restarted, and flushed under {}; in an earlier life its incarnation was {before}, but it must be larger after every restart",
                name(id)
            );
            return Err(Broken::new(NUMBERS, seen).at([step]));
        }
        self.flushed = self.flushed.saturating_add(views);
        self.flushed_now = self.flushed_now.saturating_add(views);
        self.flushed_after_restart += u64::from(self.restarted > 0);
        self.batches.insert(id, Batch { views, life: self.life, step, acknowledged: None });
        if self.flushed > self.taken {
            let seen = format!(
                "with {}, the different flushes of {me} hold {} together, but it had taken only {}",
                name(id),
                counted(self.flushed, "view"),
                self.taken
            );
            return Err(Broken::new(NO_MORE, seen).at([step]));
        }
        if self.flushed_now > self.taken_now && !self.found_views {
            let seen = format!(
                "{me} restarted with no views on its disk, and has taken {} since; but with {}, its flushes since then hold {}",
                counted(self.taken_now, "view"),
                name(id),
                self.flushed_now
            );
            return Err(Broken::new(NO_MORE, seen).at([step]));
        }
        self.in_time(views, now)?;
        self.out.insert(id, now);
        self.moved = (now, step);
        Ok(())
    }

    /// The views that have waited longest leave with this flush.
    fn in_time(&mut self, views: u64, now: Time) -> Check {
        let oldest = self.waiting.front().copied();
        self.waiting.drain(..self.waiting.len().min(usize::try_from(views).unwrap_or(usize::MAX)));
        if views > 0 {
            self.comes_next(Next::Flush);
        }
        let Some(Taken { at, step, next }) = oldest.filter(|_| views > 0 && self.punctual && self.out.is_empty()) else { return Ok(()) };
        let since = at.max(self.clear);
        if now <= self.rough.max(since + self.every) + millis(SLACK_MS) {
            return Ok(());
        }
        let seen = format!(
            "{} took a view at {at}, and flushed it at {now}; no other flush was out since {}, and the flush interval is {} ms",
            self.me,
            self.clear,
            self.every.as_millis()
        );
        Err(match next {
            Some(Next::Flush) => Broken::new(ADDS_UP, format!("{seen}; a flush that was sent before that did not hold it")).at([step]),
            _ => Broken::new(FRESH, seen).late(step),
        })
    }

    pub fn time(&mut self, now: Time) -> Check {
        let me = self.me;
        let patience = || format!("more than ten flush intervals of {} ms and a second later", self.every.as_millis());
        if let Some((id, _)) = self.out.first_key_value() {
            let (moved, step) = self.moved;
            if now <= settled(moved, self.every) + millis(SLACK_MS) {
                return Ok(());
            }
            let seen = format!(
                "{me} flushed {} under {}, which was not acknowledged; it sent nothing of this kind after {moved}, and now it is {now}, {}",
                counted(self.batches.get(id).map_or(0, |b| b.views), "view"),
                name(*id),
                patience()
            );
            return Err(Broken::new(KEPT, seen).at([step]).stuck());
        }
        let Some(Taken { at, step, next }) = self.waiting.front().copied() else { return Ok(()) };
        if now <= settled(at.max(self.clear), self.every).max(self.rough) + millis(SLACK_MS) {
            return Ok(());
        }
        let seen = format!(
            "{me} has taken {} in this life, the oldest that is missing at {at}, but its flushes hold {}; none of them is unacknowledged since {}, and now it is {now}, {}",
            counted(self.taken_now, "view"),
            self.flushed_now,
            self.clear,
            patience()
        );
        Err(Broken::new(if next == Some(Next::Acknowledged) { KEPT } else { ADDS_UP }, seen).at([step]).stuck())
    }
}
