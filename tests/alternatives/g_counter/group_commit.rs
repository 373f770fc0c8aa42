//! Built another way: an increment waits for the next group commit, every 250 ms; only then it is counted, saved with all the
//! others in one go, and answered. The state goes to one other replica after the other, every second.

use splitbrain::exercises::g_counter::{Counter, Counts, GCounter, Message, OpId, Request, Response, Saved, Timer, judge};
use splitbrain::prelude::*;
use std::collections::BTreeSet;

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    peers: Vec<NodeId>,
    counts: Counts,
    ids: BTreeSet<OpId>,
    waiting: Vec<(Ticket, OpId)>,
    commits: usize,
}

impl Node<GCounter> for Replica {
    fn new(me: NodeId, peers: &[NodeId], _: &(), saved: Option<Saved>) -> Self {
        let Saved { counts, ops } = saved.unwrap_or_default();
        Replica { me, peers: peers.to_vec(), counts, ids: ops, waiting: Vec::new(), commits: 0 }
    }

    fn on_start(&mut self, cx: &mut Context<'_, GCounter>) {
        cx.set_timer(Timer::Gossip, millis(250));
    }

    fn on_message(&mut self, _: NodeId, Message::Counts(counts): Message, _: &mut Context<'_, GCounter>) {
        for (who, n) in counts {
            self.counts.entry(who).and_modify(|known| *known = n.max(*known)).or_insert(n);
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, GCounter>) {
        cx.set_timer(timer, millis(250));
        let batch = std::mem::take(&mut self.waiting);
        let new = batch.iter().filter(|(_, id)| self.ids.insert(*id)).count() as u64;
        if new > 0 {
            *self.counts.entry(self.me).or_insert(0) += new;
            cx.save(Saved { counts: self.counts.clone(), ops: self.ids.clone() });
        }
        for (ticket, _) in batch {
            cx.reply(ticket, Response::Done);
        }
        self.commits += 1;
        if self.commits % 4 == 0 && !self.peers.is_empty() {
            cx.send(self.peers[self.commits / 4 % self.peers.len()], Message::Counts(self.counts.clone()));
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, GCounter>) {
        match request {
            Request::Increment(id) => self.waiting.push((ticket, id)),
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
