//! The primary pushes: each write goes to every replica at once, from what that replica said last on; and what is not confirmed goes out again every
//! 40 ms. A replica answers each Append with Have, and says it by itself only when it has been quiet.

use splitbrain::exercises::read_your_writes::{Config, Key, Message, Position, ReadYourWrites, Request, Response, Saved, Timer, Value, Write, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Hash)]
struct Primary {
    log: Vec<Write>,
    /// What each replica said last.
    has: BTreeMap<NodeId, u64>,
}

#[derive(Clone, Debug, Hash)]
struct Replica {
    primary: NodeId,
    log: Vec<Write>,
    spoke: Time,
    reads: Vec<(Ticket, Key, Position)>,
}

#[derive(Clone, Debug, Hash)]
enum Store {
    Primary(Primary),
    Replica(Replica),
}

fn value(log: &[Write], key: Key) -> Option<Value> {
    log.iter().rfind(|write| write.key == key).map(|write| write.value)
}

fn end(log: &[Write]) -> Position {
    Position(log.len() as u64)
}

impl Primary {
    fn push(&self, to: NodeId, cx: &mut Context<'_, ReadYourWrites>) {
        let has = self.has.get(&to).copied().unwrap_or(0);
        if has < self.log.len() as u64 {
            cx.send(to, Message::Append { after: Position(has), writes: self.log[has as usize..].to_vec() });
        }
    }

    fn hears(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, ReadYourWrites>) {
        match message {
            Message::Have(has) => {
                self.has.insert(from, has.0);
                self.push(from, cx);
            }
            Message::Ask { key, token } if token <= end(&self.log) => {
                cx.send(from, Message::Tell { key, value: value(&self.log, key), token: end(&self.log) });
                // The log at the same time: the next read need not ask.
                self.push(from, cx);
            }
            _ => {}
        }
    }
}

impl Replica {
    fn have(&mut self, cx: &mut Context<'_, ReadYourWrites>) {
        cx.send(self.primary, Message::Have(end(&self.log)));
        self.spoke = cx.now();
    }

    fn hears(&mut self, message: Message, cx: &mut Context<'_, ReadYourWrites>) {
        match message {
            Message::Append { after, writes } => {
                let length = self.log.len() as u64;
                if after.0 <= length && after.0 + writes.len() as u64 > length {
                    self.log.truncate(after.0 as usize);
                    self.log.extend(writes);
                    cx.save(Saved { log: self.log.clone() });
                    let here = end(&self.log);
                    for (ticket, key, _) in self.reads.iter().filter(|(.., token)| *token <= here) {
                        cx.reply(*ticket, Response::Value { value: value(&self.log, *key), token: here });
                    }
                    self.reads.retain(|(.., token)| *token > here);
                }
                self.have(cx);
            }
            Message::Tell { key, value, token } => {
                let (answered, open): (Vec<_>, Vec<_>) = self.reads.drain(..).partition(|(_, k, least)| *k == key && *least <= token);
                self.reads = open;
                answered.into_iter().for_each(|(ticket, ..)| cx.reply(ticket, Response::Value { value, token }));
            }
            _ => {}
        }
    }
}

impl Node<ReadYourWrites> for Store {
    fn new(me: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let log = saved.unwrap_or_default().log;
        if me == config.primary {
            Store::Primary(Primary { log, has: BTreeMap::new() })
        } else {
            Store::Replica(Replica { primary: config.primary, log, spoke: Time::ZERO, reads: Vec::new() })
        }
    }

    fn on_start(&mut self, cx: &mut Context<'_, ReadYourWrites>) {
        if let Store::Replica(replica) = self {
            replica.have(cx);
        }
        cx.set_timer(Timer::Sync, millis(40));
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, ReadYourWrites>) {
        match self {
            Store::Primary(primary) => primary.hears(from, message, cx),
            Store::Replica(replica) => replica.hears(message, cx),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, ReadYourWrites>) {
        match (self, timer) {
            (Store::Primary(primary), Timer::Sync) => {
                cx.peers().iter().for_each(|to| primary.push(*to, cx));
                cx.set_timer(Timer::Sync, millis(40));
            }
            (Store::Replica(replica), Timer::Sync) => {
                if cx.now().since(replica.spoke) >= millis(40) {
                    replica.have(cx);
                }
                cx.set_timer(Timer::Sync, millis(40));
            }
            (Store::Replica(replica), Timer::Wait(ticket)) => {
                if let Some((_, key, token)) = replica.reads.iter().find(|(open, ..)| *open == ticket) {
                    cx.send(replica.primary, Message::Ask { key: *key, token: *token });
                    cx.set_timer(Timer::GiveUp(ticket), millis(100));
                }
            }
            (Store::Replica(replica), Timer::GiveUp(ticket)) => {
                let before = replica.reads.len();
                replica.reads.retain(|(open, ..)| *open != ticket);
                if replica.reads.len() < before {
                    cx.reply(ticket, Response::Behind);
                }
            }
            _ => {}
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, ReadYourWrites>) {
        match (self, request) {
            (Store::Primary(primary), Request::Write(write)) => {
                primary.log.push(write);
                cx.save(Saved { log: primary.log.clone() });
                cx.reply(ticket, Response::Written(end(&primary.log)));
                cx.peers().iter().for_each(|to| primary.push(*to, cx));
            }
            (Store::Primary(Primary { log, .. }) | Store::Replica(Replica { log, .. }), Request::Read { key, token }) if token <= end(log) => {
                cx.reply(ticket, Response::Value { value: value(log, key), token: end(log) });
            }
            (Store::Replica(replica), Request::Read { key, token }) => {
                replica.reads.push((ticket, key, token));
                cx.set_timer(Timer::Wait(ticket), millis(50));
            }
            _ => {}
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Store>)
}
