//! Built another way: one tick of 40 ms, and deadlines by the replica's own clock: when to commit, and when to tell whom, at
//! random moments, each other replica apart. Reads wait for the tick, too. Ids are kept as runs of numbers.

use splitbrain::exercises::g_counter::{Counter, Counts, GCounter, Message, OpId, Request, Response, Saved, Timer, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

/// Ids as runs: the first of each, and the last.
#[derive(Clone, Debug, Default, Hash)]
struct Runs(BTreeMap<u64, u64>);

impl Runs {
    fn has(&self, id: u64) -> bool {
        self.0.range(..=id).next_back().is_some_and(|(_, last)| *last >= id)
    }

    fn add(&mut self, id: u64) {
        let mut last = id;
        if let Some(after) = id.checked_add(1).and_then(|next| self.0.remove(&next)) {
            last = after;
        }
        match self.0.range_mut(..id).next_back() {
            Some((_, end)) if *end + 1 == id => *end = last,
            _ => drop(self.0.insert(id, last)),
        }
    }
}

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    counts: Counts,
    ids: Runs,
    all: Vec<OpId>,
    open: Vec<(Ticket, Option<u64>)>,
    tell_at: BTreeMap<NodeId, Time>,
}

impl Node<GCounter> for Replica {
    fn new(me: NodeId, peers: &[NodeId], _: &(), saved: Option<Saved>) -> Self {
        let Saved { counts, ops } = saved.unwrap_or_default();
        let mut ids = Runs::default();
        ops.iter().for_each(|op| ids.add(op.0));
        let tell_at = peers.iter().map(|peer| (*peer, Time::ZERO)).collect();
        Replica { me, counts, ids, all: ops.into_iter().collect(), open: Vec::new(), tell_at }
    }

    fn on_start(&mut self, cx: &mut Context<'_, GCounter>) {
        cx.set_timer(Timer::Gossip, millis(40));
    }

    fn on_message(&mut self, _: NodeId, Message::Counts(counts): Message, _: &mut Context<'_, GCounter>) {
        for (who, n) in counts {
            let known = self.counts.get(&who).copied().unwrap_or(0);
            self.counts.insert(who, known.max(n));
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, GCounter>) {
        let mut dirty = false;
        for id in self.open.iter().filter_map(|(_, id)| *id) {
            if !self.ids.has(id) {
                self.ids.add(id);
                self.all.push(OpId(id));
                *self.counts.entry(self.me).or_default() += 1;
                dirty = true;
            }
        }
        if dirty {
            cx.save(Saved { counts: self.counts.clone(), ops: self.all.iter().copied().collect() });
        }
        let value = self.value();
        for (ticket, id) in self.open.drain(..) {
            cx.reply(ticket, if id.is_some() { Response::Done } else { Response::Value(value) });
        }
        let now = cx.now();
        let due: Vec<NodeId> = self.tell_at.iter().filter(|(_, at)| **at <= now).map(|(peer, _)| *peer).collect();
        for peer in due {
            cx.send(peer, Message::Counts(self.counts.clone()));
            let wait = cx.random(1_000..=4_000);
            self.tell_at.insert(peer, now + millis(wait));
        }
        cx.set_timer(timer, millis(40));
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, _: &mut Context<'_, GCounter>) {
        self.open.push((ticket, if let Request::Increment(OpId(id)) = request { Some(id) } else { None }));
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
