//! A replica answers from what it has saved alone; what comes is put into a queue and applied by a tick of its own, 5 ms later, with a Have after it.
//! Primary and replica are two types behind one.

use splitbrain::exercises::read_your_writes::{Config, Key, Message, Position, ReadYourWrites, Request, Response, Saved, Timer, Value, Write, judge};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, VecDeque};

type Cx<'a> = Context<'a, ReadYourWrites>;

#[derive(Clone, Debug, Hash, Default)]
struct Log {
    writes: Vec<Write>,
    last: BTreeMap<Key, usize>,
}

impl Log {
    fn of(writes: Vec<Write>) -> Self {
        let last = writes.iter().enumerate().map(|(at, write)| (write.key, at)).collect();
        Log { writes, last }
    }

    fn push(&mut self, write: Write) {
        self.last.insert(write.key, self.writes.len());
        self.writes.push(write);
    }

    fn end(&self) -> Position {
        Position(self.writes.len() as u64)
    }

    fn value(&self, key: Key) -> Option<Value> {
        self.last.get(&key).map(|at| self.writes[*at].value)
    }

    fn saved(&self) -> Saved {
        Saved { log: self.writes.clone() }
    }
}

#[derive(Clone, Debug, Hash)]
struct Primary {
    log: Log,
}

#[derive(Clone, Debug, Hash)]
struct Replica {
    primary: NodeId,
    log: Log,
    inbox: VecDeque<(u64, Vec<Write>)>,
    reads: BTreeMap<Ticket, (Key, Position)>,
}

impl Replica {
    fn apply(&mut self, cx: &mut Cx<'_>) {
        let before = self.log.end();
        while let Some((after, writes)) = self.inbox.pop_front() {
            for (at, write) in (after..).zip(writes) {
                if at == self.log.end().0 {
                    self.log.push(write);
                }
            }
        }
        if self.log.end() > before {
            cx.save(self.log.saved());
        }
        let end = self.log.end();
        for (ticket, (key, _)) in self.reads.iter().filter(|(_, (_, token))| *token <= end) {
            cx.reply(*ticket, Response::Value { value: self.log.value(*key), token: end });
        }
        self.reads.retain(|_, (_, token)| *token > end);
        cx.send(self.primary, Message::Have(end));
        cx.set_timer(Timer::Sync, millis(70));
    }
}

#[derive(Clone, Debug, Hash)]
enum Store {
    Primary(Primary),
    Replica(Replica),
}

impl Node<ReadYourWrites> for Store {
    fn new(me: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let log = Log::of(saved.unwrap_or_default().log);
        if me == config.primary {
            return Store::Primary(Primary { log });
        }
        Store::Replica(Replica { primary: config.primary, log, inbox: VecDeque::new(), reads: BTreeMap::new() })
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        if let Store::Replica(replica) = self {
            replica.apply(cx);
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        match (self, message) {
            (Store::Primary(it), Message::Have(has)) if has < it.log.end() => {
                let writes = it.log.writes[has.0 as usize..].to_vec();
                cx.send(from, Message::Append { after: has, writes });
            }
            (Store::Primary(it), Message::Ask { key, .. }) => {
                cx.send(from, Message::Tell { key, value: it.log.value(key), token: it.log.end() });
            }
            (Store::Replica(it), Message::Append { after, writes }) => {
                if it.inbox.is_empty() {
                    cx.set_timer(Timer::Tick, millis(5));
                }
                it.inbox.push_back((after.0, writes));
            }
            (Store::Replica(it), Message::Tell { key, value, token }) => {
                let tickets: Vec<Ticket> = it.reads.iter().filter(|(_, (k, t))| (*k, true) == (key, *t <= token)).map(|(t, _)| *t).collect();
                for ticket in tickets {
                    it.reads.remove(&ticket);
                    cx.reply(ticket, Response::Value { value, token });
                }
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        let Store::Replica(it) = self else { return };
        match timer {
            Timer::Sync | Timer::Tick => it.apply(cx),
            Timer::Wait(ticket) => {
                if let Some((key, token)) = it.reads.get(&ticket) {
                    cx.send(it.primary, Message::Ask { key: *key, token: *token });
                    cx.set_timer(Timer::GiveUp(ticket), millis(60));
                }
            }
            Timer::GiveUp(ticket) => {
                // What has come and is not applied yet must be looked at first.
                it.apply(cx);
                if it.reads.remove(&ticket).is_some() {
                    cx.reply(ticket, Response::Behind);
                }
            }
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        match (self, request) {
            (Store::Primary(it), Request::Write(write)) => {
                it.log.push(write);
                cx.save(it.log.saved());
                cx.reply(ticket, Response::Written(it.log.end()));
            }
            (Store::Primary(it), Request::Read { key, .. }) => {
                cx.reply(ticket, Response::Value { value: it.log.value(key), token: it.log.end() });
            }
            (Store::Replica(it), Request::Read { key, token }) => {
                if token <= it.log.end() {
                    return cx.reply(ticket, Response::Value { value: it.log.value(key), token: it.log.end() });
                }
                it.reads.insert(ticket, (key, token));
                if it.inbox.is_empty() {
                    cx.set_timer(Timer::Wait(ticket), millis(45));
                } else {
                    cx.set_timer(Timer::Wait(ticket), millis(60));
                }
            }
            _ => {}
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Store>)
}
