//! What the lock server may do. It is held to the leases that it has given, in whichever life: each runs for one lease from when the question came
//! that its grant repeats. Saving leases or waiting after a restart, a queue or none, answering a little later: all are allowed that keep this.

use super::spec::{Base, LATE};
use super::{ECHO, FREED, KEEPS, ONE, RELEASE, RENEWAL, RESTART, TOKENS, TWICE};
use crate::exercises::lease_lock::{LeaseLock, Message, TAKES, Token};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::sim::{Effect, Input, NodeId, Seen};
use crate::time::Time;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone)]
struct Given {
    holder: NodeId,
    token: Token,
    /// Until when its holder may count on it.
    honoured: Time,
    /// Until when it may run: counted from the last grant that left.
    runs: Time,
    /// In which life it began; in which life and step it was granted last, and in which step first.
    began: u32,
    life: u32,
    step: u64,
    first: u64,
    /// Given back by its holder: in which step, and in which life.
    released: Option<(u64, u32)>,
    /// Since then a Release of another lease has come.
    other_release: Option<(Token, u64)>,
}

/// A question: when it came first, in which step, whether as an Acquire, and for which leases, if as a Renew.
#[derive(Clone)]
struct Question {
    came: Time,
    step: u64,
    acquires: bool,
    renews: BTreeSet<Token>,
    /// In which step it came last.
    again: u64,
}

#[derive(Clone)]
struct Owed {
    to: NodeId,
    asked: u64,
    rule: &'static str,
    since: Time,
    step: u64,
}

#[derive(Clone, Default)]
pub(super) struct Server {
    life: u32,
    started: Time,
    /// The last lease of all.
    last: Option<Given>,
    /// The largest token on its disk.
    saved: Token,
    /// The largest token of all; those of a disk that is years old are among them.
    top: Token,
    asked: BTreeMap<(NodeId, u64), Question>,
    owed: Vec<Owed>,
    /// Storms: what was given to whom.
    granted: Vec<(NodeId, Token)>,
    /// Storms: in how many bits workers number their questions.
    pub bits: u32,
}

impl Server {
    pub fn with_disk(top: Token) -> Self {
        Server { saved: top, top, ..Server::default() }
    }

    pub fn step(&mut self, base: &mut Base, seen: &Seen<'_, LeaseLock>) -> Check {
        if seen.is_start() {
            self.life += 1;
            self.started = seen.now;
            self.owed.clear();
        }
        if let Some((from, message)) = seen.message() {
            self.hears(base, from, message, seen);
        }
        for effect in seen.effects {
            match effect {
                Effect::Save(saved) => self.saved = saved.token,
                Effect::Send { to, message: Message::Granted { token, asked } } => self.grants(base, *to, *token, *asked, seen)?,
                _ => {}
            }
        }
        if seen.crashed {
            self.owed.clear();
            // It may have been saved that the lease runs anew, and not been said.
            if let Some((from, Message::Acquire { .. } | Message::Renew { .. })) = seen.message()
                && let Some(last) = self.last.as_mut().filter(|last| last.holder == from)
            {
                last.runs = last.runs.max(seen.now + base.config.lease);
            }
        }
        Ok(())
    }

    fn hears(&mut self, base: &mut Base, from: NodeId, message: &Message, seen: &Seen<'_, LeaseLock>) {
        let (now, step) = (seen.now, seen.number);
        let (asked, renews) = match message {
            Message::Acquire { asked } => (*asked, None),
            Message::Renew { token, asked } => (*asked, Some(*token)),
            Message::Release(token) => {
                if let Some(last) = &mut self.last {
                    if (last.holder, last.token) == (from, *token) {
                        last.released.get_or_insert((step, self.life));
                    } else {
                        last.other_release = Some((*token, step));
                        base.met.add("releases that came late", 1);
                    }
                }
                return;
            }
            _ => return,
        };
        let question = self.asked.entry((from, asked)).or_insert_with(|| Question {
            came: now,
            step,
            acquires: false,
            renews: BTreeSet::new(),
            again: step,
        });
        question.acquires |= renews.is_none();
        question.again = step;
        question.renews.extend(renews);
        let runs = self.last.as_ref().filter(|last| last.life == self.life && last.released.is_none() && now < last.honoured);
        let rule = match (runs, renews) {
            (Some(last), Some(token)) if last.holder == from && last.token == token => KEEPS,
            (Some(last), None) if last.holder == from => TWICE,
            (None, None) if self.is_free(base, now) => FREED,
            _ => return,
        };
        if !self.owed.iter().any(|o| (o.to, o.asked) == (from, asked)) {
            self.owed.push(Owed { to: from, asked, rule, since: now, step });
        }
    }

