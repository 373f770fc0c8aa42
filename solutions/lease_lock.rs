//! The reference. Server: a lease is counted from when it was asked for; after a restart it waits for one whole lease, as it does
//! not know any more who holds what. Worker: a question's number is the time at which it left, so that whatever comes back, it
//! counts from there. Storage: nothing older than what it has.

use splitbrain::exercises::lease_lock::{
    Config, Entry, Lease, LeaseLock, Message, Request, Response, Saved, Timer, Token, WAITS, judge,
};
use splitbrain::prelude::*;

type Cx<'a> = Context<'a, LeaseLock>;

/// A little less than a worker may take.
const ASKS: Duration = Duration::from_millis(40);

#[derive(Clone, Debug, Hash)]
struct Server {
    lease: Duration,
    /// The largest token that was given.
    last: Token,
    running: Option<Lease>,
    /// Nothing is given before: a lease of the last life may run until then.
    opens: Time,
}

impl Server {
    /// The lease that runs now, if any does.
    fn running(&self, now: Time) -> Option<Lease> {
        self.running.filter(|lease| now < lease.until)
    }

    fn acquire(&mut self, from: NodeId, asked: u64, cx: &mut Cx<'_>) {
        let now = cx.now();
        match self.running(now) {
            // Its answer was lost, perhaps: a second lease would fence off what it writes under the first.
            Some(lease) if lease.holder == from => self.grant(from, lease.token, asked, cx),
            Some(_) => {}
            None if now < self.opens => {}
            None => {
                self.last = Token(self.last.0 + 1);
                // On the disk first: a number that is given again after a crash fences nobody off.
                cx.save(Saved {
                    token: self.last,
                    ..Saved::default()
                });
                self.grant(from, self.last, asked, cx);
            }
        }
    }

    fn renew(&mut self, from: NodeId, token: Token, asked: u64, cx: &mut Cx<'_>) {
        let running = self.running(cx.now());
        if running.is_some_and(|lease| lease.token == token) {
            self.grant(from, token, asked, cx);
        }
    }

    fn grant(&mut self, holder: NodeId, token: Token, asked: u64, cx: &mut Cx<'_>) {
        let until = cx.now() + self.lease;
        self.running = Some(Lease {
            holder,
            token,
            until,
        });
        cx.send(holder, Message::Granted { token, asked });
    }

    fn release(&mut self, token: Token) {
        // It may come late: then another lease runs, and is not its sender's to give.
        if self.running.is_some_and(|lease| lease.token == token) {
            self.running = None;
        }
    }
}

/// A lease as its holder sees it.
#[derive(Clone, Debug, Hash)]
struct Held {
    token: Token,
    /// When the question left that it counts from.
    since: Time,
}

#[derive(Clone, Debug, Hash)]
struct Worker {
    server: NodeId,
    storage: NodeId,
    lease: Duration,
    /// The largest token that was given back: nothing up to it is used again.
    released: Token,
    held: Option<Held>,
    /// Clients who wait for the lock.
    waiting: Vec<Ticket>,
    /// Writes that the storage has not answered.
    writes: Vec<(Ticket, Entry)>,
}

impl Worker {
    /// The lease that it holds for sure: two clocks may be 2 % apart, and the server's may be the faster one.
    fn held(&self, now: Time) -> Option<&Held> {
        let end = |held: &Held| held.since + self.lease * 98 / 100;
        self.held.as_ref().filter(|held| now < end(held))
    }

    fn lock(&mut self, ticket: Ticket, cx: &mut Cx<'_>) {
        if let Some(held) = self.held(cx.now()) {
            return cx.reply(ticket, Response::Locked(held.token));
        }
        self.waiting.push(ticket);
        self.ask(cx);
    }

    fn ask(&mut self, cx: &mut Cx<'_>) {
        if !self.waiting.is_empty() {
            let asked = cx.now().as_micros();
            cx.send(self.server, Message::Acquire { asked });
            cx.set_timer(Timer::Ask, ASKS);
        }
    }

    fn renew(&mut self, cx: &mut Cx<'_>) {
        if let Some(held) = self.held(cx.now()) {
            let (token, asked) = (held.token, cx.now().as_micros());
            cx.send(self.server, Message::Renew { token, asked });
            cx.set_timer(Timer::Renew, ASKS);
        }
    }

    fn granted(&mut self, token: Token, asked: u64, cx: &mut Cx<'_>) {
        let (now, since) = (cx.now(), Time::from_micros(asked));
        let holds = self.held(now).is_some();
        // Given back is given back, even if the server has not heard of it; and what nobody wants is given back.
        if token <= self.released || self.waiting.is_empty() && !holds {
            return self.give_back(token, cx);
        }
        match &mut self.held {
            // What is late may be older than what is known.
            Some(held) if held.token == token => held.since = held.since.max(since),
            Some(held) if held.token > token => return,
            _ => self.held = Some(Held { token, since }),
        }
        if self.held(now).is_some() {
            for ticket in self.waiting.drain(..) {
                cx.reply(ticket, Response::Locked(token));
            }
            // A third of it is left for answers that are lost.
            let due = since + self.lease / 3;
            cx.set_timer(Timer::Renew, due.since(now));
        }
    }

