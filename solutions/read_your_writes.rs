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
struct Store {
    me: NodeId,
    primary: NodeId,
    log: Vec<Write>,
    /// What the log has made of each key.
    values: BTreeMap<Key, Value>,
    /// Reads that came with a token beyond the log.
    waiting: BTreeMap<Ticket, (Key, Position)>,
}

impl Store {
    fn position(&self) -> Position {
        Position(self.log.len() as u64)
    }

    fn append(&mut self, write: Write) {
        self.values.insert(write.key, write.value);
        self.log.push(write);
    }

    fn save(&self, cx: &mut Cx<'_>) {
        let log = self.log.clone();
        cx.save(Saved { log });
    }

    /// What has been applied is in the token, and not the client's alone: else its next read, elsewhere, could go back.
    fn answer(&self, ticket: Ticket, key: Key, cx: &mut Cx<'_>) {
        let value = self.values.get(&key).copied();
        let token = self.position();
        cx.reply(ticket, Response::Value { value, token });
    }

    /// Answers those that need wait no longer.
    fn answer_waiting(&mut self, cx: &mut Cx<'_>) {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.retain(|ticket, (key, token)| {
            let lags = *token > self.position();
            if !lags {
                self.answer(*ticket, *key, cx);
            }
            lags
        });
        self.waiting = waiting;
    }

    fn write(&mut self, write: Write, ticket: Ticket, cx: &mut Cx<'_>) {
        self.append(write);
        // First: a position that a crash takes back would be given to another write, and tokens would stand for what nobody has.
        self.save(cx);
        cx.reply(ticket, Response::Written(self.position()));
    }

    fn read(&mut self, key: Key, token: Position, ticket: Ticket, cx: &mut Cx<'_>) {
        if token <= self.position() {
            return self.answer(ticket, key, cx);
        }
        self.waiting.insert(ticket, (key, token));
        cx.set_timer(Timer::Wait(ticket), WAIT);
        cx.set_timer(Timer::GiveUp(ticket), GIVE_UP);
        cx.send(self.primary, Message::Have(self.position()));
    }

    /// What follows the log is taken; what is there already is left out, and behind a gap nothing is of use.
    fn extend(&mut self, after: Position, writes: Vec<Write>, cx: &mut Cx<'_>) {
        let Some(known) = self.position().0.checked_sub(after.0) else {
            return;
        };
        let before = self.position();
        for write in writes.into_iter().skip(known as usize) {
            self.append(write);
        }
        if self.position() > before {
            self.save(cx);
            self.answer_waiting(cx);
        }
    }

    fn send_log(&self, to: NodeId, has: Position, cx: &mut Cx<'_>) {
        if has < self.position() {
            let writes = self.log[has.0 as usize..].to_vec();
            cx.send(to, Message::Append { after: has, writes });
        }
    }

    fn tell(&self, to: NodeId, key: Key, cx: &mut Cx<'_>) {
        let value = self.values.get(&key).copied();
        let token = self.position();
        cx.send(to, Message::Tell { key, value, token });
    }

    /// The primary has answered for this replica.
    fn told(&mut self, key: Key, value: Option<Value>, seen: Position, cx: &mut Cx<'_>) {
        self.waiting.retain(|ticket, (wanted, token)| {
            let answers = *wanted == key && *token <= seen;
            if answers {
                let token = seen;
                cx.reply(*ticket, Response::Value { value, token });
            }
            !answers
        });
    }
}

impl Node<ReadYourWrites> for Store {
    fn new(me: NodeId, _peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let mut store = Store {
            me,
            primary: config.primary,
            log: Vec::new(),
            values: BTreeMap::new(),
            waiting: BTreeMap::new(),
        };
        for write in saved.unwrap_or_default().log {
            store.append(write);
        }
        store
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        if self.me != self.primary {
            cx.send(self.primary, Message::Have(self.position()));
            cx.set_timer(Timer::Sync, SYNC);
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Have(has) => self.send_log(from, has, cx),
            Message::Append { after, writes } => self.extend(after, writes, cx),
            Message::Ask { key, .. } => self.tell(from, key, cx),
            Message::Tell { key, value, token } => self.told(key, value, token, cx),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        match timer {
            Timer::Sync => self.on_start(cx),
            Timer::Wait(ticket) => {
                if let Some((key, token)) = self.waiting.get(&ticket).copied() {
                    cx.send(self.primary, Message::Ask { key, token });
                }
            }
            Timer::GiveUp(ticket) => {
                if self.waiting.remove(&ticket).is_some() {
                    cx.reply(ticket, Response::Behind);
                }
            }
            Timer::Tick => {}
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        match request {
            Request::Write(write) => self.write(write, ticket, cx),
            Request::Read { key, token } => self.read(key, token, ticket, cx),
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Store>)
}
