//! What one node of `primary_replica` may do: its ghost, kept from what others can observe. It is held to what is on its disk, to what it has
//! heard, and to what it was named. Saving several things at once, sending more often, asking from further back, saying less than it
//! has: all are allowed that keep this. What a save may change is in `saves`, what could come in in `inputs`.

mod inputs;
mod saves;

use super::rules::{ACKED, ANSWERS, BY_K, CATCHES, CLIENT, DIVERGED, LEADS, PREFIX, READS, SEALED, SHIPS, STOPS, TRUTH};
use crate::exercises::kit::{Open, Taken};
use crate::exercises::primary_replica::{BEAT, Config, Epoch, Message, PrimaryReplica, Request, Response, Saved, TAKES};
use crate::rule::{Broken, Check, Coverage};
use crate::sim::{Cause, Effect, Factory, NodeId, Seen, Spec, Ticket, storm};
use crate::suite::Storms;
use crate::time::{Time, millis};
use inputs::Surroundings;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What a timer that is a little late is forgiven.
const LATE: Duration = millis(5);

pub(super) fn storms(factory: Factory<PrimaryReplica>) -> Storms {
    Storms {
        rules: &[ACKED, BY_K, SEALED, TRUTH, PREFIX, DIVERGED, SHIPS, READS, CATCHES, STOPS, LEADS, CLIENT, ANSWERS],
        must_meet: &[
            "storm crashes between two effects",
            "storm shadows",
            "epochs sealed",
            "writes acknowledged",
            "suffixes that went",
            "appends after a gap",
            "appends of an older epoch",
            "reads of what a primary has told",
            "primaries that were replaced",
        ],
        count: 10_000,
        run: Box::new(move |seed, probe| storm::<PrimaryReplica, Ghost>(factory, seed, probe)),
    }
}

/// `1 entry`, `3 entries`.
pub(super) fn entries(n: usize) -> String {
    crate::words::counted(n, "entry")
}

/// What is known of one epoch.
#[derive(Clone, Default)]
struct Heard {
    /// Entries of its primary's log that came here, by how many stand before each.
    known: BTreeMap<usize, u64>,
    /// Where the shortest of its appends ended, and in which step it came.
    shortest: Option<(usize, u64)>,
    /// The most entries that its primary said were acknowledged.
    committed: usize,
    /// As its primary: how much each replica has. And the steps in which the arbiter said so first.
    haves: BTreeMap<NodeId, usize>,
    named: Option<u64>,
}

/// What is owed to somebody.
#[derive(Clone)]
struct Owed {
    what: Due,
    to: NodeId,
    since: Time,
    step: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Due {
    Report(Epoch),
    /// Of the append that ended there, if it fits what is on the disk, and told that so many are acknowledged.
    Have {
        epoch: Epoch,
        end: usize,
        fits: bool,
        committed: usize,
    },
}

impl Due {
    fn epoch(self) -> Epoch {
        match self {
            Due::Report(epoch) | Due::Have { epoch, .. } => epoch,
        }
    }
}

/// What it does as the primary of the epoch, in this life.
#[derive(Clone)]
struct Lead {
    epoch: Epoch,
    since: Time,
    step: u64,
    /// Since when each replica was sent nothing that helps it.
    silent: BTreeMap<NodeId, Time>,
    /// How much each has told in this life that it has.
    told: BTreeMap<NodeId, usize>,
}

/// The ghost of one node.
#[derive(Clone)]
pub(super) struct Ghost {
    me: NodeId,
    nodes: usize,
    config: Config,
    pub disk: Saved,
    open: Open<PrimaryReplica>,
    /// The writes of this life that wait, and where they stand in the log.
    writes: BTreeMap<Ticket, u64>,
    places: BTreeMap<Ticket, usize>,
    /// Those that it put there in the epoch of now. And what must be answered: since when enough replicas have it.
    ours: BTreeSet<Ticket>,
    /// What was open when a newer epoch came need not be answered.
    excused: BTreeSet<Ticket>,
    ripe: BTreeMap<Ticket, (Time, u64)>,
    /// What an open read must show at least.
    floors: BTreeMap<Ticket, usize>,
    heard: BTreeMap<Epoch, Heard>,
    /// The highest epoch that anybody spoke of, and when it wrote its own.
    told: Epoch,
    sealed_in: u64,
    lead: Option<Lead>,
    owed: Vec<Owed>,
    /// What reads have shown, and in which step; and what this life must show.
    shown: (usize, u64),
    fresh: usize,
    reported: BTreeSet<Epoch>,
    promised: bool,
    around: Surroundings,
    met: Coverage,
}

impl Ghost {
    pub fn new(me: NodeId, nodes: usize, config: Config) -> Self {
        Ghost {
            me,
            nodes,
            config,
            disk: Saved::default(),
            open: Open::new(ANSWERS, me),
            writes: BTreeMap::new(),
            places: BTreeMap::new(),
            ours: BTreeSet::new(),
            excused: BTreeSet::new(),
            ripe: BTreeMap::new(),
            floors: BTreeMap::new(),
            heard: BTreeMap::new(),
            told: Epoch(0),
            sealed_in: 0,
            lead: None,
            owed: Vec::new(),
            shown: (0, 0),
            fresh: 0,
            reported: BTreeSet::new(),
            promised: false,
            around: Surroundings::default(),
            met: Coverage::default(),
        }
    }

