//! Built another way: one table by kind and replica, told in messages of one number each, every 3 s; what is new of its own it tells
//! one other replica at once, drawn at random.

use splitbrain::exercises::pn_counter::{Counter, Counts, Message, OpId, PnCounter, Request, Response, Saved, Timer, judge};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    Up,
    Down,
}

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    table: BTreeMap<(Kind, NodeId), u64>,
    ops: BTreeSet<OpId>,
}

fn word(kind: Kind, replica: NodeId, n: u64) -> Message {
    let counts = Counts::from([(replica, n)]);
    match kind {
        Kind::Up => Message::Counts { increments: counts, decrements: Counts::new() },
        Kind::Down => Message::Counts { increments: Counts::new(), decrements: counts },
    }
}

impl Replica {
    fn counts(&self, kind: Kind) -> Counts {
        self.table.iter().filter(|((k, _), _)| *k == kind).map(|((_, r), n)| (*r, *n)).collect()
    }
    fn merge(&mut self, kind: Kind, counts: &Counts) {
        for (&replica, &n) in counts {
            let mine = self.table.entry((kind, replica)).or_insert(n);
            *mine = (*mine).max(n);
        }
    }
}

impl Node<PnCounter> for Replica {
    fn new(me: NodeId, _peers: &[NodeId], _config: &(), saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        let mut new = Replica { me, table: BTreeMap::new(), ops: saved.ops };
        new.merge(Kind::Up, &saved.increments);
        new.merge(Kind::Down, &saved.decrements);
        new
    }
    fn on_start(&mut self, cx: &mut Context<'_, PnCounter>) {
        cx.set_timer(Timer::Gossip, millis(3000));
    }
    fn on_message(&mut self, _from: NodeId, message: Message, _cx: &mut Context<'_, PnCounter>) {
        let Message::Counts { increments, decrements } = message;
        self.merge(Kind::Down, &decrements);
        self.merge(Kind::Up, &increments);
    }
    fn on_timer(&mut self, _timer: Timer, cx: &mut Context<'_, PnCounter>) {
        cx.set_timer(Timer::Gossip, millis(3000));
        for (&(kind, replica), &n) in &self.table {
            cx.broadcast(word(kind, replica, n));
        }
        if self.table.is_empty() {
            cx.broadcast(Message::Counts { increments: Counts::new(), decrements: Counts::new() });
        }
    }
    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, PnCounter>) {
        let (kind, op) = match request {
            Request::Increment(op) => (Kind::Up, op),
            Request::Decrement(op) => (Kind::Down, op),
            Request::Read => return cx.reply(ticket, Response::Value(self.value())),
        };
        if self.ops.insert(op) {
            let n = self.table.entry((kind, self.me)).or_insert(0);
            *n += 1;
            let n = *n;
            cx.save(Saved { increments: self.counts(Kind::Up), decrements: self.counts(Kind::Down), ops: self.ops.clone() });
            cx.reply(ticket, Response::Done);
            let peers = cx.peers().to_vec();
            let lucky = cx.random(0..=peers.len() as u64 - 1) as usize;
            cx.send(peers[lucky], word(kind, self.me, n));
        } else {
            cx.reply(ticket, Response::Done);
        }
    }
}
impl Counter for Replica {
    fn value(&self) -> i64 {
        let sum = |kind| self.table.iter().filter(|((k, _), _)| *k == kind).map(|(_, n)| *n).sum::<u64>();
        sum(Kind::Up).wrapping_sub(sum(Kind::Down)) as i64
    }
}
fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
