//! The disk is the state: one struct for all roles. The server saves each lease with its end, by a clock that runs on over restarts, and goes on
//! with it; the worker keeps until when it holds what, as a time.

use splitbrain::exercises::lease_lock::{Config, Lease, LeaseLock, Message, Request, Response, Saved, Timer, Token, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Hash)]
struct Lock {
    me: NodeId,
    config: Config,
    disk: Saved,
    holds: Option<(Token, Time)>,
    clients: Vec<Ticket>,
    writes: BTreeMap<(Token, u64), Vec<Ticket>>,
}

type Cx<'a> = Context<'a, LeaseLock>;

impl Lock {
    fn give(&mut self, holder: NodeId, token: Token, asked: u64, cx: &mut Cx<'_>) {
        self.disk.token = token;
        self.disk.lease = Some(Lease { holder, token, until: cx.now() + self.config.lease });
        cx.save(self.disk.clone());
        cx.send(holder, Message::Granted { token, asked });
    }

    fn lease(&self, now: Time) -> Option<Lease> {
        self.disk.lease.filter(|lease| lease.until > now)
    }

    fn holds(&self, now: Time) -> Option<Token> {
        self.holds.filter(|(_, end)| now < *end).map(|(token, _)| token)
    }

    fn release(&mut self, token: Token, cx: &mut Cx<'_>) {
        self.disk.released = self.disk.released.max(token);
        cx.save(self.disk.clone());
        cx.send(self.config.server, Message::Release(token));
    }

    fn ends(&mut self, token: Token, number: u64, response: Response, cx: &mut Cx<'_>) {
        for ticket in self.writes.remove(&(token, number)).unwrap_or_default() {
            cx.reply(ticket, response);
        }
    }
}

impl Node<LeaseLock> for Lock {
    fn new(me: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Lock { me, config: config.clone(), disk: saved.unwrap_or_default(), holds: None, clients: vec![], writes: BTreeMap::new() }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let now = cx.now();
        match message {
            Message::Acquire { asked } => match self.lease(now) {
                None => self.give(from, Token(self.disk.token.0 + 1), asked, cx),
                Some(lease) if lease.holder == from => self.give(from, lease.token, asked, cx),
                _ => {}
            },
            Message::Renew { token, asked } if self.lease(now).is_some_and(|l| l.token == token) => self.give(from, token, asked, cx),
            Message::Release(token) if self.disk.lease.is_some_and(|l| l.token == token) => {
                self.disk.lease = None;
                cx.save(self.disk.clone());
            }
            Message::Granted { token, asked } => {
                let end = Time::from_micros(asked) + self.config.lease * 49 / 50;
                let held = self.holds(now);
                if token <= self.disk.released || held.is_none() && self.clients.is_empty() {
                    self.release(token, cx);
                } else if held.is_none() || held == Some(token) {
                    let known = self.holds.filter(|(t, _)| *t == token).map_or(Time::ZERO, |(_, end)| end);
                    self.holds = Some((token, end.max(known)));
                    if now < end.max(known) {
                        std::mem::take(&mut self.clients).into_iter().for_each(|c| cx.reply(c, Response::Locked(token)));
                        cx.set_timer(Timer::Renew, millis(45));
                    }
                }
            }
            Message::Write(entry) => {
                let (token, number) = (entry.token, entry.number);
                if (token, number) > (self.disk.entry.token, self.disk.entry.number) {
                    self.disk.entry = entry;
                    cx.save(self.disk.clone());
                }
                let is_last = entry == self.disk.entry;
                cx.send(from, if is_last { Message::Wrote { token, number } } else { Message::Refused { token, number } });
            }
            Message::Wrote { token, number } => self.ends(token, number, Response::Written, cx),
            Message::Refused { token, number } => self.ends(token, number, Response::Unknown, cx),
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        let asked = cx.now().as_micros();
        match timer {
            Timer::Ask if !self.clients.is_empty() => {
                cx.send(self.config.server, Message::Acquire { asked });
                cx.set_timer(Timer::Ask, millis(50));
            }
            Timer::Renew => {
                if let Some(token) = self.holds(cx.now()) {
                    cx.send(self.config.server, Message::Renew { token, asked });
                    cx.set_timer(Timer::Renew, millis(45));
                }
            }
            Timer::Write(token, number) => self.ends(token, number, Response::Unknown, cx),
            _ => {}
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let held = self.holds(cx.now());
        match request {
            Request::Lock => match held {
                Some(token) => cx.reply(ticket, Response::Locked(token)),
                None => {
                    self.clients.push(ticket);
                    self.on_timer(Timer::Ask, cx);
                }
            },
            Request::Write(entry) if held == Some(entry.token) => {
                self.writes.entry((entry.token, entry.number)).or_default().push(ticket);
                cx.send(self.config.storage, Message::Write(entry));
                cx.set_timer(Timer::Write(entry.token, entry.number), millis(290));
            }
            Request::Write(_) => cx.reply(ticket, Response::NotHeld),
            Request::Unlock => {
                std::mem::take(&mut self.clients).into_iter().for_each(|c| cx.reply(c, Response::NotHeld));
                self.holds = None;
                if let Some(token) = held {
                    self.release(token, cx);
                }
                cx.reply(ticket, Response::Unlocked);
            }
            Request::Read => cx.reply(ticket, Response::Value(self.disk.entry.value)),
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Lock>)
}
