//! `read_your_writes`: one primary that takes all writes, replicas that lag behind it, and clients who carry a token of what they have seen.
//!
//! The two guarantees for reads among the session guarantees of Terry et al. 1994 ("Session guarantees for weakly consistent replicated
//! data"). With one primary, a position in its log is enough as a token. This page is the contract; the problem is described in the
//! exercise's README.

mod judge;

pub use judge::judge;

use crate::sim::{Node, NodeId, Observe, Protocol, Ticket};
use std::fmt;
use std::time::Duration;

/// How long a node may take for an answer that it can give, for [`Message::Append`] and [`Message::Tell`], and to save what an Append
/// brought: room to do several things at once.
pub const TAKES: Duration = Duration::from_millis(20);
/// How long after a read has come a replica that still lags may say [`Response::Behind`], and no sooner.
pub const WAITS: Duration = Duration::from_millis(60);
/// A read must be answered within this time after it has come, whatever happens to the primary.
pub const ANSWERS: Duration = Duration::from_millis(300);
/// How long after a replica has started, or has said [`Message::Have`], it must say it again.
pub const ASKS: Duration = Duration::from_millis(100);

/// The protocol of this exercise.
#[derive(Clone, Debug, Hash)]
pub struct ReadYourWrites;

/// The same for all nodes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// Which node takes the writes, in all its lives. All the others are replicas.
    pub primary: NodeId,
}

/// A number of writes, counted from the beginning of the primary's log: 0 is before the first. It is also the token of a client: this many
/// writes it has seen or made. Shown as `@7`.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.0)
    }
}

/// What a value is stored under. Shown as `k7`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub u64);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "k{}", self.0)
    }
}

/// What is stored. Shown as `v7`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value(pub u64);

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

/// One entry of the log. Shown as `k1 = v7`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Write {
    /// Which key.
    pub key: Key,
    /// What is stored under it from then on.
    pub value: Value,
}

impl fmt::Debug for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} = {:?}", self.key, self.value)
    }
}

/// Between the primary and a replica. Any message may be sent again, and also at times at which it need not be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Replica to primary: this much of the log is *on my disk*. Answer [`Message::Append`] with what follows, if there is more.
    Have(Position),
    /// Primary to replica: these writes follow position `after` in the log.
    Append {
        /// How many writes come before the first of these.
        after: Position,
        /// In their order.
        writes: Vec<Write>,
    },
    /// Replica to primary: a read of this key with this token has come to me, and I lag. Answer [`Message::Tell`].
    Ask {
        /// Which key.
        key: Key,
        /// What the client has seen.
        token: Position,
    },
    /// Primary to replica: this is what I have. It answers every open read of that key whose token is no higher.
    Tell {
        /// Of which key.
        key: Key,
        /// As in [`Response::Value`].
        value: Option<Value>,
        /// As in [`Response::Value`].
        token: Position,
    },
}

/// Timers. Use those that you like.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// This read has waited for a while.
    Wait(Ticket),
    /// This read has waited long enough.
    GiveUp(Ticket),
    /// Time to say how much of the log is here.
    Sync,
    /// Yours to use.
    Tick,
}

/// From a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// To the primary. Answer [`Response::Written`]. The same request again is another write.
    Write(Write),
    /// To any node. Answer [`Response::Value`] or [`Response::Behind`].
    Read {
        /// Which key.
        key: Key,
        /// The last token that this client got in an answer; 0 if it got none.
        token: Position,
    },
}

/// To a client: exactly one to each request, in time, unless the node crashes. The client replaces its token with the one that comes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Response {
    /// It is in the log, at this position or an earlier one, and the log up to this position is on the primary's disk.
    Written(Position),
    /// What is stored under the key.
    Value {
        /// The key's value after the first `token` writes of the log: `None` if none of them wrote it.
        value: Option<Value>,
        /// At least the client's token, and at most what this node has.
        token: Position,
    },
    /// Replica: I do not have yet what your token covers. Try another node.
    Behind,
}

/// What survives a crash: `None` at the first start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Saved {
    /// The log from its beginning, all of it at the primary and some of it at a replica. 60,000 writes at most.
    pub log: Vec<Write>,
}

impl Protocol for ReadYourWrites {
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Request = Request;
    type Response = Response;
    type Durable = Saved;
    type View = ();
}

/// The hidden tests look only at messages, answers and what is saved.
impl<N: Node<ReadYourWrites>> Observe<N> for ReadYourWrites {
    fn view(_: &N) {}
}
