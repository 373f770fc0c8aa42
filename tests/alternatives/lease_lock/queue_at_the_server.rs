//! The server remembers who has asked, and what, and gives the lock to the next one when it becomes free, by a timer or by a Release: its grant then answers a
//! question that is some time old. Workers count from there, or ask again.

use splitbrain::exercises::lease_lock::{Config, Entry, LeaseLock, Message, Request, Response, Saved, Timer, Token, judge};
use splitbrain::prelude::*;
use std::collections::VecDeque;

type Cx<'a> = Context<'a, LeaseLock>;

#[derive(Clone, Debug, Hash)]
struct Current {
    holder: NodeId,
    token: Token,
    ends: Time,
}

#[derive(Clone, Debug, Hash)]
enum Lock {
    Server { lease: Duration, last: u64, current: Option<Current>, queue: VecDeque<(NodeId, u64)>, shut: bool },
    Storage { entry: Entry },
    Worker(Worker),
}

#[derive(Clone, Debug, Hash)]
struct Worker {
    config: Config,
    released: Token,
    token: Token,
    until: Time,
    waiting: Vec<Ticket>,
    open: Vec<(Ticket, Entry)>,
}

fn next(lease: Duration, last: &mut u64, current: &mut Option<Current>, queue: &mut VecDeque<(NodeId, u64)>, cx: &mut Cx<'_>) {
    if current.is_none()
        && let Some((holder, asked)) = queue.pop_front()
    {
        *last += 1;
        cx.save(Saved { token: Token(*last), ..Saved::default() });
        cx.send(holder, Message::Granted { token: Token(*last), asked });
        *current = Some(Current { holder, token: Token(*last), ends: cx.now() + lease });
        queue.retain(|(node, _)| *node != holder);
        cx.set_timer(Timer::Tick, lease);
    }
}

impl Worker {
    fn mine(&self, cx: &Cx<'_>) -> Option<Token> {
        (cx.now() < self.until && self.token > self.released).then_some(self.token)
    }

    fn back(&mut self, token: Token, cx: &mut Cx<'_>) {
        self.released = token.max(self.released);
        cx.save(Saved { released: self.released, ..Saved::default() });
        cx.send(self.config.server, Message::Release(token));
    }

    fn granted(&mut self, token: Token, asked: u64, cx: &mut Cx<'_>) {
        let until = Time::from_micros(asked + self.config.lease.as_micros() as u64 / 100 * 98);
        let mine = self.mine(cx);
        if token <= self.released || mine.is_none() && self.waiting.is_empty() {
            return self.back(token, cx);
        }
        if token > self.token {
            (self.token, self.until) = (token, until);
        } else if token == self.token {
            self.until = self.until.max(until);
        }
        if let Some(token) = self.mine(cx) {
            for ticket in self.waiting.drain(..) {
                cx.reply(ticket, Response::Locked(token));
            }
            // A question that has waited for long leaves little: renew at once.
            let left = self.until.since(cx.now());
            cx.set_timer(Timer::Renew, left.saturating_sub(self.config.lease * 6 / 10));
        }
    }

    fn done(&mut self, token: Token, number: u64, said: Response, cx: &mut Cx<'_>) {
        let mut left = Vec::new();
        for (ticket, entry) in std::mem::take(&mut self.open) {
            if entry.token == token && entry.number == number {
                cx.reply(ticket, said);
            } else {
                left.push((ticket, entry));
            }
        }
        self.open = left;
    }
}

