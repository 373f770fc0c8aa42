//! What a worker may do. It is held to what it was granted, counted from when the question left that the grant repeats (in whichever life), and to
//! what its clients want. What it may hold and what it must hold differ: it may stop at nine tenths of a lease, and must at 98 hundredths.

use super::model::Model;
use super::spec::{A_LITTLE, Base, LATE};
use super::{DONE, GIVEN, IN_TIME, KEEPS, RELEASE, STOPS, TRUTH, WAITER};
use crate::exercises::kit::{Open, Taken};
use crate::exercises::lease_lock::{ANSWERS, ASKS, Entry, LeaseLock, Message, Request, Response, TAKES, Token, WAITS};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::sim::{Cause, Effect, Input, NodeId, Seen, Ticket};
use crate::time::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A question that has left: when and in which step first, and in which life.
#[derive(Clone, Copy)]
struct Left {
    at: Time,
    step: u64,
    life: u32,
}

/// What it must hold: it was granted in answer to a question of this life, while somebody wanted it.
#[derive(Clone, Copy)]
struct Must {
    token: Token,
    /// When the question left that it counts from.
    since: Time,
    /// When, and in which step, the last such grant came.
    came: Time,
    step: u64,
}

#[derive(Clone)]
struct Waiting {
    ticket: Ticket,
    since: Time,
    step: u64,
    /// When it must be answered, if it must, and why.
    due: Option<(Time, u64)>,
    /// An Unlock has come since.
    given_up: bool,
}

#[derive(Clone)]
struct Writing {
    ticket: Ticket,
    entry: Entry,
    /// When it came; and from when its deadlines count, if the node has stood still since.
    came: Time,
    since: Time,
    step: u64,
    /// Whether the lease was held for sure when it came.
    held: bool,
}

#[derive(Clone, Default)]
pub(super) struct Worker {
    life: u32,
    asked: BTreeMap<u64, Left>,
    /// Of each lease when the latest question left that was granted, and in which step that grant came.
    grants: BTreeMap<Token, (Time, u64)>,
    /// The same of grants that came in this life.
    known: BTreeMap<Token, Time>,
    /// The largest token that it has given back, in which step; and that on its disk.
    released: (Token, u64),
    saved: Token,
    must: Option<Must>,
    waiting: Vec<Waiting>,
    /// Since which step somebody waits.
    wants: u64,
    writing: Vec<Writing>,
    /// Of this life.
    requested: BTreeSet<Entry>,
    sent: BTreeSet<(Token, u64)>,
    wrote: BTreeSet<(Token, u64)>,
    refused: BTreeSet<(Token, u64)>,
    asks: Time,
    renews: Time,
    gives_back: Vec<(Token, Time, u64)>,
    /// Storms: the rest of the world.
    pub model: Model,
}

/// How long a worker may hold a lease at most, by its clock, and how long it must.
fn spans(lease: Duration) -> (Duration, Duration) {
    (lease * 98 / 100, lease * 9 / 10)
}

impl Worker {
    /// What it must hold now.
    fn holds(&self, base: &Base, now: Time) -> Option<Must> {
        self.must.filter(|must| now < must.since + spans(base.config.lease).1)
    }

    fn is_waited_for(&self) -> bool {
        self.waiting.iter().any(|waiting| !waiting.given_up)
    }

    pub fn step(&mut self, base: &mut Base, seen: &Seen<'_, LeaseLock>, answers: &[(Taken<LeaseLock>, &Response)]) -> Check {
        match seen.cause {
            Cause::Start { .. } => self.starts(seen),
            Cause::Message { message, .. } => self.hears(base, message, seen),
            Cause::Request { ticket, request } => self.takes(base, ticket, request, seen),
            Cause::Timer(_) | Cause::Crash => {}
        }
        let mut answers = answers.iter();
        for effect in seen.effects {
            match effect {
                Effect::Save(saved) => self.saved = saved.released,
                Effect::Send { to, message } => {
                    self.model.sent(*to, message);
                    self.sends(base, *to, message, seen)?;
                }
                Effect::Reply { .. } => {
                    if let Some((taken, response)) = answers.next() {
                        self.answers(base, taken, **response, seen)?;
                    }
                }
                _ => {}
            }
        }
        if seen.crashed {
            self.starts(seen);
            self.life -= 1;
        }
        Ok(())
    }

    fn starts(&mut self, seen: &Seen<'_, LeaseLock>) {
        self.life += 1;
        (self.asks, self.renews) = (seen.now, seen.now);
        self.must = None;
        self.known.clear();
        self.waiting.clear();
        self.writing.clear();
        self.requested.clear();
        self.sent.clear();
        self.wrote.clear();
        self.refused.clear();
        self.gives_back.clear();
    }

