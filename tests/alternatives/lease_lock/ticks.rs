//! A tick every 5 ms does what is to be done: the server notices then that a lease is over, the worker asks, renews, gives writes up. What must not be late (a
//! write) looks at the clock.

use splitbrain::exercises::lease_lock::{Config, Entry, LeaseLock, Message, Request, Response, Saved, Timer, Token, judge};
use splitbrain::prelude::*;

type Cx<'a> = Context<'a, LeaseLock>;
const TICK: Duration = millis(5);

#[derive(Clone, Debug, Hash)]
struct Lock {
    me: NodeId,
    config: Config,
    disk: Saved,
    // Server.
    holder: Option<(NodeId, Token)>,
    ends: Time,
    // Worker.
    mine: Option<(Token, Time)>,
    wants: Vec<Ticket>,
    asked: Time,
    renewed: Time,
    writes: Vec<(Ticket, Entry, Time)>,
    ticking: bool,
}

impl Lock {
    fn is_server(&self) -> bool {
        self.me == self.config.server
    }

    fn held(&self, now: Time) -> Option<(Token, Time)> {
        self.mine.filter(|(_, since)| now < *since + self.config.lease * 97 / 100)
    }

    fn back(&mut self, token: Token, cx: &mut Cx<'_>) {
        if self.disk.released < token {
            self.disk.released = token;
            cx.save(self.disk.clone());
        }
        cx.send(self.config.server, Message::Release(token));
    }

    fn tick(&mut self, cx: &mut Cx<'_>) {
        if !self.ticking {
            self.ticking = true;
            cx.set_timer(Timer::Tick, TICK);
        }
    }

    fn settle(&mut self, token: Token, number: u64, response: Response, cx: &mut Cx<'_>) {
        self.writes.retain(|(ticket, entry, _)| {
            let is_it = entry.token == token && entry.number == number;
            if is_it {
                cx.reply(*ticket, response);
            }
            !is_it
        });
    }
}

impl Node<LeaseLock> for Lock {
    fn new(me: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Lock {
            me,
            config: config.clone(),
            disk: saved.unwrap_or_default(),
            holder: None,
            ends: Time::ZERO,
            mine: None,
            wants: vec![],
            asked: Time::ZERO,
            renewed: Time::ZERO,
            writes: vec![],
            ticking: false,
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        if self.is_server() {
            // As if somebody nobody knows had it.
            self.holder = Some((self.me, Token(0)));
            self.ends = cx.now() + self.config.lease;
            self.tick(cx);
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let now = cx.now();
        // It may have stood still, and the tick is late.
        if self.is_server() && now >= self.ends + TICK {
            self.holder = None;
        }
        match message {
            Message::Acquire { asked } => {
                if self.holder.is_none() {
                    self.disk.token.0 += 1;
                    cx.save(self.disk.clone());
                    self.holder = Some((from, self.disk.token));
                }
                if let Some((holder, token)) = self.holder.filter(|(holder, _)| *holder == from) {
                    self.ends = now + self.config.lease;
                    cx.send(holder, Message::Granted { token, asked });
                    self.tick(cx);
                }
            }
            Message::Renew { token, asked } if self.holder == Some((from, token)) => {
                self.ends = now + self.config.lease;
                cx.send(from, Message::Granted { token, asked });
            }
            Message::Release(token) if self.holder == Some((from, token)) => self.holder = None,
            Message::Granted { token, asked } => {
                let since = Time::from_micros(asked);
                if token <= self.disk.released || self.held(now).is_none() && self.wants.is_empty() {
                    return self.back(token, cx);
                }
                self.mine = match self.mine {
                    Some((known, before)) if known == token => Some((token, before.max(since))),
                    Some((known, before)) if known > token => Some((known, before)),
                    _ => Some((token, since)),
                };
                if let Some((token, since)) = self.held(now) {
                    self.renewed = since;
                    for ticket in self.wants.drain(..) {
                        cx.reply(ticket, Response::Locked(token));
                    }
                    self.tick(cx);
                }
            }
            Message::Write(entry) => {
                let (token, number, last) = (entry.token, entry.number, self.disk.entry);
                if (token, number) > (last.token, last.number) {
                    self.disk.entry = entry;
                    cx.save(self.disk.clone());
                }
                let late = (token, number) < (last.token, last.number);
                cx.send(from, if late { Message::Refused { token, number } } else { Message::Wrote { token, number } });
            }
            Message::Wrote { token, number } => self.settle(token, number, Response::Written, cx),
            Message::Refused { .. } => {} // The tick gives it up.
            _ => {}
        }
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Cx<'_>) {
        let now = cx.now();
        self.ticking = false;
        if self.is_server() {
            if self.holder.is_some() {
                if now >= self.ends {
                    self.holder = None;
                } else {
                    self.tick(cx);
                }
            }
            return;
        }
        let asked = now.as_micros();
        if !self.wants.is_empty() && now.since(self.asked) >= millis(40) {
            self.asked = now;
            cx.send(self.config.server, Message::Acquire { asked });
        }
        let held = self.held(now);
        if let Some((token, since)) = held
            && now >= since + self.config.lease * 4 / 10
            && now.since(self.renewed) >= millis(40)
        {
            self.renewed = now;
            cx.send(self.config.server, Message::Renew { token, asked });
        }
        self.writes.retain(|(ticket, _, since)| {
            let over = now.since(*since) >= millis(150);
            if over {
                cx.reply(*ticket, Response::Unknown);
            }
            !over
        });
        if held.is_some() || !self.wants.is_empty() || !self.writes.is_empty() {
            self.tick(cx);
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let now = cx.now();
        let held = self.held(now).map(|(token, _)| token);
        match request {
            Request::Lock => match held {
                Some(token) => cx.reply(ticket, Response::Locked(token)),
                None => {
                    self.wants.push(ticket);
                    if self.wants.len() == 1 {
                        self.asked = now;
                        cx.send(self.config.server, Message::Acquire { asked: now.as_micros() });
                    }
                    self.tick(cx);
                }
            },
            Request::Write(entry) if held == Some(entry.token) => {
                self.writes.push((ticket, entry, now));
                cx.send(self.config.storage, Message::Write(entry));
                self.tick(cx);
            }
            Request::Write(_) => cx.reply(ticket, Response::NotHeld),
            Request::Unlock => {
                self.wants.drain(..).for_each(|waiting| cx.reply(waiting, Response::NotHeld));
                if let Some((token, _)) = self.mine.take() {
                    self.back(token, cx);
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
