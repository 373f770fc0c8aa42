//! What a replica may do. What it has is what it was sent without a gap; whoever keeps what came beyond a gap may use it when that closes. Group
//! commit, asking at once or never, asking again: all are allowed that keep this.

use super::known::{Known, Shown};
use super::primary::text;
use super::spec::{Answered, Base, EARLY, LATE, key, write};
use super::{ANSWERS, ASKS, BEHIND, BOUNDED, CAUGHT_UP, LAG, NEWEST, ORDER, SAVED, TAKES, TOKEN, WAITS, YOURS};
use crate::exercises::read_your_writes::{Key, Message, Position, ReadYourWrites, Request, Response, Value, Write};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::sim::{Cause, ClientId, Effect, Input, Seen, Ticket};
use crate::time::Time;
use crate::words::shown;
use std::collections::{BTreeMap, BTreeSet};

/// A read that is open.
#[derive(Clone)]
struct Read {
    key: Key,
    asked: Position,
    /// How much was on the disk when it came.
    low: u64,
    since: Time,
    step: u64,
    /// Whether it came with a token beyond what was here.
    lagged: bool,
    /// Since when, and which step, it can be answered.
    can: Option<(Time, u64)>,
    /// What the primary has told for it.
    told: Vec<(Option<Value>, Position)>,
}

#[derive(Clone, Default)]
pub(super) struct Replica {
    known: Known,
    pub disk: u64,
    /// How much of the log it has been sent in this life without a gap, the disk included.
    has: u64,
    /// What came beyond a gap in this life.
    beyond: BTreeSet<u64>,
    /// What it must save: up to where, since when, and which step brought it.
    unsaved: Vec<(u64, Time, u64)>,
    reads: BTreeMap<Ticket, Read>,
    /// What the primary has told it in this life.
    heard: Vec<(Key, Option<Value>, Position)>,
    /// When, and in which step, it said last what it has, or started.
    spoke: (Time, u64),
    /// Storms: what it has asked the primary.
    asked: Vec<(Key, Position)>,
}

impl Replica {
    /// Its first disk.
    pub fn found(&mut self, log: &[Write]) {
        (1..).zip(log).for_each(|(at, write)| self.known.insert(at, *write));
        self.disk = log.len() as u64;
        self.has = self.disk;
    }

    /// How much it can have, if it kept what came beyond gaps.
    fn most(&self) -> u64 {
        let mut most = self.has;
        while self.beyond.contains(&(most + 1)) {
            most += 1;
        }
        most
    }

    pub fn step(&mut self, base: &mut Base, seen: &Seen<'_, ReadYourWrites>, answered: &Answered) -> Check {
        match seen.cause {
            Cause::Start { .. } => self.forgets(seen),
            Cause::Message { message: Message::Append { after, writes }, .. } => self.is_sent(base, *after, writes, seen),
            Cause::Message { message: Message::Tell { key, value, token }, .. } => {
                self.heard.push((*key, *value, *token));
                for read in self.reads.values_mut().filter(|read| read.key == *key && read.asked <= *token) {
                    read.told.push((*value, *token));
                    read.can.get_or_insert((seen.now, seen.number));
                }
            }
            Cause::Request { ticket, request: Request::Read { key, token } } => {
                let lagged = self.has < token.0;
                base.met.add(if lagged { "reads that came to a replica that lagged" } else { "reads that a replica could answer" }, 1);
                let can = (!lagged).then_some((seen.now, seen.number));
                let (since, step) = (seen.now, seen.number);
                // What was told before it came is as good, if it is more than what is here.
                let good = self.heard.iter().filter(|(of, _, at)| lagged && of == key && at >= token);
                let told = good.map(|(_, value, at)| (*value, *at)).collect();
                let read = Read { key: *key, asked: *token, low: self.disk, since, step, lagged, can, told };
                self.reads.insert(ticket, read);
            }
            _ => {}
        }
        for effect in seen.effects {
            match effect {
                Effect::Save(saved) => self.saves(base, &saved.log, seen.number)?,
                Effect::Send { to, message } if *to == base.primary => self.sends(base, message, seen)?,
                Effect::Reply { ticket, response } if answered.contains_key(ticket) => {
                    let Some(read) = self.reads.remove(ticket) else {
                        let seen = format!("{} answered {}, which is for the primary", base.me, shown(&answered[ticket].request));
                        return Err(Broken::new(BOUNDED, seen));
                    };
                    self.answers(base, &read, response, seen)?;
                }
                _ => {}
            }
        }
        if seen.crashed {
            self.forgets(seen);
        }
        Ok(())
    }

