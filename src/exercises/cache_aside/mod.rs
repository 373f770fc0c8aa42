//! `cache_aside`: say in one sentence what the learner writes.
//!
//! Name the source here. This page is the contract; the problem is told in the exercise's README.

mod judge;

pub use judge::judge;

use crate::sim::{Node, Observe, Protocol};

/// The words of this exercise.
#[derive(Clone, Debug, Hash)]
pub struct CacheAside;

/// Between nodes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Replace this by what nodes say to each other.
    Hello,
}

/// Timers. Use them as you like.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Replace this by what there is to wait for.
    Tick,
}

/// From a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Answer with a number that is larger than all before.
    Next,
}

/// To a client: exactly one to each request, within 100 ms, unless the node crashes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Response {
    /// A new number of this node.
    Number(u64),
}

/// What survives a crash: `None` at the first start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Saved {
    /// Replace this by what must not be lost.
    pub last: u64,
}

impl Protocol for CacheAside {
    type Config = ();
    type Message = Message;
    type Timer = Timer;
    type Request = Request;
    type Response = Response;
    type Durable = Saved;
    type View = ();
}

/// Nothing but messages, saves and answers is looked at. Where the judge must see more, let it be `View`, and a trait of yours say it.
impl<N: Node<CacheAside>> Observe<N> for CacheAside {
    fn view(_: &N) {}
}
