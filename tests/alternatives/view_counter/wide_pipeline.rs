//! Built another way: a batch an interval, however many are under way; each tick sends the newest and the two oldest. The
//! store keeps every flush that it has counted in a set, and its total beside it.

use splitbrain::exercises::view_counter::{Config, Counter, FlushId, Message, Request, Response, Role, Saved, Timer, ViewCounter, judge};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Hash)]
struct Part {
    config: Config,
    incarnation: u64,
    batches: Vec<(FlushId, u64)>,
    made: u64,
    views: u64,
    seen: BTreeSet<(NodeId, FlushId)>,
}

impl Node<ViewCounter> for Part {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let mut part =
            Part { config: config.clone(), incarnation: 1, batches: Vec::new(), made: 0, views: 0, seen: BTreeSet::new() };
        match saved {
            Some(Saved::Server { incarnation, .. }) => part.incarnation = incarnation + 1,
            Some(Saved::Store { total, seen, .. }) => (part.views, part.seen) = (total, seen),
            None => {}
        }
        part
    }

    fn on_start(&mut self, cx: &mut Context<'_, ViewCounter>) {
        if let Role::Server { .. } = self.config.role {
            cx.set_timer(Timer::Flush, self.config.flush_every);
            cx.save(Saved::Server { incarnation: self.incarnation, unflushed: 0, outbox: BTreeMap::new() });
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, ViewCounter>) {
        match message {
            Message::Flush { id, views } => {
                if self.seen.insert((from, id)) {
                    self.views += views;
                    cx.save(Saved::Store { total: self.views, last: BTreeMap::new(), seen: self.seen.clone() });
                }
                cx.send(from, Message::Flushed { id });
            }
            Message::Flushed { id } => self.batches.retain(|(batch, _)| *batch != id),
        }
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Context<'_, ViewCounter>) {
        let Role::Server { store } = self.config.role else { return };
        let mut send: Vec<(FlushId, u64)> = self.batches.iter().copied().take(2).collect();
        if self.views > 0 {
            self.made += 1;
            let batch = (FlushId { incarnation: self.incarnation, number: self.made }, std::mem::take(&mut self.views));
            self.batches.push(batch);
            send.push(batch);
        }
        for (id, views) in send {
            cx.send(store, Message::Flush { id, views });
        }
        cx.set_timer(Timer::Flush, self.config.flush_every);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, ViewCounter>) {
        if request == Request::Read {
            cx.reply(ticket, Response::Views(self.views));
        } else {
            self.views += 1;
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