    fn forgets(&mut self, seen: &Seen<'_, ReadYourWrites>) {
        self.has = self.disk;
        self.beyond.clear();
        self.unsaved.clear();
        self.reads.clear();
        self.heard.clear();
        self.spoke = (seen.now, seen.number);
    }

    fn is_sent(&mut self, base: &mut Base, after: Position, writes: &[Write], seen: &Seen<'_, ReadYourWrites>) {
        let end = after.0 + writes.len() as u64;
        for (at, write) in (after.0 + 1..).zip(writes) {
            self.known.insert(at, *write);
            self.beyond.insert(at);
        }
        if after.0 > self.has || end <= self.has {
            base.met.add("writes that came to a replica again, or beyond a gap", 1);
            return;
        }
        base.met.add("writes that came to a replica", 1);
        self.has = end;
        self.unsaved.push((end, seen.now, seen.number));
        for read in self.reads.values_mut().filter(|read| read.asked.0 <= end) {
            read.can.get_or_insert((seen.now, seen.number));
        }
    }

    fn saves(&mut self, base: &mut Base, log: &[Write], step: u64) -> Check {
        let me = base.me;
        let broken = |seen: String| Err(Broken::new(ORDER, seen).at([step]));
        let (length, most) = (log.len() as u64, self.most());
        if length < self.disk {
            return broken(format!(
                "{me} had the log up to {:?} on its disk, but saved it only up to {:?}",
                Position(self.disk),
                Position(length)
            ));
        }
        for (at, write) in (1..=most).zip(log) {
            if let Some(is) = self.known.get(at).filter(|is| is != write) {
                return broken(format!("{me} saved {write:?} at {:?} of its log, but the primary's has {is:?} there", Position(at)));
            }
        }
        if length > most {
            return broken(format!("{me} was sent the log up to {:?}, but saved one that ends at {:?}", Position(most), Position(length)));
        }
        self.disk = length;
        self.has = self.has.max(length);
        self.unsaved.retain(|(upto, ..)| *upto > length);
        Ok(())
    }

    fn sends(&mut self, base: &mut Base, message: &Message, seen: &Seen<'_, ReadYourWrites>) -> Check {
        let (me, on_disk) = (base.me, Position(self.disk));
        let broken = |rule, said: String| Err(Broken::new(rule, said).at([seen.number]));
        match message {
            Message::Have(has) if *has > on_disk => {
                return broken(SAVED, format!("{me} told {} Have({has:?}), but its disk has the log only up to {on_disk:?}", base.primary));
            }
            Message::Have(has) if *has < on_disk => {
                return broken(LAG, format!("{me} told {} Have({has:?}), but its disk has the log up to {on_disk:?}", base.primary));
            }
            Message::Have(_) => {
                self.spoke = (seen.now, seen.number);
                base.promised = self.disk > 0;
            }
            Message::Ask { key, token } => {
                let of_key = || self.reads.values().filter(|read| read.key == *key);
                if !of_key().any(|read| read.lagged && read.asked >= *token) {
                    let asked = format!("{me} asked {} for {key:?} with token {token:?}", base.primary);
                    let why = match of_key().next() {
                        Some(read) if !read.lagged => {
                            let has = Position(self.has);
                            format!("its client's token is {:?}, and it had the log up to {has:?} itself", read.asked)
                        }
                        Some(read) => format!("its client's token is {:?}", read.asked),
                        None => format!("no read of {key:?} is open here"),
                    };
                    return broken(CAUGHT_UP, format!("{asked}; {why}"));
                }
                self.asked.push((*key, *token));
            }
            _ => {}
        }
        Ok(())
    }

