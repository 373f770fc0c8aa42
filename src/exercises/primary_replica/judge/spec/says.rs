//! What may leave a node: reports, what it says that it has, appends, and answers.

use super::{Due, Ghost, entries};
use crate::exercises::kit::Taken;
use crate::exercises::primary_replica::judge::rules::{BY_K, CATCHES, CLIENT, LEADS, READS, SEALED, SHIPS, STOPS, TRUTH};
use crate::exercises::primary_replica::{Epoch, Message, PrimaryReplica, Request, Response, TAKES};
use crate::rule::{Broken, Check};
use crate::sim::{NodeId, Seen, Ticket};
use crate::words::counted;

impl Ghost {
    pub(super) fn sends(&mut self, to: NodeId, message: &Message, seen: &Seen<'_, PrimaryReplica>) -> Check {
        let (me, step) = (self.me, seen.number);
        let disk = &self.disk;
        match message {
            Message::Report { epoch, agreed, length } => {
                if *epoch > disk.epoch {
                    let seen = format!("{me} reported that it has sealed {epoch:?}, but its disk says {:?}", disk.epoch);
                    return Err(Broken::new(SEALED, seen).at([step]));
                }
                if *epoch == disk.epoch && (*agreed, *length) != (disk.agreed, disk.log.len()) {
                    let (is, has) = (disk.agreed, entries(disk.log.len()));
                    let said = entries(*length);
                    let seen = format!("{me} reported {said}, agreed with {agreed:?}, but on its disk it has {has}, agreed with {is:?}");
                    return Err(Broken::new(TRUTH, seen).at([step]));
                }
                self.reported.insert(*epoch);
                self.owed.retain(|owed| owed.what != Due::Report(*epoch));
                Ok(())
            }
            Message::Have { epoch, length } => self.has(*epoch, *length, to, step),
            Message::Append { .. } => self.ships(to, message, seen),
            Message::Seal(_) | Message::Lead(_) => {
                let seen = format!("{me} sent {message:?} to {to}; only the arbiter may send that");
                Err(Broken::new(STOPS, seen).at([step]))
            }
        }
    }

