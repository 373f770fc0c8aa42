//! A replica that lags asks the primary at once, and again every 30 ms; it never says Behind before 250 ms. The primary pushes nothing.

use splitbrain::exercises::read_your_writes::{Config, Key, Message, Position, ReadYourWrites, Request, Response, Saved, Timer, Value, Write, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Hash)]
struct Store {
    primary: NodeId,
    is_primary: bool,
    saved: Saved,
    keys: BTreeMap<Key, Value>,
    open: BTreeMap<Ticket, (Key, Position, u32)>,
}

impl Store {
    fn length(&self) -> u64 {
        self.saved.log.len() as u64
    }

    fn put(&mut self, write: Write) {
        self.keys.insert(write.key, write.value);
        self.saved.log.push(write);
    }

    fn view(&self, key: Key) -> (Option<Value>, Position) {
        (self.keys.get(&key).copied(), Position(self.length()))
    }
}

impl Node<ReadYourWrites> for Store {
    fn new(me: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        let keys = saved.log.iter().map(|write| (write.key, write.value)).collect();
        Store { primary: config.primary, is_primary: me == config.primary, saved, keys, open: BTreeMap::new() }
    }

    fn on_start(&mut self, cx: &mut Context<'_, ReadYourWrites>) {
        if !self.is_primary {
            cx.set_timer(Timer::Sync, millis(40));
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, ReadYourWrites>) {
        match message {
            Message::Have(Position(has)) => {
                let writes: Vec<Write> = self.saved.log.iter().skip(has as usize).copied().collect();
                if !writes.is_empty() {
                    cx.send(from, Message::Append { after: Position(has), writes });
                }
            }
            Message::Append { after: Position(after), writes } => {
                let length = self.length();
                if after > length {
                    return;
                }
                for (at, write) in (after..).zip(writes) {
                    if at == self.length() {
                        self.put(write);
                    }
                }
                if self.length() > length {
                    cx.save(self.saved.clone());
                    cx.send(self.primary, Message::Have(Position(self.length())));
                }
                let now = Position(self.length());
                let ready: Vec<Ticket> = self.open.iter().filter(|(_, open)| open.1 <= now).map(|(ticket, _)| *ticket).collect();
                for ticket in ready {
                    if let Some((key, ..)) = self.open.remove(&ticket) {
                        let (value, token) = self.view(key);
                        cx.reply(ticket, Response::Value { value, token });
                    }
                }
            }
            Message::Ask { key, .. } => {
                let (value, token) = self.view(key);
                cx.send(from, Message::Tell { key, value, token });
            }
            Message::Tell { key, value, token } => {
                for (ticket, (wanted, least, times)) in std::mem::take(&mut self.open) {
                    if wanted == key && least <= token {
                        cx.reply(ticket, Response::Value { value, token });
                        cx.cancel_timer(Timer::Wait(ticket));
                    } else {
                        self.open.insert(ticket, (wanted, least, times));
                    }
                }
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, ReadYourWrites>) {
        match timer {
            Timer::Wait(ticket) => {
                let Some((key, token, times)) = self.open.get_mut(&ticket) else { return };
                *times += 1;
                if *times > 8 {
                    cx.reply(ticket, Response::Behind);
                    self.open.remove(&ticket);
                } else {
                    cx.send(self.primary, Message::Ask { key: *key, token: *token });
                    cx.set_timer(Timer::Wait(ticket), millis(30));
                }
            }
            Timer::Sync => {
                cx.send(self.primary, Message::Have(Position(self.length())));
                cx.set_timer(Timer::Sync, millis(80));
            }
            _ => {}
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, ReadYourWrites>) {
        match request {
            Request::Write(write) => {
                self.put(write);
                cx.save(self.saved.clone());
                cx.reply(ticket, Response::Written(Position(self.length())));
            }
            Request::Read { key, token } if token.0 > self.length() => {
                self.open.insert(ticket, (key, token, 0));
                cx.send(self.primary, Message::Ask { key, token });
                cx.set_timer(Timer::Wait(ticket), millis(30));
            }
            Request::Read { key, .. } => {
                let (value, token) = self.view(key);
                cx.reply(ticket, Response::Value { value, token });
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Store>)
}
