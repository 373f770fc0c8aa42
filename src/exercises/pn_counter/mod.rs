//! `pn_counter`: a counter that goes up and down, on several replicas that take both without asking each other.
//!
//! The state-based PN-Counter (Shapiro, Preguiça, Baquero & Zawirski 2011, "A comprehensive study of convergent and
//! commutative replicated data types", section 3.1.3). This page is the contract; the problem is described in the exercise's
//! README.

mod judge;

pub use judge::judge;

use crate::sim::{Node, NodeId, Observe, Protocol};
use std::collections::{BTreeMap, BTreeSet};

/// The protocol of this exercise.
#[derive(Clone, Debug, Hash)]
pub struct PnCounter;

/// One operation that one client wants: an increment or a decrement, never both under one id. A client that hears nothing
/// asks again, at the same replica, for the same thing, under the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpId(pub u64);

/// For each replica, how many operations of one kind it has taken, as far as the sender knows. A replica that is
/// not in the map has taken none, or is left out.
pub type Counts = BTreeMap<NodeId, u64>;

/// Between replicas.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// What the sender knows: all of it, or a part.
    Counts {
        /// Increments taken.
        increments: Counts,
        /// Decrements taken.
        decrements: Counts,
    },
}

/// Timers. Use them as you like.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Time to tell the others.
    Gossip,
    /// For whatever else you need a timer.
    Other(u64),
}

/// From a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Count one more. Answer [`Response::Done`] once it cannot be lost,
    /// within a second.
    Increment(OpId),
    /// Count one less: also when that makes the value negative. Answer [`Response::Done`] once it cannot be lost,
    /// within a second.
    Decrement(OpId),
    /// How many? Answer [`Response::Value`] from what this replica knows, without waiting for others,
    /// within a second.
    Read,
}

/// To a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Response {
    /// The operation is counted and will survive a crash of this replica.
    Done,
    /// All increments that this replica knows of, minus all decrements that it knows of.
    Value(i64),
}

/// What survives a crash: `None` at the very first start. A counter can be older than the ids that are on record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Saved {
    /// Increments, by the replica that took them.
    pub increments: Counts,
    /// Decrements, by the replica that took them.
    pub decrements: Counts,
    /// The operations that this replica has taken from clients, except old ones that nobody will ask for again: there can be
    /// fewer of them than it has counted.
    pub ops: BTreeSet<OpId>,
}

impl Protocol for PnCounter {
    type Config = ();
    type Message = Message;
    type Timer = Timer;
    type Request = Request;
    type Response = Response;
    type Durable = Saved;
    type View = i64;
}

/// A replica of the counter.
pub trait Counter: Node<PnCounter> {
    /// All increments that this replica knows of, minus all decrements. The hidden tests read it after every step; it must not
    /// change anything.
    fn value(&self) -> i64;
}

impl<N: Counter> Observe<N> for PnCounter {
    fn view(node: &N) -> i64 {
        node.value()
    }
}
