//! Built another way: one map of pairs, and a timer for each other replica, each with its own pace.

use splitbrain::exercises::pn_counter::{Counter, Counts, Message, OpId, PnCounter, Request, Response, Saved, Timer, judge};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    peers: Vec<NodeId>,
    pairs: BTreeMap<NodeId, [u64; 2]>,
    ops: BTreeSet<OpId>,
}

impl Replica {
    fn side(&self, side: usize) -> Counts {
        self.pairs.iter().filter(|(_, pair)| pair[side] > 0).map(|(r, pair)| (*r, pair[side])).collect()
    }
    fn learn(&mut self, counts: Counts, side: usize) {
        for (replica, n) in counts {
            let pair = self.pairs.entry(replica).or_default();
            pair[side] = pair[side].max(n);
        }
    }
    fn take(&mut self, op: OpId, side: usize, ticket: Ticket, cx: &mut Context<'_, PnCounter>) {
        if !self.ops.contains(&op) {
            self.ops.insert(op);
            self.pairs.entry(self.me).or_default()[side] += 1;
            cx.save(Saved { increments: self.side(0), decrements: self.side(1), ops: self.ops.clone() });
        }
        cx.reply(ticket, Response::Done);
    }
}

impl Node<PnCounter> for Replica {
    fn new(me: NodeId, peers: &[NodeId], _config: &(), saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        let mut replica = Replica { me, peers: peers.to_vec(), pairs: BTreeMap::new(), ops: saved.ops };
        replica.learn(saved.increments, 0);
        replica.learn(saved.decrements, 1);
        replica
    }
    fn on_start(&mut self, cx: &mut Context<'_, PnCounter>) {
        for n in 0..self.peers.len() as u64 {
            cx.set_timer(Timer::Other(n), millis(300 + 170 * n));
        }
    }
    fn on_message(&mut self, _from: NodeId, message: Message, _cx: &mut Context<'_, PnCounter>) {
        let Message::Counts { increments, decrements } = message;
        self.learn(increments, 0);
        self.learn(decrements, 1);
    }
    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, PnCounter>) {
        if let Timer::Other(n) = timer {
            cx.send(self.peers[n as usize], Message::Counts { increments: self.side(0), decrements: self.side(1) });
            cx.set_timer(Timer::Other(n), millis(2000 + 370 * n));
        }
    }
    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, PnCounter>) {
        match request {
            Request::Increment(op) => self.take(op, 0, ticket, cx),
            Request::Decrement(op) => self.take(op, 1, ticket, cx),
            Request::Read => cx.reply(ticket, Response::Value(self.value())),
        }
    }
}
impl Counter for Replica {
    fn value(&self) -> i64 {
        self.pairs.values().map(|[up, down]| i128::from(*up) - i128::from(*down)).sum::<i128>() as i64
    }
}
fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