    /// What stands there in the log of this epoch's primary, as far as it was told: by that primary, or acknowledged by an older one.
    fn brought(&self, epoch: Epoch, at: usize) -> Option<u64> {
        let of = |(_, heard): (&Epoch, &Heard)| heard.known.get(&at).copied().filter(|_| heard.committed > at);
        let known = self.heard.get(&epoch).and_then(|heard| heard.known.get(&at).copied());
        known.or_else(|| self.heard.range(..epoch).find_map(of))
    }

    fn named(&self, epoch: Epoch) -> bool {
        self.heard.get(&epoch).is_some_and(|heard| heard.named.is_some())
    }

    /// So many entries of a log that is agreed with this epoch are acknowledged, as far as can be known here: what an epoch has acknowledged
    /// is in the log of every later one.
    fn acknowledged(&self, agreed: Epoch) -> usize {
        let of = |heard: &Heard| {
            let mut haves: Vec<usize> = heard.haves.values().copied().collect();
            haves.sort_unstable_by(|a, b| b.cmp(a));
            heard.committed.max(haves.get(self.config.acks - 1).copied().unwrap_or(0))
        };
        let most = self.heard.range(..=agreed).map(|(_, heard)| of(heard)).max();
        most.unwrap_or(0).max(self.disk.committed)
    }

    /// So many entries on its disk are those of the primary of this epoch, for certain.
    fn certain(&self, epoch: Epoch) -> usize {
        let all = self.disk.log.len();
        if self.disk.agreed == epoch { all } else { all.min(self.acknowledged(self.disk.agreed)) }
    }

    fn hears(&mut self, from: NodeId, message: &Message, seen: &Seen<'_, PrimaryReplica>) {
        let (now, step) = (seen.now, seen.number);
        let owes = |what| Owed { what, to: from, since: now, step };
        match message {
            Message::Seal(epoch) => {
                self.told = self.told.max(*epoch);
                if *epoch >= self.disk.epoch {
                    self.owed.push(owes(Due::Report(*epoch)));
                }
            }
            Message::Lead(epoch) => {
                if *epoch == self.disk.epoch {
                    self.heard.entry(*epoch).or_default().named.get_or_insert(step);
                    if self.lead.as_ref().is_none_or(|lead| lead.epoch != *epoch) {
                        let peers = (0..self.nodes).map(NodeId::from_index).filter(|node| *node != self.me);
                        let silent = peers.map(|node| (node, now)).collect();
                        self.lead = Some(Lead { epoch: *epoch, since: now, step, silent, told: BTreeMap::new() });
                    }
                }
            }
            Message::Append { epoch, from: at, entries, committed } => {
                self.told = self.told.max(*epoch);
                // What it must know, not all that it could.
                let must = if self.disk.agreed == *epoch { usize::MAX } else { self.fresh.max(self.disk.committed) };
                let (end, fits) = (at + entries.len(), *at <= must.min(self.disk.log.len()));
                let heard = self.heard.entry(*epoch).or_default();
                heard.known.extend((*at..).zip(entries.iter().copied()));
                heard.committed = heard.committed.max(*committed);
                if heard.shortest.is_none_or(|(shortest, _)| end < shortest) {
                    heard.shortest = Some((end, step));
                }
                if *epoch < self.disk.epoch {
                    self.met.add("appends of an older epoch", 1);
                } else {
                    self.met.add("appends after a gap", u64::from(!fits));
                    self.owed.push(owes(Due::Have { epoch: *epoch, end, fits, committed: *committed }));
                }
            }
            Message::Have { epoch, length } => {
                if *epoch != self.disk.epoch || !self.named(*epoch) {
                    return;
                }
                let have = self.heard.entry(*epoch).or_default().haves.entry(from).or_insert(*length);
                *have = (*have).max(*length);
                if let Some(lead) = &mut self.lead {
                    let told = lead.told.entry(from).or_insert(*length);
                    *told = (*told).max(*length);
                    let acknowledged = self.acknowledged(*epoch);
                    for (ticket, _) in self.places.iter().filter(|(_, place)| **place <= acknowledged) {
                        if self.ours.contains(ticket) && self.writes.contains_key(ticket) {
                            self.ripe.entry(*ticket).or_insert((now, step));
                        }
                    }
                }
            }
            Message::Report { .. } => {}
        }
    }

