//! `quorum_write`: a record on N replicas; a write succeeds after W of them have saved it, a read asks R of them.
//!
//! Every node is a replica and, for the requests that clients send to it, a coordinator; its own replica counts like any
//! other. The quorums are those of Gifford 1979 ("Weighted voting for replicated data"), with versions that clients choose,
//! as in Dynamo's successors. This page is the contract; the problem is described in the exercise's README.

mod judge;

pub use judge::judge;

pub use crate::sim::ClientId;
use crate::sim::Ticket;
use crate::sim::{Node, Observe, Protocol};
use std::fmt;
use std::time::Duration;

/// The protocol of this exercise.
#[derive(Clone, Debug, Hash)]
pub struct QuorumWrite;

/// The same for all nodes. N is not given: it is the number of peers plus one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// How many replicas must have saved a write before it has succeeded: 1 to N.
    pub w: usize,
    /// How many replicas a read must have heard: 1 to N. W + R can be N or less.
    pub r: usize,
    /// The time within which the answer to a request must leave, by this node's clock: 100 ms or more, many times what a
    /// message takes in fair weather. See also [`GRACE`].
    pub deadline: Duration,
}

/// How much later than [`Config::deadline`] an answer may leave: room for a node that looks at its clock now and then.
pub const GRACE: Duration = Duration::from_millis(30);

/// How long a replica may take to answer a [`Message::Store`] or a [`Message::Fetch`]: room to save several at once.
pub const REPLICA_TAKES: Duration = Duration::from_millis(20);

/// Which write is newer: the larger number, and for equal numbers the larger client. The *client* chooses it, and gives each
/// of its writes a new one; clients do not agree on the next number, so a write can be older than what is there.
/// Shown as `3.c1`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Compared first.
    pub number: u64,
    /// Compared second.
    pub writer: ClientId,
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:?}", self.number, self.writer)
    }
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Value(pub u64);

/// What a replica holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Held {
    /// The version of the write that it comes from.
    pub version: Version,
    /// What that write wrote.
    pub value: Value,
}

/// `3.c1 = 7`.
impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} = {}", self.version, self.value.0)
    }
}

/// A read's number, chosen by its coordinator, so that it can tell the answers to one read from those to another: also
/// from answers that it asked for before a crash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReadId(pub u64);

/// `#7`.
impl fmt::Debug for ReadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Between nodes. Any message can be sent again, even after it was answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Coordinator to replica: hold this, unless what you hold is newer. Answer [`Message::Stored`] in both cases.
    Store(Held),
    /// Replica to coordinator: what I have *saved* is this version or a newer one (and so every older write is saved there, or
    /// superseded).
    Stored(Version),
    /// Coordinator to replica: what do you hold? Answer [`Message::Fetched`] under the same number.
    Fetch(ReadId),
    /// Replica to coordinator: this (`None` if nothing was ever stored here).
    Fetched(ReadId, Option<Held>),
}

/// Timers. Use those that you like.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Time to answer this request, whatever is known.
    Deadline(Ticket),
    /// Time to ask again for this request.
    Retry(Ticket),
    /// Yours to use.
    Tick,
}

/// From a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Write this. Answer [`Response::Written`], [`Response::Failed`] or [`Response::Unknown`]. A client that was not told
    /// `Written` may ask again, here or at another node, for the same write under the same version.
    Write(Held),
    /// Read. Answer [`Response::Read`] or [`Response::Unavailable`].
    Read,
}

/// To a client: exactly one to each request, before the deadline.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Response {
    /// W different replicas have saved this write or a newer one.
    Written,
    /// No replica has this write, and none ever will. A node that holds it, or has sent a `Store` of it since it started, for
    /// whichever request, knows better, and so does a node to which a replica has shown it when it asked for that write;
    /// the node need not know what another node did that was asked for the same write.
    Failed,
    /// Neither of the two is certain.
    Unknown,
    /// The newest of what R different replicas (or more) held when they were asked for this read.
    Read(Option<Held>),
    /// Fewer than R replicas answered in time.
    Unavailable,
}

/// What survives a crash: `None` at the first start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Saved {
    /// What this replica holds.
    pub held: Option<Held>,
    /// A number for your own use, if you need one that survives.
    pub counter: u64,
}

impl Protocol for QuorumWrite {
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Request = Request;
    type Response = Response;
    type Durable = Saved;
    type View = ();
}

/// The hidden tests look only at messages and answers.
impl<N: Node<QuorumWrite>> Observe<N> for QuorumWrite {
    fn view(_: &N) {}
}