    fn answers(&mut self, base: &mut Base, read: &Read, response: &Response, seen: &Seen<'_, ReadYourWrites>) -> Check {
        let me = base.me;
        let broken = |rule, said: String| Err(Broken::new(rule, said).at([read.step]).at(read.can.map(|(_, step)| step)).at([seen.number]));
        let Response::Value { value, token } = response else {
            let waited = seen.now.since(read.since).as_millis();
            return match (response, read.can) {
                (Response::Written(_), _) => broken(BOUNDED, format!("{me} answered a read with {}", shown(response))),
                (_, Some((since, _))) if !read.lagged || seen.now > since + TAKES => {
                    let has = if self.has >= read.asked.0 {
                        format!("it has the log up to {:?}", Position(self.has))
                    } else {
                        "the primary has told it".to_owned()
                    };
                    broken(BEHIND, format!("{me} answered Behind to a read of {:?} with token {:?}, but {has}", read.key, read.asked))
                }
                _ if seen.now + EARLY < read.since + WAITS => broken(
                    BEHIND,
                    format!("{me} answered Behind to a read of {:?} after {waited} ms: what it lacks may be on its way", read.key),
                ),
                _ => Ok(()),
            };
        };
        let most = self.most();
        let told = |(said, at): &(Option<Value>, Position)| said == value && at <= token && token.0 <= most.max(at.0);
        if !read.told.iter().any(told) {
            let Read { key, asked, low, .. } = *read;
            let (value, token) = (*value, *token);
            let shown = Shown { key, asked, low, has: most, value, token, unsaved: Vec::new(), is_primary: false };
            if let Some((mut rule, mut why)) = self.known.judge(&shown) {
                let same = read.told.iter().rfind(|(said, _)| *said == value);
                if let Some((said, at)) = same.or(read.told.last().filter(|_| rule == YOURS)) {
                    (rule, why) = (if same.is_some() { TOKEN } else { NEWEST }, format!("the primary told it {}", text(key, *said, *at)));
                }
                let answer = text(key, value, token);
                return broken(rule, format!("{me} answered a read of {key:?} with {answer}: {why}"));
            }
        }
        (base.promised, base.last) = (true, Some((read.key, *token)));
        Ok(())
    }

    pub fn overdue(&self, base: &Base, now: Time) -> Check {
        let me = base.me;
        let late = |rule, step: u64, said: String| Err(Broken::new(rule, said).at([step]).unanswered());
        for read in self.reads.values() {
            let (key, asked, takes) = (read.key, read.asked, TAKES.as_millis());
            match read.can {
                Some((since, step)) if now > since + TAKES + LATE => {
                    let what = format!("{me} was asked for {key:?} with token {asked:?}");
                    return if self.has >= asked.0 {
                        let has = Position(self.has);
                        late(CAUGHT_UP, step, format!("{what}, has the log up to {has:?}, but had not answered {takes} ms later"))
                    } else {
                        late(BOUNDED, step, format!("{what}, was told by {}, but had not answered {takes} ms later", base.primary))
                    };
                }
                None if now > read.since + ANSWERS + LATE => {
                    let (has, ms) = (Position(self.has), ANSWERS.as_millis());
                    let said = format!(
                        "{me} was asked for {key:?} with token {asked:?}, has the log up to {has:?}, and had not answered {ms} ms later"
                    );
                    return late(BOUNDED, read.step, said);
                }
                _ => {}
            }
        }
        if let Some((upto, _, step)) = self.unsaved.iter().find(|(_, since, _)| now > *since + TAKES + LATE) {
            let said = format!("{me} was sent the log up to {:?}, but had not saved that {} ms later", Position(*upto), TAKES.as_millis());
            return late(LAG, *step, said);
        }
        let (spoke, step) = self.spoke;
        if now > spoke + ASKS + LATE {
            return late(LAG, step, format!("{me} has not told {} what it has for {} ms", base.primary, ASKS.as_millis()));
        }
        Ok(())
    }

