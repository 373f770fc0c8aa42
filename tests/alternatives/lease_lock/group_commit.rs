//! What comes to the storage is put into a list, and a tick 3 ms later does all of it: one save, then the answers. Server and workers are written the same
//! way, as lists of what leaves, and do it at once.

use splitbrain::exercises::lease_lock::{Config, Entry, Lease, LeaseLock, Message, Request, Response, Saved, Timer, Token, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

type Cx<'a> = Context<'a, LeaseLock>;

#[derive(Clone, Debug, Hash)]
enum Job {
    Mail(NodeId, Message),
    Client(Ticket, Request),
}

#[derive(Clone, Debug, Hash)]
struct Lock {
    config: Config,
    saved: Saved,
    dirty: bool,
    jobs: Vec<Job>,
    out: Vec<(NodeId, Message)>,
    said: Vec<(Ticket, Response)>,
    opens: Time,
    held: BTreeMap<Token, Time>,
    waiting: Vec<Ticket>,
    writes: Vec<(Ticket, Entry, Time)>,
}

impl Lock {
    fn job(&mut self, job: Job, cx: &mut Cx<'_>) {
        let first = self.jobs.is_empty();
        self.jobs.push(job);
        if cx.me() != self.config.storage {
            self.on_timer(Timer::Tick, cx);
        } else if first {
            cx.set_timer(Timer::Tick, millis(3));
        }
    }

    fn lease(&self, now: Time) -> Option<Lease> {
        self.saved.lease.filter(|lease| now < lease.until)
    }

    fn holds(&self, now: Time) -> Option<Token> {
        let last = self.held.last_key_value()?;
        (now < *last.1 + self.config.lease * 98 / 100).then_some(*last.0)
    }

    fn grants(&mut self, holder: NodeId, token: Token, asked: u64, now: Time) {
        // Until the end of that lease other writes of the disk may come; it is saved with the token.
        self.saved.token = token;
        self.saved.lease = Some(Lease { holder, token, until: now + self.config.lease });
        self.dirty = true;
        self.out.push((holder, Message::Granted { token, asked }));
    }

    fn back(&mut self, token: Token) {
        self.saved.released = self.saved.released.max(token);
        self.dirty = true;
        self.held.retain(|held, _| *held > token);
        self.out.push((self.config.server, Message::Release(token)));
    }

    fn mail(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let now = cx.now();
        let lease = self.lease(now);
        match message {
            Message::Acquire { asked } => match lease {
                Some(lease) if lease.holder == from => self.grants(from, lease.token, asked, now),
                None if now >= self.opens => self.grants(from, Token(self.saved.token.0 + 1), asked, now),
                _ => {}
            },
            Message::Renew { token, asked } => {
                if lease.is_some_and(|lease| lease.token == token) {
                    self.grants(from, token, asked, now);
                }
            }
            Message::Release(token) => self.saved.lease = self.saved.lease.filter(|lease| lease.token != token),
            Message::Granted { token, asked } => {
                if token <= self.saved.released || self.holds(now).is_none() && self.waiting.is_empty() {
                    return self.back(token);
                }
                let since = self.held.entry(token).or_insert(Time::ZERO);
                *since = Time::from_micros(asked).max(*since);
                if let Some(token) = self.holds(now) {
                    self.said.extend(self.waiting.drain(..).map(|ticket| (ticket, Response::Locked(token))));
                    let due = self.held[&token] + self.config.lease / 8;
                    cx.set_timer(Timer::Renew, due.since(now));
                }
            }
            Message::Write(entry) => {
                let Entry { token, number, .. } = entry;
                let last = (self.saved.entry.token, self.saved.entry.number);
                if (token, number) > last {
                    self.saved.entry = entry;
                    self.dirty = true;
                }
                self.out.push((from, if (token, number) < last { Message::Refused { token, number } } else { Message::Wrote { token, number } }));
            }
            Message::Wrote { token, number } => self.over(Response::Written, |entry, _| (entry.token, entry.number) == (token, number)),
            Message::Refused { token, number } => self.over(Response::Unknown, |entry, _| (entry.token, entry.number) == (token, number)),
        }
    }

    fn over(&mut self, response: Response, is: impl Fn(&Entry, Time) -> bool) {
        let (over, open): (Vec<_>, Vec<_>) = self.writes.drain(..).partition(|(_, entry, since)| is(entry, *since));
        self.writes = open;
        self.said.extend(over.into_iter().map(|(ticket, ..)| (ticket, response)));
    }

    fn client(&mut self, ticket: Ticket, request: Request, cx: &mut Cx<'_>) {
        let now = cx.now();
        match (request, self.holds(now)) {
            (Request::Lock, Some(token)) => self.said.push((ticket, Response::Locked(token))),
            (Request::Lock, None) => {
                self.waiting.push(ticket);
                cx.set_timer(Timer::Ask, Duration::ZERO);
            }
            (Request::Write(entry), held) if held == Some(entry.token) => {
                if self.writes.is_empty() {
                    cx.set_timer(Timer::Write(Token(0), 0), millis(110));
                }
                self.writes.push((ticket, entry, now));
                self.out.push((self.config.storage, Message::Write(entry)));
            }
            (Request::Write(_), _) => self.said.push((ticket, Response::NotHeld)),
            (Request::Unlock, held) => {
                self.said.extend(self.waiting.drain(..).map(|waiting| (waiting, Response::NotHeld)));
                if let Some(token) = held {
                    self.back(token);
                }
                self.said.push((ticket, Response::Unlocked));
            }
            (Request::Read, _) => {
                // After what is in the same bundle, and so after its save.
                self.said.push((ticket, Response::Value(self.saved.entry.value)));
            }
        }
    }

    fn flush(&mut self, cx: &mut Cx<'_>) {
        if std::mem::take(&mut self.dirty) {
            cx.save(self.saved.clone());
        }
        self.said.drain(..).for_each(|(ticket, response)| cx.reply(ticket, response));
        self.out.drain(..).for_each(|(to, message)| cx.send(to, message));
    }
}

impl Node<LeaseLock> for Lock {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Lock {
            config: config.clone(),
            saved: saved.unwrap_or_default(),
            dirty: false,
            jobs: vec![],
            out: vec![],
            said: vec![],
            opens: Time::ZERO,
            held: BTreeMap::new(),
            waiting: vec![],
            writes: vec![],
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        // A Release is not saved by itself: then the lease is there again, and nobody is hurt.
        self.opens = if self.saved.token > Token(0) && self.saved.lease.is_none() { cx.now() + self.config.lease } else { cx.now() };
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        self.job(Job::Mail(from, message), cx);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        self.job(Job::Client(ticket, request), cx);
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        let now = cx.now();
        match timer {
            Timer::Tick => {
                for job in std::mem::take(&mut self.jobs) {
                    match job {
                        Job::Mail(from, message) => self.mail(from, message, cx),
                        Job::Client(ticket, request) => self.client(ticket, request, cx),
                    }
                }
            }
            Timer::Ask if !self.waiting.is_empty() => {
                self.out.push((self.config.server, Message::Acquire { asked: now.as_micros() }));
                cx.set_timer(Timer::Ask, millis(35));
            }
            Timer::Renew => {
                if let Some(token) = self.holds(now) {
                    self.out.push((self.config.server, Message::Renew { token, asked: now.as_micros() }));
                    cx.set_timer(Timer::Renew, millis(45));
                }
            }
            Timer::Write(..) => {
                self.over(Response::Unknown, |_, since| now.since(since) >= millis(105));
                if !self.writes.is_empty() {
                    cx.set_timer(Timer::Write(Token(0), 0), millis(20));
                }
            }
            Timer::Ask => {}
        }
        self.flush(cx);
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Lock>)
}
