//! What one server of `cache_aside` may do: its ghost, kept from what others can observe. It is held to the leases that it was given, to the rows that
//! have come, and to what has left it. How it keeps its books is its own: one flight a key or one a request, ticks or deadlines, more questions to the
//! cache, more deletes. What may be
//! put in, read and answered is in `says`, what is late in `late`, and what could come in in `inputs`.

mod inputs;
mod late;
mod says;

use super::rules::{ANSWERS, RULED, TRUTH};
use crate::exercises::cache_aside::{AGAIN, CacheAside, Config, Key, LEASE, Lease, Message, Request, SILENT, TAKES, Value};
use crate::exercises::kit::{Open, Taken};
use crate::rule::{Broken, Check, Coverage};
use crate::sim::{Effect, Factory, NodeId, Seen, Spec, Ticket, storm};
use crate::suite::Storms;
use crate::time::{Time, millis};
use inputs::Surroundings;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What a timer that is a little late is forgiven.
const LATE: Duration = millis(5);
/// What a clock that is cut to whole milliseconds is forgiven.
const A_LITTLE: Duration = millis(1);

pub(super) fn storms(factory: Factory<CacheAside>) -> Storms {
    Storms {
        rules: RULED,
        must_meet: &[
            "storm crashes between two effects",
            "fills",
            "fills that say that there is no row",
            "reads without a lease",
            "reads that wait for room",
            "rows of an older read",
            "leases that come again",
            "leases that ended in the queue",
            "writes confirmed",
            "writes whose invalidation was not confirmed",
            "writes that nobody confirmed",
        ],
        count: 10_000,
        run: Box::new(move |seed, probe| storm::<CacheAside, Ghost>(factory, seed, probe)),
    }
}

/// Which key a read asks for.
fn get(request: &Request) -> Option<Key> {
    if let Request::Get(key) = request { Some(*key) } else { None }
}

/// A moment, and the step of it.
type When = (Time, u64);

/// The read of a key that was sent last.
#[derive(Clone)]
struct Reading {
    tag: u64,
    /// In which step it left first, and when it left last.
    first: u64,
    sent: Time,
    /// Whether it began under a lease that had to be used: then its row is put in.
    fills: bool,
    /// Whether its row has come; whether any word on this key has; and whether nobody waits for it any more.
    has_come: bool,
    has_any: bool,
    is_left: bool,
}

/// A lease under which nothing was read yet.
#[derive(Clone, Copy)]
struct Fresh {
    lease: Lease,
    given: Time,
    step: u64,
    /// Whether it has to be used; and whether it is the one that a read is under that leaves soon.
    must: bool,
    is_kept: bool,
}

/// What is known of a key in this life.
#[derive(Clone, Default)]
struct OfKey {
    /// What it is or was, from the cache or the database, and in which step that came.
    came: Vec<(u64, Option<Value>)>,
    /// The rows among these, with their tags.
    rows: Vec<(u64, Option<Value>)>,
    leases: BTreeMap<Lease, When>,
    /// The last lease, if nothing was read since; and those that were read under, for who waits now.
    fresh: Option<Fresh>,
    used: BTreeSet<Lease>,
    /// When the cache was asked last, and when it said something; since when it has left a question unanswered; whether its last word was Wait.
    asked: Option<Time>,
    /// When somebody came for whom it has still to be asked.
    begun: Option<When>,
    told: Option<Time>,
    unanswered: Option<When>,
    waits: bool,
    /// Whether it was silent long enough while somebody waited, so that a read was decided on that may still have to wait for room.
    was_silent: bool,
    read: Option<Reading>,
    /// When it was deleted last.
    deleted: u64,
}

/// A write that a client has asked for, in this life.
#[derive(Clone)]
struct PutOf {
    ticket: Ticket,
    key: Key,
    value: Option<Value>,
    came: When,
    written: Option<When>,
    /// Whether the cache has confirmed a delete that left after that; and whether it was the one that left at once.
    confirmed: Option<When>,
    is_certain: bool,
    /// A tag under which a delete was sent for it that had borne another one before.
    old_tag: Option<u64>,
    /// When what is to be sent now was sent last.
    sent: Option<Time>,
    is_open: bool,
}

