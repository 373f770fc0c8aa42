//! A replica keeps what comes beyond a gap, and takes it when the gap closes. It answers from memory and saves 10 ms later, before which it says
//! nothing of it to the primary.

use splitbrain::exercises::read_your_writes::{Config, Key, Message, Position, ReadYourWrites, Request, Response, Saved, Timer, Value, Write, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Hash)]
struct Store {
    me: NodeId,
    primary: NodeId,
    log: Vec<Write>,
    on_disk: u64,
    early: BTreeMap<u64, Write>,
    values: BTreeMap<Key, Value>,
    reads: BTreeMap<Ticket, (Key, u64)>,
}

impl Store {
    fn push(&mut self, write: Write) {
        self.values.insert(write.key, write.value);
        self.log.push(write);
    }

    fn length(&self) -> u64 {
        self.log.len() as u64
    }

    fn save(&mut self, cx: &mut Context<'_, ReadYourWrites>) {
        if self.on_disk < self.length() {
            cx.save(Saved { log: self.log.clone() });
            self.on_disk = self.length();
        }
    }

    fn answer(&self, key: Key) -> Response {
        Response::Value { value: self.values.get(&key).copied(), token: Position(self.length()) }
    }
}

impl Node<ReadYourWrites> for Store {
    fn new(me: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let (early, values, reads) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut store = Store { me, primary: config.primary, log: Vec::new(), on_disk: 0, early, values, reads };
        saved.unwrap_or_default().log.into_iter().for_each(|write| store.push(write));
        store.on_disk = store.length();
        store
    }

    fn on_start(&mut self, cx: &mut Context<'_, ReadYourWrites>) {
        if self.me != self.primary {
            cx.set_timer(Timer::Sync, Duration::ZERO);
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, ReadYourWrites>) {
        match message {
            Message::Have(has) => {
                let writes = self.log.get(has.0 as usize..).unwrap_or_default().to_vec();
                // Also when there is nothing: it does no harm.
                cx.send(from, Message::Append { after: has, writes });
            }
            Message::Append { after, writes } => {
                let waits = self.on_disk < self.length();
                for (at, write) in (after.0 + 1..).zip(writes) {
                    if at > self.length() {
                        self.early.insert(at, write);
                    }
                }
                while let Some(write) = self.early.remove(&(self.length() + 1)) {
                    self.push(write);
                }
                if !waits && self.on_disk < self.length() {
                    cx.set_timer(Timer::Tick, millis(10));
                }
                let ready: Vec<(Ticket, Key)> =
                    self.reads.iter().filter(|(_, (_, token))| *token <= self.length()).map(|(ticket, (key, _))| (*ticket, *key)).collect();
                for (ticket, key) in ready {
                    self.reads.remove(&ticket);
                    cx.reply(ticket, self.answer(key));
                }
            }
            Message::Ask { key, .. } => {
                let (value, token) = (self.values.get(&key).copied(), Position(self.length()));
                cx.send(from, Message::Tell { key, value, token });
            }
            Message::Tell { key, value, token } => {
                let answered = |(wanted, least): &(Key, u64)| *wanted == key && *least <= token.0;
                for ticket in self.reads.iter().filter(|(_, read)| answered(read)).map(|(ticket, _)| *ticket) {
                    cx.reply(ticket, Response::Value { value, token });
                }
                self.reads.retain(|_, read| !answered(read));
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, ReadYourWrites>) {
        match timer {
            Timer::Tick => self.save(cx),
            Timer::Sync => {
                self.save(cx);
                cx.send(self.primary, Message::Have(Position(self.on_disk)));
                cx.set_timer(Timer::Sync, millis(60));
            }
            Timer::Wait(ticket) => {
                if let Some((key, token)) = self.reads.get(&ticket) {
                    cx.send(self.primary, Message::Ask { key: *key, token: Position(*token) });
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
                self.push(write);
                self.save(cx);
                cx.reply(ticket, Response::Written(Position(self.on_disk)));
            }
            Request::Read { key, token } if token.0 <= self.length() => cx.reply(ticket, self.answer(key)),
            Request::Read { key, token } => {
                self.reads.insert(ticket, (key, token.0));
                cx.set_timer(Timer::Wait(ticket), millis(20));
                cx.set_timer(Timer::GiveUp(ticket), millis(290));
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Store>)
}
