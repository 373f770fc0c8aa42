//! Built another way: requests go into a queue, and mail to itself makes the replica work it off; reads go the same way. Each
//! entry is told in a message of its own, every 3 s and after each merge that brought news of it.

use splitbrain::exercises::g_counter::{Counter, Counts, GCounter, Message, OpId, Request, Response, Saved, Timer, judge};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    own: u64,
    others: BTreeMap<NodeId, u64>,
    ids: BTreeSet<u64>,
    queue: VecDeque<(Request, Ticket)>,
    ticks: u32,
}

impl Replica {
    fn tell_each(&self, cx: &mut Context<'_, GCounter>) {
        cx.broadcast(Message::Counts(Counts::from([(self.me, self.own)])));
        for (who, n) in &self.others {
            cx.broadcast(Message::Counts(Counts::from([(*who, *n)])));
        }
    }

    fn works_off(&mut self, cx: &mut Context<'_, GCounter>) {
        while let Some((request, ticket)) = self.queue.pop_front() {
            let Request::Increment(OpId(id)) = request else {
                cx.reply(ticket, Response::Value(self.value()));
                continue;
            };
            if self.ids.insert(id) {
                self.own += 1;
                let ops = self.ids.iter().copied().map(OpId).collect();
                cx.save(Saved { counts: Counts::from([(self.me, self.own)]), ops });
            }
            cx.reply(ticket, Response::Done);
        }
    }
}

impl Node<GCounter> for Replica {
    fn new(me: NodeId, _: &[NodeId], _: &(), saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        let own = saved.counts.get(&me).copied().unwrap_or_default();
        Replica { me, own, others: BTreeMap::new(), ids: saved.ops.iter().map(|op| op.0).collect(), queue: VecDeque::new(), ticks: 0 }
    }

    fn on_start(&mut self, cx: &mut Context<'_, GCounter>) {
        cx.set_timer(Timer::Gossip, millis(500));
        self.tell_each(cx);
    }

    fn on_message(&mut self, from: NodeId, Message::Counts(counts): Message, cx: &mut Context<'_, GCounter>) {
        if from != self.me {
            for (who, n) in counts {
                if who != self.me && n > self.others.get(&who).copied().unwrap_or(0) {
                    self.others.insert(who, n);
                    cx.broadcast(Message::Counts(Counts::from([(who, n)])));
                }
            }
            return;
        }
        self.works_off(cx);
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, GCounter>) {
        // Mail may be lost, also to oneself.
        self.works_off(cx);
        self.ticks += 1;
        if self.ticks % 6 == 0 {
            self.tell_each(cx);
        }
        cx.set_timer(timer, millis(500));
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, GCounter>) {
        self.queue.push_back((request, ticket));
        cx.send(self.me, Message::Counts(Counts::new()));
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
