//! `lease_lock`: one lock, given out for a limited time. A lock server, workers that want the lock, and the storage that they write to.
//!
//! Leases come from Gray & Cheriton 1989; the number of each is Chubby's sequencer (Burrows 2006), or a fencing token (Kleppmann 2016). This
//! page is the contract; the problem is described in the exercise's README.

mod judge;

pub use judge::judge;

use crate::sim::{self, Node, NodeId, Observe, Protocol};
use crate::time::Time;
use std::fmt;
use std::time::Duration;

/// How long a node may take for an answer, unless something else is said: room to save several things at once.
pub const TAKES: Duration = Duration::from_millis(20);
/// How often a worker must ask at least: for the lock while a client waits for it, and for a renewal when half of the lease is over.
pub const ASKS: Duration = Duration::from_millis(50);
/// How long a worker waits at least for the storage before it gives up a write.
pub const WAITS: Duration = Duration::from_millis(100);
/// Within this time after a write was requested, its client must be answered.
pub const ANSWERS: Duration = Duration::from_millis(300);

/// The protocol of this exercise.
#[derive(Clone, Debug, Hash)]
pub struct LeaseLock;

/// The same for all nodes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// Which node gives the lock out.
    pub server: NodeId,
    /// Which node is the storage; it is not the server. All the others are workers.
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
    /// Worker to server: I want the lock. If it is free, or mine, answer [`Message::Granted`]; otherwise do not answer, I ask again.
    Acquire {
        /// A number that the worker chooses and the answer repeats.
        asked: u64,
    },
    /// Worker to server: this lease is mine and still runs; renew it, from now on. If that is true, answer [`Message::Granted`] with the same token;
    /// otherwise do not answer.
    Renew {
        /// Which lease.
        token: Token,
        /// As in [`Message::Acquire`].
        asked: u64,
    },
    /// Server to worker: the lock is yours under this token for at least one whole lease, counted from when I heard that request.
    Granted {
        /// The token of a new lease, or of yours, which is renewed.
        token: Token,
        /// The number in that request.
        asked: u64,
    },
    /// Worker to server: I do not want this lease any more.
    Release(Token),
    /// Worker to storage: write this. Answer [`Message::Wrote`] or [`Message::Refused`].
    Write(Entry),
    /// Storage to worker: this entry is written, and saved (it may have been overwritten since).
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
    /// Time to renew the lease.
    Renew,
    /// The storage has not answered about the write with this token and number.
    Write(Token, u64),
    /// Yours to use.
    Tick,
}

/// From a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// To a worker: get the lock, and keep it. Answer [`Response::Locked`] when you have it, however long that takes; at once if you already have it.
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
    /// while a client waited for it.
    NotHeld,
    /// The entry was sent, but the storage has not confirmed it: it may be written, or not.
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
    /// Server: at least as large as the largest token that it has given out. At the first start it may already be large (below 2⁶²).
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

/// The hidden tests look only at messages, answers and what is saved.
impl<N: Node<LeaseLock>> Observe<N> for LeaseLock {
    fn view(_: &N) {}
}