    /// It tells a primary how much it has.
    fn has(&mut self, epoch: Epoch, length: usize, to: NodeId, step: u64) -> Check {
        let (me, disk) = (self.me, &self.disk);
        if epoch < disk.epoch {
            let seen = format!("{me} had sealed {:?}, but told {to} that it has {} of {epoch:?}", disk.epoch, entries(length));
            return Err(Broken::new(SEALED, seen).at([self.sealed_in, step]));
        }
        if epoch > disk.epoch {
            let seen = format!(
                "{me} told {to} what it has in {epoch:?}, but its disk says {:?}: it could still take what an older primary sends",
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
            let pays = of == epoch && owed.to == to && (!fits || length >= end && agrees);
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
            let seen = format!("{me} sent an append of {epoch:?} to {to}, but the arbiter has not named it the primary of {epoch:?}");
            return Err(Broken::new(STOPS, seen).at([step]));
        }
        if *epoch < disk.epoch {
            let seen = format!("{me} had sealed {:?}, but sent {to} an append of {epoch:?}", disk.epoch);
            return Err(Broken::new(STOPS, seen).at([self.sealed_in, step]));
        }
        if disk.agreed != *epoch {
            let seen = format!("{me} leads {epoch:?} and sent {to} its log, but on its disk that log agrees with {:?}", disk.agreed);
            return Err(Broken::new(TRUTH, seen).at([step]));
        }
        let end = from + shipped.len();
        let has = disk.log.get(*from..).unwrap_or_default();
        if *from > disk.log.len() || shipped != has {
            let all = entries(disk.log.len());
            let why = if end > disk.log.len() {
                format!("the append ends at {end}, but on its disk there are {all}")
            } else if has.starts_with(shipped) {
                format!("the append ends at {end}, but its log has {all}")
            } else {
                format!("the append has {shipped:?} after the first {from}, but on its disk there is {has:?}")
            };
            return Err(Broken::new(SHIPS, format!("{me} sent {to} an append of {epoch:?}: {why}")).at([step]));
        }
        let acknowledged = self.acknowledged(*epoch);
        if *committed > acknowledged.min(end) {
            let seen =
                format!("{me} told {to} to take {} for acknowledged; {}", entries(*committed), self.who_has(*epoch, acknowledged.min(end)));
            return Err(Broken::new(BY_K, seen).at([step]));
        }
        if *committed < disk.committed {
            let (said, knows) = (entries(*committed), disk.committed);
            let seen = format!("{me} told {to} of {said} known to be acknowledged, but knows of {knows}");
            return Err(Broken::new(CATCHES, seen).at([step]));
        }
        if let Some(lead) = self.lead.as_mut().filter(|lead| lead.epoch == *epoch) {
            lead.has_shipped = true;
            if lead.told.get(&to).is_none_or(|told| from <= told) {
                lead.silent.insert(to, seen.now);
            }
        }
        self.around.shipped(*epoch, to, *from, end);
        Ok(())
    }

    /// Why no more than so many are acknowledged.
    pub(super) fn who_has(&self, epoch: Epoch, most: usize) -> String {
        let haves: Vec<String> =
            self.heard.get(&epoch).into_iter().flat_map(|heard| &heard.haves).map(|(node, n)| format!("{node} has {n}")).collect();
        let k = counted(self.config.acks, "replica");
        match haves[..] {
            [] => format!("as far as it knows, only {most} are acknowledged ({k} must have each)"),
            _ => format!("{k} must have them, but {}", haves.join(", ")),
        }
    }

    pub(super) fn replies(&mut self, taken: &Taken<PrimaryReplica>, response: &Response, seen: &Seen<'_, PrimaryReplica>) -> Check {
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
                    let seen = format!("{me} answered Write({value}) with Written({length}), but {is}");
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
                    let seen = format!("{me} answered Write({value}) with NotPrimary, but had saved it as entry {place}: it may survive");
                    return Err(Broken::new(CLIENT, seen).at([taken.step, step]));
                }
                match self.lead.as_ref().filter(|lead| taken.since > lead.since + TAKES) {
                    Some(lead) => {
                        let seen = format!("{me} leads {:?}, but answered Write({value}) with NotPrimary", lead.epoch);
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
        if value.is_none() || fits(had) {
            return;
        }
        let same = self.writes.iter().filter(|(other, of)| Some(**of) == value && fits(self.places.get(other).copied()));
        let Some(other) = same.map(|(other, _)| *other).min_by_key(|other| self.excused.contains(other)) else { return };
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
            let seen = format!("{said}, but as far as it knows only {} of its log are acknowledged", entries(acknowledged));
            return Err(Broken::new(BY_K, seen).at([taken.step, step]));
        }
        if length > disk.committed {
            let seen = format!("{said}, but its disk knows of only {}: after a crash it would show less", entries(disk.committed));
            return Err(Broken::new(READS, seen).at([taken.step, step]));
        }
        let is = length.checked_sub(1).and_then(|before| disk.log.get(before)).copied();
        if last != is {
            return Err(Broken::new(CLIENT, format!("{said}, but entry {length} is {is:?}")).at([taken.step, step]));
        }
        let (shown, when) = self.shown;
        if length < shown {
            return Err(Broken::new(READS, format!("{said}, but had shown {} before", entries(shown))).at([when, step]));
        }
        let floor = self.floors.remove(&taken.ticket).unwrap_or(0);
        if length < floor {
            let seen = format!("{said}, but knew before it was asked that {} are acknowledged", entries(floor));
            let rule = if self.lead.is_some() { BY_K } else { CATCHES };
            return Err(Broken::new(rule, seen).at([taken.step, step]));
        }
        self.met.add("reads of what a primary has told", u64::from(length > 0 && self.lead.is_none()));
        self.shown = (length, step);
        Ok(())
    }
}
