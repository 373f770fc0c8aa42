//! `lamport_clock`: a clock that counts events, so that an event that may have caused another has the smaller stamp.
//!
//! Lamport 1978, "Time, clocks, and the ordering of events in a distributed system". This page is the contract; the problem is described in the
//! exercise's README.

mod judge;

pub use judge::judge;

use crate::sim::{Node, NodeId, Observe, Protocol};
use std::fmt;

/// How far a clock may leap when its node starts again, beyond everything that it has shown.
pub const LEAP: u64 = 1_000;

/// The protocol of this exercise.
#[derive(Clone, Debug, Hash)]
pub struct LamportClock;

/// When an event happened, and where. Shown as `3.n1`. It is for you to say which of two is the earlier.
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
    /// Yours to use.
    Tick,
}

/// From a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Something happens at this node: an event. Answer [`Response::Stamped`] with its stamp.
    Happen,
    /// Send one [`Message`] to this node before your handler returns: an event. Answer [`Response::Stamped`] with its stamp, which is also
    /// in the message. A node may be asked to send to itself.
    Send(NodeId),
    /// Put these in order, the earliest first. Answer [`Response::Ordered`]. This is not an event; the stamps can have any nodes and any times.
    Order(Vec<Stamp>),
}

/// To a client: exactly one to each request, within 100 ms, unless the node crashes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Response {
    /// The stamp of the event.
    Stamped(Stamp),
    /// The same stamps, in the one order that all nodes give them: by time, and equal times by node.
    Ordered(Vec<Stamp>),
}

/// What survives a crash: `None` at the first start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Saved {
    /// After a crash the clock goes on from here: nothing that it has shown may be later.
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
    /// The time of the last event of this node, 0 before the first; after a restart, the value that it goes on from. The hidden tests read it
    /// after every step; it must not change anything.
    fn clock(&self) -> u64;
}

impl<N: Clock> Observe<N> for LamportClock {
    fn view(node: &N) -> u64 {
        node.clock()
    }
}
