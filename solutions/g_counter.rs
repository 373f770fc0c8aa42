//! The reference: a state-based G-Counter with durable, deduplicated increments and periodic anti-entropy.

use splitbrain::exercises::g_counter::{
    Counter, Counts, GCounter, Message, OpId, Request, Response, Saved, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeSet;

/// Often enough that a lost state is soon made good, seldom enough to be cheap.
const GOSSIP_EVERY: Duration = Duration::from_millis(100);

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    /// One entry a replica. Only its owner ever raises an entry, so of two values of one entry the larger is the newer:
    /// that is why taking the larger loses nothing and counts nothing twice.
    counts: Counts,
    /// Increments taken from clients, by id: a retry must find its first try here, also after a crash.
    ops: BTreeSet<OpId>,
}

impl Replica {
    fn save(&self, cx: &mut Context<'_, GCounter>) {
        cx.save(Saved {
            counts: self.counts.clone(),
            ops: self.ops.clone(),
        });
    }
}

impl Node<GCounter> for Replica {
    fn new(me: NodeId, _peers: &[NodeId], _config: &(), saved: Option<Saved>) -> Self {
        let Saved { counts, ops } = saved.unwrap_or_default();
        Replica { me, counts, ops }
    }

    fn on_start(&mut self, cx: &mut Context<'_, GCounter>) {
        cx.set_timer(Timer::Gossip, GOSSIP_EVERY);
    }

    fn on_message(&mut self, _from: NodeId, message: Message, _cx: &mut Context<'_, GCounter>) {
        let Message::Counts(theirs) = message;
        for (replica, n) in theirs {
            let mine = self.counts.entry(replica).or_default();
            *mine = n.max(*mine);
        }
        // Not saved: what others have counted can be learned from them again.
    }

    fn on_timer(&mut self, _timer: Timer, cx: &mut Context<'_, GCounter>) {
        cx.broadcast(Message::Counts(self.counts.clone()));
        cx.set_timer(Timer::Gossip, GOSSIP_EVERY);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, GCounter>) {
        match request {
            Request::Increment(op) => {
                if self.ops.insert(op) {
                    *self.counts.entry(self.me).or_default() += 1;
                    // Before the answer: a crash may fall between the two.
                    self.save(cx);
                }
                cx.reply(ticket, Response::Done);
            }
            Request::Read => cx.reply(ticket, Response::Value(self.value())),
        }
    }
}

impl Counter for Replica {
    fn value(&self) -> u64 {
        self.counts.values().sum()
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
