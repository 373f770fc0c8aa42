//! `vector_clock`: posts that each node shows only after what their authors had read, and the clocks that tell what came before what.
//!
//! Fidge 1988 and Mattern 1989 for the clocks; Birman, Schiper & Stephenson 1991 for the delivery. This page is the contract; the problem
//! is described in the exercise's README.

mod judge;

pub use judge::judge;

use crate::sim::{Node, NodeId, Observe, Protocol};
use std::collections::BTreeMap;
use std::fmt;

/// The protocol of this exercise.
#[derive(Clone, Debug, Hash)]
pub struct VectorClock;

/// For each node, a count of its posts. A node without an entry counts 0: `{n1: 2, n3: 0}` and `{n1: 2}` are the same clock.
pub type Clock = BTreeMap<NodeId, u64>;

/// How one clock relates to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// The first happened before the second.
    Before,
    /// The second happened before the first.
    After,
    /// They are the same clock.
    Equal,
    /// Neither happened before the other.
    Concurrent,
}

/// The id of a post: the third post of n2 is shown as `n2#3`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PostId {
    /// Who wrote it.
    pub author: NodeId,
    /// Its number among the author's posts, from 1.
    pub number: u64,
}

impl fmt::Debug for PostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.author, self.number)
    }
}

/// A post. Its text is left out: it would change nothing. Shown as `n2#3 {n1: 1, n2: 3}`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Post {
    /// Who wrote it. Not always the node from which it comes: posts may be passed on.
    pub author: NodeId,
    /// For each node, how many of its posts the author had in its feed, this one included. An entry of 0 may be there or missing.
    pub clock: Clock,
}

impl Post {
    /// Its id: the number is the author's own entry.
    #[must_use]
    pub fn id(&self) -> PostId {
        PostId { author: self.author, number: self.clock.get(&self.author).copied().unwrap_or(0) }
    }
}

impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?}", self.id(), self.clock)
    }
}

/// What a node is told when it is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Config {
    /// For each node, how many of its posts everybody had in the feed long ago and has archived: the same at every node. The feed begins empty,
    /// and counting goes on from here.
    pub archived: Clock,
}

/// Timers. A good solution needs none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Yours to use.
    Tick,
}

/// From a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Write a post: send it to every other node and put it into your own feed before your handler returns. Answer [`Response::Posted`].
    Post,
    /// How does the first clock relate to the second? Answer [`Response::Compared`]. They can have any nodes and any counts.
    Compare(Clock, Clock),
}

/// To a client: exactly one to each request, within 100 ms.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Response {
    /// The post, as it was sent.
    Posted(Post),
    /// How the first clock relates to the second.
    Compared(Relation),
}

impl Protocol for VectorClock {
    type Config = Config;
    type Message = Post;
    type Timer = Timer;
    type Request = Request;
    type Response = Response;
    /// Nodes do not crash here.
    type Durable = ();
    type View = Vec<PostId>;
}

/// A node with a feed.
pub trait Member: Node<VectorClock> {
    /// What its readers see, the oldest first: posts are added at its end, and stay. The hidden tests read it after every step.
    fn feed(&self) -> &[PostId];
}

impl<N: Member> Observe<N> for VectorClock {
    fn view(node: &N) -> Vec<PostId> {
        node.feed().to_vec()
    }
}
