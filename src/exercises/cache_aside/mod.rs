//! `cache_aside`: application servers between clients, a cache that forgets and a database that does not.
//!
//! The cache gives leases as in Nishtala et al. 2013 ("Scaling Memcache at Facebook"), section 3.2.1. This page is the contract; the problem is
//! described in the exercise's README.

mod judge;

pub use judge::judge;

use crate::sim::{Node, NodeId, Observe, Protocol};
use std::fmt;
use std::time::Duration;

/// How long a server may take for what it does at once: to ask the cache, to load, to fill, to write, to delete, to pass on an answer.
pub const TAKES: Duration = Duration::from_millis(20);
/// If the cache has left a request unanswered for this long, it is silent: the database may be read without a lease. A read that has no answer may be
/// sent again after this time, and no sooner.
pub const SILENT: Duration = Duration::from_millis(50);
/// How often a server asks again, at least: the cache, the database, or both. If the cache has been silent for this long, a server no longer waits for it.
pub const AGAIN: Duration = Duration::from_millis(100);
/// How long a lease lasts, by the clock of the cache.
pub const LEASE: Duration = Duration::from_millis(200);
/// How long at least a server goes on before it answers [`Response::Failed`], [`Response::Stale`] or [`Response::Unknown`].
pub const PATIENCE: Duration = Duration::from_millis(400);
/// Within this time after a request has come, it must be answered.
pub const ANSWERS: Duration = Duration::from_millis(600);

/// The protocol of this exercise.
#[derive(Clone, Debug, Hash)]
pub struct CacheAside;

/// The same for all servers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// The address of the cache. It is a service, not one of the peers.
    pub cache: NodeId,
    /// The address of the database, another service.
    pub database: NodeId,
    /// How long a value stays in the cache at most: a second or more.
    pub ttl: Duration,
    /// The same for "there is no such row": a tenth of `ttl` or less, and 20 ms or more.
    pub negative_ttl: Duration,
    /// How many keys one server may have reads under way for at the database: 1 or more.
    pub loads: usize,
}

/// What a value is stored under. `k7` when shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub u64);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "k{}", self.0)
    }
}

/// What is stored. `v7` when shown. A row that is not there is `None`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value(pub u64);

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

/// The right to fill one key once. The cache never gives the same number twice. `l7` when shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lease(pub u64);

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "l{}", self.0)
    }
}

/// Between servers, cache and database. Any of them may come late, twice or never.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Server to cache: what is there? It answers [`Message::Hit`], [`Message::Miss`] or [`Message::Wait`].
    Get(Key),
    /// Cache to server: this.
    Hit {
        /// Of which key.
        key: Key,
        /// `None`: it is known that there is no such row.
        value: Option<Value>,
    },
    /// Cache to server: nothing, and you may fill it.
    Miss {
        /// Of which key.
        key: Key,
        /// The right to fill the key: it ends after [`LEASE`], and is void as soon as the key is deleted.
        lease: Lease,
    },
    /// Cache to server: nothing, and another server has the lease. Ask again in a little while.
    Wait(Key),
    /// Server to cache: keep this. There is no answer.
    Set {
        /// Under which key.
        key: Key,
        /// The value is kept if this is the current lease of the key, and it ends this lease; otherwise nothing happens. `None`: it is kept whatever is there.
        lease: Option<Lease>,
        /// What; `None`: there is no such row.
        value: Option<Value>,
        /// How long.
        ttl: Duration,
    },
    /// Server to cache: forget that key, and its lease is void. It answers [`Message::Deleted`].
    Delete {
        /// Which key.
        key: Key,
        /// A number of yours, which the answer repeats.
        tag: u64,
    },
    /// Cache to server: the key is forgotten.
    Deleted {
        /// That of [`Message::Delete`].
        key: Key,
        /// The same.
        tag: u64,
    },
    /// Server to database: what is in that row? It answers [`Message::Row`].
    Read {
        /// Of which key.
        key: Key,
        /// A number of yours, which the answer repeats.
        tag: u64,
    },
    /// Database to server: this.
    Row {
        /// That of [`Message::Read`].
        key: Key,
        /// The same.
        tag: u64,
        /// What was in it when the Read arrived.
        value: Option<Value>,
    },
    /// Server to database: write this. It answers [`Message::Written`], each time, and does it once.
    Write {
        /// That of the request.
        id: u64,
        /// Which row.
        key: Key,
        /// What; `None`: the row is removed.
        value: Option<Value>,
    },
    /// Database to server: the write with this id is done.
    Written(u64),
}

/// Timers. Use those that you like.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Something is open for this key.
    Key(Key),
    /// The write with this id is still open.
    Put(u64),
    /// Yours to use.
    Tick,
}

/// From a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Answer [`Response::Value`], or [`Response::Failed`].
    Get(Key),
    /// Answer [`Response::Written`], [`Response::Stale`] or [`Response::Unknown`].
    Put {
        /// No two requests have the same.
        id: u64,
        /// Which row.
        key: Key,
        /// What; `None`: the row is removed.
        value: Option<Value>,
    },
}

/// To a client: exactly one to each request, unless the server crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Response {
    /// This is in the row, or was until a moment ago; if the cache missed an invalidation, until `ttl` ago.
    Value(Option<Value>),
    /// Neither the cache nor the database has said in time what is in the row.
    Failed,
    /// The database has it, and after that the cache has confirmed that it has forgotten the key.
    Written,
    /// The database has it, but the cache has not confirmed: the old value may be seen until it expires.
    Stale,
    /// The database has not confirmed: it may be written, now or later, or not.
    Unknown,
}

impl Protocol for CacheAside {
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Request = Request;
    type Response = Response;
    /// A server keeps nothing across a crash: what must last is in the database.
    type Durable = ();
    type View = ();
}

/// The hidden tests look only at messages and answers.
impl<N: Node<CacheAside>> Observe<N> for CacheAside {
    fn view(_: &N) {}
}
