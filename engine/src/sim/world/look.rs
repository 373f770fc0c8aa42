//! What may be seen of a world from outside.

use super::World;
use crate::rule::Coverage;
use crate::sim::node::{NodeId, Protocol};
use crate::time::Time;

impl<'r, P: Protocol> World<'r, P> {
    /// The step in which something reached a node last, be it a start. What it did by itself since is not the answer to that.
    #[must_use]
    pub fn reached_in(&self, node: NodeId) -> u64 {
        self.slots[node.index()].reached_in
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Time {
        self.engine.now
    }

    /// What a node's own clock says.
    #[must_use]
    pub fn clock(&self, id: NodeId) -> Time {
        self.slots[id.index()].clock(self.engine.now)
    }

    /// Number of the last step.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// How many nodes there are, up or down, without the services.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.slots.len() - self.factory.services()
    }

    /// The services, in their order.
    pub fn services(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.slots[self.nodes()..].iter().map(|slot| slot.id)
    }

    /// Whether the node is up (a paused one is).
    #[must_use]
    pub fn is_up(&self, id: NodeId) -> bool {
        self.slots[id.index()].node.is_some()
    }

    /// Whether the node is down and will not come back.
    #[must_use]
    pub fn is_down_for_good(&self, id: NodeId) -> bool {
        let slot = &self.slots[id.index()];
        slot.gone_for_good && slot.node.is_none()
    }

    /// What the node lets be seen; `None` while it is down.
    #[must_use]
    pub fn view(&self, id: NodeId) -> Option<P::View> {
        let node = self.slots[id.index()].node.as_ref()?;
        self.probe.enter();
        let view = node.view();
        self.probe.leave();
        view
    }

    /// What the node saved last, or was given.
    #[must_use]
    pub fn saved(&self, id: NodeId) -> Option<&P::Durable> {
        self.slots[id.index()].saved.as_ref()
    }

    /// Whether a crash after so many effects ([`World::kill_after`]) has left any out.
    #[must_use]
    pub fn was_cut_short(&self) -> bool {
        self.counts.crashes_mid_handler > 0
    }

    /// Whether messages from one node to the other are cut off now.
    #[must_use]
    pub fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.engine.is_cut(from, to)
    }

    /// How many messages, answers, timers and faults are still to come.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.engine.pending()
    }

    /// What happened so far, in numbers.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        self.counts.coverage()
    }

    /// One fingerprint a step, if the probe asked for them.
    #[must_use]
    pub fn fingerprints(&self) -> &[u64] {
        &self.fingerprints
    }
}
