//! What the storage may do. An entry is written if it is later than every one before it, in the order in which they come; what was not on the disk
//! at a crash has not come.

use super::spec::{Base, LATE};
use super::{IN_TIME, STORAGE, TRUTH};
use crate::exercises::kit::Taken;
use crate::exercises::lease_lock::{Entry, LeaseLock, Message, Request, Response, TAKES, Token};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::sim::{ClientId, Effect, Input, NodeId, Seen, Ticket};
use crate::time::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// Which entry: entries are ordered by it.
type Key = (Token, u64);

const fn key(entry: &Entry) -> Key {
    (entry.token, entry.number)
}

#[derive(Clone)]
struct Owed {
    to: NodeId,
    key: Key,
    since: Time,
    step: u64,
}

#[derive(Clone, Default)]
pub(super) struct Storage {
    /// What is on the disk, since which step.
    saved: Entry,
    saved_in: u64,
    /// The latest entry of this life, or of the disk.
    latest: Key,
    /// What came in this life as the latest then; and what was ever on the disk, if only for a moment.
    accepted: BTreeMap<Key, u64>,
    written: BTreeSet<Key>,
    owed: Vec<Owed>,
    /// What was on the disk since the reads that are open have come.
    values: BTreeMap<Ticket, Vec<u64>>,
    /// Storms: what workers have sent, and whose tokens they are.
    came: BTreeMap<Key, u64>,
    owners: BTreeMap<Token, NodeId>,
}

impl Storage {
    pub fn step(&mut self, base: &mut Base, seen: &Seen<'_, LeaseLock>, answers: &[(Taken<LeaseLock>, &Response)]) -> Check {
        if seen.is_start() {
            self.owed.clear();
            self.accepted.clear();
            self.values.clear();
            self.latest = key(&self.saved);
        }
        if let Some((from, Message::Write(entry))) = seen.message() {
            if key(entry) > self.latest {
                self.latest = key(entry);
                self.accepted.insert(key(entry), entry.value);
            } else if key(entry) < self.latest {
                base.met.add("entries that were too late", 1);
            }
            self.owed.push(Owed { to: from, key: key(entry), since: seen.now, step: seen.number });
        }
        if let Some((ticket, _)) = seen.request() {
            self.values.insert(ticket, vec![self.saved.value]);
        }
        let mut answers = answers.iter();
        for effect in seen.effects {
            match effect {
                Effect::Save(saved) => self.saves(base, saved.entry, seen.number)?,
                Effect::Send { to, message: Message::Wrote { token, number } } => self.says_wrote(base, *to, (*token, *number), seen)?,
                Effect::Send { to, message: Message::Refused { token, number } } => self.refuses(base, *to, (*token, *number), seen)?,
                Effect::Reply { .. } => {
                    if let Some((taken, response)) = answers.next() {
                        self.answers(base, taken, **response, seen)?;
                    }
                }
                _ => {}
            }
        }
        if seen.crashed {
            self.owed.clear();
        }
        Ok(())
    }

    fn saves(&mut self, base: &mut Base, entry: Entry, step: u64) -> Check {
        let me = base.me;
        if entry == self.saved {
            return Ok(());
        }
        if key(&entry) <= key(&self.saved) {
            let seen = format!("{me} saved {}, but had {} on its disk, which is later", shown(&entry), shown(&self.saved));
            return Err(Broken::new(STORAGE, seen).at([self.saved_in, step]));
        }
        if self.accepted.get(&key(&entry)) != Some(&entry.value) {
            let seen = format!("{me} saved {}, but no worker has sent that", shown(&entry));
            return Err(Broken::new(STORAGE, seen).at([step]));
        }
        // Of several that are saved at once each was the last one for a moment.
        let span = (Bound::Excluded(key(&self.saved)), Bound::Included(key(&entry)));
        let since: Vec<u64> = self.accepted.range(span).map(|(_, value)| *value).collect();
        self.values.values_mut().for_each(|values| values.extend(&since));
        (self.saved, self.saved_in) = (entry, step);
        self.written.extend(self.accepted.keys().filter(|k| **k <= key(&entry)));
        base.met.add("entries written", 1);
        Ok(())
    }