    fn unlock(&mut self, ticket: Ticket, cx: &mut Cx<'_>) {
        for waiting in self.waiting.drain(..) {
            cx.reply(waiting, Response::NotHeld);
        }
        if let Some(held) = self.held.take() {
            self.give_back(held.token, cx);
        }
        cx.reply(ticket, Response::Unlocked);
    }

    fn give_back(&mut self, token: Token, cx: &mut Cx<'_>) {
        if token > self.released {
            self.released = token;
            // On the disk first: after a restart the server may say that this lease is still mine, and hear then that it is not.
            cx.save(Saved {
                released: token,
                ..Saved::default()
            });
        }
        cx.send(self.server, Message::Release(token));
    }

    fn write(&mut self, ticket: Ticket, entry: Entry, cx: &mut Cx<'_>) {
        // The clock is asked each time: a timer that fell due in a pause has not fired yet.
        let held = self.held(cx.now());
        if held.is_none_or(|held| held.token != entry.token) {
            return cx.reply(ticket, Response::NotHeld);
        }
        self.writes.push((ticket, entry));
        cx.send(self.storage, Message::Write(entry));
        cx.set_timer(Timer::Write(entry.token, entry.number), WAITS * 2);
    }

    fn wrote(&mut self, token: Token, number: u64, response: Response, cx: &mut Cx<'_>) {
        let is_it = |entry: &Entry| (entry.token, entry.number) == (token, number);
        for (ticket, _) in self.writes.iter().filter(|(_, entry)| is_it(entry)) {
            cx.reply(*ticket, response);
        }
        self.writes.retain(|(_, entry)| !is_it(entry));
    }
}

#[derive(Clone, Debug, Hash)]
struct Storage {
    last: Entry,
}

impl Storage {
    fn write(&mut self, from: NodeId, entry: Entry, cx: &mut Cx<'_>) {
        let (token, number) = (entry.token, entry.number);
        let last = (self.last.token, self.last.number);
        if (token, number) < last {
            return cx.send(from, Message::Refused { token, number });
        }
        if (token, number) > last {
            self.last = entry;
            // On the disk before anybody hears of it: the largest token is remembered with it.
            cx.save(Saved {
                entry,
                ..Saved::default()
            });
        }
        cx.send(from, Message::Wrote { token, number });
    }
}

#[derive(Clone, Debug, Hash)]
enum Lock {
    Server(Server),
    Worker(Worker),
    Storage(Storage),
}

impl Node<LeaseLock> for Lock {
    fn new(me: NodeId, _peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        let &Config {
            server,
            storage,
            lease,
        } = config;
        if me == server {
            Lock::Server(Server {
                lease,
                last: saved.token,
                running: None,
                opens: Time::ZERO,
            })
        } else if me == storage {
            Lock::Storage(Storage { last: saved.entry })
        } else {
            Lock::Worker(Worker {
                server,
                storage,
                lease,
                released: saved.released,
                held: None,
                waiting: Vec::new(),
                writes: Vec::new(),
            })
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        if let Lock::Server(it) = self {
            it.opens = cx.now() + it.lease;
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        match (self, message) {
            (Lock::Server(it), Message::Acquire { asked }) => it.acquire(from, asked, cx),
            (Lock::Server(it), Message::Renew { token, asked }) => it.renew(from, token, asked, cx),
            (Lock::Server(it), Message::Release(token)) => it.release(token),
            (Lock::Worker(it), Message::Granted { token, asked }) => it.granted(token, asked, cx),
            (Lock::Worker(it), Message::Wrote { token, number }) => {
                it.wrote(token, number, Response::Written, cx);
            }
            // An earlier copy of it may have been written.
            (Lock::Worker(it), Message::Refused { token, number }) => {
                it.wrote(token, number, Response::Unknown, cx);
            }
            (Lock::Storage(it), Message::Write(entry)) => it.write(from, entry, cx),
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        match (self, timer) {
            (Lock::Worker(it), Timer::Ask) => it.ask(cx),
            (Lock::Worker(it), Timer::Renew) => it.renew(cx),
            (Lock::Worker(it), Timer::Write(token, number)) => {
                it.wrote(token, number, Response::Unknown, cx);
            }
            _ => {}
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        match (self, request) {
            (Lock::Worker(it), Request::Lock) => it.lock(ticket, cx),
            (Lock::Worker(it), Request::Write(entry)) => it.write(ticket, entry, cx),
            (Lock::Worker(it), Request::Unlock) => it.unlock(ticket, cx),
            (Lock::Storage(it), Request::Read) => cx.reply(ticket, Response::Value(it.last.value)),
            _ => {}
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Lock>)
}
