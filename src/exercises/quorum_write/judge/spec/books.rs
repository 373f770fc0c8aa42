//! What the ghost of `quorum_write` remembers of requests and of what it owes, and how it says so.

use crate::exercises::quorum_write::{Held, Message, ReadId, Version};
use crate::sim::NodeId;
use crate::time::Time;

/// Some of the nodes, a bit each.
#[derive(Clone, Copy, Default)]
pub(super) struct Nodes(pub(super) u16);

impl Nodes {
    pub(super) fn has(self, node: NodeId) -> bool {
        self.0 >> node.index() & 1 == 1
    }

    /// Whether it was not there before.
    pub(super) fn insert(&mut self, node: NodeId) -> bool {
        let is_new = !self.has(node);
        self.0 |= 1 << node.index();
        is_new
    }
}

/// A write that the node has taken in this life and not answered.
#[derive(Clone)]
pub(super) struct Write {
    pub(super) held: Held,
    /// To whom it has sent a Store of it since.
    pub(super) stored: Nodes,
    /// Who acknowledged after that, and in time.
    pub(super) acked: Nodes,
    /// The number under which it asked at once who is there, if it did; who has answered that, and who showed this write with
    /// its first answer, in which step.
    pub(super) id: Option<ReadId>,
    pub(super) there: Nodes,
    pub(super) shown: Option<(NodeId, u64)>,
    /// Another request for the same write was open with it: which one an acknowledgement is for, nobody knows.
    pub(super) shared: bool,
}

/// A read that it has taken in this life and not answered.
#[derive(Clone)]
pub(super) struct Read {
    /// What its own replica had saved when the read came.
    pub(super) own: Option<Held>,
    /// What each replica has shown for it.
    pub(super) heard: Vec<(NodeId, Option<Held>)>,
    /// The numbers under which it was asked: at once, or later while nothing else was open.
    pub(super) ids: Vec<ReadId>,
    /// Who answered under one of these in time.
    pub(super) in_time: Nodes,
    /// Numbers were used that may have been for another request: which of them counts, nobody knows.
    pub(super) renumbered: bool,
}

#[derive(Clone)]
pub(super) enum What {
    Write(Write),
    Read(Read),
}

#[derive(Clone)]
pub(super) struct Open {
    pub(super) step: u64,
    pub(super) since: Time,
    /// Whom it has asked anything since; whom of them last for the first time, and when.
    pub(super) asked: Nodes,
    pub(super) last: Option<(NodeId, Time)>,
    /// When it last asked itself, if it does that by message.
    pub(super) itself: Option<Time>,
    pub(super) what: What,
}

impl Open {
    pub(super) fn asks(&mut self, node: NodeId, now: Time) {
        if self.asked.insert(node) {
            self.last = Some((node, now));
        }
    }
}

/// An answer that the node owes as a replica.
#[derive(Clone)]
pub(super) struct Owed {
    pub(super) to: NodeId,
    pub(super) message: Message,
    pub(super) since: Time,
    pub(super) step: u64,
}

/// `2.c1 = 20`, or `nothing`.
pub(in super::super) fn text(held: Option<Held>) -> String {
    held.map_or_else(|| "nothing".to_owned(), |h| format!("{:?} = {}", h.version, h.value.0))
}

pub(super) fn version(held: Option<Held>) -> Option<Version> {
    held.map(|h| h.version)
}

pub(super) fn shown(version: Option<Version>) -> String {
    version.map_or_else(|| "nothing".to_owned(), |v| format!("{v:?}"))
}

pub(super) fn names(nodes: impl IntoIterator<Item = NodeId>) -> String {
    let names: Vec<String> = nodes.into_iter().map(|n| n.to_string()).collect();
    if names.is_empty() { "nobody".to_owned() } else { names.join(" and ") }
}
