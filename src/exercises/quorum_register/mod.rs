//! `quorum_register`: one linearizable register on N replicas, many writers, no leader.
//!
//! The register of Attiya, Bar-Noy & Dolev 1995 ("Sharing memory robustly in message-passing systems"), with the query
//! before the write by which Lynch & Shvartsman 1997 made it multi-writer. Every node is a replica and, for the requests
//! that clients send to it, a coordinator. This page is the contract; the problem is described in the exercise's README.

mod judge;

pub use judge::judge;

use crate::sim::Ticket;
use crate::sim::{Node, NodeId, Observe, Protocol};
use std::fmt;
use std::time::Duration;

/// The protocol of this exercise.
#[derive(Clone, Debug, Hash)]
pub struct QuorumRegister;

/// How soon an operation may ask the same replica the same thing again: see the message budget in the README.
pub const ASK_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// The longest time that an operation may go without asking again those replicas that have not answered.
pub const ASK_AGAIN_WITHIN: Duration = Duration::from_millis(300);

/// How long a replica may take to answer a [`Message::Query`] or a [`Message::Store`]: room to save several at once.
pub const REPLICA_TAKES: Duration = Duration::from_millis(20);

/// Orders the writes: the larger number is newer; if the numbers are equal, the larger writer. `3.n1` when shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Compared first.
    pub number: u64,
    /// The coordinator that chose the number; compared second.
    pub writer: NodeId,
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.number, self.writer)
    }
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Value(pub u64);

/// What a replica holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Held {
    /// The timestamp of its write.
    pub at: Timestamp,
    /// The value.
    pub value: Value,
}

/// `3.n1 = 7`.
impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} = {}", self.at, self.value.0)
    }
}

impl Held {
    /// What every replica holds before the first write: 0, older than anything written.
    pub const INITIAL: Held = Held { at: Timestamp { number: 0, writer: NodeId::from_index(0) }, value: Value(0) };
}

impl Default for Held {
    fn default() -> Self {
        Held::INITIAL
    }
}

/// A number that the coordinator chooses, so that it can tell the answers to one operation from those to another, including
/// those to operations from before a crash. One per operation, or one per phase, as you like.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpId(pub u64);

/// `#7`.
impl fmt::Debug for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Between nodes. Any of them may be sent again, and may arrive late or twice.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Coordinator to replica: what do you hold? Answer [`Message::Answer`] under the same number.
    Query(OpId),
    /// Replica to coordinator: this.
    Answer(OpId, Held),
    /// Coordinator to replica: hold this, unless what you hold is newer. Answer [`Message::Stored`] in both cases.
    Store(OpId, Held),
    /// Replica to coordinator: what I have *saved* is what that Store said, or newer.
    Stored(OpId),
}

/// Timers. Use those that you like.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Time to ask again for this request.
    Retry(Ticket),
    /// Yours to use.
    Tick,
}

/// From a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Write this. Answer [`Response::Written`].
    Write(Value),
    /// Read. Answer [`Response::Read`].
    Read,
}

/// To a client: exactly one to each request, however long it takes, unless this node crashes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Response {
    /// It is written.
    Written,
    /// The register's value.
    Read(Value),
}

/// What survives a crash: `None` at the first start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Saved {
    /// What this replica holds.
    pub held: Held,
    /// A number of yours, if you need one that survives.
    pub counter: u64,
}

impl Protocol for QuorumRegister {
    type Config = ();
    type Message = Message;
    type Timer = Timer;
    type Request = Request;
    type Response = Response;
    type Durable = Saved;
    type View = ();
}

/// The hidden tests look only at messages, saves and answers.
impl<N: Node<QuorumRegister>> Observe<N> for QuorumRegister {
    fn view(_: &N) {}
}