    fn sends(&mut self, to: NodeId, message: &Message, seen: &Seen<'_, PrimaryReplica>) -> Check {
        let (me, step) = (self.me, seen.number);
        let disk = &self.disk;
        match message {
            Message::Report { epoch, agreed, length } => {
                if *epoch > disk.epoch {
                    let seen = format!("{me} reported that it has sealed {epoch:?}, and its disk says {:?}", disk.epoch);
                    return Err(Broken::new(SEALED, seen).at([step]));
                }
                if *epoch == disk.epoch && (*agreed, *length) != (disk.agreed, disk.log.len()) {
                    let (is, has) = (disk.agreed, entries(disk.log.len()));
                    let said = entries(*length);
                    let seen = format!("{me} reported {said}, agreed with {agreed:?}; on its disk it has {has}, agreed with {is:?}");
                    return Err(Broken::new(TRUTH, seen).at([step]));
                }
                self.reported.insert(*epoch);
                self.owed.retain(|owed| owed.what != Due::Report(*epoch));
                Ok(())
            }
            Message::Have { epoch, length } => self.has(*epoch, *length, to, step),
            Message::Append { .. } => self.ships(to, message, seen),
            Message::Seal(_) | Message::Lead(_) => {
                let seen = format!("{me} sent {message:?} to {to}; that is the arbiter's to say");
                Err(Broken::new(STOPS, seen).at([step]))
            }
        }
    }

    /// It tells a primary how much it has.
    fn has(&mut self, epoch: Epoch, length: usize, to: NodeId, step: u64) -> Check {
        let (me, disk) = (self.me, &self.disk);
        if epoch < disk.epoch {
            let seen = format!("{me} had sealed {:?}, and told {to} that it has {} of {epoch:?}", disk.epoch, entries(length));
            return Err(Broken::new(SEALED, seen).at([self.sealed_in, step]));
        }
        if epoch > disk.epoch {
            let seen = format!(
                "{me} told {to} what it has in {epoch:?}, and its disk says {:?}: it could still take what an older primary sends",
                disk.epoch
            );
            return Err(Broken::new(SEALED, seen).at([step]));
        }
        let certain = self.certain(epoch);
        if length > certain {
            let why = if disk.agreed == epoch || length > disk.log.len() {
                format!("on its disk there are {}", entries(disk.log.len()))
            } else {
                format!("its log is still that of {:?}, of which {} are known to be acknowledged", disk.agreed, entries(certain))
            };
            let seen = format!("{me} told {to} that it has {} of the log of {epoch:?}; {why}", entries(length));
            return Err(Broken::new(TRUTH, seen).at([step]));
        }
        let (mut fresh, agrees, all) = (self.fresh, disk.agreed == epoch, disk.log.len());
        self.owed.retain(|owed| {
            let Due::Have { epoch: of, end, fits, committed } = owed.what else { return true };
            let pays = of == epoch && owed.to == to && (!fits || length >= end);
            // What a number means that came after a gap it need not know.
            if pays && agrees && fits {
                fresh = fresh.max(committed.min(all));
            }
            !pays
        });
        self.fresh = fresh;
        self.around.told(epoch, length);
        Ok(())
    }

