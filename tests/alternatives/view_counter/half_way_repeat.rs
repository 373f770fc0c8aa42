//! Built another way: a flush that is not acknowledged half an interval later is sent again; intervals are a little shorter
//! than they may be, each by another length, so that servers do not flush in step. The incarnation is the time of the start. The
//! store keeps, of each life of each server, what was counted last, and acknowledges 25 ms later.

use splitbrain::exercises::view_counter::{Config, Counter, FlushId, Message, Request, Response, Role, Saved, Timer, ViewCounter, judge};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Hash)]
struct Part {
    role: Role,
    every: Duration,
    life: u64,
    number: u64,
    open: u64,
    out: BTreeMap<FlushId, u64>,
    total: u64,
    /// Of the store: the highest number of each life, as flushes.
    marks: BTreeSet<(NodeId, FlushId)>,
    owed: Vec<(NodeId, FlushId)>,
}

impl Part {
    fn mark(&self, from: NodeId, life: u64) -> Option<(NodeId, FlushId)> {
        self.marks.iter().find(|(server, id)| *server == from && id.incarnation == life).copied()
    }
}

impl Node<ViewCounter> for Part {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let (mut life, mut total, mut marks) = (0, 0, BTreeSet::new());
        match saved {
            Some(Saved::Server { incarnation, .. }) => life = incarnation,
            Some(Saved::Store { total: sum, seen, .. }) => (total, marks) = (sum, seen),
            None => {}
        }
        let (role, every) = (config.role, config.flush_every);
        Part { role, every, life, number: 0, open: 0, out: BTreeMap::new(), total, marks, owed: Vec::new() }
    }

    fn on_start(&mut self, cx: &mut Context<'_, ViewCounter>) {
        if let Role::Server { .. } = self.role {
            self.life = cx.now().as_millis().max(self.life + 1);
            cx.save(Saved::Server { incarnation: self.life, unflushed: 0, outbox: BTreeMap::new() });
            let first = cx.random(1..=10);
            cx.set_timer(Timer::Flush, self.every * first as u32 / 10);
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, ViewCounter>) {
        match message {
            Message::Flushed { id } => drop(self.out.remove(&id)),
            Message::Flush { id, views } => {
                let mark = self.mark(from, id.incarnation);
                if mark.is_none_or(|(_, last)| last < id) {
                    mark.map(|mark| self.marks.remove(&mark));
                    self.marks.insert((from, id));
                    self.total += views;
                    cx.save(Saved::Store { total: self.total, last: BTreeMap::new(), seen: self.marks.clone() });
                }
                if self.owed.is_empty() {
                    cx.set_timer(Timer::Other(7), millis(25));
                }
                self.owed.push((from, id));
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, ViewCounter>) {
        let Role::Server { store } = self.role else {
            for (server, id) in std::mem::take(&mut self.owed) {
                cx.send(server, Message::Flushed { id });
            }
            return;
        };
        if timer == Timer::Flush {
            if self.out.is_empty() && self.open > 0 {
                self.number += 1;
                self.out.insert(FlushId { incarnation: self.life, number: self.number }, std::mem::take(&mut self.open));
            }
            let shorter = self.every * cx.random(80..=100) as u32 / 100;
            cx.set_timer(Timer::Flush, shorter);
            cx.set_timer(Timer::Retry, shorter / 2);
        }
        for (id, views) in &self.out {
            cx.send(store, Message::Flush { id: *id, views: *views });
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, ViewCounter>) {
        match request {
            Request::View => self.open += 1,
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