#[derive(Clone)]
pub(super) struct Ghost {
    me: NodeId,
    config: Config,
    open: Open<CacheAside>,
    keys: BTreeMap<Key, OfKey>,
    puts: BTreeMap<u64, PutOf>,
    /// For which keys somebody waits when a step is over, crashed or not; of a step that reads.
    waited: BTreeSet<Key>,
    /// Who must be answered: by when it was known what, and in which step.
    due: BTreeMap<Ticket, When>,
    /// When a row came that has to be put into the cache, in which step, and what.
    fills: BTreeMap<Key, (Time, u64, Option<Value>)>,
    /// The reads whose row has not come: until when each of them takes room, if it is not sent again.
    busy: BTreeMap<Key, Time>,
    /// Since when the cache as a whole has left a question unanswered.
    quiet: Option<Time>,
    /// Until when so many reads were under way as there may be.
    full: Time,
    /// Whether it is never paused, and its clock does not step: what it says of a span is what has passed.
    is_steady: bool,
    /// In which step a lease was given for the first time, and a read and a delete left for the first time, in any life.
    given: BTreeMap<(Key, Lease), u64>,
    reads: BTreeMap<(Key, u64), u64>,
    deletes: BTreeMap<(Key, u64), u64>,
    around: Surroundings,
    met: Coverage,
}

impl Ghost {
    pub fn new(me: NodeId, config: Config) -> Self {
        Ghost {
            me,
            config,
            open: Open::new(ANSWERS, me),
            keys: BTreeMap::new(),
            puts: BTreeMap::new(),
            waited: BTreeSet::new(),
            due: BTreeMap::new(),
            fills: BTreeMap::new(),
            busy: BTreeMap::new(),
            quiet: None,
            full: Time::ZERO,
            is_steady: false,
            given: BTreeMap::new(),
            reads: BTreeMap::new(),
            deletes: BTreeMap::new(),
            around: Surroundings::default(),
            met: Coverage::default(),
        }
    }

    /// Adds what it has met.
    pub fn counts(&self, coverage: &mut Coverage) {
        coverage.merge(&self.met);
    }

    fn forgets(&mut self) {
        self.keys.clear();
        self.puts.clear();
        self.due.clear();
        self.fills.clear();
        self.busy.clear();
        self.quiet = None;
        self.full = Time::ZERO;
    }

    /// Who asks for that key and has no answer.
    fn gets(&self, key: Key) -> impl Iterator<Item = &Taken<CacheAside>> {
        self.open.of.values().filter(move |taken| taken.request == Request::Get(key))
    }

    fn of(&mut self, key: Key) -> &mut OfKey {
        self.keys.entry(key).or_default()
    }

    /// Until when so many reads are under way as there may be, as long as nothing comes: each until it has not been sent again for a while.
    fn is_full_until(&self) -> Time {
        if self.busy.len() < self.config.loads {
            return Time::ZERO;
        }
        let mut until: Vec<Time> = self.busy.values().copied().collect();
        until.sort_unstable_by(|a, b| b.cmp(a));
        until.get(self.config.loads - 1).copied().unwrap_or(Time::ZERO)
    }