    /// It sends an append.
    fn ships(&mut self, to: NodeId, message: &Message, seen: &Seen<'_, PrimaryReplica>) -> Check {
        let Message::Append { epoch, from, entries: shipped, committed } = message else { return Ok(()) };
        let (me, step, disk) = (self.me, seen.number, &self.disk);
        if !self.named(*epoch) {
            let seen = format!("{me} sent an append of {epoch:?} to {to}, and the arbiter has not named it the primary of {epoch:?}");
            return Err(Broken::new(STOPS, seen).at([step]));
        }
        if *epoch < disk.epoch {
            let seen = format!("{me} had sealed {:?}, and sent {to} an append of {epoch:?}", disk.epoch);
            return Err(Broken::new(STOPS, seen).at([self.sealed_in, step]));
        }
        if disk.agreed != *epoch {
            let seen = format!("{me} leads {epoch:?} and sent {to} its log, and on its disk that log is agreed with {:?}", disk.agreed);
            return Err(Broken::new(TRUTH, seen).at([step]));
        }
        let end = from + shipped.len();
        let has = disk.log.get(*from..).unwrap_or_default();
        if *from > disk.log.len() || shipped != has {
            let all = entries(disk.log.len());
            let why = if end > disk.log.len() {
                format!("the append ends at {end}, and on its disk there are {all}")
            } else if has.starts_with(shipped) {
                format!("the append ends at {end}, and its log has {all}")
            } else {
                format!("the append has {shipped:?} after the first {from}, and on its disk there is {has:?}")
            };
            return Err(Broken::new(SHIPS, format!("{me} sent {to} an append of {epoch:?}: {why}")).at([step]));
        }
        let acknowledged = self.acknowledged(*epoch);
        if *committed > acknowledged.min(end) {
            let seen =
                format!("{me} told {to} that {} are acknowledged; {}", entries(*committed), self.who_has(*epoch, acknowledged.min(end)));
            return Err(Broken::new(BY_K, seen).at([step]));
        }
        if *committed < disk.committed {
            let (said, knows) = (entries(*committed), disk.committed);
            let seen = format!("{me} told {to} that {said} are known to be acknowledged, and knows of {knows}");
            return Err(Broken::new(CATCHES, seen).at([step]));
        }
        if let Some(lead) = self.lead.as_mut().filter(|lead| lead.epoch == *epoch)
            && lead.told.get(&to).is_none_or(|told| from <= told)
        {
            lead.silent.insert(to, seen.now);
        }
        self.around.shipped(*epoch, to, *from, end);
        Ok(())
    }

    /// Why no more than so many are acknowledged.
    fn who_has(&self, epoch: Epoch, most: usize) -> String {
        let haves: Vec<String> =
            self.heard.get(&epoch).into_iter().flat_map(|heard| &heard.haves).map(|(node, n)| format!("{node} has {n}")).collect();
        let k = crate::words::counted(self.config.acks, "replica");
        match haves[..] {
            [] => format!("as far as it knows {most} are, which {k} must have"),
            _ => format!("{k} must have them, and {}", haves.join(", ")),
        }
    }

