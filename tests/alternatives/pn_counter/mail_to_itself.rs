//! Built another way: requests go into a queue, and mail to itself makes the replica work it off; reads go the same way. Each
//! entry is told in a message of its own, every 3 s and whenever a merge brought news of it.

use splitbrain::exercises::pn_counter::{Counter, Counts, Message, OpId, PnCounter, Request, Response, Saved, Timer, judge};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    /// By replica: ups and downs.
    known: BTreeMap<NodeId, [u64; 2]>,
    ids: BTreeSet<OpId>,
    queue: VecDeque<(Option<(OpId, usize)>, Ticket)>,
}

impl Replica {
    fn tell(&self, who: NodeId, cx: &mut Context<'_, PnCounter>) {
        let [up, down] = self.known.get(&who).copied().unwrap_or_default();
        cx.broadcast(Message::Counts { increments: [(who, up)].into(), decrements: [(who, down)].into() });
    }

    fn tell_each(&self, cx: &mut Context<'_, PnCounter>) {
        self.known.keys().for_each(|who| self.tell(*who, cx));
    }

    fn works_off(&mut self, cx: &mut Context<'_, PnCounter>) {
        while let Some((op, ticket)) = self.queue.pop_front() {
            let Some((id, kind)) = op else {
                cx.reply(ticket, Response::Value(self.value()));
                continue;
            };
            if self.ids.insert(id) {
                self.known.entry(self.me).or_default()[kind] += 1;
                let [up, down] = self.known[&self.me];
                cx.save(Saved { increments: [(self.me, up)].into(), decrements: [(self.me, down)].into(), ops: self.ids.clone() });
            }
            cx.reply(ticket, Response::Done);
        }
    }
}

impl Node<PnCounter> for Replica {
    fn new(me: NodeId, _: &[NodeId], _: &(), saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        let own = [&saved.increments, &saved.decrements].map(|counts| counts.get(&me).copied().unwrap_or(0));
        Replica { me, known: [(me, own)].into(), ids: saved.ops, queue: VecDeque::new() }
    }

    fn on_start(&mut self, cx: &mut Context<'_, PnCounter>) {
        self.tell_each(cx);
        cx.set_timer(Timer::Gossip, millis(3_000));
        cx.set_timer(Timer::Other(0), millis(500));
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, PnCounter>) {
        if from != self.me {
            let Message::Counts { increments, decrements } = message;
            let mut news = BTreeSet::new();
            for (kind, counts) in [increments, decrements].into_iter().enumerate() {
                for (who, n) in counts {
                    let known = &mut self.known.entry(who).or_default()[kind];
                    if n > *known {
                        *known = n;
                        news.insert(who);
                    }
                }
            }
            news.into_iter().for_each(|who| self.tell(who, cx));
            return;
        }
        self.works_off(cx);
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, PnCounter>) {
        if timer == Timer::Gossip {
            self.tell_each(cx);
            cx.set_timer(timer, millis(3_000));
        } else {
            // Mail may be lost, also to oneself.
            self.works_off(cx);
            cx.set_timer(timer, millis(500));
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, PnCounter>) {
        let op = match request {
            Request::Increment(id) => Some((id, 0)),
            Request::Decrement(id) => Some((id, 1)),
            Request::Read => None,
        };
        self.queue.push_back((op, ticket));
        cx.send(self.me, Message::Counts { increments: Counts::new(), decrements: Counts::new() });
    }
}

impl Counter for Replica {
    fn value(&self) -> i64 {
        let of = |kind: usize| self.known.values().map(|n| i128::from(n[kind])).sum::<i128>();
        (of(0) - of(1)) as i64
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
