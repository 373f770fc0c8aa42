//! One timer at a time, for whatever is due next. The worker keeps the time at which it must stop, for each lease it was ever granted; the server
//! knows its last lease only as a holder, a token and an end, and forgets it by none of its handlers.

use splitbrain::exercises::lease_lock::{Config, Entry, LeaseLock, Message, Request, Response, Saved, Timer, Token, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

type Cx<'a> = Context<'a, LeaseLock>;

#[derive(Clone, Debug, Hash)]
struct Server {
    lease: Duration,
    holder: NodeId,
    token: Token,
    end: Time,
}

#[derive(Clone, Debug, Default, Hash)]
struct Worker {
    released: Token,
    stops: BTreeMap<Token, Time>,
    waiting: BTreeMap<Ticket, ()>,
    writes: Vec<(Ticket, Entry, Time)>,
    ask_at: Option<Time>,
    renew_at: Option<Time>,
}

#[derive(Clone, Debug, Hash)]
struct Lock {
    config: Config,
    server: Option<Server>,
    worker: Worker,
    entry: Entry,
}

impl Server {
    fn message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let runs = cx.now() < self.end;
        let (is_mine, asked) = match message {
            Message::Acquire { asked } => {
                if !runs {
                    (self.holder, self.token) = (from, Token(self.token.0 + 1));
                    cx.save(Saved { token: self.token, ..Saved::default() });
                }
                (self.holder == from, asked)
            }
            Message::Renew { token, asked } => (runs && token == self.token && self.holder == from, asked),
            Message::Release(token) => {
                if token == self.token && self.holder == from {
                    self.end = self.end.min(cx.now());
                }
                return;
            }
            _ => return,
        };
        if is_mine {
            self.end = cx.now() + self.lease;
            cx.send(from, Message::Granted { token: self.token, asked });
        }
    }
}

impl Lock {
    fn now_held(&self, now: Time) -> Option<Token> {
        self.worker.stops.iter().rev().find(|(token, stop)| **token > self.worker.released && now < **stop).map(|(token, _)| *token)
    }

    fn give(&mut self, token: Token, cx: &mut Cx<'_>) {
        if token > self.worker.released {
            self.worker.released = token;
            cx.save(Saved { released: token, ..Saved::default() });
        }
        cx.send(self.config.server, Message::Release(token));
    }

    fn answer(&mut self, token: Token, number: u64, response: Response, cx: &mut Cx<'_>) {
        while let Some(at) = self.worker.writes.iter().position(|(_, e, _)| e.token == token && e.number == number) {
            let (ticket, ..) = self.worker.writes.swap_remove(at);
            cx.reply(ticket, response);
        }
    }

    /// Does what is due, and sets the timer for the next.
    fn due(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        if self.worker.waiting.is_empty() {
            self.worker.ask_at = None;
        }
        if self.worker.ask_at.is_some_and(|at| at <= now) {
            cx.send(self.config.server, Message::Acquire { asked: now.as_micros() });
            self.worker.ask_at = Some(now + millis(50));
        }
        let held = self.now_held(now);
        if held.is_none() {
            self.worker.renew_at = None;
        }
        if let Some(token) = held.filter(|_| self.worker.renew_at.is_some_and(|at| at <= now)) {
            cx.send(self.config.server, Message::Renew { token, asked: now.as_micros() });
            self.worker.renew_at = Some(now + millis(50));
        }
        let over: Vec<(Token, u64)> =
            self.worker.writes.iter().filter(|(.., until)| *until <= now).map(|(_, e, _)| (e.token, e.number)).collect();
        over.into_iter().for_each(|(token, number)| self.answer(token, number, Response::Unknown, cx));
        let next = self.worker.writes.iter().map(|(.., until)| *until).chain(self.worker.ask_at).chain(self.worker.renew_at).min();
        match next {
            Some(next) => cx.set_timer(Timer::Tick, next.since(now)),
            None => cx.cancel_timer(Timer::Tick),
        }
    }

    fn granted(&mut self, token: Token, asked: u64, cx: &mut Cx<'_>) {
        let now = cx.now();
        if token <= self.worker.released || self.worker.waiting.is_empty() && self.now_held(now).is_none() {
            return self.give(token, cx);
        }
        let stop = Time::from_micros(asked) + (self.config.lease - self.config.lease / 50);
        let known = self.worker.stops.entry(token).or_insert(stop);
        *known = stop.max(*known);
        if let Some(token) = self.now_held(now) {
            for ticket in std::mem::take(&mut self.worker.waiting).into_keys() {
                cx.reply(ticket, Response::Locked(token));
            }
            self.worker.renew_at = Some(Time::from_micros(asked) + self.config.lease * 2 / 5);
        }
        self.due(cx);
    }
}

impl Node<LeaseLock> for Lock {
    fn new(me: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        let server = Server { lease: config.lease, holder: me, token: saved.token, end: Time::ZERO };
        let worker = Worker { released: saved.released, ..Worker::default() };
        Lock { config: config.clone(), server: (me == config.server).then_some(server), worker, entry: saved.entry }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        if let Some(server) = &mut self.server {
            server.end = cx.now() + server.lease;
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        if let Some(server) = &mut self.server {
            return server.message(from, message, cx);
        }
        match message {
            Message::Granted { token, asked } => self.granted(token, asked, cx),
            Message::Write(new) => {
                let (token, number) = (new.token, new.number);
                let is_new = (token, number) > (self.entry.token, self.entry.number);
                if is_new {
                    self.entry = new;
                    cx.save(Saved { entry: new, ..Saved::default() });
                }
                let wrote = is_new || new == self.entry;
                cx.send(from, if wrote { Message::Wrote { token, number } } else { Message::Refused { token, number } });
            }
            Message::Wrote { token, number } => self.answer(token, number, Response::Written, cx),
            Message::Refused { token, number } => self.answer(token, number, Response::Unknown, cx),
            _ => {}
        }
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Cx<'_>) {
        self.due(cx);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let now = cx.now();
        let held = self.now_held(now);
        match (request, held) {
            (Request::Lock, Some(token)) => cx.reply(ticket, Response::Locked(token)),
            (Request::Lock, None) => {
                self.worker.waiting.insert(ticket, ());
                self.worker.ask_at.get_or_insert(now);
            }
            (Request::Write(entry), Some(token)) if token == entry.token => {
                cx.send(self.config.storage, Message::Write(entry));
                self.worker.writes.push((ticket, entry, now + millis(250)));
            }
            (Request::Write(_), _) => cx.reply(ticket, Response::NotHeld),
            (Request::Unlock, _) => {
                for waiting in std::mem::take(&mut self.worker.waiting).into_keys() {
                    cx.reply(waiting, Response::NotHeld);
                }
                if let Some(token) = held {
                    self.give(token, cx);
                }
                cx.reply(ticket, Response::Unlocked);
            }
            (Request::Read, _) => return cx.reply(ticket, Response::Value(self.entry.value)),
        }
        self.due(cx);
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Lock>)
}
