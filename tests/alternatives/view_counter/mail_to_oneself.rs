//! Built another way: a clock of 25 ms on each node, which tells the node by mail when there is something to do; every interval
//! has its flush, empty or not; views are on disk until they are flushed, so that a crash loses no more than what is under way.
//! The store answers from a table of shares.

use splitbrain::exercises::view_counter::{Config, Counter, FlushId, Message, Request, Response, Role, Saved, Timer, ViewCounter, judge};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Hash)]
struct Part {
    role: Role,
    every: Duration,
    incarnation: u64,
    number: u64,
    /// Of a server: views that are in no flush, and the flush that is out.
    views: u64,
    out: Option<u64>,
    due: Time,
    /// Of the store: what each server has brought, the last flush in it; and what was there before.
    shares: BTreeMap<NodeId, (FlushId, u64)>,
    before: u64,
}

const NOBODY: FlushId = FlushId { incarnation: 0, number: 0 };

impl Part {
    fn save(&self, cx: &mut Context<'_, ViewCounter>) {
        cx.save(if self.role == Role::Store {
            let last = self.shares.iter().map(|(server, (id, _))| (*server, *id)).collect();
            Saved::Store { total: self.shown(), last, seen: BTreeSet::new() }
        } else {
            Saved::Server { incarnation: self.incarnation, unflushed: self.views, outbox: BTreeMap::new() }
        });
    }

    fn flush(&mut self, store: NodeId, cx: &mut Context<'_, ViewCounter>) {
        let views = match self.out {
            Some(views) => views,
            None => {
                self.number += 1;
                let views = std::mem::take(&mut self.views);
                // Off the disk before it leaves: or it would be flushed twice after a crash.
                self.save(cx);
                views
            }
        };
        self.out = Some(views);
        cx.send(store, Message::Flush { id: FlushId { incarnation: self.incarnation, number: self.number }, views });
    }
}

impl Node<ViewCounter> for Part {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let mut part = Part {
            role: config.role,
            every: config.flush_every,
            incarnation: 1,
            number: 0,
            views: 0,
            out: None,
            due: Time::ZERO,
            shares: BTreeMap::new(),
            before: 0,
        };
        match saved {
            Some(Saved::Server { incarnation, unflushed, .. }) => (part.incarnation, part.views) = (incarnation + 1, unflushed),
            Some(Saved::Store { total, last, .. }) => {
                part.before = total;
                part.shares = last.into_iter().map(|(server, id)| (server, (id, 0))).collect();
            }
            None => {}
        }
        part
    }

    fn on_start(&mut self, cx: &mut Context<'_, ViewCounter>) {
        if self.role != Role::Store {
            self.save(cx);
            self.due = cx.now() + self.every;
            cx.set_timer(Timer::Other(25), millis(25));
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, ViewCounter>) {
        match (message, self.role) {
            // Its own mail.
            (Message::Flushed { id: NOBODY }, Role::Server { store }) if from == cx.me() => self.flush(store, cx),
            (Message::Flushed { id }, _) if id == (FlushId { incarnation: self.incarnation, number: self.number }) => self.out = None,
            (Message::Flush { id, views }, Role::Store) => {
                let old = self.shares.get(&from).copied();
                if old.is_none_or(|(last, _)| last < id) {
                    self.shares.insert(from, (id, old.map_or(0, |(_, sum)| sum) + views));
                    self.save(cx);
                }
                cx.send(from, Message::Flushed { id });
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, ViewCounter>) {
        if cx.now() + millis(12) > self.due {
            self.due = cx.now() + self.every;
            cx.send(cx.me(), Message::Flushed { id: NOBODY });
        }
        cx.set_timer(timer, millis(25));
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, ViewCounter>) {
        match request {
            Request::View => {
                self.views += 1;
                self.save(cx);
            }
            Request::Read => cx.reply(ticket, Response::Views(self.shown())),
        }
    }
}

impl Counter for Part {
    fn shown(&self) -> u64 {
        self.before + self.shares.values().map(|(_, sum)| sum).sum::<u64>()
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Part>)
}
