//! `read_your_writes`: one primary that takes all writes, replicas that lag behind it, and clients who carry a token of what they have seen.
//!
//! Of the session guarantees of Terry et al. 1994 ("Session guarantees for weakly consistent replicated data") the two for reads. With one
//! primary a position in its log is all that a token must be. This page is the contract; the problem is told in the exercise's README.

mod judge;

pub use judge::judge;

use crate::sim::{Node, NodeId, Observe, Protocol, Ticket};
use std::fmt;
use std::time::Duration;

/// How long a node may take for an answer that it can give, for [`Message::Append`] and [`Message::Tell`], and to save what an Append has
/// brought: room to do several things at once.
pub const TAKES: Duration = Duration::from_millis(20);
/// So long after a read has come a replica that still lags may say [`Response::Behind`], and no sooner.
pub const WAITS: Duration = Duration::from_millis(60);
/// So long after a read has come it must have been answered, whatever has become of the primary.
pub const ANSWERS: Duration = Duration::from_millis(300);
/// How long after a replica has started, or has said [`Message::Have`], it must say it again.
pub const ASKS: Duration = Duration::from_millis(100);

/// The words of this exercise.
#[derive(Clone, Debug, Hash)]
pub struct ReadYourWrites;

/// The same for all nodes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// Which node takes the writes, in all its lives. All the others are replicas.
    pub primary: NodeId,
}

/// A number of writes, counted from the beginning of the primary's log: 0 is before the first. It is also the token of a client: so many
/// writes it has seen or made. `@7` when shown.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.0)
    }
}

/// What a value is stored under. `k7` when shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub u64);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "k{}", self.0)
    }
}

/// What is stored. `v7` when shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value(pub u64);

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

/// One entry of the log. `k1 = v7` when shown.
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

/// Between the primary and a replica. Any of them may be sent again, and at other times than they must be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Replica to primary: so much of the log is *on my disk*. Answer [`Message::Append`] with what follows, if there is more.
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
    /// Primary to replica: so it is. It answers every open read of that key whose token is no higher.
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
    /// Time to say what is here.
    Sync,
    /// Something of yours.
    Tick,
}

/// From a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// To the primary. Answer [`Response::Written`]. The same request once more is another write.
    Write(Write),
    /// To any node. Answer [`Response::Value`] or [`Response::Behind`].
    Read {
        /// Which key.
        key: Key,
        /// The token of the last answer that this client got which had one; 0 if none had.
        token: Position,
    },
}

/// To a client: exactly one to each request, in time, unless the node crashes. The client replaces its token by the one that comes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Response {
    /// It is in the log, at this position or an earlier one, and so much of the log is on the primary's disk.
    Written(Position),
    /// What is stored under the key.
    Value {
        /// What the first `token` writes of the log have made of the key: `None` if none of them wrote it.
        value: Option<Value>,
        /// At least the client's token, and at most what there is here.
        token: Position,
    },
    /// Replica: I do not have yet what your token stands for. Try another node.
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

/// Nothing but messages, answers and what is saved is looked at.
impl<N: Node<ReadYourWrites>> Observe<N> for ReadYourWrites {
    fn view(_: &N) {}
}
