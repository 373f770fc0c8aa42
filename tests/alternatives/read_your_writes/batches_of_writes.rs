//! The primary collects writes for up to 10 ms, sorts them by key, and gives all of a batch the position of its end. Replicas are sent more than they lack,
//! in pieces that overlap, and twice. A replica asks with token 0, and takes what is new enough.

use splitbrain::exercises::read_your_writes::{Config, Key, Message, Position, ReadYourWrites, Request, Response, Saved, Timer, Value, Write, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Hash)]
struct Store {
    primary: NodeId,
    saved: Saved,
    values: BTreeMap<Key, Value>,
    batch: Vec<(Write, Ticket)>,
    reads: BTreeMap<Ticket, (Key, Position)>,
}

impl Store {
    fn end(&self) -> Position {
        Position(self.saved.log.len() as u64)
    }

    fn take(&mut self, writes: impl IntoIterator<Item = Write>, cx: &mut Context<'_, ReadYourWrites>) {
        let before = self.end();
        for write in writes {
            self.values.insert(write.key, write.value);
            self.saved.log.push(write);
        }
        if self.end() > before {
            cx.save(self.saved.clone());
        }
    }

    fn answers(&mut self, cx: &mut Context<'_, ReadYourWrites>) {
        let token = self.end();
        let open = std::mem::take(&mut self.reads);
        for (ticket, (key, least)) in open {
            if least <= token {
                cx.reply(ticket, Response::Value { value: self.values.get(&key).copied(), token });
            } else {
                self.reads.insert(ticket, (key, least));
            }
        }
    }
}

impl Node<ReadYourWrites> for Store {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        let values = saved.log.iter().map(|write| (write.key, write.value)).collect();
        Store { primary: config.primary, saved, values, batch: Vec::new(), reads: BTreeMap::new() }
    }

    fn on_start(&mut self, cx: &mut Context<'_, ReadYourWrites>) {
        cx.set_timer(Timer::Sync, millis(25));
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, ReadYourWrites>) {
        match message {
            Message::Have(has) => {
                let log = &self.saved.log;
                let first = (has.0 as usize).saturating_sub(2);
                let middle = (has.0 as usize).midpoint(log.len());
                let message = |range: std::ops::Range<usize>| Message::Append { after: Position(range.start as u64), writes: log[range].to_vec() };
                cx.send(from, message(first..middle));
                cx.send(from, message(first..log.len()));
                cx.send(from, message(middle..log.len()));
            }
            Message::Append { after, writes } => {
                if let Some(known) = self.end().0.checked_sub(after.0) {
                    self.take(writes.into_iter().skip(known as usize), cx);
                    self.answers(cx);
                }
            }
            Message::Ask { key, token } => {
                if token <= self.end() {
                    cx.send(from, Message::Tell { key, value: self.values.get(&key).copied(), token: self.end() });
                }
            }
            Message::Tell { key, value, token } => {
                let open = std::mem::take(&mut self.reads);
                for (ticket, (wanted, least)) in open {
                    if wanted == key && least <= token {
                        cx.reply(ticket, Response::Value { value, token });
                    } else {
                        self.reads.insert(ticket, (wanted, least));
                    }
                }
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, ReadYourWrites>) {
        match timer {
            Timer::Tick => {
                let mut batch = std::mem::take(&mut self.batch);
                batch.sort_by_key(|(write, _)| write.key);
                self.take(batch.iter().map(|(write, _)| *write), cx);
                batch.iter().for_each(|(_, ticket)| cx.reply(*ticket, Response::Written(self.end())));
            }
            Timer::Sync => {
                if cx.me() != self.primary {
                    cx.send(self.primary, Message::Have(self.end()));
                    cx.set_timer(Timer::Sync, millis(90));
                }
            }
            Timer::Wait(ticket) => {
                if let Some((key, _)) = self.reads.get(&ticket) {
                    cx.send(self.primary, Message::Ask { key: *key, token: Position(0) });
                    cx.set_timer(Timer::GiveUp(ticket), millis(250));
                }
            }
            Timer::GiveUp(ticket) => {
                if self.reads.remove(&ticket).is_some() {
                    cx.reply(ticket, Response::Behind);
                }
            }
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, ReadYourWrites>) {
        match request {
            Request::Write(write) => {
                if self.batch.is_empty() {
                    cx.set_timer(Timer::Tick, millis(10));
                }
                self.batch.push((write, ticket));
            }
            Request::Read { key, token } => {
                self.reads.insert(ticket, (key, token));
                self.answers(cx);
                if self.reads.contains_key(&ticket) {
                    cx.set_timer(Timer::Wait(ticket), millis(10));
                }
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Store>)
}
