//! The books of a run of `view_counter`: which views were taken, which went into which flush, which flushes reached the
//! store, and which it acknowledged. From these follow, at every event, the least and the most that the store may show.

use super::{ADDS_UP, BUDGET, NO_MORE, NUMBERS, ONCE, SAFE};
use crate::exercises::view_counter::FlushId;
use crate::rule::{Broken, Check};
use crate::sim::NodeId;
use crate::time::Time;
use crate::words::counted;
use std::collections::BTreeMap;

/// Messages of a server in one interval, at most and on average. One is what it takes; a repeat beside it is fair.
const MESSAGES_AN_INTERVAL: u64 = 3;

/// One flush: what travels under one id.
struct Batch {
    views: u64,
    /// The start of the server in which it was first sent.
    start: u64,
    /// The step at which that was.
    step: u64,
    arrived: bool,
    acknowledged: bool,
}

/// One server.
#[derive(Default)]
struct Server {
    /// How often it was started.
    start: u64,
    started_at: Time,
    /// Views taken: ever, and since its last start.
    taken: u64,
    taken_now: u64,
    /// Views in all its flushes.
    flushed: u64,
    /// Views of acknowledged flushes, by the start in which they were first sent.
    acknowledged: BTreeMap<u64, u64>,
    /// Messages since its last start.
    sent: u64,
    /// The newest start of which the store has heard.
    heard: u64,
}

pub(super) struct Books {
    servers: Vec<Server>,
    batches: BTreeMap<(NodeId, FlushId), Batch>,
    interval_us: u64,
    /// What reached the store and what it acknowledged, each flush once.
    arrived: u64,
    acknowledged: u64,
    /// Views of flushes that reached the store again.
    again: u64,
    pub repeats: u64,
    pub store_restarts: u64,
    /// Views that the store had acknowledged when it restarted last.
    before_crash: u64,
    pub shown: u64,
}

impl Books {
    pub fn new(nodes: usize, interval_us: u64) -> Self {
        Books {
            servers: (0..nodes).map(|_| Server::default()).collect(),
            batches: BTreeMap::new(),
            interval_us,
            arrived: 0,
            acknowledged: 0,
            again: 0,
            repeats: 0,
            store_restarts: 0,
            before_crash: 0,
            shown: 0,
        }
    }

    pub fn starts(&mut self, server: NodeId, at: Time) {
        let s = &mut self.servers[server.index()];
        (s.start, s.started_at, s.taken_now, s.sent) = (s.start + 1, at, 0, 0);
    }

    pub fn views(&mut self, server: NodeId) {
        let s = &mut self.servers[server.index()];
        (s.taken, s.taken_now) = (s.taken + 1, s.taken_now + 1);
    }

    pub fn taken(&self) -> u64 {
        self.servers.iter().map(|s| s.taken).sum()
    }

    /// A server sends a flush.
    pub fn flushes(&mut self, server: NodeId, id: FlushId, views: u64, step: u64) -> Check {
        let s = &mut self.servers[server.index()];
        let FlushId { incarnation, number } = id;
        if let Some(first) = self.batches.get(&(server, id)) {
            if first.views == views {
                return Ok(());
            }
            let crashed = if first.start == s.start { "" } else { ", before a crash" };
            let seen = format!(
                "{server} flushed {} under incarnation {incarnation}, number {number}, under which it had flushed {} before{crashed}",
                counted(views, "view"),
                first.views
            );
            return Err(Broken::new(NUMBERS, seen).at([first.step, step]));
        }
        s.flushed += views;
        self.batches.insert((server, id), Batch { views, start: s.start, step, arrived: false, acknowledged: false });
        if s.flushed <= s.taken {
            return Ok(());
        }
        let seen = format!(
            "with incarnation {incarnation}, number {number}, the different flushes of {server} hold {} together, and it had taken {}",
            counted(s.flushed, "view"),
            s.taken
        );
        Err(Broken::new(NO_MORE, seen).at([step]))
    }

