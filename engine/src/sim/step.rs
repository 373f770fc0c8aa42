//! One step of a node: why its handler runs, and what it did. Knows neither the world around it nor who watches.

use super::node::{Effect, NodeId, Protocol, Ticket};
use crate::time::Time;

/// Why a node's handler runs.
pub enum Cause<'a, P: Protocol> {
    /// First start, or restart after a crash.
    Start {
        /// Whether it is a restart.
        again: bool,
    },
    /// A message arrived.
    Message {
        /// From whom.
        from: NodeId,
        /// Its number: that of [`Step::first_message`] when it was sent. Both copies of a repeated message bear it.
        id: u64,
        /// The message.
        message: &'a P::Message,
    },
    /// A timer fired.
    Timer(&'a P::Timer),
    /// A client asks.
    Request {
        /// Under which ticket.
        ticket: Ticket,
        /// What.
        request: &'a P::Request,
    },
    /// The node crashes between two handler calls.
    Crash,
}

// Derived, these would ask that the protocol can be copied.
impl<P: Protocol> Clone for Cause<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<P: Protocol> Copy for Cause<'_, P> {}

/// What a handler did: after it returned, before its effects reach the world.
pub struct Step<'a, P: Protocol> {
    /// Number of the step, from 1.
    pub number: u64,
    /// When.
    pub at: Time,
    /// Who.
    pub node: NodeId,
    /// The effects that happened, in order: all, or if the node crashed those before the crash.
    pub effects: &'a [Effect<P>],
    /// The number that the first message among the effects bears; the next one bears the next number.
    pub first_message: u64,
    /// Whether the node crashed after these effects. Its state after the handler is then gone, and counts for nothing.
    pub crashed: bool,
    /// What the node lets be seen after the step; `None` if it crashed.
    pub view: Option<P::View>,
}

impl<'a, P: Protocol> Step<'a, P> {
    /// The messages sent: number, to whom, what.
    pub fn sent(&self) -> impl Iterator<Item = (u64, NodeId, &'a P::Message)> {
        let messages = self.effects.iter().filter_map(|e| if let Effect::Send { to, message } = e { Some((*to, message)) } else { None });
        (self.first_message..).zip(messages).map(|(id, (to, message))| (id, to, message))
    }

    /// What was saved last in this step, if anything was.
    #[must_use]
    pub fn saved(&self) -> Option<&'a P::Durable> {
        self.effects.iter().rev().find_map(|e| if let Effect::Save(d) = e { Some(d) } else { None })
    }
}
