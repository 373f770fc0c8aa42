//! `view_counter`: the views of a video site. Servers count locally and flush to one store over a network that loses,
//! repeats and delays.
//!
//! At-least-once delivery with duplicates detected at the receiver (Saltzer, Reed & Clark 1984, "End-to-end arguments in
//! system design"; Birrell & Nelson 1984, "Implementing remote procedure calls", section 3). This page is the
//! contract; the problem is described in the exercise's README.

mod judge;

pub use judge::judge;

use crate::sim::{Node, NodeId, Observe, Protocol};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The protocol of this exercise.
#[derive(Clone, Debug, Hash)]
pub struct ViewCounter;

/// What a node is told when it is made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// Whether it is a server or the store.
    pub role: Role,
    /// How often a server flushes.
    pub flush_every: Duration,
}

/// There is one store; all other nodes are servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Takes views, and flushes them to the store.
    Server {
        /// Which node the store is.
        store: NodeId,
    },
    /// Adds up what the servers flush, and shows the sum.
    Store,
}

/// The id of a server's flush. It stands for the same views whenever it is sent, and never for any others, not even after a
/// restart of the server. Ordered by incarnation, then number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlushId {
    /// Which life of the server: larger after every restart.
    pub incarnation: u64,
    /// Which flush of that life: 1, 2, …
    pub number: u64,
}

/// Between servers and store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Server to store: views that no other flush has counted. Until it is acknowledged, it has to be sent again: under the
    /// same id, with the same views.
    Flush {
        /// Which flush.
        id: FlushId,
        /// How many views are in it.
        views: u64,
    },
    /// Store to server: that flush is counted, and safe.
    Flushed {
        /// Which flush.
        id: FlushId,
    },
}

/// Timers. Use them as you like.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Time to flush.
    Flush,
    /// Time to send something again.
    Retry,
    /// For whatever else you need a timer.
    Other(u64),
}

/// From the world outside.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// To a server: somebody has watched the video. There is no answer, and nobody sends a view twice.
    View,
    /// To the store: how many views? Answer [`Response::Views`] at once.
    Read,
}

/// From the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Response {
    /// What [`Counter::shown`] says.
    Views(u64),
}

/// What survives a crash: `None` at the first start. Each role has its own; fill in what you need and leave the rest empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Saved {
    /// What a server saves.
    Server {
        /// The last incarnation that was begun.
        incarnation: u64,
        /// Views that are in no flush yet. (You need not save views: they may be lost in a crash.)
        unflushed: u64,
        /// Flushes that are not acknowledged, with their views. (You need not save these either.)
        outbox: BTreeMap<FlushId, u64>,
    },
    /// What the store saves.
    Store {
        /// The total that is shown.
        total: u64,
        /// Which flush of each server was counted last.
        last: BTreeMap<NodeId, FlushId>,
        /// Which flushes were counted, if you need to know them one by one.
        seen: BTreeSet<(NodeId, FlushId)>,
    },
}

impl Protocol for ViewCounter {
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Request = Request;
    type Response = Response;
    type Durable = Saved;
    type View = u64;
}

/// A server or the store.
pub trait Counter: Node<ViewCounter> {
    /// At the store: all views that it has counted. The hidden tests read it after every step; it must not change anything. (What a
    /// server returns here is ignored.)
    fn shown(&self) -> u64;
}

impl<N: Counter> Observe<N> for ViewCounter {
    fn view(node: &N) -> u64 {
        node.shown()
    }
}
