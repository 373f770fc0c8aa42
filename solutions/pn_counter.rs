//! The reference: a state-based PN-Counter with durable, deduplicated operations and periodic anti-entropy.

use splitbrain::exercises::pn_counter::{
    Counter, Counts, Message, OpId, PnCounter, Request, Response, Saved, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeSet;

/// Often enough that a lost state is soon made good, seldom enough to be cheap.
const GOSSIP_EVERY: Duration = Duration::from_millis(100);

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    /// Two counters that only grow, instead of one that goes up and down: of two values of one entry the larger is then
    /// always the newer, and the merge needs to know no more than that. Only its owner ever raises an entry.
    increments: Counts,
    decrements: Counts,
    /// Operations taken from clients, by id: a retry must find its first try here, also after a crash.
    ops: BTreeSet<OpId>,
}

impl Replica {
    /// Takes an operation, once, and answers only when it is safe: a crash may fall between any two effects.
    fn take(&mut self, op: OpId, up: bool, ticket: Ticket, cx: &mut Context<'_, PnCounter>) {
        if self.ops.insert(op) {
            let counts = if up {
                &mut self.increments
            } else {
                &mut self.decrements
            };
            *counts.entry(self.me).or_default() += 1;
            // Counts and ids in one save: half of it would lose the operation or count its retry again.
            cx.save(Saved {
                increments: self.increments.clone(),
                decrements: self.decrements.clone(),
                ops: self.ops.clone(),
            });
        }
        cx.reply(ticket, Response::Done);
    }
}

fn merge(mine: &mut Counts, theirs: Counts) {
    for (replica, n) in theirs {
        let known = mine.entry(replica).or_default();
        *known = n.max(*known);
    }
}

fn total(counts: &Counts) -> i64 {
    counts.values().map(|n| *n as i64).sum()
}

impl Node<PnCounter> for Replica {
    fn new(me: NodeId, _peers: &[NodeId], _config: &(), saved: Option<Saved>) -> Self {
        let Saved {
            increments,
            decrements,
            ops,
        } = saved.unwrap_or_default();
        Replica {
            me,
            increments,
            decrements,
            ops,
        }
    }

    fn on_start(&mut self, cx: &mut Context<'_, PnCounter>) {
        cx.set_timer(Timer::Gossip, GOSSIP_EVERY);
    }

    fn on_message(&mut self, _from: NodeId, message: Message, _cx: &mut Context<'_, PnCounter>) {
        let Message::Counts {
            increments,
            decrements,
        } = message;
        merge(&mut self.increments, increments);
        merge(&mut self.decrements, decrements);
        // Not saved: what others have counted can be learned from them again.
    }

    fn on_timer(&mut self, _timer: Timer, cx: &mut Context<'_, PnCounter>) {
        cx.broadcast(Message::Counts {
            increments: self.increments.clone(),
            decrements: self.decrements.clone(),
        });
        cx.set_timer(Timer::Gossip, GOSSIP_EVERY);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, PnCounter>) {
        match request {
            Request::Increment(op) => self.take(op, true, ticket, cx),
            Request::Decrement(op) => self.take(op, false, ticket, cx),
            Request::Read => cx.reply(ticket, Response::Value(self.value())),
        }
    }
}

impl Counter for Replica {
    fn value(&self) -> i64 {
        total(&self.increments) - total(&self.decrements)
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
