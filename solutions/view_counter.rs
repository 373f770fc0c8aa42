//! The reference: one batch under way at a time, sent again under its own number until it is acknowledged; a store that
//! remembers the last flush of each server, and saves before it acknowledges.

use splitbrain::exercises::view_counter::{
    Config, Counter, FlushId, Message, Request, Response, Role, Saved, Timer, ViewCounter, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Hash)]
enum Part {
    Server(Server),
    Store(Store),
}

#[derive(Clone, Debug, Hash)]
struct Server {
    store: NodeId,
    flush_every: Duration,
    /// The id of the latest batch. Its incarnation is a new one after each restart: numbers start again at 1 then, and a
    /// new flush must not look like a repeat of an old one.
    id: FlushId,
    /// The views of the latest batch, until it is acknowledged. They do not change any more: the store may have them.
    batch: Option<u64>,
    /// Views that wait for the next batch.
    views: u64,
}

impl Server {
    fn flush(&mut self, cx: &mut Context<'_, ViewCounter>) {
        if self.batch.is_none() && self.views > 0 {
            self.id.number += 1;
            self.batch = Some(std::mem::take(&mut self.views));
        }
        if let Some(views) = self.batch {
            cx.send(self.store, Message::Flush { id: self.id, views });
        }
        cx.set_timer(Timer::Flush, self.flush_every);
    }

    /// Late acknowledgements of other batches come too.
    fn flushed(&mut self, id: FlushId) {
        if id == self.id {
            self.batch = None;
        }
    }
}

#[derive(Clone, Debug, Hash)]
struct Store {
    total: u64,
    /// The last flush that was counted, for each server. A server sends the next one only after this one is acknowledged,
    /// so whatever is not newer was counted before, or belongs to a life of the server that is over.
    last: BTreeMap<NodeId, FlushId>,
}

impl Store {
    fn count(&mut self, from: NodeId, id: FlushId, views: u64, cx: &mut Context<'_, ViewCounter>) {
        if self.last.get(&from).is_none_or(|last| id > *last) {
            self.last.insert(from, id);
            self.total += views;
            // Both in one save, and before the acknowledgement: after it, nobody else has these views.
            cx.save(Saved::Store {
                total: self.total,
                last: self.last.clone(),
                seen: BTreeSet::new(),
            });
        }
        // A repeat too: the acknowledgement may be what was lost.
        cx.send(from, Message::Flushed { id });
    }
}

impl Node<ViewCounter> for Part {
    fn new(_me: NodeId, _peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        match (config.role, saved) {
            (Role::Store, Some(Saved::Store { total, last, .. })) => {
                Part::Store(Store { total, last })
            }
            (Role::Store, _) => Part::Store(Store {
                total: 0,
                last: BTreeMap::new(),
            }),
            (Role::Server { store }, saved) => {
                let before = if let Some(Saved::Server { incarnation, .. }) = saved {
                    incarnation
                } else {
                    0
                };
                let id = FlushId {
                    incarnation: before + 1,
                    number: 0,
                };
                Part::Server(Server {
                    store,
                    flush_every: config.flush_every,
                    id,
                    batch: None,
                    views: 0,
                })
            }
        }
    }

    fn on_start(&mut self, cx: &mut Context<'_, ViewCounter>) {
        if let Part::Server(server) = self {
            // Before anything is sent in this incarnation.
            cx.save(Saved::Server {
                incarnation: server.id.incarnation,
                unflushed: 0,
                outbox: BTreeMap::new(),
            });
            cx.set_timer(Timer::Flush, server.flush_every);
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, ViewCounter>) {
        match (self, message) {
            (Part::Store(store), Message::Flush { id, views }) => store.count(from, id, views, cx),
            (Part::Server(server), Message::Flushed { id }) => server.flushed(id),
            _ => {}
        }
    }

    fn on_timer(&mut self, _timer: Timer, cx: &mut Context<'_, ViewCounter>) {
        if let Part::Server(server) = self {
            server.flush(cx);
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, ViewCounter>) {
        match (self, request) {
            (Part::Server(server), Request::View) => server.views += 1,
            (Part::Store(store), Request::Read) => cx.reply(ticket, Response::Views(store.total)),
            _ => {}
        }
    }
}

impl Counter for Part {
    fn shown(&self) -> u64 {
        match self {
            Part::Store(store) => store.total,
            Part::Server(_) => 0,
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Part>)
}
