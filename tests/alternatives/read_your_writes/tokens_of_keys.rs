//! The smallest tokens: of a read, what the client came with or the last write of that key, whichever is later; of a write, its own position. So a client
//! that reads what is old can go to a replica that lags far.

use splitbrain::exercises::read_your_writes::{Config, Key, Message, Position, ReadYourWrites, Request, Response, Saved, Timer, Value, Write, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Hash)]
struct Read {
    ticket: Ticket,
    key: Key,
    token: Position,
    until: Time,
    asked: bool,
}

#[derive(Clone, Debug, Hash)]
struct Store {
    config: Config,
    me: NodeId,
    log: Vec<Write>,
    /// What each key holds, and since which write.
    keys: BTreeMap<Key, (Position, Value)>,
    reads: Vec<Read>,
}

impl Store {
    fn push(&mut self, write: Write) {
        self.log.push(write);
        self.keys.insert(write.key, (self.end(), write.value));
    }

    fn end(&self) -> Position {
        Position(self.log.len() as u64)
    }

    fn get(&self, key: Key, token: Position) -> (Option<Value>, Position) {
        match self.keys.get(&key) {
            Some((since, value)) => (Some(*value), token.max(*since)),
            None => (None, token),
        }
    }

    fn reply(&self, ticket: Ticket, key: Key, token: Position, cx: &mut Context<'_, ReadYourWrites>) {
        let (value, token) = self.get(key, token);
        cx.reply(ticket, Response::Value { value, token });
    }

    /// One timer, for whatever is next.
    fn arm(&self, cx: &mut Context<'_, ReadYourWrites>) {
        match self.reads.iter().map(|read| read.until).min() {
            Some(next) => cx.set_timer(Timer::Tick, next.since(cx.now())),
            None => cx.cancel_timer(Timer::Tick),
        }
    }
}

impl Node<ReadYourWrites> for Store {
    fn new(me: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let mut store = Store { config: config.clone(), me, log: Vec::new(), keys: BTreeMap::new(), reads: Vec::new() };
        saved.into_iter().flat_map(|saved| saved.log).for_each(|write| store.push(write));
        store
    }

    fn on_start(&mut self, cx: &mut Context<'_, ReadYourWrites>) {
        if self.me != self.config.primary {
            cx.send(self.config.primary, Message::Have(self.end()));
            cx.set_timer(Timer::Sync, millis(95));
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, ReadYourWrites>) {
        match message {
            Message::Have(has) if has < self.end() => {
                let writes = self.log[has.0 as usize..].to_vec();
                cx.send(from, Message::Append { after: has, writes });
            }
            Message::Have(_) => {}
            Message::Append { after, writes } => {
                let before = self.end();
                for (i, write) in writes.into_iter().enumerate() {
                    if after.0 + i as u64 == self.end().0 {
                        self.push(write);
                    }
                }
                if self.end() == before {
                    return;
                }
                cx.save(Saved { log: self.log.clone() });
                let end = self.end();
                for read in self.reads.iter().filter(|read| read.token <= end) {
                    self.reply(read.ticket, read.key, read.token, cx);
                }
                self.reads.retain(|read| read.token > end);
                self.arm(cx);
            }
            Message::Ask { key, token } => {
                let (value, token) = self.get(key, token);
                cx.send(from, Message::Tell { key, value, token });
            }
            Message::Tell { key, value, token } => {
                let fits = |read: &Read| read.key == key && read.token <= token;
                self.reads.iter().filter(|read| fits(read)).for_each(|read| cx.reply(read.ticket, Response::Value { value, token }));
                self.reads.retain(|read| !fits(read));
                self.arm(cx);
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, ReadYourWrites>) {
        if timer == Timer::Sync {
            return self.on_start(cx);
        }
        let now = cx.now();
        for mut read in std::mem::take(&mut self.reads) {
            if read.until <= now && read.asked {
                cx.reply(read.ticket, Response::Behind);
                continue;
            }
            if read.until <= now {
                cx.send(self.config.primary, Message::Ask { key: read.key, token: read.token });
                (read.asked, read.until) = (true, now + millis(40));
            }
            self.reads.push(read);
        }
        self.arm(cx);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, ReadYourWrites>) {
        match request {
            Request::Write(write) => {
                self.push(write);
                cx.save(Saved { log: self.log.clone() });
                cx.reply(ticket, Response::Written(self.end()));
            }
            Request::Read { key, token } if token <= self.end() => self.reply(ticket, key, token, cx),
            Request::Read { key, token } => {
                self.reads.push(Read { ticket, key, token, until: cx.now() + millis(30), asked: false });
                self.arm(cx);
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Store>)
}
