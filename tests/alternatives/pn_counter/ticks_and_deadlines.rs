//! Built another way: one tick of 40 ms, and deadlines by the replica's own clock: when to commit, and when to tell whom, at
//! random moments, each other replica apart. Reads wait for the tick, too. The difference is kept beside the counts.

use splitbrain::exercises::pn_counter::{Counter, Counts, Message, OpId, PnCounter, Request, Response, Saved, Timer, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    /// By replica and kind.
    counts: BTreeMap<(bool, NodeId), u64>,
    value: i64,
    ids: Vec<OpId>,
    open: Vec<(Ticket, Request)>,
    tell_at: BTreeMap<NodeId, Time>,
}

impl Replica {
    fn raise(&mut self, up: bool, who: NodeId, to: u64) {
        let known = self.counts.entry((up, who)).or_insert(0);
        if to > *known {
            let more = (to - *known) as i64;
            *known = to;
            self.value += if up { more } else { -more };
        }
    }

    fn take(&mut self, id: OpId, up: bool) -> bool {
        let Err(place) = self.ids.binary_search(&id) else { return false };
        self.ids.insert(place, id);
        let own = self.counts.get(&(up, self.me)).copied().unwrap_or(0);
        self.raise(up, self.me, own + 1);
        true
    }

    fn of(&self, up: bool) -> Counts {
        self.counts.iter().filter(|((kind, _), _)| *kind == up).map(|((_, who), n)| (*who, *n)).collect()
    }
}

impl Node<PnCounter> for Replica {
    fn new(me: NodeId, peers: &[NodeId], _: &(), saved: Option<Saved>) -> Self {
        let Saved { increments, decrements, ops } = saved.unwrap_or_default();
        let tell_at = peers.iter().map(|peer| (*peer, Time::ZERO)).collect();
        let ids = ops.into_iter().collect();
        let mut replica = Replica { me, counts: BTreeMap::new(), value: 0, ids, open: Vec::new(), tell_at };
        increments.into_iter().for_each(|(who, n)| replica.raise(true, who, n));
        decrements.into_iter().for_each(|(who, n)| replica.raise(false, who, n));
        replica
    }

    fn on_start(&mut self, cx: &mut Context<'_, PnCounter>) {
        cx.set_timer(Timer::Gossip, millis(40));
    }

    fn on_message(&mut self, _: NodeId, Message::Counts { increments, decrements }: Message, _: &mut Context<'_, PnCounter>) {
        increments.into_iter().for_each(|(who, n)| self.raise(true, who, n));
        decrements.into_iter().for_each(|(who, n)| self.raise(false, who, n));
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, PnCounter>) {
        let open = std::mem::take(&mut self.open);
        let mut dirty = false;
        for (_, request) in &open {
            match request {
                Request::Increment(id) => dirty |= self.take(*id, true),
                Request::Decrement(id) => dirty |= self.take(*id, false),
                Request::Read => {}
            }
        }
        if dirty {
            cx.save(Saved { increments: self.of(true), decrements: self.of(false), ops: self.ids.iter().copied().collect() });
        }
        for (ticket, request) in open {
            cx.reply(ticket, if request == Request::Read { Response::Value(self.value) } else { Response::Done });
        }
        let now = cx.now();
        let due: Vec<NodeId> = self.tell_at.iter().filter(|(_, at)| **at <= now).map(|(peer, _)| *peer).collect();
        for peer in due {
            cx.send(peer, Message::Counts { increments: self.of(true), decrements: self.of(false) });
            let wait = cx.random(1_000..=4_000);
            self.tell_at.insert(peer, now + millis(wait));
        }
        cx.set_timer(timer, millis(40));
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, _: &mut Context<'_, PnCounter>) {
        self.open.push((ticket, request));
    }
}

impl Counter for Replica {
    fn value(&self) -> i64 {
        self.value
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
