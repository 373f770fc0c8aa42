//! One struct in which every role has its fields, and questions are numbers and nothing else: the time of the one that a lease counts from, in microseconds. The server
//! saves each lease, and its end when it is given back, so that a restart changes nothing.

use splitbrain::exercises::lease_lock::{Config, Entry, Lease, LeaseLock, Message, Request, Response, Saved, Timer, Token, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

type Cx<'a> = Context<'a, LeaseLock>;

#[derive(Clone, Debug, Hash)]
struct Lock {
    me: NodeId,
    config: Config,
    saved: Saved,
    forgotten_until: Time,
    mine: Token,
    asked_at: u64,
    wish: Vec<Ticket>,
    writes: BTreeMap<Entry, Vec<Ticket>>,
}

impl Lock {
    fn is_mine(&self, cx: &Cx<'_>) -> bool {
        let span = self.config.lease.as_micros() as u64 * 49 / 50;
        self.mine > self.saved.released && cx.now().as_micros() < self.asked_at.saturating_add(span)
    }

    fn save(&self, cx: &mut Cx<'_>) {
        cx.save(self.saved.clone());
    }

    fn reply_all(&mut self, entry: Option<Entry>, response: Response, cx: &mut Cx<'_>) {
        for ticket in entry.and_then(|entry| self.writes.remove(&entry)).unwrap_or_default() {
            cx.reply(ticket, response);
        }
    }

    fn find(&self, token: Token, number: u64) -> Option<Entry> {
        self.writes.keys().find(|entry| (entry.token, entry.number) == (token, number)).copied()
    }

    fn serve(&mut self, from: NodeId, renews: Option<Token>, asked: u64, cx: &mut Cx<'_>) {
        let now = cx.now();
        let runs = self.saved.lease.filter(|lease| now < lease.until);
        let until = now + self.config.lease;
        let lease = match (runs, renews) {
            (Some(lease), None) if lease.holder == from => Lease { until, ..lease },
            (Some(lease), Some(token)) if lease.token == token => Lease { until, ..lease },
            (None, None) if now >= self.forgotten_until => Lease { holder: from, token: Token(self.saved.token.0 + 1), until },
            _ => return,
        };
        self.saved.token = lease.token;
        self.saved.lease = Some(lease);
        self.save(cx);
        cx.send(from, Message::Granted { token: lease.token, asked });
    }
}

impl Node<LeaseLock> for Lock {
    fn new(me: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        let (mine, asked_at) = (Token(0), 0);
        Lock { me, config: config.clone(), saved, forgotten_until: Time::ZERO, mine, asked_at, wish: vec![], writes: BTreeMap::new() }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        if self.me == self.config.server && self.saved.token != Token(0) && self.saved.lease.is_none() {
            self.forgotten_until = cx.now() + self.config.lease;
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Acquire { asked } => self.serve(from, None, asked, cx),
            Message::Renew { token, asked } => self.serve(from, Some(token), asked, cx),
            Message::Release(token) if self.saved.lease.is_some_and(|lease| lease.token == token) => {
                // Over, and not forgotten.
                let now = cx.now();
                self.saved.lease = self.saved.lease.map(|lease| Lease { until: lease.until.min(now), ..lease });
                self.save(cx);
            }
            Message::Granted { token, asked } => {
                if token <= self.saved.released || self.wish.is_empty() && !self.is_mine(cx) {
                    if token > self.saved.released {
                        self.saved.released = token;
                        self.save(cx);
                    }
                    return cx.send(self.config.server, Message::Release(token));
                }
                if token > self.mine {
                    (self.mine, self.asked_at) = (token, asked);
                } else if token == self.mine {
                    self.asked_at = self.asked_at.max(asked);
                }
                if self.is_mine(cx) {
                    let token = self.mine;
                    for ticket in std::mem::take(&mut self.wish) {
                        cx.reply(ticket, Response::Locked(token));
                    }
                    cx.set_timer(Timer::Renew, millis(49));
                }
            }
            Message::Write(entry) if self.me == self.config.storage => {
                let Entry { token, number, .. } = entry;
                let last = self.saved.entry;
                if (last.token, last.number) < (token, number) {
                    self.saved.entry = entry;
                    self.save(cx);
                }
                let refused = (last.token, last.number) > (token, number);
                cx.send(from, if refused { Message::Refused { token, number } } else { Message::Wrote { token, number } });
            }
            Message::Wrote { token, number } => self.reply_all(self.find(token, number), Response::Written, cx),
            Message::Refused { token, number } => self.reply_all(self.find(token, number), Response::Unknown, cx),
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        let (server, asked) = (self.config.server, cx.now().as_micros());
        match timer {
            Timer::Ask if !self.wish.is_empty() => {
                cx.send(server, Message::Acquire { asked });
                cx.set_timer(Timer::Ask, millis(20));
            }
            Timer::Renew if self.is_mine(cx) => {
                cx.send(server, Message::Renew { token: self.mine, asked });
                cx.set_timer(Timer::Renew, millis(49));
            }
            Timer::Write(token, number) => self.reply_all(self.find(token, number), Response::Unknown, cx),
            _ => {}
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        match request {
            Request::Read => cx.reply(ticket, Response::Value(self.saved.entry.value)),
            Request::Lock if self.is_mine(cx) => cx.reply(ticket, Response::Locked(self.mine)),
            Request::Lock => {
                self.wish.push(ticket);
                cx.set_timer(Timer::Ask, millis(2));
            }
            Request::Write(entry) if self.is_mine(cx) && entry.token == self.mine => {
                self.writes.entry(entry).or_default().push(ticket);
                cx.send(self.config.storage, Message::Write(entry));
                cx.set_timer(Timer::Write(entry.token, entry.number), millis(180));
            }
            Request::Write(_) => cx.reply(ticket, Response::NotHeld),
            Request::Unlock => {
                for waiting in std::mem::take(&mut self.wish) {
                    cx.reply(waiting, Response::NotHeld);
                }
                let token = std::mem::take(&mut self.mine);
                if token > self.saved.released {
                    self.saved.released = token;
                    self.save(cx);
                    cx.send(self.config.server, Message::Release(token));
                }
                cx.reply(ticket, Response::Unlocked);
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Lock>)
}
