//! `primary_replica`: a log that is shipped from a primary to replicas, and a primary that can be replaced without loss.
//!
//! Alsberg & Day 1976 ("A principle for resilient sharing of distributed resources"), Oki & Liskov 1988 (Viewstamped Replication). This page is
//! the contract; the problem is described in the exercise's README.

mod judge;

pub use judge::judge;

use crate::sim::{Node, NodeId, Observe, Protocol};
use std::fmt;
use std::time::Duration;

/// How long a node may take to answer [`Message::Seal`], [`Message::Append`] and [`Request::Read`], to save a write or refuse it, and, once
/// enough replicas have a write, to answer its client.
pub const TAKES: Duration = Duration::from_millis(20);
/// While it leads, a primary sends every replica an [`Message::Append`] at least this often, an empty one if there is nothing new.
pub const BEAT: Duration = Duration::from_millis(100);

/// The protocol of this exercise.
#[derive(Clone, Debug, Hash)]
pub struct PrimaryReplica;

/// The same for all nodes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// The address of the arbiter, which says who leads. It is a service, not one of the peers.
    pub arbiter: NodeId,
    /// How many replicas must have saved a write before it is acknowledged: K. The primary does not count. At least 1 and less than the number of nodes.
    pub acks: usize,
}

/// The time of one primary, numbered by the arbiter: each number is larger than all before. `e7` when shown; e0 is before the first.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "e{}", self.0)
    }
}

/// Between nodes, and between them and the arbiter. Any of them may come late, twice or never.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Arbiter to every node: a new epoch begins, and nothing of an older one counts any more. Answer [`Message::Report`].
    Seal(Epoch),
    /// Node to arbiter: I have sealed that epoch, and this is on my disk.
    Report {
        /// Which epoch is sealed.
        epoch: Epoch,
        /// The last epoch in which this log agreed with the primary's.
        agreed: Epoch,
        /// How many entries it has.
        length: usize,
    },
    /// Arbiter to one node: you are the primary of this epoch. Repeated every 50 ms, until the arbiter seals another one.
    Lead(Epoch),
    /// Primary to replica: my log from there on, to its end. Answer [`Message::Have`].
    Append {
        /// The epoch in which the primary leads.
        epoch: Epoch,
        /// How many entries come before these.
        from: usize,
        /// All entries after those.
        entries: Vec<u64>,
        /// How many entries are known to be acknowledged.
        committed: usize,
    },
    /// Replica to primary: this many entries of the log are on my disk, the same as on yours.
    Have {
        /// The epoch in which the primary leads.
        epoch: Epoch,
        /// How many, counted from the first.
        length: usize,
    },
}

/// Timers. Use those that you like.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Time to send appends.
    Beat,
    /// Yours to use, perhaps one for each peer.
    Peer(NodeId),
    /// Yours to use. (The arbiter's timer, too.)
    Tick,
}

/// From a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Append this to the log. Answer [`Response::Written`] once it is acknowledged, [`Response::NotPrimary`] if it never will be.
    Write(u64),
    /// What is known to be acknowledged? Answer [`Response::Known`], whoever you are.
    Read,
    /// To the arbiter alone, from an operator or a watchdog: replace the primary.
    FailOver,
}

/// To a client: at most one to each request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Response {
    /// It is acknowledged, and the log up to and including it has this many entries.
    Written(usize),
    /// Not here: it was not and never will be appended.
    NotPrimary,
    /// This many entries are known here to be acknowledged, and this is the last of them.
    Known(usize, Option<u64>),
    /// From the arbiter: this node leads now.
    Leads(Epoch, NodeId),
}

/// What survives a crash: `None` at the first start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Saved {
    /// The highest epoch that was sealed here, by the arbiter or by a primary's append.
    pub epoch: Epoch,
    /// The last epoch in which the log agreed with the primary's, as a replica or as that primary.
    pub agreed: Epoch,
    /// The log: 60,000 entries at most.
    pub log: Vec<u64>,
    /// How many of its entries are known to be acknowledged.
    pub committed: usize,
}

impl Protocol for PrimaryReplica {
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Request = Request;
    type Response = Response;
    type Durable = Saved;
    type View = ();
}

/// The hidden tests look only at messages, answers and what is saved.
impl<N: Node<PrimaryReplica>> Observe<N> for PrimaryReplica {
    fn view(_: &N) {}
}
