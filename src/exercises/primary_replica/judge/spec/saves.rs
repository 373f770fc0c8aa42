//! What a save may change.

use super::{Ghost, entries};
use crate::exercises::primary_replica::judge::rules::{ACKED, BY_K, CLIENT, DIVERGED, PREFIX, READS, SEALED, STOPS, TRUTH};
use crate::exercises::primary_replica::{PrimaryReplica, Saved};
use crate::rule::{Broken, Check};
use crate::sim::{Seen, Ticket};

impl Ghost {
    pub(super) fn saves(&mut self, saved: &Saved, seen: &Seen<'_, PrimaryReplica>) -> Check {
        let (me, step, disk) = (self.me, seen.number, &self.disk);
        if saved.epoch < disk.epoch {
            let seen = format!("{me} had sealed {:?}, but saved {:?} over that", disk.epoch, saved.epoch);
            return Err(Broken::new(SEALED, seen).at([self.sealed_in, step]));
        }
        if saved.epoch > disk.epoch.max(self.told) {
            let seen = format!("{me} saved that it has sealed {:?}, but nobody has told it of that epoch", saved.epoch);
            return Err(Broken::new(TRUTH, seen).at([step]));
        }
        if saved.agreed < disk.agreed || saved.agreed > saved.epoch {
            let was = format!("its log agreed with {:?}", disk.agreed);
            let seen =
                format!("{me} saved {:?} as the epoch in which it agreed, but {was}, and its epoch is {:?}", saved.agreed, saved.epoch);
            return Err(Broken::new(TRUTH, seen).at([step]));
        }
        if saved.log != disk.log || saved.agreed != disk.agreed {
            self.changes(saved, step)?;
        }
        let disk = &self.disk;
        if saved.committed < disk.committed {
            let seen = format!("{me} knew {} to be acknowledged, but saved {} over that", entries(disk.committed), saved.committed);
            return Err(Broken::new(READS, seen).at([step]));
        }
        let acknowledged = self.acknowledged(saved.agreed).min(saved.log.len());
        if saved.committed > acknowledged {
            let seen = format!(
                "{me} saved that {} of its {} are acknowledged; {}",
                saved.committed,
                entries(saved.log.len()),
                self.who_has(saved.agreed, acknowledged)
            );
            return Err(Broken::new(BY_K, seen).at([step]));
        }
        if saved.epoch > disk.epoch {
            self.met.add("epochs sealed", 1);
            self.sealed_in = step;
            if self.lead.take().is_some() {
                self.met.add("primaries that were replaced", 1);
                self.excused.extend(self.writes.keys());
            }
            // Nothing true can be said of its open writes, or of appends of before.
            self.ours.clear();
            self.ripe.clear();
            self.owed.retain(|owed| owed.what.epoch() >= saved.epoch);
        }
        self.disk = saved.clone();
        Ok(())
    }

    /// Its log is another one now, or that of another epoch.
    fn changes(&mut self, saved: &Saved, step: u64) -> Check {
        let (me, disk, of) = (self.me, &self.disk, saved.agreed);
        if of == disk.agreed && of < saved.epoch && !self.named(of) && disk.log.starts_with(&saved.log) {
            let had = entries(disk.log.len());
            let seen = format!(
                "{me} had {had} and kept {} of them before it had another primary's log: what went may be acknowledged",
                saved.log.len()
            );
            return Err(Broken::new(ACKED, seen).at([step]));
        }
        if of < disk.epoch {
            let rule = if self.named(of) { STOPS } else { SEALED };
            let seen = format!("{me} had sealed {:?}, but changed its log in {of:?}: {:?} became {:?}", disk.epoch, disk.log, saved.log);
            return Err(Broken::new(rule, seen).at([self.sealed_in, step]));
        }
        if self.named(of) {
            return self.writes(saved, step);
        }
        let Some((shortest, came)) = self.heard.get(&of).and_then(|heard| heard.shortest) else {
            let seen = format!(
                "{me} saved that its log agrees with {of:?}, but has heard nothing from that primary: {:?} became {:?}",
                disk.log, saved.log
            );
            return Err(Broken::new(TRUTH, seen).at([step]));
        };
        let agrees = of > disk.agreed;
        let kept = self.certain(of);
        if !saved.log.starts_with(&disk.log[..kept]) {
            let rule = if agrees { ACKED } else { PREFIX };
            let why = if agrees { "are acknowledged" } else { "are those of its primary" };
            let seen = format!("{me} had {:?}, of which the first {kept} {why}, but saved {:?} over that", disk.log, saved.log);
            return Err(Broken::new(rule, seen).at([step]));
        }
        for (at, is) in saved.log.iter().enumerate().skip(kept) {
            let brought = self.brought(of, at);
            if brought == Some(*is) {
                continue;
            }
            let why = match brought {
                Some(other) => format!("{of:?}'s primary has {other} there"),
                None => format!("no append of {of:?} has brought it"),
            };
            let was_there = agrees && disk.log.get(at) == Some(is);
            let (rule, how) = if was_there { (DIVERGED, "kept") } else { (PREFIX, "wrote") };
            let seen = format!("{me} {how} {is} as entry {} when it agreed with {of:?}, but {why}", at + 1);
            return Err(Broken::new(rule, seen).at([came, step]));
        }
        if saved.log.len() < shortest {
            let seen = format!(
                "{me} agreed with {of:?} and saved only {}; its primary had {shortest} when it sent them, and what is missing may be acknowledged",
                entries(saved.log.len())
            );
            return Err(Broken::new(ACKED, seen).at([came, step]));
        }
        self.met.add("suffixes that went", u64::from(agrees && !saved.log.starts_with(&disk.log)));
        Ok(())
    }

    /// As a primary: its log grows by what clients have asked for, and in no other way.
    fn writes(&mut self, saved: &Saved, step: u64) -> Check {
        let (me, disk) = (self.me, &self.disk);
        if !saved.log.starts_with(&disk.log) {
            let seen = format!(
                "{me} leads {:?} and had {:?}, but saved {:?} over that: what went may be acknowledged",
                saved.agreed, disk.log, saved.log
            );
            return Err(Broken::new(ACKED, seen).at([step]));
        }
        for (at, value) in saved.log.iter().enumerate().skip(disk.log.len()) {
            let waits = |(ticket, asked): &(&Ticket, &u64)| *asked == value && !self.places.contains_key(ticket);
            // One that need not be answered any more is the last that it could be.
            let ticket = self.writes.iter().filter(waits).map(|(ticket, _)| *ticket).min_by_key(|ticket| self.excused.contains(ticket));
            let Some(ticket) = ticket else {
                let seen = format!("{me} saved {value} as entry {}, but no client that still waits has asked for that", at + 1);
                return Err(Broken::new(CLIENT, seen).at([step]));
            };
            self.places.insert(ticket, at + 1);
            self.ours.insert(ticket);
        }
        Ok(())
    }
}
