//! Group commit: what comes in is queued, and a tick works it off every 8 ms with one save, after which everything leaves. Reads that wait are
//! looked at in each tick; their time is counted in ticks.

use splitbrain::exercises::read_your_writes::{Config, Key, Message, Position, ReadYourWrites, Request, Response, Saved, Timer, Value, Write, judge};
use splitbrain::prelude::*;

const TICK: Duration = Duration::from_millis(8);

#[derive(Clone, Debug, Hash)]
enum Job {
    Message(NodeId, Message),
    Request(Ticket, Request),
}

#[derive(Clone, Debug, Hash)]
struct Waiting {
    ticket: Ticket,
    key: Key,
    token: Position,
    ticks: u32,
}

#[derive(Clone, Debug, Hash)]
struct Store {
    config: Config,
    me: NodeId,
    log: Vec<Write>,
    queue: Vec<Job>,
    waiting: Vec<Waiting>,
    ticks: u32,
}

impl Store {
    fn at(&self) -> Position {
        Position(self.log.len() as u64)
    }

    fn value(&self, key: Key) -> Option<Value> {
        self.log.iter().rfind(|write| write.key == key).map(|write| write.value)
    }

    fn work(&mut self, cx: &mut Context<'_, ReadYourWrites>) {
        let before = self.log.len();
        let (mut out, mut replies, mut told) = (Vec::new(), Vec::new(), Vec::new());
        let jobs = std::mem::take(&mut self.queue);
        for job in &jobs {
            match job {
                Job::Request(ticket, Request::Write(write)) => {
                    self.log.push(*write);
                    replies.push((*ticket, Response::Written(self.at())));
                }
                Job::Message(_, Message::Append { after, writes }) if after.0 <= self.log.len() as u64 => {
                    let known = self.log.len() - after.0 as usize;
                    self.log.extend(writes.iter().skip(known));
                }
                Job::Message(_, Message::Tell { key, value, token }) => told.push((*key, *value, *token)),
                _ => {}
            }
        }
        if self.log.len() > before {
            cx.save(Saved { log: self.log.clone() });
        }
        for job in jobs {
            match job {
                Job::Request(ticket, Request::Read { key, token }) => self.waiting.push(Waiting { ticket, key, token, ticks: 0 }),
                Job::Message(from, Message::Have(has)) if has < self.at() => {
                    out.push((from, Message::Append { after: has, writes: self.log[has.0 as usize..].to_vec() }));
                }
                Job::Message(from, Message::Ask { key, token }) if token <= self.at() => {
                    out.push((from, Message::Tell { key, value: self.value(key), token: self.at() }));
                }
                _ => {}
            }
        }
        for mut read in std::mem::take(&mut self.waiting) {
            let from_primary = told.iter().find(|(key, _, token)| *key == read.key && *token >= read.token);
            read.ticks += 1;
            if read.token <= self.at() {
                replies.push((read.ticket, Response::Value { value: self.value(read.key), token: self.at() }));
            } else if let Some((_, value, token)) = from_primary {
                replies.push((read.ticket, Response::Value { value: *value, token: *token }));
            } else if read.ticks > 20 {
                replies.push((read.ticket, Response::Behind));
            } else {
                if read.ticks == 5 {
                    out.push((self.config.primary, Message::Ask { key: read.key, token: read.token }));
                }
                self.waiting.push(read);
            }
        }
        out.into_iter().for_each(|(to, message)| cx.send(to, message));
        replies.into_iter().for_each(|(ticket, response)| cx.reply(ticket, response));
    }
}

impl Node<ReadYourWrites> for Store {
    fn new(me: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let log = saved.unwrap_or_default().log;
        Store { config: config.clone(), me, log, queue: Vec::new(), waiting: Vec::new(), ticks: 0 }
    }

    fn on_start(&mut self, cx: &mut Context<'_, ReadYourWrites>) {
        cx.set_timer(Timer::Tick, TICK);
    }

    fn on_message(&mut self, from: NodeId, message: Message, _: &mut Context<'_, ReadYourWrites>) {
        self.queue.push(Job::Message(from, message));
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Context<'_, ReadYourWrites>) {
        self.work(cx);
        if self.ticks % 10 == 0 && self.me != self.config.primary {
            cx.send(self.config.primary, Message::Have(self.at()));
        }
        self.ticks += 1;
        cx.set_timer(Timer::Tick, TICK);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, _: &mut Context<'_, ReadYourWrites>) {
        self.queue.push(Job::Request(ticket, request));
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Store>)
}