    fn hears(&mut self, message: &Message, seen: &Seen<'_, CacheAside>) {
        let (now, step) = (seen.now, seen.number);
        let silent = |since: Option<Time>| since.is_some_and(|since| now + A_LITTLE >= since + SILENT);
        if matches!(message, Message::Hit { .. } | Message::Miss { .. } | Message::Wait(_) | Message::Deleted { .. }) {
            let about =
                if let Message::Hit { key, .. } | Message::Miss { key, .. } | Message::Wait(key) = message { Some(*key) } else { None };
            let one = about.filter(|key| silent(self.of(*key).unanswered.map(|(at, _)| at)));
            let all = silent(self.quiet.take());
            if all || one.is_some() {
                let asked: BTreeSet<Key> = self.open.of.values().filter_map(|taken| get(&taken.request)).collect();
                asked.into_iter().filter(|key| all || one == Some(*key)).for_each(|key| self.of(key).was_silent = true);
            }
        }
        match message {
            Message::Hit { key, .. } | Message::Miss { key, .. } | Message::Wait(key) => {
                let of = self.of(*key);
                (of.unanswered, of.told) = (None, Some(now));
                of.waits = matches!(message, Message::Wait(_));
            }
            _ => {}
        }
        match message {
            Message::Hit { key, value } => {
                let of = self.of(*key);
                of.came.push((step, *value));
                if let Some(read) = &mut of.read {
                    read.has_any = true;
                }
                let is_asking = !of.was_silent && of.fresh.is_none() && of.read.as_ref().is_none_or(|read| read.has_come);
                of.fresh = None;
                if is_asking {
                    self.owes(*key, u64::MAX, now, step);
                }
            }
            Message::Miss { key, lease } => {
                // One that comes again may be used up.
                let is_new = *self.given.entry((*key, *lease)).or_insert(step) == step;
                let is_wanted = self.gets(*key).next().is_some();
                let waits = is_new && is_wanted;
                self.met.add("reads that wait for room", u64::from(waits && self.is_full_until() > now));
                let of = self.of(*key);
                let idle = of.fresh.is_none()
                    && of.read.as_ref().is_none_or(|read| read.has_come || read.is_left && now > read.sent + AGAIN + SILENT);
                of.leases.entry(*lease).or_insert((now, step));
                // The read that is under way has begun with it, or came after that.
                if of.used.contains(lease) && of.read.as_ref().is_some_and(|read| !read.has_any && !read.is_left) {
                    self.met.add("leases that come again", 1);
                } else {
                    let is_kept = is_wanted && of.fresh.is_none_or(|fresh| fresh.lease == *lease && fresh.is_kept);
                    of.fresh = Some(Fresh { lease: *lease, given: now, step, must: waits && idle, is_kept });
                }
            }
            Message::Row { key, tag, value } => self.reads_row(*key, *tag, *value, now, step),
            Message::Written(id) => {
                if let Some(put) = self.puts.get_mut(id).filter(|put| put.written.is_none()) {
                    put.written = Some((now, step));
                    put.sent = None;
                }
            }
            Message::Deleted { key, tag } => {
                let Some(left) = self.deletes.get(&(*key, *tag)).copied() else { return };
                for put in self.puts.values_mut().filter(|put| put.key == *key && put.is_open) {
                    let Some((_, written)) = put.written.filter(|(_, written)| left >= *written) else { continue };
                    put.confirmed = put.confirmed.or(Some((now, step)));
                    if left == written && !std::mem::replace(&mut put.is_certain, true) {
                        self.due.insert(put.ticket, (now, step));
                    }
                }
            }
            _ => {}
        }
    }

    /// Whether a lease that came at that time has ended since, by any clock.
    fn is_over(&self, given: Time, now: Time) -> bool {
        self.is_steady && now > given + LEASE + TAKES + LATE
    }

    fn reads_row(&mut self, key: Key, tag: u64, value: Option<Value>, now: Time, step: u64) {
        let is_over = |of: &OfKey| of.fresh.is_some_and(|fresh| self.is_over(fresh.given, now));
        let ended = self.keys.iter().filter(|(key, of)| is_over(of) && self.gets(**key).next().is_some()).count();
        self.met.add("leases that ended in the queue", ended as u64);
        let waits = self.gets(key).next().is_some();
        let of = self.of(key);
        of.came.push((step, value));
        of.rows.push((tag, value));
        let Some(read) = &mut of.read else { return };
        read.has_any = true;
        if read.tag != tag {
            self.met.add("rows of an older read", 1);
            return;
        }
        if std::mem::replace(&mut read.has_come, true) {
            return;
        }
        let (first, fills) = (read.first, read.fills && !read.is_left);
        // The newest lease, if it was there when the read began and nothing has ended it since, as far as is known here.
        let newest = of.leases.values().max_by_key(|(_, step)| *step).filter(|(_, given)| *given <= first && of.deleted < *given);
        if newest.is_some_and(|(given, _)| now <= *given + LEASE / 2) && fills && of.fresh.is_none() && waits {
            self.fills.insert(key, (now, step, value));
        }
        self.busy.remove(&key);
        self.owes(key, first, now, step);
    }

    /// Those who asked for it up to that step must be told.
    fn owes(&mut self, key: Key, until: u64, now: Time, step: u64) {
        let tickets: Vec<Ticket> = self.gets(key).filter(|taken| taken.step <= until).map(|taken| taken.ticket).collect();
        for ticket in tickets {
            self.due.entry(ticket).or_insert((now, step));
        }
    }

    /// Somebody asks for that key, and does not join those who have just asked the cache, or a read.
    fn begins(&mut self, key: Key, came: When) {
        let is_first = self.gets(key).take(2).count() == 1;
        let of = self.of(key);
        let is_recent = |at: Option<Time>| at.is_some_and(|at| came.0 <= at + AGAIN);
        let is_read = of.read.as_ref().is_some_and(|read| !read.has_come);
        if is_first && !is_read && !is_recent(of.asked.max(of.told)) {
            of.begun = Some(came);
        }
    }