    fn takes(&mut self, base: &mut Base, ticket: Ticket, request: &Request, seen: &Seen<'_, LeaseLock>) {
        let (now, step) = (seen.now, seen.number);
        let held = self.holds(base, now);
        match request {
            Request::Lock => {
                if !self.is_waited_for() {
                    self.wants = step;
                }
                let due = held.map(|must| (now + TAKES, must.step));
                self.waiting.push(Waiting { ticket, since: now, step, due, given_up: false });
            }
            Request::Write(entry) => {
                self.requested.insert(*entry);
                let held = held.is_some_and(|must| must.token == entry.token);
                base.met.add(if held { "writes under a lease that is held" } else { "writes under a lease that may be over" }, 1);
                self.writing.push(Writing { ticket, entry: *entry, came: now, since: now, step, held });
            }
            Request::Unlock => {
                for waiting in &mut self.waiting {
                    waiting.given_up = true;
                    waiting.due = waiting.due.or(Some((now + TAKES, step)));
                }
                self.must = None;
                self.gives_back.extend(held.map(|must| (must.token, now, step)));
            }
            Request::Read => {}
        }
    }

    fn hears(&mut self, base: &mut Base, message: &Message, seen: &Seen<'_, LeaseLock>) {
        match message {
            Message::Granted { token, asked } => self.is_granted(base, *token, *asked, seen),
            Message::Wrote { token, number } => drop(self.wrote.insert((*token, *number))),
            Message::Refused { token, number } => {
                base.met.add("writes that were refused", 1);
                self.refused.insert((*token, *number));
            }
            _ => {}
        }
    }

    fn is_granted(&mut self, base: &mut Base, token: Token, asked: u64, seen: &Seen<'_, LeaseLock>) {
        let (now, step) = (seen.now, seen.number);
        let Some(left) = self.asked.get(&asked).copied() else { return };
        let best = self.grants.entry(token).or_insert((left.at, step));
        if left.at >= best.0 {
            *best = (left.at, step);
        }
        if let Some(must) = &mut self.must {
            must.came = now;
        }
        let known = self.known.entry(token).or_insert(left.at);
        *known = left.at.max(*known);
        if left.life != self.life || now >= left.at + spans(base.config.lease).1 {
            base.met.add("grants that came too late", 1);
            return;
        }
        let held = self.holds(base, now);
        // A question of an earlier wish may be taken for an answer to this one, or not.
        let of_another = self.is_waited_for() && left.step < self.wants;
        if token <= self.released.0 {
            if !of_another {
                self.gives_back.push((token, now, step));
            }
        } else if token <= self.saved {
            // It was to give it back, and crashed before that left: it may do so now.
        } else if let Some(must) = held {
            if must.token == token {
                self.must = Some(Must { since: must.since.max(left.at), ..must });
            }
        } else if self.is_waited_for() {
            if !of_another {
                self.must = Some(Must { token, since: left.at, came: now, step });
                for waiting in &mut self.waiting {
                    waiting.due = waiting.due.or(Some((now + TAKES, step)));
                }
            }
        } else if self.must.is_none_or(|lapsed| lapsed.token != token) {
            base.met.add("grants that nobody wants", 1);
            self.gives_back.push((token, now, step));
        }
    }

    /// Whether it may act under that lease now; `did` says what it did.
    fn may_use(&self, base: &Base, token: Token, did: &str, seen: &Seen<'_, LeaseLock>) -> Check {
        let (me, step) = (base.me, seen.number);
        let Some((since, granted)) = self.grants.get(&token).copied() else {
            return Err(Broken::new(STOPS, format!("{me} {did}, but was never granted {token:?}")).at([step]));
        };
        if token <= self.released.0 {
            let (released, when) = self.released;
            return Err(Broken::new(GIVEN, format!("{me} {did}, but had given {released:?} back before")).at([when, step]));
        }
        let most = spans(base.config.lease).0;
        let is = seen.now.since(since);
        if is > most {
            let (is, most, lease) = (is.as_micros(), most.as_micros(), base.config.lease.as_millis());
            let said = format!(
                "{me} {did} {} ms after it had asked for {token:?} ({} ms are 0.98 of a lease of {lease} ms)",
                exact(is),
                exact(most)
            );
            let asked = self.asked.values().find(|left| left.at == since).map(|left| left.step);
            return Err(Broken::new(STOPS, said).at(asked.into_iter().chain([granted, step])));
        }
        Ok(())
    }