    fn says_wrote(&mut self, base: &mut Base, to: NodeId, of: Key, seen: &Seen<'_, LeaseLock>) -> Check {
        let (me, step) = (base.me, seen.number);
        self.pays(to, of);
        if of > key(&self.saved) {
            let seen = format!("{me} told {to} that {} is written, but its disk has {}", named(of), shown(&self.saved));
            return Err(Broken::new(STORAGE, seen).at([self.saved_in, step]));
        }
        if !self.written.contains(&of) {
            let seen = format!("{me} told {to} that {} is written, but it came after {}, which is later", named(of), shown(&self.saved));
            return Err(Broken::new(STORAGE, seen).at([self.saved_in, step]));
        }
        base.promised = true;
        Ok(())
    }

    fn refuses(&mut self, base: &Base, to: NodeId, of: Key, seen: &Seen<'_, LeaseLock>) -> Check {
        self.pays(to, of);
        if of < self.latest {
            return Ok(());
        }
        let why = if of == self.latest { "it is the last entry itself, come again" } else { "nothing later had come" };
        Err(Broken::new(STORAGE, format!("{} refused {}, but {why}", base.me, named(of))).at([self.saved_in, seen.number]))
    }

    fn answers(&mut self, base: &Base, taken: &Taken<LeaseLock>, response: Response, seen: &Seen<'_, LeaseLock>) -> Check {
        let (Request::Read, Response::Value(value)) = (taken.request, response) else {
            return Err(base.mismatch(taken, response, seen.number));
        };
        if self.values.remove(&taken.ticket).is_some_and(|values| values.contains(&value)) {
            return Ok(());
        }
        let seen_is = format!("{} answered a read with {value}, but what it wrote last is {}", base.me, shown(&self.saved));
        Err(Broken::new(TRUTH, seen_is).at([self.saved_in, seen.number]))
    }

    fn pays(&mut self, to: NodeId, of: Key) {
        self.owed.retain(|owed| (owed.to, owed.key) != (to, of));
    }

    pub fn time(&self, base: &Base, now: Time) -> Check {
        let Some(owed) = self.owed.iter().find(|owed| now > owed.since + TAKES + LATE) else { return Ok(()) };
        let seen = format!("{} sent {} an entry, {}, but got no answer within {} ms", owed.to, base.me, named(owed.key), TAKES.as_millis());
        Err(Broken::new(IN_TIME, seen).at([owed.step]).unanswered())
    }
}

fn named((token, number): Key) -> String {
    format!("entry {number} of {token:?}")
}

fn shown(entry: &Entry) -> String {
    if *entry == Entry::default() { "nothing".to_owned() } else { format!("{} (value {})", named(key(entry)), entry.value) }
}

// What could come in.
impl Storage {
    pub fn input(&mut self, base: &mut Base, rng: &mut Rng) -> Option<Input<LeaseLock>> {
        if rng.chance(150_000) {
            return Some(Input::Request(ClientId::from_index(rng.below(3) as usize), Request::Read));
        }
        let known: Vec<Key> = self.came.keys().copied().collect();
        let of = match rng.below(10) {
            0 | 1 if !known.is_empty() => *rng.pick(&known)?,
            2..=5 if !known.is_empty() => (self.latest.0.max(Token(1)), rng.near(self.latest.1)),
            6 => (Token(rng.near(self.latest.0.0).max(1)), rng.wild()),
            7 => (Token((rng.wild() >> 1).max(1)), rng.below(4)),
            _ => (Token(self.latest.0.0.saturating_add(1)), rng.below(3)),
        };
        let workers = base.workers();
        let owner = *self.owners.entry(of.0).or_insert(*rng.pick(&workers)?);
        let drawn = if rng.chance(500_000) { rng.below(3) } else { rng.wild() };
        let value = *self.came.entry(of).or_insert(drawn);
        Some(Input::Message(owner, Message::Write(Entry { token: of.0, number: of.1, value })))
    }

    /// What one that has forgotten its last entry says.
    pub fn betray(&mut self, base: &mut Base, rng: &mut Rng) -> Option<Input<LeaseLock>> {
        if rng.chance(400_000) {
            return Some(Input::Request(ClientId::from_index(0), Request::Read));
        }
        let older: Vec<Key> = self.came.range(..=key(&self.saved)).map(|(k, _)| *k).collect();
        let Some(of) = rng.pick(&older).copied() else { return self.input(base, rng) };
        let entry = Entry { token: of.0, number: of.1, value: *self.came.get(&of)? };
        Some(Input::Message(*self.owners.get(&of.0)?, Message::Write(entry)))
    }
}