    /// A server sends a message, whatever is in it. `steps` is how often its clock was set forward.
    pub fn sends(&mut self, server: NodeId, at: Time, steps: u64, step: u64) -> Check {
        let s = &mut self.servers[server.index()];
        s.sent += 1;
        let up_us = at.as_micros() - s.started_at.as_micros();
        // Clocks drift by a hundredth.
        let intervals = up_us * 102 / 100 / self.interval_us;
        if s.sent <= MESSAGES_AN_INTERVAL * (intervals + 2 + steps) {
            return Ok(());
        }
        let seen = format!(
            "{server} has been up for {} ms, that is {} of {} ms, and has sent {}; three an interval are allowed, and six more",
            up_us / 1_000,
            counted(intervals, "flush interval"),
            self.interval_us / 1_000,
            counted(s.sent, "message")
        );
        Err(Broken::new(BUDGET, seen).timed().at([step]))
    }

    /// The store starts.
    pub fn store_starts(&mut self, again: bool) {
        self.store_restarts += u64::from(again);
        self.before_crash = self.acknowledged;
    }

    /// A flush reaches the store.
    pub fn arrives(&mut self, server: NodeId, id: FlushId) {
        let Some(batch) = self.batches.get_mut(&(server, id)) else { return };
        if batch.arrived {
            self.again += batch.views;
            self.repeats += 1;
        } else {
            batch.arrived = true;
            self.arrived += batch.views;
        }
        let heard = &mut self.servers[server.index()].heard;
        *heard = (*heard).max(batch.start);
    }

    /// The store acknowledges a flush. What it says about a life of the server that it knows to be over binds it to
    /// nothing: nobody listens.
    pub fn acknowledges(&mut self, server: NodeId, id: FlushId) {
        let Some(s) = self.servers.get_mut(server.index()) else { return };
        let Some(batch) = self.batches.get_mut(&(server, id)) else { return };
        if batch.arrived && !batch.acknowledged && batch.start >= s.heard {
            batch.acknowledged = true;
            self.acknowledged += batch.views;
            *s.acknowledged.entry(batch.start).or_default() += batch.views;
        }
    }

    /// Checks what the store shows or answers.
    pub fn shows(&self, store: NodeId, shown: u64, what: &str, step: u64) -> Check {
        if shown > self.arrived {
            let (more, repeats) = (shown - self.arrived, self.repeats);
            let rule = if more <= self.again { ONCE } else { NO_MORE };
            let seen = format!(
                "the store, {store}, {what} {shown}, but all different flushes that reached it hold {} together ({} reached it again)",
                counted(self.arrived, "view"),
                counted(repeats, "flush")
            );
            return Err(Broken::new(rule, seen).at([step]));
        }
        if shown < self.acknowledged {
            // What it showed before its crash and does not show after it did not survive; what it lost before or since is no crash's doing.
            let (rule, since) = if shown < self.before_crash { (SAFE, ", and crashed since") } else { (ADDS_UP, "") };
            let seen = format!(
                "the store, {store}, {what} {shown}, but the flushes that it had acknowledged hold {} together{since}",
                counted(self.acknowledged, "view")
            );
            return Err(Broken::new(rule, seen).at([step]));
        }
        Ok(())
    }

    /// Of which server views are missing, if that can be told: of one that is up, and has taken more than it ever flushed.
    pub fn missing(&self, is_up: impl Fn(NodeId) -> bool) -> String {
        let up = |i: &usize| is_up(NodeId::from_index(*i));
        let of = |i: usize| {
            let (node, server) = (NodeId::from_index(i), &self.servers[i]);
            let mine = self.batches.iter().filter(|((n, _), b)| *n == node && b.start == server.start && b.arrived);
            let arrived: u64 = mine.map(|(_, b)| b.views).sum();
            (arrived < server.taken_now).then(|| {
                format!(
                    "; {node} has taken {} since it started last, and flushes with {arrived} of them have arrived",
                    counted(server.taken_now, "view")
                )
            })
        };
        (0..self.servers.len()).filter(up).find_map(of).unwrap_or_default()
    }

    /// What must be shown in the end: for each server what was acknowledged to its earlier lives, and all that it has taken
    /// in this one if it is up.
    pub fn least(&self, is_up: impl Fn(NodeId) -> bool) -> u64 {
        let of = |(i, s): (usize, &Server)| {
            if is_up(NodeId::from_index(i)) {
                s.acknowledged.range(..s.start).map(|(_, n)| n).sum::<u64>() + s.taken_now
            } else {
                s.acknowledged.values().sum()
            }
        };
        self.servers.iter().enumerate().map(of).sum()
    }
}
