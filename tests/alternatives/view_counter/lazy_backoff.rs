//! Built another way: a server has a timer only while there is something to send. The first view starts the interval; what is
//! not acknowledged is sent again after one interval, then two, four and six. The store shows what is on its disk, and writes
//! the flushes of 20 ms at once.

use splitbrain::exercises::view_counter::{Config, Counter, FlushId, Message, Request, Response, Role, Saved, Timer, ViewCounter, judge};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Hash)]
struct Server {
    store: NodeId,
    every: Duration,
    incarnation: u64,
    number: u64,
    fresh: u64,
    /// When the oldest of these came.
    since: Time,
    sent: Option<u64>,
    wait: u32,
}

impl Server {
    fn id(&self) -> FlushId {
        FlushId { incarnation: self.incarnation, number: self.number }
    }

    fn send(&mut self, cx: &mut Context<'_, ViewCounter>) {
        if let Some(views) = self.sent {
            cx.send(self.store, Message::Flush { id: self.id(), views });
            cx.set_timer(Timer::Retry, self.every * self.wait);
            self.wait = (self.wait * 2).min(6);
        }
    }
}

#[derive(Clone, Debug, Hash, Default)]
struct Store {
    total: u64,
    written: u64,
    last: BTreeMap<NodeId, FlushId>,
    to_tell: Vec<(NodeId, FlushId)>,
}

#[derive(Clone, Debug, Hash)]
enum Part {
    Server(Server),
    Store(Store),
}

impl Node<ViewCounter> for Part {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        match (config.role, saved) {
            (Role::Store, Some(Saved::Store { total, last, .. })) => {
                Part::Store(Store { total, written: total, last, to_tell: Vec::new() })
            }
            (Role::Store, _) => Part::Store(Store::default()),
            (Role::Server { store }, saved) => {
                let before = match saved {
                    Some(Saved::Server { incarnation, .. }) => incarnation,
                    _ => 40,
                };
                Part::Server(Server { store, every: config.flush_every, incarnation: before + 3, number: 0, fresh: 0, since: Time::ZERO, sent: None, wait: 1 })
            }
        }
    }

    fn on_start(&mut self, cx: &mut Context<'_, ViewCounter>) {
        if let Part::Server(server) = self {
            cx.save(Saved::Server { incarnation: server.incarnation, unflushed: 0, outbox: BTreeMap::new() });
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, ViewCounter>) {
        match (self, message) {
            (Part::Server(server), Message::Flushed { id }) if id == server.id() && server.sent.is_some() => {
                server.sent = None;
                cx.cancel_timer(Timer::Retry);
                if server.fresh > 0 {
                    let waited = cx.now().since(server.since).min(server.every);
                    cx.set_timer(Timer::Flush, server.every - waited);
                }
            }
            (Part::Store(store), Message::Flush { id, views }) => {
                if store.last.get(&from).is_none_or(|last| *last < id) {
                    store.last.insert(from, id);
                    store.total += views;
                }
                if store.to_tell.is_empty() {
                    cx.set_timer(Timer::Other(0), millis(20));
                }
                if !store.to_tell.contains(&(from, id)) {
                    store.to_tell.push((from, id));
                }
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, ViewCounter>) {
        match self {
            Part::Server(server) => {
                if timer == Timer::Flush && server.sent.is_none() && server.fresh > 0 {
                    server.number += 1;
                    server.wait = 1;
                    server.sent = Some(std::mem::take(&mut server.fresh));
                    server.send(cx);
                } else if timer == Timer::Retry {
                    server.send(cx);
                }
            }
            Part::Store(store) => {
                cx.save(Saved::Store { total: store.total, last: store.last.clone(), seen: BTreeSet::new() });
                store.written = store.total;
                for (server, id) in std::mem::take(&mut store.to_tell) {
                    cx.send(server, Message::Flushed { id });
                }
            }
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, ViewCounter>) {
        match (self, request) {
            (Part::Server(server), Request::View) => {
                if server.fresh == 0 {
                    server.since = cx.now();
                    if server.sent.is_none() {
                        cx.set_timer(Timer::Flush, server.every);
                    }
                }
                server.fresh += 1;
            }
            (Part::Store(store), Request::Read) => cx.reply(ticket, Response::Views(store.written)),
            _ => {}
        }
    }
}

impl Counter for Part {
    fn shown(&self) -> u64 {
        if let Part::Store(store) = self { store.written } else { 0 }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Part>)
}