    /// Whether nothing is in the way of a new lease, whatever the server has saved, and whether or not it waits after a start.
    fn is_free(&self, base: &Base, now: Time) -> bool {
        let has_waited = now > self.started + base.config.lease + TAKES;
        match &self.last {
            Some(last) => (last.released.is_some() || now > last.runs + TAKES) && (has_waited || last.began == self.life),
            None => has_waited,
        }
    }

    fn grants(&mut self, base: &mut Base, to: NodeId, token: Token, asked: u64, seen: &Seen<'_, LeaseLock>) -> Check {
        let (me, step, now, life) = (base.me, seen.number, seen.now, self.life);
        let Some(question) = self.asked.get(&(to, asked)).cloned() else {
            let seen = format!("{me} granted {to} what it had asked with number {asked}, but {to} has not asked with that number");
            return Err(Broken::new(ECHO, seen).at([step]));
        };
        if self.saved < token {
            let seen = format!("{me} gave {to} the lease {token:?}, but the largest token on its disk is {:?}", self.saved);
            return Err(Broken::new(TOKENS, seen).at([step]));
        }
        if let Some(renewed) = question.renews.first().filter(|_| !question.acquires && !question.renews.contains(&token)) {
            let seen = format!("{to} asked {me} to renew {renewed:?}, but {me} granted {token:?}: a renewal gives no other lease");
            return Err(Broken::new(RENEWAL, seen).at([question.step, step]));
        }
        self.owed.retain(|o| !(o.to == to && (o.asked == asked || o.rule == FREED)));
        let (honoured, runs) = (question.came + base.config.lease, now + base.config.lease);
        if let Some(last) = self.last.as_mut().filter(|last| last.token == token) {
            // The question came before the Release, and its answer leaves after it: it changes nothing.
            if last.holder == to && last.released.is_some_and(|(when, of)| of == life && question.again < when) {
                return Ok(());
            }
            Self::goes_on(me, last, to, &question, life, seen)?;
            last.released = None;
            last.honoured = last.honoured.max(honoured);
            last.runs = last.runs.max(runs);
            (last.life, last.step) = (life, step);
            base.met.add("leases that went on", 1);
            base.promised = true;
            return Ok(());
        }
        if token <= self.top {
            let before = self.last.as_ref().map(|last| last.first);
            let seen = format!("{me} gave {to} the lease {token:?}, but {:?} was given before", self.top);
            return Err(Broken::new(TOKENS, seen).at(before.into_iter().chain([step])));
        }
        self.may_begin(me, to, token, seen)?;
        let given = Given { holder: to, token, honoured, runs, began: life, life, step, first: step, released: None, other_release: None };
        if self.last.as_ref().is_some_and(|last| last.released.is_none() && last.holder != to) {
            base.met.add("leases that ended by themselves", 1);
        }
        if self.last.as_ref().is_some_and(|last| last.life != life) {
            base.met.add("leases after a restart", 1);
        }
        base.met.add("leases given", 1);
        self.last = Some(given);
        self.top = token;
        self.granted.push((to, token));
        self.owed.retain(|o| o.rule != FREED);
        base.promised = true;
        Ok(())
    }

    /// The last lease is granted once more.
    fn goes_on(me: NodeId, last: &Given, to: NodeId, question: &Question, life: u32, seen: &Seen<'_, LeaseLock>) -> Check {
        let (token, step) = (last.token, seen.number);
        if last.holder != to {
            let seen = format!("{me} gave {to} the lease {token:?}, but that is {}'s: a new lease has a larger token", last.holder);
            return Err(Broken::new(TOKENS, seen).at([last.step, step]));
        }
        // What it had not saved a restart forgets.
        if let Some((released, _)) = last.released.filter(|(_, when)| *when == life) {
            let seen = format!("{to} had given {token:?} back to {me}, but got it again: a new lease has a larger token");
            return Err(Broken::new(TOKENS, seen).at([released, step]));
        }
        let over = seen.now.since(last.runs);
        if over > TAKES {
            let over = over.as_millis();
            let (rule, how) = match question.renews.first().filter(|_| !question.acquires) {
                Some(_) => (RENEWAL, "renewed it"),
                None => (TOKENS, "gave it again: a new lease has a larger token"),
            };
            let seen = format!("{token:?} of {to} had been over for {over} ms by {me}'s clock, but {me} {how}");
            return Err(Broken::new(rule, seen).at([last.step, step]));
        }
        Ok(())
    }