    /// Whom such a message is for.
    fn whose(&self, message: &Message) -> Option<NodeId> {
        match message {
            Message::Get(_) | Message::Set { .. } | Message::Delete { .. } => Some(self.config.cache),
            Message::Read { .. } | Message::Write { .. } => Some(self.config.database),
            _ => None,
        }
    }

    fn sends(&mut self, message: &Message, seen: &Seen<'_, CacheAside>) -> Check {
        let (me, now, step) = (self.me, seen.now, seen.number);
        match message {
            Message::Get(key) => {
                self.around.asks(*key);
                self.quiet = self.quiet.or(Some(now));
                let of = self.of(*key);
                (of.asked, of.begun) = (Some(now), None);
                of.unanswered = of.unanswered.or(Some((now, step)));
            }
            Message::Set { key, lease, value, ttl } => self.puts_in(*key, *lease, *value, *ttl, step)?,
            Message::Delete { key, tag } => {
                self.quiet = self.quiet.or(Some(now));
                let first = *self.deletes.entry((*key, *tag)).or_insert(step);
                let of = self.of(*key);
                of.deleted = step;
                // It has ended the lease that it had here, too: who drops that, and asks the cache anew, is right.
                if let Some(fresh) = &mut of.fresh {
                    (fresh.must, fresh.is_kept) = (false, false);
                }
                self.fills.remove(key);
                for put in self.puts.values_mut().filter(|put| put.key == *key) {
                    // One that left before under this number cannot be told from this one.
                    match put.written {
                        Some((_, written)) if first >= written => put.sent = Some(now),
                        Some(_) => put.old_tag = Some(*tag),
                        None => {}
                    }
                }
            }
            Message::Read { key, tag } => self.loads(*key, *tag, seen)?,
            Message::Write { id, key, value } => {
                self.around.writes(*id);
                let Some(put) = self.puts.get_mut(id).filter(|put| (put.key, put.value) == (*key, *value)) else {
                    let seen = format!("{me} sent the database {message:?}, but no client has asked for that");
                    return Err(Broken::new(TRUTH, seen).at([step]));
                };
                if put.written.is_none() {
                    put.sent = Some(now);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Spec<CacheAside> for Ghost {
    fn step(&mut self, seen: &Seen<'_, CacheAside>) -> Check {
        if seen.is_start() {
            self.forgets();
        }
        let now = seen.now;
        self.full = self.full.max(self.is_full_until().min(now));
        // Before the answers are taken down: who is answered in this step has waited for what comes in it.
        if let Some((_, message)) = seen.message() {
            self.hears(message, seen);
        }
        self.waited.clear();
        if seen.sent().any(|(_, message)| matches!(message, Message::Read { .. })) {
            let answered: Vec<Ticket> = seen.replies().map(|(ticket, _)| ticket).collect();
            let open = self.open.of.values().map(|taken| (taken.ticket, &taken.request)).chain(seen.request());
            self.waited.extend(open.filter(|(ticket, _)| !answered.contains(ticket)).filter_map(|(_, request)| get(request)));
        }
        let answers = self.open.step(seen)?;
        if let Some((_, Request::Get(key))) = seen.request() {
            self.begins(*key, (now, seen.number));
        }
        if let Some((ticket, Request::Put { id, key, value })) = seen.request() {
            let came = (now, seen.number);
            let put = PutOf {
                ticket,
                key: *key,
                value: *value,
                came,
                written: None,
                confirmed: None,
                is_certain: false,
                old_tag: None,
                sent: None,
                is_open: true,
            };
            self.puts.insert(*id, put);
        }
        let mut left = answers.iter();
        for effect in seen.effects {
            match effect {
                // What goes elsewhere reaches nobody who answers.
                Effect::Send { to, message } if Some(*to) == self.whose(message) => self.sends(message, seen)?,
                Effect::Reply { .. } => {
                    if let Some((taken, response)) = left.next() {
                        self.replies(taken, **response, seen)?;
                    }
                }
                _ => {}
            }
        }
        // Not before: what is sent between two answers is sent for who gets the second one.
        if seen.crashed {
            self.forgets();
            return Ok(());
        }
        answers.iter().filter_map(|(taken, _)| get(&taken.request)).try_for_each(|key| self.is_done_with(key, seen.number))
    }

    fn time(&mut self, now: Time) -> Check {
        self.overdue(now)
    }
}