    pub fn input(&mut self, base: &mut Base, rng: &mut Rng) -> Option<Input<ReadYourWrites>> {
        let from_primary = |message| Some(Input::Message(base.primary, message));
        // In a crowd of reads nothing comes that would answer them.
        let kind = if base.crowd && rng.chance(900_000) { 9 } else { rng.below(10) };
        match kind {
            0..=3 => {
                let after = match rng.below(8) {
                    0 => 0,
                    1 => rng.below(self.has + 1),
                    2 => rng.near(self.has).min(1 << 62),
                    3 => self.most() + 1 + rng.below(2),
                    4 if rng.chance(300_000) => rng.wild() >> 2,
                    _ => self.has,
                };
                // The whole rest, or a little.
                let rest = self.has.saturating_sub(after);
                let count = if rest > 0 && rng.chance(500_000) { rest + rng.below(3) } else { rng.below(4) };
                let writes = self.log(base, after, count, rng);
                from_primary(Message::Append { after: Position(after), writes })
            }
            4 | 5 => {
                let (key, token) = *rng.pick(&self.asked)?;
                let token = token.0.max(self.disk) + rng.below(3);
                let value = self.tells(base, key, token, rng)?;
                from_primary(Message::Tell { key, value, token: Position(token) })
            }
            _ => {
                let token = match if base.crowd && rng.chance(900_000) { 3 } else { rng.below(8) } {
                    0 => 0,
                    1 => rng.wild() >> 2,
                    2 => rng.near(self.has) & (u64::MAX >> 1),
                    3 => self.has + 1 + rng.below(3),
                    4 => self.has + 1,
                    5 => rng.below(self.has + 1),
                    _ => self.has,
                };
                let open = rng.pick(&self.reads.values().map(|read| read.key).collect::<Vec<_>>()).copied();
                let key = open.filter(|_| rng.chance(300_000)).unwrap_or_else(|| key(base.keys, rng));
                Some(Input::Request(ClientId::from_index(rng.below(3) as usize), Request::Read { key, token: Position(token) }))
            }
        }
    }

    /// So many writes of the log, as they are, or as they are made up now.
    fn log(&mut self, base: &Base, after: u64, count: u64, rng: &mut Rng) -> Vec<Write> {
        let mut writes = Vec::new();
        for at in after + 1..=after + count {
            let write = self.known.get(at).unwrap_or_else(|| write(base.keys, rng));
            self.known.insert(at, write);
            writes.push(write);
        }
        writes
    }

    /// What so much of the log has made of a key: where some of it was not made up yet, its last write is one of that key. `None` if it cannot be.
    fn tells(&mut self, base: &Base, key: Key, upto: u64, rng: &mut Rng) -> Option<Option<Value>> {
        let is_whole = upto < 1_000 && (1..=upto).all(|at| self.known.get(at).is_some());
        if !is_whole {
            let last = self.known.get(upto).unwrap_or(Write { key, ..write(base.keys, rng) });
            if last.key != key {
                return None;
            }
            self.known.insert(upto, last);
        }
        Some(self.known.value(key, upto))
    }

    /// A replica that has forgotten what it said it has.
    pub fn betray(&mut self, base: &mut Base, rng: &mut Rng) -> Option<Input<ReadYourWrites>> {
        let (key, token) = base.last.unwrap_or((key(base.keys, rng), Position(self.disk)));
        let token = if rng.chance(500_000) { token } else { Position(self.disk) };
        Some(Input::Request(ClientId::from_index(0), Request::Read { key, token }))
    }
}
