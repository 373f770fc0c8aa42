//! What a replica may show and say, given what happened: the least that it must know, the most that it can know.
//!
//! What it can know at most is its causal past. What it must know at least is what it acknowledged itself (that is
//! durable) and what messages told it since its last start (that may be forgotten in a crash). All of it is counted once
//! for increments and once for decrements; the value is a difference, so its bounds cross over.

use super::{BOUNDS, RETRY, SURVIVES};
use crate::check::knowledge::Knowledge;
use crate::exercises::pn_counter::{Counts, OpId};
use crate::rule::{Broken, Check};
use crate::sim::NodeId;
use crate::words::counted;
use std::collections::BTreeSet;

/// The operations of one kind.
pub(super) struct Kind {
    /// For the reader: "increment".
    name: &'static str,
    /// Which arrived at each replica: what its own entry may count at most.
    arrived: Vec<BTreeSet<OpId>>,
    /// Which each replica acknowledged: what its own entry must count at least.
    acked: Vec<BTreeSet<OpId>>,
    /// What each replica was told in messages since its last start.
    told: Vec<Counts>,
    past: Knowledge,
    /// How many arrived at each replica that had arrived before.
    again: Vec<u64>,
}

impl Kind {
    fn new(name: &'static str, nodes: usize) -> Self {
        Kind {
            name,
            arrived: vec![BTreeSet::new(); nodes],
            acked: vec![BTreeSet::new(); nodes],
            told: vec![Counts::new(); nodes],
            past: Knowledge::new(nodes),
            again: vec![0; nodes],
        }
    }

    pub fn arrives(&mut self, node: NodeId, op: OpId) {
        if self.arrived[node.index()].insert(op) {
            self.past.happens(node.index());
        } else {
            self.again[node.index()] += 1;
        }
    }

    pub fn acknowledged(&mut self, node: NodeId, op: OpId) {
        self.acked[node.index()].insert(op);
    }

    pub fn told(&mut self, node: NodeId, counts: &Counts) {
        for (origin, n) in counts {
            let known = self.told[node.index()].entry(*origin).or_default();
            *known = (*known).max(*n);
        }
    }

    /// How many operations the replica can know of.
    fn most(&self, node: NodeId) -> i64 {
        self.past.total(node.index()) as i64
    }

    /// How many operations of others the replica was told of. (Of its own it is the judge itself.)
    fn told_of_others(&self, node: NodeId) -> i64 {
        self.told[node.index()].iter().filter(|(id, _)| **id != node).map(|(_, n)| *n as i64).sum()
    }

    fn own(&self, node: NodeId) -> i64 {
        self.acked[node.index()].len() as i64
    }

    /// How many operations were acknowledged at these replicas.
    pub fn acked_at(&self, nodes: &[NodeId]) -> i64 {
        nodes.iter().map(|n| self.own(*n)).sum()
    }

    /// How many operations arrived at all but these replicas.
    pub fn arrived_elsewhere(&self, nodes: &[NodeId]) -> i64 {
        (0..self.arrived.len()).filter(|i| !nodes.iter().any(|n| n.index() == *i)).map(|i| self.arrived[i].len() as i64).sum()
    }

    pub fn acknowledgements(&self) -> u64 {
        self.acked.iter().map(|a| a.len() as u64).sum()
    }

    /// What a replica says about each origin may be old, but not more than it can know.
    fn said(&self, node: NodeId, to: NodeId, counts: &Counts, step: u64) -> Check {
        for (origin, n) in counts {
            let (i, o) = (node.index(), origin.index());
            let most = if o < self.arrived.len() { self.past.of(i, o) } else { 0 };
            if *n > most {
                let name = self.name;
                let again = self.again.get(o).copied().unwrap_or(0);
                let (rule, more) = if again > 0 && *n <= most + again {
                    (RETRY, format!("; clients had asked {origin} again for {again} of them"))
                } else {
                    (BOUNDS, String::new())
                };
                let seen = format!(
                    "{node} told {to} of {} at {origin}, but by then it can have heard of only {} there{more}",
                    counted(n, name),
                    counted(most, &format!("different {name}"))
                );
                return Err(Broken::new(rule, seen).at([step]));
            }
        }
        Ok(())
    }
}

/// Both kinds, and what the difference may be.
pub(super) struct Books {
    pub increments: Kind,
    pub decrements: Kind,
    restarts: Vec<u64>,
}

impl Books {
    pub fn new(nodes: usize) -> Self {
        Books { increments: Kind::new("increment", nodes), decrements: Kind::new("decrement", nodes), restarts: vec![0; nodes] }
    }

    pub fn kind(&mut self, up: bool) -> &mut Kind {
        if up { &mut self.increments } else { &mut self.decrements }
    }

    /// What others said may be learned again; only what was acknowledged must have been saved.
    pub fn restarts(&mut self, node: NodeId) {
        self.restarts[node.index()] += 1;
        self.increments.told[node.index()].clear();
        self.decrements.told[node.index()].clear();
    }

    pub fn sends(&mut self, node: NodeId, id: u64) {
        self.increments.past.sends(node.index(), id);
        self.decrements.past.sends(node.index(), id);
    }

    pub fn receives(&mut self, node: NodeId, id: u64, increments: &Counts, decrements: &Counts) {
        self.increments.past.receives(node.index(), id);
        self.decrements.past.receives(node.index(), id);
        self.increments.told(node, increments);
        self.decrements.told(node, decrements);
    }

    /// Checks a message that a replica sends.
    pub fn said(&self, node: NodeId, to: NodeId, increments: &Counts, decrements: &Counts, step: u64) -> Check {
        self.increments.said(node, to, increments, step)?;
        self.decrements.said(node, to, decrements, step)
    }

    /// Checks a value that a replica shows or answers.
    pub fn value(&self, node: NodeId, value: i64, what: &str, step: u64) -> Check {
        let (up, down) = (&self.increments, &self.decrements);
        let most = up.most(node) - down.told_of_others(node) - down.own(node);
        if value > most {
            return Err(Books::outside(node, value, what, "more than", [up, down], self.restarts[node.index()], value - most).at([step]));
        }
        let least = up.told_of_others(node) + up.own(node) - down.most(node);
        if value < least {
            return Err(Books::outside(node, value, what, "less than", [down, up], self.restarts[node.index()], least - value).at([step]));
        }
        Ok(())
    }

    /// The value is `off` too far to the side to which operations of the first kind push it: there were too many of those,
    /// or some of the second kind are missing.
    fn outside(node: NodeId, value: i64, what: &str, than: &str, [pushed, held]: [&Kind; 2], restarts: u64, off: i64) -> Broken {
        let (most, told, own) = (pushed.most(node), held.told_of_others(node), held.own(node));
        // What others counted twice was seen in what they said.
        let again = pushed.again[node.index()];
        let rule = match () {
            () if restarts > 0 && off <= own => SURVIVES,
            () if again > 0 && off <= again as i64 => RETRY,
            () => BOUNDS,
        };
        let since = if restarts > 0 { " since its restart" } else { "" };
        let seen = format!(
            "{node} {what} {value}: that is {off} {than} it can be. At most {} can have reached it; it has acknowledged {} itself, \
             and has been told of {} of others{since}",
            counted(most, &format!("different {}", pushed.name)),
            counted(own, held.name),
            counted(told, held.name)
        );
        Broken::new(rule, seen)
    }
}
