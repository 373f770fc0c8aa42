//! `durable_note`: the warm-up. One server keeps one note, and never loses what it has promised to keep.
//!
//! What was acknowledged must be on the disk: the write comes before the answer (Gray 1978, "Notes on data base operating
//! systems"; every log, queue and consensus protocol rests on it). This page is the contract; the problem is described in the
//! exercise's README.

mod judge;

pub use judge::judge;

use crate::sim::{Node, Observe, Protocol};

/// The protocol of this exercise.
#[derive(Clone, Debug, Hash)]
pub struct DurableNote;

/// Between nodes: there is only one, so there is nothing to say.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {}

/// Timers. A good solution needs none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Yours to use.
    Tick,
}

/// From a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Replace the note with this one. Answer [`Response::Written`] once it cannot be lost.
    Write(u64),
    /// Answer [`Response::Note`].
    Read,
}

/// To a client: exactly one to each request, within a second, unless the server crashes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Response {
    /// The note is written, and a crash cannot take it back.
    Written,
    /// The note that was written last, or 0 if none was.
    Note(u64),
}

impl Protocol for DurableNote {
    type Config = ();
    type Message = Message;
    type Timer = Timer;
    type Request = Request;
    type Response = Response;
    /// What survives a crash is one number, the note: `cx.save(7)`. Nothing was saved at the first start.
    type Durable = u64;
    type View = ();
}

/// The hidden tests look only at saves and answers.
impl<N: Node<DurableNote>> Observe<N> for DurableNote {
    fn view(_: &N) {}
}
