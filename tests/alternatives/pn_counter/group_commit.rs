//! Built another way: operations wait for a group commit (one save for many, then all the answers; a retry waits with
//! them), reads are answered at once; an epidemic tick tells one random peer, all or only the own entries; everything
//! heard is saved with the next commit.

use splitbrain::exercises::pn_counter::{Counter, Counts, Message, OpId, PnCounter, Request, Response, Saved, Timer, judge};
use splitbrain::prelude::*;

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: usize,
    peers: Vec<NodeId>,
    /// Increments and decrements of each replica, by index.
    slots: [Vec<u64>; 2],
    ids: Vec<u64>,
    /// Counted, not yet saved and answered.
    unanswered: Vec<Ticket>,
    ticks: u32,
}

impl Replica {
    fn raise(&mut self, kind: usize, counts: &Counts) {
        for (who, n) in counts {
            let slot = &mut self.slots[kind][who.index()];
            *slot = (*slot).max(*n);
        }
    }

    fn full(&self, kind: usize) -> Counts {
        self.slots[kind].iter().enumerate().filter(|(_, n)| **n > 0).map(|(i, n)| (NodeId::from_index(i), *n)).collect()
    }

    fn own(&self, kind: usize) -> Counts {
        [(NodeId::from_index(self.me), self.slots[kind][self.me])].into()
    }

    fn commit(&mut self, cx: &mut Context<'_, PnCounter>) {
        if self.unanswered.is_empty() {
            return;
        }
        let ops = self.ids.iter().map(|n| OpId(*n)).collect();
        cx.save(Saved { increments: self.full(0), decrements: self.full(1), ops });
        for ticket in self.unanswered.drain(..) {
            cx.reply(ticket, Response::Done);
        }
    }

    fn take(&mut self, id: u64, kind: usize, ticket: Ticket, cx: &mut Context<'_, PnCounter>) {
        if let Err(at) = self.ids.binary_search(&id) {
            self.ids.insert(at, id);
            self.slots[kind][self.me] += 1;
        }
        self.unanswered.push(ticket);
        if self.unanswered.len() >= 4 {
            self.commit(cx);
        } else {
            cx.set_timer(Timer::Other(0), millis(7));
        }
    }
}

impl Node<PnCounter> for Replica {
    fn new(me: NodeId, peers: &[NodeId], _: &(), saved: Option<Saved>) -> Self {
        let n = peers.len() + 1;
        let saved = saved.unwrap_or_default();
        let mut replica = Replica {
            me: me.index(),
            peers: peers.to_vec(),
            slots: [vec![0; n], vec![0; n]],
            ids: saved.ops.iter().map(|o| o.0).collect(),
            unanswered: Vec::new(),
            ticks: 0,
        };
        replica.raise(0, &saved.increments);
        replica.raise(1, &saved.decrements);
        replica
    }

    fn on_start(&mut self, cx: &mut Context<'_, PnCounter>) {
        let after = cx.random(10..=70);
        cx.set_timer(Timer::Gossip, millis(after));
    }

    fn on_message(&mut self, _: NodeId, message: Message, _: &mut Context<'_, PnCounter>) {
        let Message::Counts { increments, decrements } = message;
        self.raise(1, &decrements);
        self.raise(0, &increments);
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, PnCounter>) {
        // What is told to others must be safe first: a count that a crash takes back would be used again for another.
        self.commit(cx);
        if timer != Timer::Gossip {
            return;
        }
        self.ticks += 1;
        if !self.peers.is_empty() {
            let to = self.peers[cx.random(0..=self.peers.len() as u64 - 1) as usize];
            let pick = |kind| if self.ticks % 2 == 0 { self.full(kind) } else { self.own(kind) };
            cx.send(to, Message::Counts { increments: pick(0), decrements: pick(1) });
        }
        cx.set_timer(Timer::Gossip, millis(60));
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, PnCounter>) {
        match request {
            Request::Increment(OpId(id)) => self.take(id, 0, ticket, cx),
            Request::Decrement(OpId(id)) => self.take(id, 1, ticket, cx),
            Request::Read => cx.reply(ticket, Response::Value(self.value())),
        }
    }
}

impl Counter for Replica {
    fn value(&self) -> i64 {
        let [up, down] = &self.slots;
        up.iter().zip(down).map(|(u, d)| *u as i64 - *d as i64).sum()
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
