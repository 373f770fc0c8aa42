//! Built another way: a running total, and an entry for every replica from the start; whoever tells less than this one knows is
//! told all at once. Rounds come at random, each 1 to 3 s, and each increment is saved twice.

use splitbrain::exercises::g_counter::{Counter, Counts, GCounter, Message, OpId, Request, Response, Saved, Timer, judge};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    known: Counts,
    sum: u64,
    ops: BTreeSet<OpId>,
}

impl Node<GCounter> for Replica {
    fn new(me: NodeId, peers: &[NodeId], _config: &(), saved: Option<Saved>) -> Self {
        let Saved { mut counts, ops } = saved.unwrap_or_default();
        for &replica in peers.iter().chain([&me]) {
            counts.entry(replica).or_insert(0);
        }
        Replica { me, sum: counts.values().sum(), known: counts, ops }
    }
    fn on_start(&mut self, cx: &mut Context<'_, GCounter>) {
        let after = cx.random(1000..=3000);
        cx.set_timer(Timer::Gossip, millis(after));
    }
    fn on_message(&mut self, from: NodeId, Message::Counts(theirs): Message, cx: &mut Context<'_, GCounter>) {
        let mut behind = false;
        for (replica, mine) in &mut self.known {
            let n = theirs.get(replica).copied().unwrap_or(0);
            behind |= n < *mine;
            self.sum += n.saturating_sub(*mine);
            *mine = n.max(*mine);
        }
        if behind {
            cx.send(from, Message::Counts(self.known.clone()));
        }
    }
    fn on_timer(&mut self, _timer: Timer, cx: &mut Context<'_, GCounter>) {
        for &peer in cx.peers().to_vec().iter() {
            cx.send(peer, Message::Counts(self.known.clone()));
        }
        self.on_start(cx);
    }
    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, GCounter>) {
        let op = match request {
            Request::Increment(op) => op,
            Request::Read => return cx.reply(ticket, Response::Value(self.sum)),
        };
        if !self.ops.contains(&op) {
            self.ops.insert(op);
            self.sum += 1;
            if let Some(own) = self.known.get_mut(&self.me) {
                *own += 1;
            }
            let saved = Saved { counts: self.known.clone(), ops: self.ops.clone() };
            cx.save(saved.clone());
            cx.save(saved);
        }
        cx.reply(ticket, Response::Done);
    }
}
impl Counter for Replica {
    fn value(&self) -> u64 {
        self.sum
    }
}
fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