    fn sends(&mut self, base: &mut Base, to: NodeId, message: &Message, seen: &Seen<'_, LeaseLock>) -> Check {
        let (me, step, now, life) = (base.me, seen.number, seen.now, self.life);
        let left = Left { at: now, step, life };
        match message {
            Message::Acquire { asked } => {
                self.asked.entry(*asked).or_insert(left);
                self.asks = now;
                if self.waiting.is_empty() {
                    return Err(Broken::new(DONE, format!("{me} asked for the lock, but no client waits for it")).at([step]));
                }
            }
            Message::Renew { token, asked } => {
                self.asked.entry(*asked).or_insert(left);
                self.renews = now;
                if !self.grants.contains_key(token) {
                    return Err(Broken::new(KEEPS, format!("{me} asked to renew {token:?}, but was never granted it")).at([step]));
                }
                if *token <= self.released.0 {
                    let seen = format!("{me} asked to renew {token:?}, but had given {:?} back", self.released.0);
                    return Err(Broken::new(DONE, seen).at([self.released.1, step]));
                }
            }
            Message::Release(token) => self.releases(base, *token, seen)?,
            Message::Write(entry) if to == base.config.storage => {
                if !self.requested.contains(entry) {
                    return Err(Broken::new(TRUTH, format!("{me} sent {to} {entry:?}, but no client has asked for that")).at([step]));
                }
                self.may_use(base, entry.token, &format!("sent {to} a write under {:?}", entry.token), seen)?;
                self.sent.insert((entry.token, entry.number));
            }
            _ => {}
        }
        Ok(())
    }

    fn releases(&mut self, base: &mut Base, token: Token, seen: &Seen<'_, LeaseLock>) -> Check {
        let (me, step) = (base.me, seen.number);
        if !self.grants.contains_key(&token) {
            return Err(Broken::new(RELEASE, format!("{me} gave {token:?} back, but was never granted it")).at([step]));
        }
        if self.saved < token {
            let seen = format!("{me} gave {token:?} back, but its disk has {:?} as the largest token that it gave back", self.saved);
            return Err(Broken::new(GIVEN, seen).at([step]));
        }
        if let Some(must) = self.holds(base, seen.now).filter(|must| must.token == token) {
            let seen = format!("{me} gave {token:?} back, but a client holds the lock under it: no Unlock has come");
            return Err(Broken::new(KEEPS, seen).at([must.step, step]));
        }
        self.gives_back.retain(|(owed, ..)| *owed != token);
        if token > self.released.0 {
            self.released = (token, step);
        }
        base.met.add("leases given back", 1);
        Ok(())
    }

    fn answers(&mut self, base: &mut Base, taken: &Taken<LeaseLock>, response: Response, seen: &Seen<'_, LeaseLock>) -> Check {
        let (me, step, now, ticket) = (base.me, seen.number, seen.now, taken.ticket);
        match (taken.request, response) {
            (Request::Lock, Response::Locked(token)) => {
                self.may_use(base, token, &format!("told a client that it holds {token:?}"), seen)?;
                let given_up = self.waiting.iter().any(|waiting| waiting.ticket == ticket && waiting.given_up);
                self.waiting.retain(|waiting| waiting.ticket != ticket);
                let (since, granted) = self.grants[&token];
                // What it was told in the last life it need not know.
                let since = self.known.get(&token).copied().unwrap_or(Time::ZERO).min(since);
                if self.holds(base, now).is_none() && !given_up {
                    self.must = Some(Must { token, since, came: now, step: granted });
                }
                self.model.told(token);
                base.met.add("locks held", 1);
                Ok(())
            }
            (Request::Lock, Response::NotHeld) => {
                let given_up = self.waiting.iter().any(|waiting| waiting.ticket == ticket && waiting.given_up);
                self.waiting.retain(|waiting| waiting.ticket != ticket);
                if given_up {
                    return Ok(());
                }
                let seen = format!(
                    "{me} answered Lock with NotHeld, but no Unlock had come: a client that waits for the lock gets it, however long that takes"
                );
                Err(Broken::new(WAITER, seen).at([taken.step, step]))
            }
            (Request::Write(_), Response::Written | Response::NotHeld | Response::Unknown) => {
                let Some(at) = self.writing.iter().position(|writing| writing.ticket == ticket) else { return Ok(()) };
                let writing = self.writing.remove(at);
                self.says(base, &writing, response, seen)
            }
            (Request::Unlock, Response::Unlocked) => Ok(()),
            _ => Err(base.mismatch(taken, response, step)),
        }
    }

