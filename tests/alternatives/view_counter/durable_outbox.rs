//! Built another way: a server writes its batch to disk before it sends it and sends it again, under its old id, after a
//! restart; it ticks eight times an interval and looks at its clock; it flushes also when there is nothing to flush. The
//! store commits in groups: one save for all flushes of a few milliseconds, then their acknowledgements.

use splitbrain::exercises::view_counter::{Config, Counter, FlushId, Message, Request, Response, Role, Saved, Timer, ViewCounter, judge};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Hash)]
struct Server {
    store: NodeId,
    every: Duration,
    next: Time,
    incarnation: u64,
    number: u64,
    unflushed: u64,
    outbox: BTreeMap<FlushId, u64>,
}

impl Server {
    fn save(&self, cx: &mut Context<'_, ViewCounter>) {
        cx.save(Saved::Server { incarnation: self.incarnation, unflushed: self.unflushed, outbox: self.outbox.clone() });
    }

    fn tick(&mut self, cx: &mut Context<'_, ViewCounter>) {
        cx.set_timer(Timer::Retry, self.every / 8);
        if cx.now() < self.next {
            return;
        }
        self.next = cx.now() + (self.every - self.every / 8);
        if self.outbox.is_empty() {
            self.number += 1;
            self.outbox.insert(FlushId { incarnation: self.incarnation, number: self.number }, self.unflushed);
            self.unflushed = 0;
            self.save(cx);
        }
        for (id, views) in &self.outbox {
            cx.send(self.store, Message::Flush { id: *id, views: *views });
        }
    }
}

#[derive(Clone, Debug, Hash, Default)]
struct Store {
    /// Each server's share, and the last flush in it.
    shares: BTreeMap<NodeId, (FlushId, u64)>,
    before: u64,
    unacknowledged: Vec<(NodeId, FlushId)>,
}

impl Store {
    fn total(&self) -> u64 {
        self.before + self.shares.values().map(|(_, n)| n).sum::<u64>()
    }

    fn commit(&mut self, cx: &mut Context<'_, ViewCounter>) {
        let last = self.shares.iter().map(|(who, (id, _))| (*who, *id)).collect();
        cx.save(Saved::Store { total: self.total(), last, seen: BTreeSet::new() });
        for (to, id) in self.unacknowledged.drain(..) {
            cx.send(to, Message::Flushed { id });
        }
    }
}

#[derive(Clone, Debug, Hash)]
enum Part {
    Server(Server),
    Store(Store),
}

impl Node<ViewCounter> for Part {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let Role::Server { store } = config.role else {
            let Some(Saved::Store { total, last, .. }) = saved else { return Part::Store(Store::default()) };
            let shares = last.into_iter().map(|(who, id)| (who, (id, 0))).collect();
            return Part::Store(Store { shares, before: total, unacknowledged: Vec::new() });
        };
        let (incarnation, unflushed, outbox) = match saved {
            Some(Saved::Server { incarnation, unflushed, outbox }) => (incarnation + 1, unflushed, outbox),
            _ => (7, 0, BTreeMap::new()),
        };
        Part::Server(Server { store, every: config.flush_every, next: Time::ZERO, incarnation, number: 0, unflushed, outbox })
    }

    fn on_start(&mut self, cx: &mut Context<'_, ViewCounter>) {
        if let Part::Server(server) = self {
            server.save(cx);
            server.next = cx.now() + server.every / 2;
            cx.set_timer(Timer::Retry, server.every / 8);
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, ViewCounter>) {
        match (self, message) {
            (Part::Server(server), Message::Flushed { id }) => {
                if server.outbox.remove(&id).is_some() {
                    server.save(cx);
                }
            }
            (Part::Store(store), Message::Flush { id, views }) => {
                let share = store.shares.entry(from).or_insert((FlushId { incarnation: 0, number: 0 }, 0));
                if share.0 < id {
                    *share = (id, share.1 + views);
                }
                store.unacknowledged.push((from, id));
                cx.set_timer(Timer::Other(1), millis(4));
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Context<'_, ViewCounter>) {
        match self {
            Part::Server(server) => server.tick(cx),
            Part::Store(store) => store.commit(cx),
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, ViewCounter>) {
        match (self, request) {
            (Part::Server(server), Request::View) => server.unflushed += 1,
            (part, Request::Read) => cx.reply(ticket, Response::Views(part.shown())),
            _ => {}
        }
    }
}

impl Counter for Part {
    fn shown(&self) -> u64 {
        if let Part::Store(store) = self { store.total() } else { 0 }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Part>)
}
