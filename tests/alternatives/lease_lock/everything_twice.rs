//! Whatever is said is said twice, a write again and again until it is answered, a Release three times; every handler saves all it has, changed or not. Questions
//! have a counter of the disk, and are noted with the time of the first of them; a burst of questions bears one number.

use splitbrain::exercises::lease_lock::{Config, Entry, LeaseLock, Message, Request, Response, Saved, Timer, Token, judge};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, VecDeque};

type Cx<'a> = Context<'a, LeaseLock>;

#[derive(Clone, Debug, Hash)]
struct Lock {
    config: Config,
    saved: Saved,
    /// Server: holder, token, end.
    given: Option<(NodeId, Token, Time)>,
    shut_until: Time,
    /// Worker: number and time of the last questions.
    asked: VecDeque<(u64, Time)>,
    have: Option<(Token, Time)>,
    waiting: Vec<Ticket>,
    writes: BTreeMap<(Token, u64), (Entry, Vec<Ticket>, Time)>,
}

impl Lock {
    fn twice(&self, to: NodeId, message: &Message, cx: &mut Cx<'_>) {
        cx.send(to, message.clone());
        cx.send(to, message.clone());
    }

    /// A number for a question; the same for 30 ms.
    fn number(&mut self, cx: &mut Cx<'_>) -> u64 {
        let now = cx.now();
        match self.asked.back() {
            Some((number, since)) if now.since(*since) < millis(30) => *number,
            _ => {
                self.saved.counter += 1;
                cx.save(self.saved.clone());
                self.asked.push_back((self.saved.counter, now));
                if self.asked.len() > 5_000 {
                    self.asked.pop_front();
                }
                self.saved.counter
            }
        }
    }

    fn has(&self, now: Time) -> Option<Token> {
        let (token, since) = self.have?;
        let most = micros(self.config.lease) as u128 * 93 / 100;
        (u128::from(micros(now.since(since))) < most).then_some(token)
    }

    fn drop_it(&mut self, token: Token, cx: &mut Cx<'_>) {
        self.saved.released = self.saved.released.max(token);
        cx.save(self.saved.clone());
        self.twice(self.config.server, &Message::Release(token), cx);
        cx.send(self.config.server, Message::Release(token));
    }

    fn end(&mut self, token: Token, number: u64, response: Response, cx: &mut Cx<'_>) {
        if let Some((_, tickets, _)) = self.writes.remove(&(token, number)) {
            tickets.into_iter().for_each(|ticket| cx.reply(ticket, response));
        }
    }
}

const fn micros(span: Duration) -> u64 {
    span.as_micros() as u64
}

impl Node<LeaseLock> for Lock {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Lock {
            config: config.clone(),
            saved: saved.unwrap_or_default(),
            given: None,
            shut_until: Time::ZERO,
            asked: VecDeque::new(),
            have: None,
            waiting: vec![],
            writes: BTreeMap::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        self.shut_until = cx.now() + self.config.lease;
        cx.save(self.saved.clone());
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let now = cx.now();
        self.given = self.given.filter(|(.., end)| now < *end);
        match message {
            Message::Acquire { asked } => {
                if self.given.is_none() && now >= self.shut_until {
                    self.saved.token.0 += 1;
                    self.given = Some((from, self.saved.token, now));
                }
                cx.save(self.saved.clone());
                if let Some((holder, token, end)) = &mut self.given
                    && *holder == from
                {
                    *end = now + self.config.lease;
                    let token = *token;
                    self.twice(from, &Message::Granted { token, asked }, cx);
                }
            }
            Message::Renew { token, asked } => {
                if let Some((_, runs, end)) = &mut self.given
                    && *runs == token
                {
                    *end = now + self.config.lease;
                    self.twice(from, &Message::Granted { token, asked }, cx);
                }
            }
            Message::Release(token) => self.given = self.given.filter(|(_, runs, _)| *runs != token),
            Message::Granted { token, asked } => {
                let left = self.asked.iter().find(|(number, _)| *number == asked).map(|(_, at)| *at);
                let has = self.has(now);
                if token <= self.saved.released || has.is_none() && self.waiting.is_empty() {
                    return self.drop_it(token, cx);
                }
                let Some(left) = left else { return };
                match self.have {
                    Some((mine, since)) if mine == token => self.have = Some((token, left.max(since))),
                    Some((mine, _)) if mine > token => {}
                    _ => self.have = Some((token, left)),
                }
                if let Some(token) = self.has(now) {
                    self.waiting.drain(..).for_each(|ticket| cx.reply(ticket, Response::Locked(token)));
                    cx.set_timer(Timer::Renew, millis(30));
                }
            }
            Message::Write(entry) => {
                let Entry { token, number, .. } = entry;
                let of = (self.saved.entry.token, self.saved.entry.number);
                if (token, number) >= of {
                    self.saved.entry = entry;
                }
                cx.save(self.saved.clone());
                self.twice(from, &if (token, number) >= of { Message::Wrote { token, number } } else { Message::Refused { token, number } }, cx);
            }
            Message::Wrote { token, number } => self.end(token, number, Response::Written, cx),
            Message::Refused { token, number } => self.end(token, number, Response::Unknown, cx),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        let now = cx.now();
        match timer {
            Timer::Ask if !self.waiting.is_empty() => {
                let asked = self.number(cx);
                self.twice(self.config.server, &Message::Acquire { asked }, cx);
                cx.set_timer(Timer::Ask, millis(45));
            }
            Timer::Renew => {
                if let Some(token) = self.has(now) {
                    let asked = self.number(cx);
                    self.twice(self.config.server, &Message::Renew { token, asked }, cx);
                    cx.set_timer(Timer::Renew, millis(40));
                }
            }
            Timer::Write(token, number) => {
                let Some((entry, _, since)) = self.writes.get(&(token, number)) else { return };
                if now.since(*since) >= millis(200) {
                    return self.end(token, number, Response::Unknown, cx);
                }
                // As long as it holds the lock it asks again.
                if self.has(now) == Some(token) {
                    cx.send(self.config.storage, Message::Write(*entry));
                }
                cx.set_timer(Timer::Write(token, number), millis(30));
            }
            _ => {}
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let has = self.has(cx.now());
        match request {
            Request::Lock => {
                if let Some(token) = has {
                    return cx.reply(ticket, Response::Locked(token));
                }
                self.waiting.push(ticket);
                self.on_timer(Timer::Ask, cx);
            }
            Request::Write(entry) => {
                if has != Some(entry.token) {
                    return cx.reply(ticket, Response::NotHeld);
                }
                let now = cx.now();
                let of = self.writes.entry((entry.token, entry.number)).or_insert((entry, vec![], now));
                of.1.push(ticket);
                self.twice(self.config.storage, &Message::Write(entry), cx);
                cx.set_timer(Timer::Write(entry.token, entry.number), millis(30));
            }
            Request::Unlock => {
                if let Some((token, _)) = self.have.take() {
                    self.drop_it(token, cx);
                }
                self.waiting.drain(..).for_each(|waiting| cx.reply(waiting, Response::NotHeld));
                cx.reply(ticket, Response::Unlocked);
            }
            Request::Read => cx.reply(ticket, Response::Value(self.saved.entry.value)),
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Lock>)
}
