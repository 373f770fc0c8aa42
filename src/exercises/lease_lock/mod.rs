//! `lease_lock`: one lock, given out for a time. A lock server, workers who want the lock, and the storage that they write to.
//!
//! Leases are Gray & Cheriton 1989, the number that goes with each is Chubby's sequencer (Burrows 2006), or a fencing token (Kleppmann 2016). This
//! page is the contract; the problem is told in the exercise's README.

mod judge;

pub use judge::judge;

use crate::sim::{self, Node, NodeId, Observe, Protocol};
use crate::time::Time;
use std::fmt;
use std::time::Duration;

/// How long a node may take for an answer, where nothing else is said: room to save several things at once.
pub const TAKES: Duration = Duration::from_millis(20);
/// How often a worker asks at least, for the lock while a client waits for it, and for a longer lease when half of it is over.
pub const ASKS: Duration = Duration::from_millis(50);
/// How long a worker waits at least for the storage before it gives a write up.
pub const WAITS: Duration = Duration::from_millis(100);
/// How long after a write was asked for its client must have been answered.
pub const ANSWERS: Duration = Duration::from_millis(300);

/// The words of this exercise.
#[derive(Clone, Debug, Hash)]
pub struct LeaseLock;

/// The same for all nodes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// Which node gives the lock out.
    pub server: NodeId,
    /// Which node is the storage, another one. All the others are workers.
    pub storage: NodeId,
    /// How long a lease lasts: 400 ms to a minute.
    pub lease: Duration,
}

/// The number of a lease: larger than that of every lease before it. `t7` when shown.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}", self.0)
    }
}

/// A write, under the lease `token`. Entries are ordered by token, then by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    /// Under which lease.
    pub token: Token,
    /// Which write of this lease: its client numbers them upwards, and uses no number twice under one token.
    pub number: u64,
    /// What is written.
    pub value: u64,
}

/// Between nodes. Any of them may be sent again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Worker to server: I want the lock. If it is free, or mine, answer [`Message::Granted`]; else say nothing, I ask again.
    Acquire {
        /// A number of the worker's choice, which the answer repeats.
        asked: u64,
    },
    /// Worker to server: this lease is mine and runs; I want it to run anew, from now on. If it is so, answer [`Message::Granted`] with the same token;
    /// else say nothing.
    Renew {
        /// Which lease.
        token: Token,
        /// As in [`Message::Acquire`].
        asked: u64,
    },
    /// Server to worker: the lock is yours under this token, and stays so for one whole lease at least, counted from when I heard that question.
    Granted {
        /// Of a new lease, or of yours that runs on.
        token: Token,
        /// That of the question.
        asked: u64,
    },
    /// Worker to server: I do not want this lease any more.
    Release(Token),
    /// Worker to storage: write this. Answer [`Message::Wrote`] or [`Message::Refused`].
    Write(Entry),
    /// Storage to worker: this entry is written, and saved (it may have been written over since).
    Wrote {
        /// Of the entry.
        token: Token,
        /// Of the entry.
        number: u64,
    },
    /// Storage to worker: there is a later entry than this one.
    Refused {
        /// Of the entry.
        token: Token,
        /// Of the entry.
        number: u64,
    },
}

/// Timers. Use those that you like.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Time to ask for the lock again.
    Ask,
    /// Time to ask for a longer lease.
    Renew,
    /// The storage has not answered about the write with this token and number.
    Write(Token, u64),
    /// Something of yours.
    Tick,
}

/// From a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// To a worker: get the lock, and keep it. Answer [`Response::Locked`] when you have it, however long that takes; at once if you have.
    Lock,
    /// To a worker: write this, under this lease. Answer [`Response::Written`], [`Response::NotHeld`] or [`Response::Unknown`].
    Write(Entry),
    /// To a worker: give the lock back, if you have it, and stop waiting for it. Answer [`Response::Unlocked`], and [`Response::NotHeld`] to every
    /// [`Request::Lock`] that still waits.
    Unlock,
    /// To the storage: what was written last? Answer [`Response::Value`].
    Read,
}

/// To a client: exactly one to each request, unless the node crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Response {
    /// The lock is held, under this token.
    Locked(Token),
    /// The storage has confirmed it.
    Written,
    /// The worker does not hold this lease (any more): the entry was not sent to the storage, and never will be. Or the lock was given up
    /// while somebody waited for it.
    NotHeld,
    /// The entry was sent, and nobody has confirmed it: it may be written, or not.
    Unknown,
    /// The lock is not held.
    Unlocked,
    /// What was written last; 0 if nothing was.
    Value(u64),
}

/// A lease, for servers that save it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// Who holds it.
    pub holder: NodeId,
    /// Its number.
    pub token: Token,
    /// When it ends, by the server's clock.
    pub until: Time,
}

/// What survives a crash: `None` at the first start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Saved {
    /// Server: as large as the largest token that it has given out, or larger. At its first start it may be large already (below 2⁶²).
    pub token: Token,
    /// Server: the lease, if you like to save it.
    pub lease: Option<Lease>,
    /// Storage: the last entry.
    pub entry: Entry,
    /// Worker: the largest token that it has given back.
    pub released: Token,
    /// A number of yours, if you need one that survives.
    pub counter: u64,
}

impl Protocol for LeaseLock {
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Request = Request;
    type Response = Response;
    type Durable = Saved;
    type View = ();

    fn lease(config: &Config, message: &Message) -> Option<sim::Lease> {
        match message {
            Message::Acquire { asked } | Message::Renew { asked, .. } => Some(sim::Lease::Asks(*asked)),
            Message::Granted { token, asked } => Some(sim::Lease::Gives {
                name: format!("{token:?}"),
                asked: *asked,
                promised: config.lease,
                // The most that a worker may take, as two clocks may be 2 % apart.
                counted: config.lease * 98 / 100,
            }),
            Message::Release(token) => Some(sim::Lease::Ends(format!("{token:?}"))),
            _ => None,
        }
    }
}

/// Nothing but messages, answers and what is saved is looked at.
impl<N: Node<LeaseLock>> Observe<N> for LeaseLock {
    fn view(_: &N) {}
}
