//! What a node may answer to its clients, and when.

use super::{AGAIN, Ghost, LATE, Open, Read, TOO_EARLY, What, Write, names, shown, text, version};
use crate::exercises::quorum_write::judge::{ANSWERS, ENOUGH, FAILED, NEWEST, WRITTEN};
use crate::exercises::quorum_write::{Held, QuorumWrite, REPLICA_TAKES, Response, Version};
use crate::rule::{Broken, Check};
use crate::sim::{NodeId, Seen, Ticket};
use crate::time::Time;
use std::collections::BTreeMap;

impl Ghost {
    pub(super) fn replies(&mut self, ticket: Ticket, response: &Response, seen: &Seen<'_, QuorumWrite>) -> Check {
        let (me, step) = (self.me, seen.number);
        let Some(open) = self.open.remove(&ticket) else {
            return match self.answered.get(&ticket) {
                Some(first) => {
                    Err(Broken::new(ANSWERS, format!("{me} answered request {ticket:?} a second time, with {response:?}"))
                        .at([*first, step]))
                }
                None => Ok(()),
            };
        };
        self.answered.insert(ticket, step);
        match (&open.what, response) {
            (What::Write(write), Response::Written) => self.is_written(write, &open, step),
            (What::Write(write), Response::Failed) => {
                self.is_failed(write, &open, step)?;
                self.gave_up(&open, response, seen)
            }
            (What::Write(_), Response::Unknown) | (What::Read(_), Response::Unavailable) => self.gave_up(&open, response, seen),
            (What::Read(read), Response::Read(held)) => self.is_newest(read, &open, *held, step),
            (What::Write(write), _) => {
                Err(Broken::new(ANSWERS, format!("{me} answered the write of {} with {response:?}", text(Some(write.held)))).at([step]))
            }
            (What::Read(_), _) => Err(Broken::new(ANSWERS, format!("{me} answered a read with {response:?}")).at([step])),
        }
    }

    fn is_written(&mut self, write: &Write, open: &Open, step: u64) -> Check {
        let of = Some(write.held.version);
        let has = |i: usize| if i == self.me.index() { version(self.saved) >= of } else { self.peers[i] >= of };
        let by: Vec<NodeId> = (0..self.nodes).filter(|i| has(*i)).map(NodeId::from_index).collect();
        if by.len() < self.config.w {
            let seen = format!(
                "{} answered Written to {:?}, but as far as it could know, that was saved by {} ({})",
                self.me,
                write.held.version,
                names(by),
                self.quorums()
            );
            return Err(Broken::new(WRITTEN, seen).at([open.step, step]));
        }
        (self.met.written, self.promised) = (self.met.written + 1, true);
        Ok(())
    }

    fn is_failed(&mut self, write: &Write, open: &Open, step: u64) -> Check {
        let of = write.held.version;
        let why = if self.saved == Some(write.held) {
            "it had saved it".to_owned()
        } else if self.sent.contains(&of) {
            "it had sent Stores of it since it started, which some replica may have received or still receive".to_owned()
        } else if let Some((peer, when)) = write.shown {
            let text =
                format!("{} answered Failed to the write of {of:?}, which {peer} had shown it when it asked for that write", self.me);
            return Err(Broken::new(FAILED, text).at([open.step, when, step]));
        } else {
            if !self.told.contains(&of)
                && !self.open.values().any(|open| matches!(&open.what, What::Write(other) if other.held.version == of))
            {
                self.failed.insert(of, step);
            }
            return Ok(());
        };
        Err(Broken::new(FAILED, format!("{} answered Failed to the write of {of:?}, but {why}", self.me)).at([step]))
    }

