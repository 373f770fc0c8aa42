//! `g_counter`: a counter that only grows, on several replicas that take increments without asking each other.
//!
//! The state-based G-Counter (Shapiro, Preguiça, Baquero & Zawirski 2011, "A comprehensive study of convergent and
//! commutative replicated data types", section 3.1.1). This page is the contract; the problem is described in the exercise's
//! README.

mod judge;

pub use judge::judge;

use crate::sim::{Node, NodeId, Observe, Protocol};
use std::collections::{BTreeMap, BTreeSet};

/// The protocol of this exercise.
#[derive(Clone, Debug, Hash)]
pub struct GCounter;

/// One increment that one client wants. A client that hears nothing asks again, at the same replica, under the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpId(pub u64);

/// For each replica, how many increments it has taken, as far as the sender knows. A replica that is not in the
/// map has taken none, or is left out.
pub type Counts = BTreeMap<NodeId, u64>;

/// Between replicas.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// What the sender knows: all of it, or a part.
    Counts(Counts),
}

/// Timers. Use them as you like.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Time to tell the others.
    Gossip,
}

/// From a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Count one more. Answer [`Response::Done`] once it cannot be lost, within a second.
    Increment(OpId),
    /// How many? Answer [`Response::Value`] from what this replica knows, without waiting for others,
    /// within a second.
    Read,
}

/// To a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Response {
    /// The increment is counted and will survive a crash of this replica.
    Done,
    /// How many increments this replica knows of.
    Value(u64),
}

/// What survives a crash: `None` at the very first start. A counter can be older than the ids that are on record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Saved {
    /// The counts.
    pub counts: Counts,
    /// The increments that this replica has taken from clients, except old ones that nobody will ask for again: there can be
    /// fewer of them than it has counted.
    pub ops: BTreeSet<OpId>,
}

impl Protocol for GCounter {
    type Config = ();
    type Message = Message;
    type Timer = Timer;
    type Request = Request;
    type Response = Response;
    type Durable = Saved;
    type View = u64;
}

/// A replica of the counter.
pub trait Counter: Node<GCounter> {
    /// How many increments this replica knows of. The hidden tests read it after every step; it must not change anything.
    fn value(&self) -> u64;
}

impl<N: Counter> Observe<N> for GCounter {
    fn view(node: &N) -> u64 {
        node.value()
    }
}
