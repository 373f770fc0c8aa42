//! Built another way: anti-entropy by push and pull. Every 2 s it tells all to one other, in turn; who hears of less than it knows
//! answers with what was missing. The own counts are those of the start, and the ids of each kind that came since.

use splitbrain::exercises::pn_counter::{Counter, Counts, Message, OpId, PnCounter, Request, Response, Saved, Timer, judge};
use splitbrain::prelude::*;
use std::collections::BTreeSet;

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    peers: Vec<NodeId>,
    next: usize,
    at_start: Saved,
    ups: BTreeSet<OpId>,
    downs: BTreeSet<OpId>,
    others: [Counts; 2],
}

impl Replica {
    fn all(&self) -> [Counts; 2] {
        let own = |counts: &Counts, new: &BTreeSet<OpId>| counts.get(&self.me).copied().unwrap_or(0) + new.len() as u64;
        let mut all = self.others.clone();
        all[0].insert(self.me, own(&self.at_start.increments, &self.ups));
        all[1].insert(self.me, own(&self.at_start.decrements, &self.downs));
        all
    }
}

impl Node<PnCounter> for Replica {
    fn new(me: NodeId, peers: &[NodeId], _: &(), saved: Option<Saved>) -> Self {
        let at_start = saved.unwrap_or_default();
        let (ups, downs, others) = (BTreeSet::new(), BTreeSet::new(), [Counts::new(), Counts::new()]);
        Replica { me, peers: peers.to_vec(), next: 0, at_start, ups, downs, others }
    }

    fn on_start(&mut self, cx: &mut Context<'_, PnCounter>) {
        let first = cx.random(0..=500);
        cx.set_timer(Timer::Gossip, millis(first));
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, PnCounter>) {
        let Message::Counts { increments, decrements } = message;
        let theirs = [increments, decrements];
        let mut missing = self.all();
        for (kind, said) in theirs.iter().enumerate() {
            missing[kind].retain(|who, n| said.get(who).is_some_and(|m| m < n));
            for (who, n) in said.iter().filter(|(who, _)| **who != self.me) {
                let known = self.others[kind].entry(*who).or_insert(*n);
                *known = (*known).max(*n);
            }
        }
        if missing.iter().any(|counts| !counts.is_empty()) {
            let [increments, decrements] = missing;
            cx.send(from, Message::Counts { increments, decrements });
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, PnCounter>) {
        if let Some(peer) = self.peers.get(self.next) {
            let [increments, decrements] = self.all();
            cx.send(*peer, Message::Counts { increments, decrements });
        }
        self.next = (self.next + 1) % self.peers.len().max(1);
        cx.set_timer(timer, millis(2_000));
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, PnCounter>) {
        let (new, id) = match request {
            Request::Increment(id) => (&mut self.ups, id),
            Request::Decrement(id) => (&mut self.downs, id),
            Request::Read => return cx.reply(ticket, Response::Value(self.value())),
        };
        if !self.at_start.ops.contains(&id) && new.insert(id) {
            let [increments, decrements] = self.all();
            let ops = self.at_start.ops.iter().chain(&self.ups).chain(&self.downs).copied().collect();
            cx.save(Saved { increments, decrements, ops });
        }
        cx.reply(ticket, Response::Done);
    }
}

impl Counter for Replica {
    fn value(&self) -> i64 {
        let [up, down] = self.all().map(|counts| counts.values().sum::<u64>() as i64);
        up - down
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
