//! Built another way: its own count alone is on the disk, and what others counted is heard of again; an id is forgotten fifteen
//! minutes after it was asked for last. One other replica is told each 700 ms, in turn.

use splitbrain::exercises::g_counter::{Counter, Counts, GCounter, Message, OpId, Request, Response, Saved, Timer, judge};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    ring: Vec<NodeId>,
    own: u64,
    others: BTreeMap<NodeId, u64>,
    /// When each id was asked for last (in this life; from the disk: not yet).
    asked: BTreeMap<OpId, Option<Time>>,
}

impl Replica {
    fn all(&self) -> Counts {
        let mut all = self.others.clone();
        all.insert(self.me, self.own);
        all
    }
}

impl Node<GCounter> for Replica {
    fn new(me: NodeId, peers: &[NodeId], _config: &(), saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        Replica {
            me,
            ring: peers.to_vec(),
            own: saved.counts.get(&me).copied().unwrap_or(0),
            others: BTreeMap::new(),
            asked: saved.ops.into_iter().map(|op| (op, None)).collect(),
        }
    }
    fn on_start(&mut self, cx: &mut Context<'_, GCounter>) {
        let now = cx.now();
        for at in self.asked.values_mut() {
            *at = Some(now);
        }
        cx.set_timer(Timer::Gossip, millis(10));
    }
    fn on_message(&mut self, _from: NodeId, Message::Counts(theirs): Message, _cx: &mut Context<'_, GCounter>) {
        for (replica, n) in theirs {
            if replica != self.me && self.others.get(&replica).is_none_or(|mine| *mine < n) {
                self.others.insert(replica, n);
            }
        }
    }
    fn on_timer(&mut self, _timer: Timer, cx: &mut Context<'_, GCounter>) {
        let now = cx.now();
        self.asked.retain(|_, at| at.is_none_or(|at| now - at < millis(15 * 60_000)));
        self.ring.rotate_left(1);
        cx.send(self.ring[0], Message::Counts(self.all()));
        cx.set_timer(Timer::Gossip, millis(700));
    }
    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, GCounter>) {
        match request {
            Request::Increment(op) => {
                if self.asked.insert(op, Some(cx.now())).is_none() {
                    self.own += 1;
                    cx.save(Saved { counts: [(self.me, self.own)].into(), ops: self.asked.keys().copied().collect() });
                }
                cx.reply(ticket, Response::Done);
            }
            Request::Read => cx.reply(ticket, Response::Value(self.value())),
        }
    }
}
impl Counter for Replica {
    fn value(&self) -> u64 {
        self.own + self.others.values().sum::<u64>()
    }
}
fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