    /// It answers that there was no quorum: then there was none, and it has looked for one.
    fn gave_up(&mut self, open: &Open, response: &Response, seen: &Seen<'_, QuorumWrite>) -> Check {
        if self.slept {
            return Ok(());
        }
        let me = self.me;
        let (by, need, shared) = match &open.what {
            What::Write(write) => (write.acked, self.config.w, write.shared),
            What::Read(read) => (read.in_time, self.config.r, read.renumbered),
        };
        let peers = || (0..self.nodes).map(NodeId::from_index).filter(|n| *n != me);
        let others = peers().filter(|n| by.has(*n)).count();
        let broken = |why: String| {
            let what = match &open.what {
                What::Write(write) => format!("the write of {}", text(Some(write.held))),
                What::Read(_) => "a read".to_owned(),
            };
            let text = format!("{me} answered {what} with {response:?}, {why} ({})", self.quorums());
            Err(Broken::new(ENOUGH, text).at([open.step, seen.number]))
        };
        let may_wait = self.in_company && open.itself.is_some_and(|at| seen.now <= at + AGAIN);
        if others + 1 >= need && !shared && !may_wait {
            let enough = match others {
                0 => "but its own replica is enough".to_owned(),
                _ => {
                    format!("but {} had answered in time: with {me} itself they are enough", names(peers().filter(|n| by.has(*n))))
                }
            };
            return broken(match open.itself {
                Some(at) if self.in_company => {
                    format!("{enough}; it asked itself by message, which can be lost, and not again after {at}")
                }
                _ => enough,
            });
        }
        if seen.now < open.since + TOO_EARLY {
            return broken(format!("{} ms after it took it: replicas that are up may need longer", seen.now.since(open.since).as_millis()));
        }
        // Who has acknowledged what is newer need not be asked for what is older.
        let known = |n: &NodeId| matches!(&open.what, What::Write(write) if self.peers[n.index()] >= Some(write.held.version));
        let skipped = peers().find(|n| !open.asked.has(*n) && !known(n));
        if let Some(skipped) = skipped.filter(|_| !shared) {
            return broken(format!("but had asked {skipped} nothing"));
        }
        if let Some((last, at)) = open.last.filter(|(last, at)| !shared && !known(last) && seen.now < *at + TOO_EARLY) {
            return broken(format!("but had asked {last} only {} ms before: it may need longer", seen.now.since(at).as_millis()));
        }
        *(if matches!(response, Response::Unavailable) { &mut self.met.unavailable } else { &mut self.met.unsure }) += 1;
        Ok(())
    }

    fn is_newest(&mut self, read: &Read, open: &Open, held: Option<Held>, step: u64) -> Check {
        let me = self.me;
        self.met.reads += 1;
        if let Some(held) = held {
            self.genuine(held, "answered a read with", step)?;
        }
        // Of what a replica has shown for it the oldest: which of it was counted, nobody knows.
        let mut of: BTreeMap<NodeId, Option<Version>> = BTreeMap::new();
        for (n, shown) in &read.heard {
            let least = of.entry(*n).or_insert(version(*shown));
            *least = (*least).min(version(*shown));
        }
        of.insert(me, version(read.own));
        let others: Vec<NodeId> = of.keys().copied().filter(|n| *n != me).collect();
        let who = || names(others.iter().copied().chain([me]));
        if of.len() < self.config.r {
            let seen = format!("{me} answered a read with {}, for which only {} had been heard ({})", text(held), who(), self.quorums());
            return Err(Broken::new(NEWEST, seen).at([open.step, step]));
        }
        let newer: Vec<NodeId> = of.iter().filter(|(_, v)| **v > version(held)).map(|(n, _)| *n).collect();
        if of.len() - newer.len() < self.config.r {
            let seen = format!(
                "{me} answered a read with {}, but of {}, which it had heard for it, {} held something newer: {} ({})",
                text(held),
                who(),
                names(newer.iter().copied()),
                shown(newer.iter().filter_map(|n| of[n]).max()),
                self.quorums()
            );
            return Err(Broken::new(NEWEST, seen).at([open.step, step]));
        }
        // Its own replica may hold what it has not saved yet, or has held and saved since what is overwritten by now: also what came
        // long before the read, if the node stood still in between.
        let lately = |(h, at): &(Held, Time)| Some(*h) == held && *at + REPLICA_TAKES + LATE >= open.since;
        let since = |(h, at): &(Held, u64)| Some(*h) == held && *at >= open.step;
        let own = held == read.own || held == self.saved || self.saves.iter().any(since) || self.brought.iter().any(lately);
        if !own && !read.heard.iter().any(|(_, h)| *h == held) {
            let seen = format!("{me} answered a read with {}, which none of {} had shown it for this read", text(held), who());
            return Err(Broken::new(NEWEST, seen).at([open.step, step]));
        }
        Ok(())
    }
}
