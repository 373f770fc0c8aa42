//! `lamport_clock`: a clock that counts events, so that what may have caused another has the smaller stamp.
//!
//! Lamport 1978, "Time, clocks, and the ordering of events in a distributed system". This page is the contract; the problem is told in the
//! exercise's README.

mod judge;

pub use judge::judge;

use crate::sim::{Node, NodeId, Observe, Protocol};
use std::fmt;

/// How much a clock may leap when its node starts again, beyond all that it has shown.
pub const LEAP: u64 = 1_000;

/// The words of this exercise.
#[derive(Clone, Debug, Hash)]
pub struct LamportClock;

/// When an event happened, and where. `3.n1` when shown. Which of two is the earlier is for you to say.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// What the node's clock said: 1 or more.
    pub time: u64,
    /// Whose clock.
    pub node: NodeId,
}

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.time, self.node)
    }
}

/// Between nodes. Each arrival is an event of its own, a repeated one too.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Message {
    /// The stamp of the event of sending it.
    pub sent: Stamp,
}

/// Timers. A good solution needs none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Something of yours.
    Tick,
}

/// From a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Something happens at this node: an event. Answer [`Response::Stamped`] with its stamp.
    Happen,
    /// Send a [`Message`] to this node, one, before your handler returns: an event. Answer [`Response::Stamped`] with its stamp, which is in
    /// the message, too. A node may be asked to send to itself.
    Send(NodeId),
    /// Put these in order, the earliest first. Answer [`Response::Ordered`]. This is no event; the stamps may be of any nodes and any times.
    Order(Vec<Stamp>),
}

/// To a client: exactly one to each request, within 100 ms, unless the node crashes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Response {
    /// The stamp of the event.
    Stamped(Stamp),
    /// The same stamps, in the one order that all nodes give them: by time, and of equal times by node.
    Ordered(Vec<Stamp>),
}

/// What survives a crash: `None` at the first start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Saved {
    /// From here the clock goes on after a crash: nothing that it has shown may be later.
    pub clock: u64,
}

impl Protocol for LamportClock {
    type Config = ();
    type Message = Message;
    type Timer = Timer;
    type Request = Request;
    type Response = Response;
    type Durable = Saved;
    type View = u64;
}

/// A node with a clock.
pub trait Clock: Node<LamportClock> {
    /// The time of the last event of this node, 0 before the first; after a restart what it goes on from. Looked at after every step; must
    /// not change anything.
    fn clock(&self) -> u64;
}

impl<N: Clock> Observe<N> for LamportClock {
    fn view(node: &N) -> u64 {
        node.clock()
    }
}
