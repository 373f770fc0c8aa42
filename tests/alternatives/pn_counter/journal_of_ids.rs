//! Built another way: the own counts *are* the sets of ids, so nothing can be counted without being remembered; whoever
//! learns something new passes it on at once, increments and decrements in messages of their own, and a slow heartbeat
//! repeats it all.

use splitbrain::exercises::pn_counter::{Counter, Counts, Message, OpId, PnCounter, Request, Response, Saved, Timer, judge};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    ups: u64,
    downs: u64,
    seen: BTreeSet<OpId>,
    /// What others have taken: up, down.
    others: BTreeMap<NodeId, (u64, u64)>,
}

impl Replica {
    fn counts(&self, pick: impl Fn(&(u64, u64)) -> u64) -> Counts {
        let mut counts: Counts = self.others.iter().map(|(who, n)| (*who, pick(n))).collect();
        counts.insert(self.me, pick(&(self.ups, self.downs)));
        counts
    }

    /// In two messages, which may overtake each other.
    fn tell_all(&self, cx: &mut Context<'_, PnCounter>) {
        cx.broadcast(Message::Counts { increments: Counts::new(), decrements: self.counts(|n| n.1) });
        cx.broadcast(Message::Counts { increments: self.counts(|n| n.0), decrements: Counts::new() });
    }

    fn take(&mut self, id: OpId, up: u64, ticket: Ticket, cx: &mut Context<'_, PnCounter>) {
        let first = self.seen.insert(id);
        if first {
            self.ups += up;
            self.downs += 1 - up;
            let (increments, decrements) = ([(self.me, self.ups)].into(), [(self.me, self.downs)].into());
            cx.save(Saved { increments, decrements, ops: self.seen.clone() });
        }
        cx.reply(ticket, Response::Done);
        if first {
            self.tell_all(cx);
        }
    }
}

impl Node<PnCounter> for Replica {
    fn new(me: NodeId, _: &[NodeId], _: &(), saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        let own = |counts: &Counts| counts.get(&me).copied().unwrap_or(0);
        Replica { me, ups: own(&saved.increments), downs: own(&saved.decrements), seen: saved.ops, others: BTreeMap::new() }
    }

    fn on_start(&mut self, cx: &mut Context<'_, PnCounter>) {
        self.tell_all(cx);
        cx.set_timer(Timer::Other(1), millis(250));
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Context<'_, PnCounter>) {
        let Message::Counts { increments, decrements } = message;
        let mut news = false;
        for (who, n) in increments.into_iter().filter(|(who, _)| *who != self.me) {
            let known = self.others.entry(who).or_default();
            news |= n > known.0;
            known.0 = known.0.max(n);
        }
        for (who, n) in decrements.into_iter().filter(|(who, _)| *who != self.me) {
            let known = self.others.entry(who).or_default();
            news |= n > known.1;
            known.1 = known.1.max(n);
        }
        if news {
            self.tell_all(cx);
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, PnCounter>) {
        self.tell_all(cx);
        cx.set_timer(timer, millis(250));
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, PnCounter>) {
        match request {
            Request::Increment(id) => self.take(id, 1, ticket, cx),
            Request::Decrement(id) => self.take(id, 0, ticket, cx),
            Request::Read => cx.reply(ticket, Response::Value(self.value())),
        }
    }
}

impl Counter for Replica {
    fn value(&self) -> i64 {
        self.others.values().fold(self.ups as i64 - self.downs as i64, |sum, (up, down)| sum + *up as i64 - *down as i64)
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
