//! Built another way: eager deltas of the own entry, an epidemic tick to one random peer, everything heard is saved, the
//! counts in a vector, and ids in an ordered vector.

use splitbrain::exercises::g_counter::{Counter, Counts, GCounter, Message, OpId, Request, Response, Saved, Timer, judge};
use splitbrain::prelude::*;

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: usize,
    slots: Vec<u64>,
    ids: Vec<u64>,
    peers: Vec<NodeId>,
    since_full: u32,
}

impl Replica {
    fn raise(&mut self, counts: &Counts) -> bool {
        let mut news = false;
        for (replica, n) in counts {
            let i = replica.index();
            if self.slots.len() <= i {
                self.slots.resize(i + 1, 0);
            }
            if self.slots[i] < *n {
                self.slots[i] = *n;
                news = true;
            }
        }
        news
    }

    fn full(&self) -> Counts {
        self.slots.iter().enumerate().filter(|(_, n)| **n > 0).map(|(i, n)| (NodeId::from_index(i), *n)).collect()
    }

    fn saved(&self) -> Saved {
        Saved { counts: self.full(), ops: self.ids.iter().map(|n| OpId(*n)).collect() }
    }
}

impl Node<GCounter> for Replica {
    fn new(me: NodeId, peers: &[NodeId], _: &(), saved: Option<Saved>) -> Self {
        let mut replica = Replica { me: me.index(), slots: vec![0; peers.len() + 1], ids: Vec::new(), peers: peers.to_vec(), since_full: 0 };
        if let Some(saved) = saved {
            replica.raise(&saved.counts);
            replica.ids = saved.ops.iter().map(|o| o.0).collect();
        }
        replica
    }

    fn on_start(&mut self, cx: &mut Context<'_, GCounter>) {
        let after = cx.random(10..=70);
        cx.set_timer(Timer::Gossip, millis(after));
    }

    fn on_message(&mut self, _: NodeId, Message::Counts(counts): Message, cx: &mut Context<'_, GCounter>) {
        if self.raise(&counts) {
            cx.save(self.saved());
        }
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Context<'_, GCounter>) {
        if !self.peers.is_empty() {
            let i = cx.random(0..=self.peers.len() as u64 - 1) as usize;
            // Now and then all of it; else only the own entry.
            self.since_full += 1;
            let counts = if self.since_full % 2 == 0 { self.full() } else { [(NodeId::from_index(self.me), self.slots[self.me])].into() };
            cx.send(self.peers[i], Message::Counts(counts));
        }
        cx.set_timer(Timer::Gossip, millis(60));
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, GCounter>) {
        match request {
            Request::Read => cx.reply(ticket, Response::Value(self.value())),
            Request::Increment(OpId(id)) => {
                if let Err(at) = self.ids.binary_search(&id) {
                    self.ids.insert(at, id);
                    self.slots[self.me] += 1;
                    cx.save(self.saved());
                    cx.reply(ticket, Response::Done);
                    cx.broadcast(Message::Counts([(NodeId::from_index(self.me), self.slots[self.me])].into()));
                } else {
                    cx.reply(ticket, Response::Done);
                }
            }
        }
    }
}

impl Counter for Replica {
    fn value(&self) -> u64 {
        self.slots.iter().sum()
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
