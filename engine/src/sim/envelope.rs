//! A message under way, with what is written on it: the world, scripts and replays hand it on.

use super::node::{NodeId, Protocol};

/// A message that was sent.
#[derive(Clone, Debug)]
pub struct Envelope<P: Protocol> {
    /// Its number in the run.
    pub id: u64,
    /// From whom.
    pub from: NodeId,
    /// To whom.
    pub to: NodeId,
    /// The message.
    pub message: P::Message,
}
