//! A run as the list of its decisions: what was started, delivered, fired, asked, cut short. A recorded list can be made to
//! happen again, with some of it left out: what then no longer applies is passed over. That is what shrinking works on; not
//! on the seed, whose least change would give another run altogether.

use super::node::{NodeId, Protocol, Ticket};
use crate::rng::Rng;
use crate::time::Time;
use std::mem::Discriminant;

/// One decision of a run.
#[derive(Clone, Debug)]
pub(crate) struct Decision<P: Protocol> {
    /// When it was taken.
    pub at: Time,
    /// What the node's own clock said, for decisions that call a handler.
    pub clock: Time,
    /// What.
    pub choice: Choice<P>,
    /// The node crashed after so many effects of the handler that this decision called.
    pub crash_after: Option<usize>,
}

/// What can be decided.
#[derive(Clone, Debug)]
pub(crate) enum Choice<P: Protocol> {
    /// A node starts, or starts again.
    Start(NodeId),
    /// A message arrives: the first one under way from there to there with this payload; or one of the same kind, as what
    /// was left out may have changed it; or one like it that has arrived before (a repetition).
    Deliver { from: NodeId, to: NodeId, payload: u64, kind: Discriminant<P::Message> },
    /// A timer fires, if it is set.
    Fire { node: NodeId, timer: P::Timer },
    /// A node crashes between two handler calls.
    Crash(NodeId),
    /// A client asks.
    Ask { ticket: Ticket, to: NodeId, request: P::Request },
    /// The request arrives.
    Take(Ticket),
    /// The next answer to the request arrives at the client.
    Answer(Ticket),
}

impl<P: Protocol> Choice<P> {
    /// The node whose handler this decision calls, or that it takes down; with its sender, if it is a message.
    #[inline]
    pub fn nodes(&self) -> (Option<NodeId>, Option<NodeId>) {
        match self {
            Choice::Start(n) | Choice::Fire { node: n, .. } | Choice::Crash(n) | Choice::Ask { to: n, .. } => (Some(*n), None),
            Choice::Deliver { from, to, .. } => (Some(*to), Some(*from)),
            Choice::Take(_) | Choice::Answer(_) => (None, None),
        }
    }

    /// The client that takes part in it.
    #[inline]
    pub fn client(&self) -> Option<u8> {
        match self {
            Choice::Ask { ticket, .. } | Choice::Take(ticket) | Choice::Answer(ticket) => Some(ticket.client.0),
            _ => None,
        }
    }
}

/// A request that a client made in a run.
#[derive(Clone, Debug)]
pub(super) struct Asked<P: Protocol> {
    pub at: Time,
    pub ticket: Ticket,
    pub to: NodeId,
    pub request: P::Request,
}

/// A node's dice in exploration, as they lie at the start of each call of a handler.
#[inline]
pub(super) fn dice(node: NodeId) -> Rng {
    Rng::stream(0, 100 + node.index() as u64)
}