    /// What the client hears of its write.
    fn says(&self, base: &Base, writing: &Writing, response: Response, seen: &Seen<'_, LeaseLock>) -> Check {
        let Writing { entry, held: is_held, .. } = *writing;
        let (me, step, of) = (base.me, seen.number, (entry.token, entry.number));
        let (sent, wrote, refused) = (self.sent.contains(&of), self.wrote.contains(&of), self.refused.contains(&of));
        let waited = seen.now.since(writing.came);
        let why = match response {
            Response::Written if !wrote => "the storage has not said that it wrote it".to_owned(),
            Response::NotHeld if sent => "it had sent it to the storage: it may be written".to_owned(),
            Response::Unknown if wrote => "the storage had said Wrote".to_owned(),
            Response::Unknown if !sent => "it had not sent it to the storage".to_owned(),
            Response::Unknown if !refused && waited + A_LITTLE < WAITS => {
                format!("the storage, asked {} ms before, could still answer", waited.as_millis())
            }
            Response::NotHeld if is_held && self.holds(base, seen.now).is_some_and(|must| must.token == entry.token) => {
                let since = self.must.map_or(0, |must| must.step);
                let lease = base.config.lease.as_millis();
                let asked = self.must.map_or(0, |must| seen.now.since(must.since).as_millis());
                let seen = format!(
                    "{me} answered a write under {:?} with NotHeld, but held that lease: it had asked for it {asked} ms before, and a lease lasts {lease} ms",
                    entry.token
                );
                return Err(Broken::new(KEEPS, seen).at([since, step]));
            }
            _ => return Ok(()),
        };
        let seen = format!("{me} answered the write of entry {} of {:?} with {response:?}, and {why}", entry.number, entry.token);
        Err(Broken::new(TRUTH, seen).at([writing.step, step]))
    }

    pub fn time(&self, base: &Base, open: &Open<LeaseLock>, now: Time) -> Check {
        let (me, takes) = (base.me, TAKES.as_millis());
        for waiting in &self.waiting {
            match waiting.due {
                Some((due, why)) if now > due + LATE => {
                    let told = if waiting.given_up { "an Unlock came".to_owned() } else { format!("{me} has the lock") };
                    let seen = format!("{told}, but {me} did not tell {:?}, which waits for it, within {takes} ms", waiting.ticket);
                    return Err(Broken::new(if waiting.given_up { IN_TIME } else { WAITER }, seen).at([why]).unanswered());
                }
                None if now > waiting.since.max(self.asks) + ASKS + LATE => {
                    let seen = format!("a client waits for the lock at {me}, but {me} has not asked for it for {} ms", ASKS.as_millis());
                    return Err(Broken::new(WAITER, seen).at([waiting.step]).stuck());
                }
                _ => {}
            }
        }
        if let Some((token, _, step)) = self.gives_back.iter().find(|(_, since, _)| now > *since + TAKES + LATE) {
            let seen = format!("nobody at {me} wants {token:?}, but {me} has not given it back within {takes} ms");
            return Err(Broken::new(DONE, seen).at([*step]).stuck());
        }
        let unsent = |w: &&Writing| w.held && now > w.since + TAKES + LATE && !self.sent.contains(&(w.entry.token, w.entry.number));
        if let Some(writing) = self.writing.iter().find(unsent) {
            let seen = format!("{me} holds {:?}, but did not send a write under it to the storage within {takes} ms", writing.entry.token);
            return Err(Broken::new(KEEPS, seen).at([writing.step]).stuck());
        }
        if let Some(must) = self.holds(base, now) {
            // What was asked in the last life may count, or not.
            let latest = self.grants.get(&must.token).map_or(must.since, |(at, _)| *at);
            let due = (latest + base.config.lease / 2).max(must.came + ASKS).max(self.renews + ASKS);
            if now > due + LATE {
                let is = now.since(must.since).as_millis();
                let lease = base.config.lease.as_millis();
                let seen = format!(
                    "{me} holds {:?}, a lease of {lease} ms asked for {is} ms ago, but has not asked to renew it for {} ms",
                    must.token,
                    ASKS.as_millis()
                );
                return Err(Broken::new(KEEPS, seen).at([must.step]).stuck());
            }
        }
        for taken in open.of.values() {
            let most = match taken.request {
                Request::Lock => continue,
                Request::Write(_) => ANSWERS,
                _ => TAKES,
            };
            if now > taken.since + most + LATE {
                let seen = format!("{me} took {:?}, but had not answered it {} ms later", taken.request, most.as_millis());
                return Err(Broken::new(IN_TIME, seen).at([taken.step]).unanswered());
            }
        }
        Ok(())
    }

    /// It stood still: what is due is due that much later. A lease runs on.
    pub fn resumes(&mut self, now: Time, after: Duration) {
        (self.asks, self.renews) = (now, now);
        for waiting in &mut self.waiting {
            waiting.due = waiting.due.map(|(due, why)| (due + after, why));
        }
        for writing in &mut self.writing {
            writing.since = writing.since + after;
        }
        for (_, since, _) in &mut self.gives_back {
            *since = *since + after;
        }
    }

    pub fn input(&mut self, base: &mut Base, rng: &mut Rng, now: Time) -> Option<Input<LeaseLock>> {
        self.model.input(base, rng, now)
    }
}

/// Milliseconds, exactly.
fn exact(us: u128) -> String {
    if us.is_multiple_of(1_000) { (us / 1_000).to_string() } else { format!("{}.{:03}", us / 1_000, us % 1_000) }
}
