//! Questions bear 64 bits that are drawn, and the worker notes when each left: what it has not asked in this wish it does not take, and gives back. The worker is a
//! state machine by types. The server saves tokens a hundred ahead, and begins behind them after a restart.

use splitbrain::exercises::lease_lock::{Config, Entry, LeaseLock, Message, Request, Response, Saved, Timer, Token, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

type Cx<'a> = Context<'a, LeaseLock>;

#[derive(Clone, Debug, Hash)]
enum Wish {
    Nothing,
    Waiting(Vec<Ticket>),
    Holding { token: Token, since: Time },
}

#[derive(Clone, Debug, Hash)]
struct Worker {
    config: Config,
    released: Token,
    wish: Wish,
    questions: BTreeMap<u64, Time>,
    writes: BTreeMap<Ticket, Entry>,
}

#[derive(Clone, Debug, Hash)]
struct Server {
    lease: Duration,
    last: u64,
    reserved: u64,
    holder: NodeId,
    ends: Time,
    free: bool,
}

#[derive(Clone, Debug, Hash)]
enum Lock {
    Server(Server),
    Worker(Worker),
    Storage(Entry),
}

impl Server {
    fn grant(&mut self, to: NodeId, asked: u64, cx: &mut Cx<'_>) {
        self.ends = cx.now() + self.lease;
        cx.send(to, Message::Granted { token: Token(self.last), asked });
    }

    fn hears(&mut self, me: NodeId, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let over = self.free || cx.now() >= self.ends;
        match message {
            Message::Acquire { asked } if over => {
                self.last += 1;
                if self.last > self.reserved {
                    self.reserved = self.last + 99;
                    cx.save(Saved { token: Token(self.reserved), ..Saved::default() });
                }
                (self.holder, self.free) = (from, false);
                self.grant(from, asked, cx);
            }
            Message::Acquire { asked } if self.holder == from => self.grant(from, asked, cx),
            Message::Renew { token, asked } if !over && self.holder != me && token.0 == self.last => self.grant(from, asked, cx),
            Message::Release(token) if self.holder != me && token.0 == self.last => self.free = true,
            _ => {}
        }
    }
}

impl Worker {
    fn question(&mut self, cx: &mut Cx<'_>) -> u64 {
        let asked = cx.random(0..=u64::MAX);
        let now = cx.now();
        self.questions.retain(|_, left| now < *left + self.config.lease);
        self.questions.insert(asked, now);
        asked
    }

    fn end(&self, since: Time) -> Time {
        since + self.config.lease * 95 / 100
    }

    fn token(&self, now: Time) -> Option<Token> {
        match self.wish {
            Wish::Holding { token, since } if now < self.end(since) => Some(token),
            _ => None,
        }
    }

    fn give_back(&mut self, token: Token, cx: &mut Cx<'_>) {
        self.released = self.released.max(token);
        cx.save(Saved { released: self.released, ..Saved::default() });
        cx.send(self.config.server, Message::Release(token));
    }

    fn ends(&mut self, token: Token, number: u64, response: Response, cx: &mut Cx<'_>) {
        let of: Vec<Ticket> = self.writes.iter().filter(|(_, e)| (e.token, e.number) == (token, number)).map(|(t, _)| *t).collect();
        for ticket in of {
            self.writes.remove(&ticket);
            cx.reply(ticket, response);
        }
    }

    fn granted(&mut self, token: Token, asked: u64, cx: &mut Cx<'_>) {
        let now = cx.now();
        let holds = self.token(now);
        let Some(left) = self.questions.get(&asked).copied().filter(|left| now < self.end(*left)) else {
            // Of another wish, or too late; what it holds it does not give back for that.
            if holds != Some(token) && !matches!(self.wish, Wish::Waiting(_)) {
                self.give_back(token, cx);
            }
            return;
        };
        if token <= self.released {
            return self.give_back(token, cx);
        }
        match &mut self.wish {
            Wish::Holding { token: held, since } if *held == token => *since = left.max(*since),
            Wish::Waiting(tickets) => {
                for ticket in std::mem::take(tickets) {
                    cx.reply(ticket, Response::Locked(token));
                }
                self.wish = Wish::Holding { token, since: left };
            }
            _ => return self.give_back(token, cx),
        }
        cx.set_timer(Timer::Renew, (left + self.config.lease / 4).since(now));
    }
}

impl Node<LeaseLock> for Lock {
    fn new(me: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        match me {
            _ if me == config.server => {
                let last = saved.token.0;
                Lock::Server(Server { lease: config.lease, last, reserved: last, holder: me, ends: Time::ZERO, free: false })
            }
            _ if me == config.storage => Lock::Storage(saved.entry),
            _ => Lock::Worker(Worker {
                config: config.clone(),
                released: saved.released,
                wish: Wish::Nothing,
                questions: BTreeMap::new(),
                writes: BTreeMap::new(),
            }),
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        if let Lock::Server(server) = self {
            server.ends = cx.now() + server.lease;
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        match (self, message) {
            (Lock::Server(server), message) => server.hears(cx.me(), from, message, cx),
            (Lock::Storage(last), Message::Write(entry)) => {
                let Entry { token, number, .. } = entry;
                if (token, number) < (last.token, last.number) {
                    return cx.send(from, Message::Refused { token, number });
                }
                *last = entry;
                cx.save(Saved { entry, ..Saved::default() });
                cx.send(from, Message::Wrote { token, number });
            }
            (Lock::Worker(worker), Message::Granted { token, asked }) => worker.granted(token, asked, cx),
            (Lock::Worker(worker), Message::Wrote { token, number }) => worker.ends(token, number, Response::Written, cx),
            (Lock::Worker(worker), Message::Refused { token, number }) => worker.ends(token, number, Response::Unknown, cx),
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        let Lock::Worker(worker) = self else { return };
        match timer {
            Timer::Ask => {
                if matches!(worker.wish, Wish::Waiting(_)) {
                    let asked = worker.question(cx);
                    cx.send(worker.config.server, Message::Acquire { asked });
                    cx.set_timer(Timer::Ask, millis(25));
                }
            }
            Timer::Renew => {
                if let Some(token) = worker.token(cx.now()) {
                    let asked = worker.question(cx);
                    cx.send(worker.config.server, Message::Renew { token, asked });
                    cx.set_timer(Timer::Renew, millis(35));
                }
            }
            Timer::Write(token, number) => worker.ends(token, number, Response::Unknown, cx),
            Timer::Tick => {}
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let now = cx.now();
        match (&mut *self, request) {
            (Lock::Storage(last), Request::Read) => cx.reply(ticket, Response::Value(last.value)),
            (Lock::Worker(worker), Request::Lock) => match (worker.token(now), &mut worker.wish) {
                (Some(token), _) => cx.reply(ticket, Response::Locked(token)),
                (None, Wish::Waiting(tickets)) => tickets.push(ticket),
                (None, _) => {
                    // Another wish: what was asked for the last one is nothing to it.
                    worker.questions.clear();
                    worker.wish = Wish::Waiting(vec![ticket]);
                    self.on_timer(Timer::Ask, cx);
                }
            },
            (Lock::Worker(worker), Request::Write(entry)) => {
                if worker.token(now) == Some(entry.token) {
                    worker.writes.insert(ticket, entry);
                    cx.send(worker.config.storage, Message::Write(entry));
                    cx.set_timer(Timer::Write(entry.token, entry.number), millis(101));
                } else {
                    cx.reply(ticket, Response::NotHeld);
                }
            }
            (Lock::Worker(worker), Request::Unlock) => {
                let held = worker.token(now);
                match std::mem::replace(&mut worker.wish, Wish::Nothing) {
                    Wish::Waiting(tickets) => tickets.into_iter().for_each(|waiting| cx.reply(waiting, Response::NotHeld)),
                    _ => {
                        if let Some(token) = held {
                            worker.give_back(token, cx);
                        }
                    }
                }
                cx.reply(ticket, Response::Unlocked);
            }
            _ => {}
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Lock>)
}
