//! Built another way: a new flush every interval, whatever is under way, and with it one that is not acknowledged: the next
//! of them each time, round and round, so that one that is lost again does not hold up the others. The store remembers every
//! flush, those of old lives, too.

use splitbrain::exercises::view_counter::{Config, Counter, FlushId, Message, Request, Response, Role, Saved, Timer, ViewCounter, judge};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// A new flush every interval, whatever is under way; and with it the oldest that is not acknowledged. The store
/// remembers every flush, of old lives too.
#[derive(Clone, Debug, Hash)]
struct Part {
    me: NodeId,
    role: Role,
    flush_every: Duration,
    incarnation: u64,
    number: u64,
    unflushed: u64,
    outbox: BTreeMap<FlushId, u64>,
    /// Which of the outbox was sent again last.
    turn: u64,
    total: u64,
    seen: BTreeSet<(NodeId, FlushId)>,
}

impl Part {
    fn flush(&mut self, store: NodeId, cx: &mut Context<'_, ViewCounter>) {
        // Round and round: one that is lost again does not hold up the others.
        let again = self
            .outbox
            .iter()
            .find(|(id, _)| id.number > self.turn)
            .or_else(|| self.outbox.iter().next())
            .map(|(id, views)| (*id, *views));
        if let Some((id, views)) = again {
            self.turn = id.number;
            cx.send(store, Message::Flush { id, views });
        }
        if self.unflushed > 0 {
            self.number += 1;
            let id = FlushId {
                incarnation: self.incarnation,
                number: self.number,
            };
            let views = std::mem::take(&mut self.unflushed);
            self.outbox.insert(id, views);
            cx.send(store, Message::Flush { id, views });
        }
    }
}

impl Node<ViewCounter> for Part {
    fn new(me: NodeId, peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let mut part = Part {
            me,
            role: config.role,
            flush_every: config.flush_every,
            incarnation: 1,
            number: 0,
            unflushed: 0,
            outbox: BTreeMap::new(),
            turn: 0,
            total: 0,
            seen: BTreeSet::new(),
        };
        match saved {
            Some(Saved::Server { incarnation, .. }) => part.incarnation = incarnation + 1,
            Some(Saved::Store { total, seen, .. }) => {
                part.total = total;
                part.seen = seen;
            }
            None => {}
        }
        part
    }

    fn on_start(&mut self, cx: &mut Context<'_, ViewCounter>) {
        if let Role::Server { .. } = self.role {
            cx.save(Saved::Server {
                incarnation: self.incarnation,
                unflushed: 0,
                outbox: BTreeMap::new(),
            });
            cx.set_timer(Timer::Flush, self.flush_every);
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, ViewCounter>) {
        match message {
            Message::Flush { id, views } => {
                if self.seen.insert((from, id)) {
                    self.total += views;
                    cx.save(Saved::Store {
                        total: self.total,
                        last: BTreeMap::new(),
                        seen: self.seen.clone(),
                    });
                }
                cx.send(from, Message::Flushed { id });
            }
            Message::Flushed { id } => {
                self.outbox.remove(&id);
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, ViewCounter>) {
        if let (Timer::Flush, Role::Server { store }) = (timer, self.role) {
            self.flush(store, cx);
            cx.set_timer(Timer::Flush, self.flush_every);
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, ViewCounter>) {
        match request {
            Request::View => self.unflushed += 1,
            Request::Read => cx.reply(ticket, Response::Views(self.total)),
        }
    }
}

impl Counter for Part {
    fn shown(&self) -> u64 {
        self.total
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Part>)
}
