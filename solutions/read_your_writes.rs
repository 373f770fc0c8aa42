//! The reference: a replica that has what the token asks for answers by itself; one that lags asks for the log at once, for the answer
//! after a while, and says Behind when neither has come.

use splitbrain::exercises::read_your_writes::{
    Config, Key, Message, Position, ReadYourWrites, Request, Response, Saved, Timer, Value, Write,
    judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

type Cx<'a> = Context<'a, ReadYourWrites>;

/// How often a replica says what it has: often enough to lag little.
const SYNC: Duration = Duration::from_millis(50);
/// The log is likely to come sooner than an answer of the primary's, which has better things to do.
const WAIT: Duration = Duration::from_millis(60);
const GIVE_UP: Duration = Duration::from_millis(200);

#[derive(Clone, Debug, Hash)]
struct Log {
    writes: Vec<Write>,
    /// What they have made of each key.
    values: BTreeMap<Key, Value>,
}

impl Log {
    fn new(saved: Option<Saved>) -> Self {
        let writes = saved.unwrap_or_default().log;
        let values = writes.iter().map(|write| (write.key, write.value));
        Log {
            values: values.collect(),
            writes,
        }
    }

    fn end(&self) -> Position {
        Position(self.writes.len() as u64)
    }

    fn append(&mut self, write: Write) {
        self.writes.push(write);
        self.values.insert(write.key, write.value);
    }

    fn save(&self, cx: &mut Cx<'_>) {
        let log = self.writes.clone();
        cx.save(Saved { log });
    }

    /// The token is all that was looked at, and not the client's own: else its next read, elsewhere, could go back.
    fn answer(&self, ticket: Ticket, key: Key, cx: &mut Cx<'_>) {
        let value = self.values.get(&key).copied();
        let token = self.end();
        cx.reply(ticket, Response::Value { value, token });
    }
}

#[derive(Clone, Debug, Hash)]
struct Primary {
    log: Log,
}

impl Primary {
    fn write(&mut self, write: Write, ticket: Ticket, cx: &mut Cx<'_>) {
        self.log.append(write);
        // First: a position that a crash takes back would be given to another write, and tokens would stand for what nobody has.
        self.log.save(cx);
        cx.reply(ticket, Response::Written(self.log.end()));
    }

    fn send_rest(&self, to: NodeId, after: Position, cx: &mut Cx<'_>) {
        if after < self.log.end() {
            let writes = self.log.writes[after.0 as usize..].to_vec();
            cx.send(to, Message::Append { after, writes });
        }
    }

    fn tell(&self, to: NodeId, key: Key, cx: &mut Cx<'_>) {
        let value = self.log.values.get(&key).copied();
        let token = self.log.end();
        cx.send(to, Message::Tell { key, value, token });
    }
}

#[derive(Clone, Debug, Hash)]
struct Replica {
    primary: NodeId,
    log: Log,
    /// Reads that came with a token beyond the log.
    waiting: BTreeMap<Ticket, (Key, Position)>,
}

impl Replica {
    fn has(&self, cx: &mut Cx<'_>) {
        cx.send(self.primary, Message::Have(self.log.end()));
    }

    /// What was lost comes again, as long as this goes on.
    fn sync(&self, cx: &mut Cx<'_>) {
        self.has(cx);
        cx.set_timer(Timer::Sync, SYNC);
    }

    fn read(&mut self, key: Key, token: Position, ticket: Ticket, cx: &mut Cx<'_>) {
        if token <= self.log.end() {
            return self.log.answer(ticket, key, cx);
        }
        self.waiting.insert(ticket, (key, token));
        cx.set_timer(Timer::Wait(ticket), WAIT);
        cx.set_timer(Timer::GiveUp(ticket), GIVE_UP);
        self.has(cx);
    }

    /// What is there already is left out, and behind a gap nothing is of use.
    fn extend(&mut self, after: Position, writes: Vec<Write>, cx: &mut Cx<'_>) {
        let Some(known) = self.log.end().0.checked_sub(after.0) else {
            return;
        };
        let before = self.log.end();
        for write in writes.into_iter().skip(known as usize) {
            self.log.append(write);
        }
        if self.log.end() > before {
            self.log.save(cx);
            self.answer_waiting(cx);
        }
    }

    fn answer_waiting(&mut self, cx: &mut Cx<'_>) {
        let log = &self.log;
        self.waiting.retain(|ticket, (key, token)| {
            let lags = *token > log.end();
            if !lags {
                log.answer(*ticket, *key, cx);
            }
            lags
        });
    }

    /// The primary has answered for this replica.
    fn told(&mut self, key: Key, value: Option<Value>, seen: Position, cx: &mut Cx<'_>) {
        self.waiting.retain(|ticket, (wanted, token)| {
            let waits = *wanted != key || *token > seen;
            if !waits {
                let token = seen;
                cx.reply(*ticket, Response::Value { value, token });
            }
            waits
        });
    }

    fn ask(&self, ticket: Ticket, cx: &mut Cx<'_>) {
        if let Some((key, token)) = self.waiting.get(&ticket).copied() {
            cx.send(self.primary, Message::Ask { key, token });
        }
    }

    fn give_up(&mut self, ticket: Ticket, cx: &mut Cx<'_>) {
        if self.waiting.remove(&ticket).is_some() {
            cx.reply(ticket, Response::Behind);
        }
    }
}

#[derive(Clone, Debug, Hash)]
enum Store {
    Primary(Primary),
    Replica(Replica),
}

impl Node<ReadYourWrites> for Store {
    fn new(me: NodeId, _peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let log = Log::new(saved);
        if me == config.primary {
            Store::Primary(Primary { log })
        } else {
            Store::Replica(Replica {
                primary: config.primary,
                log,
                waiting: BTreeMap::new(),
            })
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        if let Store::Replica(it) = self {
            it.sync(cx);
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        match (self, message) {
            (Store::Primary(it), Message::Have(position)) => it.send_rest(from, position, cx),
            (Store::Primary(it), Message::Ask { key, .. }) => it.tell(from, key, cx),
            (Store::Replica(it), Message::Append { after, writes }) => it.extend(after, writes, cx),
            (Store::Replica(it), Message::Tell { key, value, token }) => {
                it.told(key, value, token, cx);
            }
            // Replicas have nothing to say to each other.
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        match (self, timer) {
            (Store::Replica(it), Timer::Sync) => it.sync(cx),
            (Store::Replica(it), Timer::Wait(ticket)) => it.ask(ticket, cx),
            (Store::Replica(it), Timer::GiveUp(ticket)) => it.give_up(ticket, cx),
            _ => {}
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        match (self, request) {
            (Store::Primary(it), Request::Write(write)) => it.write(write, ticket, cx),
            (Store::Primary(it), Request::Read { key, .. }) => it.log.answer(ticket, key, cx),
            (Store::Replica(it), Request::Read { key, token }) => it.read(key, token, ticket, cx),
            (Store::Replica(_), Request::Write(_)) => {}
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Store>)
}
