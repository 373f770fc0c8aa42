//! What the clients saw, as the checkers want it: the history, the operation of each ticket, and the steps in which operations began
//! and ended, for marks. Swarm, script and exploration keep it in the same way.

use crate::check::{History, OpId};
use crate::sim::Ticket;
use crate::time::Time;
use std::collections::BTreeMap;

/// The history of a run under way.
#[derive(Clone)]
pub(crate) struct Log<O, R> {
    pub history: History<O, R>,
    open: BTreeMap<Ticket, OpId>,
    steps: BTreeMap<OpId, Vec<u64>>,
}

impl<O, R> Default for Log<O, R> {
    fn default() -> Self {
        Log { history: History::new(), open: BTreeMap::new(), steps: BTreeMap::new() }
    }
}

impl<O, R> Log<O, R> {
    /// A request leaves its client.
    pub fn asks(&mut self, ticket: Ticket, op: O, at: Time, step: u64) {
        let id = self.history.invoke(ticket.client().index() as u32, op, at);
        self.open.insert(ticket, id);
        self.steps.entry(id).or_default().push(step);
    }

    /// Its answer has come: the first one counts, and a late one too. Whether it was the first.
    pub fn returns(&mut self, ticket: Ticket, ret: R, at: Time, step: u64) -> bool {
        let Some(id) = self.open.remove(&ticket) else { return false };
        self.history.ok(id, ret, at);
        self.steps.entry(id).or_default().push(step);
        true
    }

    /// The client learnt that it did not happen, and never will.
    pub fn fails(&mut self, ticket: Ticket, at: Time, step: u64) {
        if let Some(id) = self.open.remove(&ticket) {
            self.history.fail(id, at);
            self.steps.entry(id).or_default().push(step);
        }
    }

    /// The steps in which these operations began and ended.
    pub fn marks(&self, ops: impl IntoIterator<Item = OpId>) -> Vec<u64> {
        ops.into_iter().filter_map(|op| self.steps.get(&op)).flatten().copied().collect()
    }
}
