//! The rest of a worker's world in a storm: a server and a storage that do what is right, other workers, clients; and what is under way between them. What
//! leaves the worker may come to them at any later time, twice or never.

use crate::exercises::lease_lock::{Entry, LeaseLock, Message, Request, Token};
use crate::rng::Rng;
use crate::sim::{ClientId, Input, NodeId};
use crate::time::Time;

use super::spec::Base;
use std::collections::BTreeMap;

/// So much of what has left is still under way.
const UNDER_WAY: usize = 12;

#[derive(Clone, Default)]
pub(super) struct Model {
    /// The largest token that the server has given, and the lease that runs: whether it is the worker's, and until when.
    pub top: Token,
    runs: Option<(bool, Time)>,
    last: Entry,
    mail: Vec<(NodeId, Message)>,
    post: Vec<(NodeId, Message)>,
    /// What clients were told.
    tokens: Vec<Token>,
    /// The next number under each token, of whichever worker.
    numbers: BTreeMap<Token, u64>,
    /// How large numbers become at once, and whether clients write much.
    pub leaps: bool,
    pub crowd: bool,
}

impl Model {
    pub fn sent(&mut self, to: NodeId, message: &Message) {
        if self.mail.len() >= UNDER_WAY {
            self.mail.remove(0);
        }
        self.mail.push((to, message.clone()));
    }

    pub fn told(&mut self, token: Token) {
        if self.tokens.last() != Some(&token) {
            self.tokens.push(token);
        }
    }

    pub fn input(&mut self, base: &mut Base, rng: &mut Rng, now: Time) -> Option<Input<LeaseLock>> {
        let came = match rng.below(20) {
            0..=7 => None,
            8..=14 => self.arrives(base, rng, now),
            15..=17 if !self.post.is_empty() => {
                let at = rng.below(self.post.len() as u64) as usize;
                Some(self.post.remove(at))
            }
            18 => {
                // Somebody else gets the lock, if it is free.
                self.expires(now);
                if self.runs.is_none() {
                    self.gives(base, rng, now, false);
                }
                None
            }
            _ => None,
        };
        if let Some((from, message)) = came {
            return Some(Input::Message(from, message));
        }
        let client = ClientId::from_index(rng.below(3) as usize);
        Some(Input::Request(client, self.request(rng)))
    }

    fn request(&mut self, rng: &mut Rng) -> Request {
        let Some(last) = self.tokens.last().copied() else {
            return if rng.chance(800_000) { Request::Lock } else { Request::Unlock };
        };
        match rng.below(20) {
            0..=5 => Request::Lock,
            6..=8 if !self.crowd => Request::Unlock,
            6 => Request::Unlock,
            kind => {
                let token = match kind {
                    9 => *rng.pick(&self.tokens).unwrap_or(&last),
                    10 => Token(rng.near(self.top.0).max(1)),
                    _ => last,
                };
                let leap = if self.leaps { rng.wild() >> 8 } else { 0 };
                // Each lease has numbers of its own: those of another come again.
                let next = self.numbers.entry(token).or_default();
                let number = *next;
                *next = next.saturating_add(1 + leap);
                let value = if rng.chance(700_000) { rng.below(4) } else { rng.wild() };
                Request::Write(Entry { token, number, value })
            }
        }
    }

    /// Something that the worker has sent comes to its end, and is answered at once or later.
    fn arrives(&mut self, base: &Base, rng: &mut Rng, now: Time) -> Option<(NodeId, Message)> {
        let n = self.mail.len() as u64;
        let back = if rng.chance(700_000) { 0 } else { rng.below(n.max(1)) };
        let at = n.checked_sub(1 + back)? as usize;
        let (to, message) = if rng.chance(250_000) { self.mail[at].clone() } else { self.mail.remove(at) };
        self.expires(now);
        let answer = match message {
            Message::Acquire { asked } => {
                if self.runs.is_none() {
                    let mine = rng.chance(850_000);
                    self.gives(base, rng, now, mine);
                }
                self.is_granted(base, now, self.top, asked)
            }
            Message::Renew { token, asked } => self.is_granted(base, now, token, asked),
            Message::Release(token) => {
                self.runs = self.runs.filter(|(mine, _)| !mine || token != self.top);
                None
            }
            Message::Write(entry) => {
                let Entry { token, number, .. } = entry;
                let (is, was) = ((token, number), (self.last.token, self.last.number));
                if is > was {
                    self.last = entry;
                }
                Some(if is < was { Message::Refused { token, number } } else { Message::Wrote { token, number } })
            }
            _ => None,
        }?;
        if rng.chance(750_000) {
            return Some((to, answer));
        }
        self.post.push((to, answer));
        None
    }

    fn expires(&mut self, now: Time) {
        self.runs = self.runs.filter(|(_, until)| now < *until);
    }

    fn gives(&mut self, base: &Base, rng: &mut Rng, now: Time, mine: bool) {
        let gap = if self.leaps && rng.chance(300_000) { rng.wild() >> 8 } else { 0 };
        self.top = Token(self.top.0.saturating_add(1 + gap));
        self.runs = Some((mine, now + base.config.lease));
        if !mine && rng.chance(500_000) {
            self.last = Entry { token: self.top, number: u64::MAX, value: 0 };
        }
    }

    fn is_granted(&mut self, base: &Base, now: Time, token: Token, asked: u64) -> Option<Message> {
        if token != self.top || !self.runs.is_some_and(|(mine, _)| mine) {
            return None;
        }
        self.runs = Some((true, now + base.config.lease));
        Some(Message::Granted { token, asked })
    }
}
