//! Built another way: anti-entropy by push and pull. Every 2 s it tells all to one other, in turn; who hears of less than it knows
//! answers with what was missing. The own count is what was on the disk at the start, and the ids that came since.

use splitbrain::exercises::g_counter::{Counter, Counts, GCounter, Message, OpId, Request, Response, Saved, Timer, judge};
use splitbrain::prelude::*;
use std::collections::BTreeSet;

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    peers: Vec<NodeId>,
    next: usize,
    at_start: u64,
    old: BTreeSet<OpId>,
    new: BTreeSet<OpId>,
    others: Vec<(NodeId, u64)>,
}

impl Replica {
    fn own(&self) -> u64 {
        self.at_start + self.new.len() as u64
    }

    fn all(&self) -> Counts {
        self.others.iter().copied().chain([(self.me, self.own())]).collect()
    }
}

impl Node<GCounter> for Replica {
    fn new(me: NodeId, peers: &[NodeId], _: &(), saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        let others = peers.iter().map(|peer| (*peer, saved.counts.get(peer).copied().unwrap_or(0))).collect();
        let at_start = saved.counts.get(&me).copied().unwrap_or(0);
        Replica { me, peers: peers.to_vec(), next: 0, at_start, old: saved.ops, new: BTreeSet::new(), others }
    }

    fn on_start(&mut self, cx: &mut Context<'_, GCounter>) {
        let first = cx.random(0..=500);
        cx.set_timer(Timer::Gossip, millis(first));
    }

    fn on_message(&mut self, from: NodeId, Message::Counts(theirs): Message, cx: &mut Context<'_, GCounter>) {
        for (who, n) in &mut self.others {
            *n = (*n).max(theirs.get(who).copied().unwrap_or(0));
        }
        let missing: Counts = self.all().into_iter().filter(|(who, n)| theirs.get(who).is_some_and(|said| said < n)).collect();
        if !missing.is_empty() {
            cx.send(from, Message::Counts(missing));
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, GCounter>) {
        if let Some(peer) = self.peers.get(self.next) {
            cx.send(*peer, Message::Counts(self.all()));
        }
        self.next = (self.next + 1) % self.peers.len().max(1);
        cx.set_timer(timer, millis(2_000));
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, GCounter>) {
        let Request::Increment(op) = request else { return cx.reply(ticket, Response::Value(self.value())) };
        if !self.old.contains(&op) && self.new.insert(op) {
            cx.save(Saved { counts: self.all(), ops: self.old.union(&self.new).copied().collect() });
        }
        cx.reply(ticket, Response::Done);
    }
}

impl Counter for Replica {
    fn value(&self) -> u64 {
        self.all().values().sum()
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