    fn replies(&mut self, taken: &Taken<PrimaryReplica>, response: &Response, seen: &Seen<'_, PrimaryReplica>) -> Check {
        let (me, step, ticket) = (self.me, seen.number, taken.ticket);
        let value = self.writes.remove(&ticket);
        match response {
            Response::Written(length) => self.exchanges(ticket, value, |place| place == Some(*length)),
            Response::NotPrimary => self.exchanges(ticket, value, |place| place.is_none()),
            _ => {}
        }
        let place = self.places.get(&ticket).copied();
        match (&taken.request, response) {
            (Request::Write(value), Response::Written(length)) => {
                if place != Some(*length) {
                    let is = place.map_or("it is not in the log on its disk".to_owned(), |place| format!("it is entry {place}"));
                    let seen = format!("{me} answered Write({value}) with Written({length}), and {is}");
                    return Err(Broken::new(CLIENT, seen).at([taken.step, step]));
                }
                let acknowledged = self.acknowledged(self.disk.agreed);
                if *length > acknowledged {
                    let seen =
                        format!("{me} acknowledged Write({value}), entry {length}; {}", self.who_has(self.disk.agreed, acknowledged));
                    return Err(Broken::new(BY_K, seen).at([taken.step, step]));
                }
                self.met.add("writes acknowledged", 1);
                self.ripe.remove(&ticket);
                self.fresh = self.fresh.max(*length);
                Ok(())
            }
            (Request::Write(value), Response::NotPrimary) => {
                if let Some(place) = place {
                    let seen =
                        format!("{me} answered Write({value}) with NotPrimary, and had written it down as entry {place}: it may survive");
                    return Err(Broken::new(CLIENT, seen).at([taken.step, step]));
                }
                match self.lead.as_ref().filter(|lead| taken.since > lead.since + TAKES) {
                    Some(lead) => {
                        let seen = format!("{me} leads {:?}, and answered Write({value}) with NotPrimary", lead.epoch);
                        Err(Broken::new(LEADS, seen).at([lead.step, step]))
                    }
                    None => Ok(()),
                }
            }
            (Request::Read, Response::Known(length, last)) => self.reads(taken, *length, *last, step),
            (request, response) => Err(Broken::new(CLIENT, format!("{me} answered {request:?} with {response:?}")).at([taken.step, step])),
        }
    }

    /// Of writes of the same value nobody can tell which one stands where, before they are answered: it is as the answer says.
    fn exchanges(&mut self, ticket: Ticket, value: Option<u64>, fits: impl Fn(Option<usize>) -> bool) {
        let had = self.places.get(&ticket).copied();
        let other = |(other, of): &(&Ticket, &u64)| Some(**of) == value && fits(self.places.get(other).copied());
        let Some(other) = self.writes.iter().find(other).map(|(other, _)| *other).filter(|_| value.is_some() && !fits(had)) else { return };
        let theirs = self.places.remove(&other);
        self.places.remove(&ticket);
        for (ticket, place) in [(ticket, theirs), (other, had)] {
            self.places.extend(place.map(|place| (ticket, place)));
        }
        for (one, two) in [(ticket, other), (other, ticket)] {
            self.ripe.remove(&one);
            if self.ours.remove(&one) {
                self.ours.insert(two);
                break;
            }
        }
    }

    fn reads(&mut self, taken: &Taken<PrimaryReplica>, length: usize, last: Option<u64>, step: u64) -> Check {
        let (me, disk) = (self.me, &self.disk);
        let said = format!("{me} answered a Read with {:?}", Response::Known(length, last));
        let acknowledged = disk.log.len().min(self.acknowledged(disk.agreed));
        if length > acknowledged {
            let seen = format!("{said}, and as far as it knows {} of its log are acknowledged", entries(acknowledged));
            return Err(Broken::new(BY_K, seen).at([taken.step, step]));
        }
        if length > disk.committed {
            let seen = format!("{said}, and its disk knows of {}: after a crash it would show less", entries(disk.committed));
            return Err(Broken::new(READS, seen).at([taken.step, step]));
        }
        let is = length.checked_sub(1).and_then(|before| disk.log.get(before)).copied();
        if last != is {
            return Err(Broken::new(CLIENT, format!("{said}, and entry {length} is {is:?}")).at([taken.step, step]));
        }
        let (shown, when) = self.shown;
        if length < shown {
            return Err(Broken::new(READS, format!("{said}, and had shown {} before", entries(shown))).at([when, step]));
        }
        let floor = self.floors.remove(&taken.ticket).unwrap_or(0);
        if length < floor {
            let seen = format!("{said}, and knew before it was asked that {} are acknowledged", entries(floor));
            return Err(Broken::new(CATCHES, seen).at([taken.step, step]));
        }
        self.met.add("reads of what a primary has told", u64::from(length > 0 && self.lead.is_none()));
        self.shown = (length, step);
        Ok(())
    }

    fn forgets(&mut self) {
        self.owed.clear();
        self.writes.clear();
        self.places.clear();
        self.ours.clear();
        self.excused.clear();
        self.ripe.clear();
        self.floors.clear();
        self.lead = None;
        self.fresh = self.disk.committed;
    }

