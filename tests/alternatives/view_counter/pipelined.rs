//! Built another way: up to four batches under way at once, the oldest sent again beside the new one; incarnations from
//! the clock; a store that remembers every flush by itself, in a set, and acknowledges before it does anything else with a
//! repeat.

use splitbrain::exercises::view_counter::{Config, Counter, FlushId, Message, Request, Response, Role, Saved, Timer, ViewCounter, judge};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Hash)]
struct Part {
    role: Role,
    every: Duration,
    incarnation: u64,
    number: u64,
    /// A server: views in no batch. The store: all of them.
    views: u64,
    outbox: BTreeMap<u64, u64>,
    seen: BTreeSet<(NodeId, FlushId)>,
}

impl Node<ViewCounter> for Part {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let mut part = Part {
            role: config.role,
            every: config.flush_every,
            incarnation: 0,
            number: 0,
            views: 0,
            outbox: BTreeMap::new(),
            seen: BTreeSet::new(),
        };
        match saved {
            Some(Saved::Server { incarnation, .. }) => part.incarnation = incarnation,
            Some(Saved::Store { total, seen, .. }) => (part.views, part.seen) = (total, seen),
            None => {}
        }
        part
    }

    fn on_start(&mut self, cx: &mut Context<'_, ViewCounter>) {
        if self.role == Role::Store {
            return;
        }
        // The clock alone would do if it never went back.
        self.incarnation = cx.now().as_micros().max(self.incarnation + 1);
        cx.save(Saved::Server { incarnation: self.incarnation, unflushed: 0, outbox: BTreeMap::new() });
        cx.set_timer(Timer::Other(3), self.every);
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, ViewCounter>) {
        match message {
            Message::Flush { id, .. } if self.seen.contains(&(from, id)) => cx.send(from, Message::Flushed { id }),
            Message::Flush { id, views } => {
                self.seen.insert((from, id));
                self.views += views;
                cx.save(Saved::Store { total: self.views, last: BTreeMap::new(), seen: self.seen.clone() });
                cx.send(from, Message::Flushed { id });
            }
            Message::Flushed { id } => {
                if id.incarnation == self.incarnation {
                    self.outbox.remove(&id.number);
                }
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, ViewCounter>) {
        cx.set_timer(timer, self.every);
        let Role::Server { store } = self.role else { return };
        let mut send: Vec<u64> = self.outbox.keys().copied().take(2).collect();
        if self.views > 0 && self.outbox.len() < 4 {
            self.number += 1;
            self.outbox.insert(self.number, std::mem::take(&mut self.views));
            send.push(self.number);
        }
        for number in send {
            cx.send(store, Message::Flush { id: FlushId { incarnation: self.incarnation, number }, views: self.outbox[&number] });
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, ViewCounter>) {
        match request {
            Request::View => self.views += 1,
            Request::Read => cx.reply(ticket, Response::Views(self.views)),
        }
    }
}

impl Counter for Part {
    fn shown(&self) -> u64 {
        self.views
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Part>)
}