impl Node<LeaseLock> for Lock {
    fn new(me: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let fresh = saved.is_none();
        let saved = saved.unwrap_or_default();
        if me == config.server {
            Lock::Server { lease: config.lease, last: saved.token.0, current: None, queue: VecDeque::new(), shut: !fresh }
        } else if me == config.storage {
            Lock::Storage { entry: saved.entry }
        } else {
            let (token, until) = (Token(0), Time::ZERO);
            Lock::Worker(Worker { config: config.clone(), released: saved.released, token, until, waiting: vec![], open: vec![] })
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        if let Lock::Server { lease, shut: true, .. } = self {
            cx.set_timer(Timer::Tick, *lease);
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        match self {
            Lock::Server { lease, last, current, queue, shut } => match message {
                Message::Acquire { asked } => {
                    if let Some(now) = current.as_mut().filter(|current| current.holder == from && cx.now() < current.ends) {
                        now.ends = cx.now() + *lease;
                        cx.send(from, Message::Granted { token: now.token, asked });
                        return cx.set_timer(Timer::Tick, *lease);
                    }
                    if current.as_ref().is_some_and(|current| cx.now() >= current.ends) {
                        *current = None;
                    }
                    // Its latest question is the one to answer.
                    queue.retain(|(node, _)| *node != from);
                    queue.push_back((from, asked));
                    if !*shut {
                        next(*lease, last, current, queue, cx);
                    }
                }
                Message::Renew { token, asked } => {
                    if let Some(now) = current.as_mut().filter(|current| current.token == token && cx.now() < current.ends) {
                        now.ends = cx.now() + *lease;
                        cx.send(from, Message::Granted { token, asked });
                        cx.set_timer(Timer::Tick, *lease);
                    }
                }
                Message::Release(token) if current.as_ref().is_some_and(|current| current.token == token) => {
                    *current = None;
                    next(*lease, last, current, queue, cx);
                }
                _ => {}
            },
            Lock::Storage { entry } => {
                if let Message::Write(new) = message {
                    let (token, number) = (new.token, new.number);
                    match (token, number).cmp(&(entry.token, entry.number)) {
                        std::cmp::Ordering::Less => return cx.send(from, Message::Refused { token, number }),
                        std::cmp::Ordering::Equal => {}
                        std::cmp::Ordering::Greater => {
                            *entry = new;
                            cx.save(Saved { entry: new, ..Saved::default() });
                        }
                    }
                    cx.send(from, Message::Wrote { token, number });
                }
            }
            Lock::Worker(worker) => match message {
                Message::Granted { token, asked } => worker.granted(token, asked, cx),
                Message::Wrote { token, number } => worker.done(token, number, Response::Written, cx),
                Message::Refused { token, number } => worker.done(token, number, Response::Unknown, cx),
                _ => {}
            },
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        match (self, timer) {
            (Lock::Server { lease, last, current, queue, shut }, Timer::Tick) => {
                *shut = false;
                if current.as_ref().is_none_or(|current| cx.now() >= current.ends) {
                    *current = None;
                    next(*lease, last, current, queue, cx);
                } else if let Some(current) = current {
                    cx.set_timer(Timer::Tick, current.ends.since(cx.now()));
                }
            }
            (Lock::Worker(worker), Timer::Ask) if !worker.waiting.is_empty() => {
                cx.send(worker.config.server, Message::Acquire { asked: cx.now().as_micros() });
                cx.set_timer(Timer::Ask, millis(48));
            }
            (Lock::Worker(worker), Timer::Renew) => {
                if let Some(token) = worker.mine(cx) {
                    cx.send(worker.config.server, Message::Renew { token, asked: cx.now().as_micros() });
                    cx.set_timer(Timer::Renew, millis(30));
                }
            }
            (Lock::Worker(worker), Timer::Write(token, number)) => worker.done(token, number, Response::Unknown, cx),
            _ => {}
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        match (self, request) {
            (Lock::Storage { entry }, Request::Read) => cx.reply(ticket, Response::Value(entry.value)),
            (Lock::Worker(worker), Request::Lock) => {
                if let Some(token) = worker.mine(cx) {
                    return cx.reply(ticket, Response::Locked(token));
                }
                worker.waiting.push(ticket);
                if worker.waiting.len() == 1 {
                    cx.set_timer(Timer::Ask, Duration::ZERO);
                }
            }
            (Lock::Worker(worker), Request::Write(entry)) => {
                if worker.mine(cx) != Some(entry.token) {
                    return cx.reply(ticket, Response::NotHeld);
                }
                worker.open.push((ticket, entry));
                cx.send(worker.config.storage, Message::Write(entry));
                cx.set_timer(Timer::Write(entry.token, entry.number), millis(120));
            }
            (Lock::Worker(worker), Request::Unlock) => {
                if let Some(token) = worker.mine(cx) {
                    worker.back(token, cx);
                }
                for waiting in worker.waiting.drain(..) {
                    cx.reply(waiting, Response::NotHeld);
                }
                cx.cancel_timer(Timer::Ask);
                cx.cancel_timer(Timer::Renew);
                cx.reply(ticket, Response::Unlocked);
            }
            _ => {}
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Lock>)
}