    /// Adds what it has met.
    pub fn counts(&self, coverage: &mut Coverage) {
        coverage.merge(&self.met);
    }
}

impl Spec<PrimaryReplica> for Ghost {
    fn step(&mut self, seen: &Seen<'_, PrimaryReplica>) -> Check {
        self.promised = false;
        if seen.is_start() {
            self.forgets();
        }
        let answers = self.open.step(seen)?;
        match seen.cause {
            Cause::Message { from, message, .. } => self.hears(from, message, seen),
            Cause::Request { ticket, request: Request::Write(value) } => {
                self.writes.insert(ticket, *value);
            }
            Cause::Request { ticket, request: Request::Read } => {
                self.floors.insert(ticket, self.fresh.max(self.disk.committed));
            }
            _ => {}
        }
        let mut answers = answers.iter();
        for effect in seen.effects {
            match effect {
                Effect::Save(saved) => self.saves(saved, seen)?,
                Effect::Send { to, message } => {
                    self.promised = true;
                    self.sends(*to, message, seen)?;
                }
                Effect::Reply { .. } => {
                    self.promised = true;
                    if let Some((taken, response)) = answers.next() {
                        self.replies(taken, response, seen)?;
                    }
                }
                _ => {}
            }
        }
        if seen.crashed {
            self.forgets();
        }
        Ok(())
    }

    fn time(&mut self, now: Time) -> Check {
        let (me, ms) = (self.me, TAKES.as_millis());
        if let Some(owed) = self.owed.iter().find(|owed| now > owed.since + TAKES + LATE) {
            let to = owed.to;
            let (rule, seen) = match owed.what {
                Due::Report(epoch) => (ANSWERS, format!("{me} was told to seal {epoch:?}, and has not reported within {ms} ms")),
                Due::Have { epoch, end, fits: true, .. } => (
                    CATCHES,
                    format!(
                        "{to} sent {me} an append of {epoch:?} that ends at {end}, and {me} has not said within {ms} ms that it has that much"
                    ),
                ),
                Due::Have { epoch, .. } => (
                    CATCHES,
                    format!(
                        "{to} sent {me} an append of {epoch:?} that does not fit, and {me} has not said within {ms} ms how much it has"
                    ),
                ),
            };
            return Err(Broken::new(rule, seen).at([owed.step]).unanswered());
        }
        if let Some((ticket, (_, step))) = self.ripe.iter().find(|(_, (since, _))| now > *since + TAKES + LATE) {
            let k = crate::words::counted(self.config.acks, "replica");
            let seen = format!("{k} have the write of request {ticket:?}, and {me} has not answered it within {ms} ms");
            return Err(Broken::new(ANSWERS, seen).at([*step]).unanswered());
        }
        let late = |taken: &&Taken<PrimaryReplica>| {
            let ticket = &taken.ticket;
            now > taken.since + TAKES + LATE && !self.places.contains_key(ticket) && !self.excused.contains(ticket)
        };
        if let Some(taken) = self.open.of.values().find(late) {
            let (ticket, request) = (taken.ticket, &taken.request);
            let leads = self.lead.as_ref().is_some_and(|lead| taken.since > lead.since) && *request != Request::Read;
            let (rule, what) = if leads { (LEADS, "neither saved nor refused") } else { (ANSWERS, "not answered") };
            let seen = format!("{me} took request {ticket:?}, {request:?}, and had {what} it {ms} ms later");
            return Err(Broken::new(rule, seen).at([taken.step]).unanswered());
        }
        if let Some(lead) = &self.lead
            && let Some((to, _)) = lead.silent.iter().find(|(_, since)| now > **since + BEAT + LATE)
        {
            let what = match lead.told.get(to) {
                Some(told) => format!("an append that begins where {to} said that it ends, at {told}, or before"),
                None => "an append".to_owned(),
            };
            let seen = format!("{me} leads {:?}, and has not sent {to} {what} for {} ms", lead.epoch, BEAT.as_millis());
            return Err(Broken::new(CATCHES, seen).at([lead.step]).unanswered());
        }
        Ok(())
    }
}
