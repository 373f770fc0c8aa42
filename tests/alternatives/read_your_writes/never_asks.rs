//! A replica that lags waits for the log alone: it never asks the primary for a value, and says Behind after 60 ms. Reads that wait are kept by the
//! position that they wait for. What answers a Have goes out in pieces of three writes.

use splitbrain::exercises::read_your_writes::{Config, Key, Message, Position, ReadYourWrites, Request, Response, Saved, Timer, Value, Write, judge};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Hash)]
struct Store {
    config: Config,
    log: Vec<Write>,
    waits: BTreeMap<Position, BTreeSet<(Ticket, Key)>>,
}

impl Store {
    fn end(&self) -> Position {
        Position(self.log.len() as u64)
    }

    fn value(&self, key: Key) -> Option<Value> {
        self.log.iter().rev().find(|write| write.key == key).map(|write| write.value)
    }

    fn is_primary(&self, cx: &Context<'_, ReadYourWrites>) -> bool {
        cx.me() == self.config.primary
    }
}

impl Node<ReadYourWrites> for Store {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Store { config: config.clone(), log: saved.map(|saved| saved.log).unwrap_or_default(), waits: BTreeMap::new() }
    }

    fn on_start(&mut self, cx: &mut Context<'_, ReadYourWrites>) {
        if !self.is_primary(cx) {
            cx.set_timer(Timer::Sync, millis(15));
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, ReadYourWrites>) {
        match message {
            Message::Have(has) => {
                let mut after = has.0;
                for piece in self.log[(after as usize).min(self.log.len())..].chunks(3) {
                    cx.send(from, Message::Append { after: Position(after), writes: piece.to_vec() });
                    after += piece.len() as u64;
                }
            }
            Message::Append { after, writes } => {
                let Some(fresh) = self.end().0.checked_sub(after.0).and_then(|known| writes.get(known as usize..)) else { return };
                if fresh.is_empty() {
                    return;
                }
                self.log.extend_from_slice(fresh);
                cx.save(Saved { log: self.log.clone() });
                let later = self.waits.split_off(&Position(self.end().0 + 1));
                for (ticket, key) in std::mem::replace(&mut self.waits, later).into_values().flatten() {
                    cx.reply(ticket, Response::Value { value: self.value(key), token: self.end() });
                }
            }
            Message::Ask { key, .. } => cx.send(from, Message::Tell { key, value: self.value(key), token: self.end() }),
            // Nobody has asked.
            Message::Tell { .. } => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, ReadYourWrites>) {
        match timer {
            Timer::Sync => {
                cx.send(self.config.primary, Message::Have(self.end()));
                cx.set_timer(Timer::Sync, millis(30));
            }
            Timer::GiveUp(ticket) => {
                let mut found = false;
                for reads in self.waits.values_mut() {
                    reads.retain(|(waiting, _)| {
                        found |= *waiting == ticket;
                        *waiting != ticket
                    });
                }
                self.waits.retain(|_, reads| !reads.is_empty());
                if found {
                    cx.reply(ticket, Response::Behind);
                }
            }
            _ => {}
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, ReadYourWrites>) {
        match request {
            Request::Write(write) => {
                self.log.push(write);
                cx.save(Saved { log: self.log.clone() });
                cx.reply(ticket, Response::Written(self.end()));
            }
            Request::Read { key, token } => {
                if token > self.end() {
                    self.waits.entry(token).or_default().insert((ticket, key));
                    cx.set_timer(Timer::GiveUp(ticket), millis(60));
                } else {
                    cx.reply(ticket, Response::Value { value: self.value(key), token: self.end() });
                }
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Store>)
}