    /// Whether a new lease may begin: none runs.
    fn may_begin(&self, me: NodeId, to: NodeId, token: Token, seen: &Seen<'_, LeaseLock>) -> Check {
        let now = seen.now;
        let Some(last) = self.last.as_ref().filter(|last| last.released.is_none() && now < last.honoured) else { return Ok(()) };
        let (holder, runs) = (last.holder, last.token);
        let left = last.honoured.since(now).as_micros();
        let left = if left < 1_000 { format!("{left} µs") } else { format!("{} ms", left / 1_000) };
        let told = format!("{me} gave {to} the lease {token:?}, but {runs:?} of {holder} runs for another {left} by {me}'s clock");
        let (rule, told) = match last.other_release {
            _ if last.life != self.life => (RESTART, format!("{told}: it was granted before {me} restarted")),
            _ if holder == to => (TWICE, told),
            Some((other, _)) => (RELEASE, format!("{told}; the lease that was given back was {other:?}")),
            None => (ONE, told),
        };
        let released = last.other_release.map(|(_, step)| step);
        Err(Broken::new(rule, told).at([last.step].into_iter().chain(released).chain([seen.number])))
    }

    pub fn time(&self, base: &Base, now: Time) -> Check {
        let Some(owed) = self.owed.iter().find(|owed| now > owed.since + TAKES + LATE) else { return Ok(()) };
        let Owed { to, rule, step, .. } = owed;
        let (me, within) = (base.me, TAKES.as_millis());
        let state = match &self.last {
            Some(last) if *rule != FREED => format!("it holds {:?}, which runs", last.token),
            Some(last) if last.released.is_some() => format!("{:?}, the last lease, had been given back", last.token),
            Some(last) => format!("{:?}, the last lease, was over", last.token),
            None => format!("no lease was ever given, and {me} had been up for longer than one"),
        };
        let asked = if *rule == KEEPS { "to renew its lease" } else { "for the lock" };
        let seen = format!("{to} asked {me} {asked} ({state}), but was not granted it within {within} ms");
        Err(Broken::new(rule, seen).at(self.last.as_ref().map(|last| last.step).into_iter().chain([*step])).unanswered())
    }
}

// What could come in.
impl Server {
    pub fn input(&mut self, base: &mut Base, rng: &mut Rng) -> Option<Input<LeaseLock>> {
        let workers = base.workers();
        let last = self.last.as_ref().map(|last| (last.holder, last.token));
        let message = match rng.below(20) {
            // What has left long ago may come now.
            0 | 1 if !self.granted.is_empty() => {
                let (worker, token) = *rng.pick(&self.granted)?;
                if rng.chance(500_000) {
                    return Some(Input::Message(worker, Message::Release(token)));
                }
                return Some(Input::Message(worker, Message::Renew { token, asked: self.number(worker, rng) }));
            }
            2 => {
                let asked: Vec<_> = self.asked.iter().filter(|(_, q)| q.renews.is_empty()).map(|(of, _)| *of).collect();
                let (worker, asked) = *rng.pick(&asked)?;
                return Some(Input::Message(worker, Message::Acquire { asked }));
            }
            3..=5 => Message::Release(last?.1),
            6..=9 => Message::Renew { token: last?.1, asked: self.number(last?.0, rng) },
            10 | 11 if last.is_some() => Message::Acquire { asked: self.number(last?.0, rng) },
            _ => {
                let worker = *rng.pick(&workers)?;
                return Some(Input::Message(worker, Message::Acquire { asked: self.number(worker, rng) }));
            }
        };
        Some(Input::Message(last?.0, message))
    }

    /// A number that the worker has not used.
    fn number(&self, worker: NodeId, rng: &mut Rng) -> u64 {
        let drawn = match self.bits {
            0 => self.asked.len() as u64,
            64 => rng.wild(),
            bits => rng.below(1 << bits),
        };
        let used = |number: u64| self.asked.contains_key(&(worker, number));
        (0..).map(|more| drawn.wrapping_add(more)).find(|number| !used(*number)).unwrap_or(drawn)
    }

    /// What is asked of one that has restarted after a grant.
    pub fn betray(&mut self, base: &mut Base, rng: &mut Rng) -> Option<Input<LeaseLock>> {
        let worker = *rng.pick(&base.workers())?;
        if rng.chance(700_000) {
            Some(Input::Message(worker, Message::Acquire { asked: self.number(worker, rng) }))
        } else {
            self.input(base, rng)
        }
    }
}
