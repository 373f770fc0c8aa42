//! What a node may answer to its clients, and when.

use super::{Ghost, LATE, Open, Read, TOO_EARLY, What, Write, names, shown, version};
use crate::exercises::quorum_write::judge::script::text;
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
                self.is_failed(write, step)?;
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
                "{} answered Written to {:?}, and as far as it could know that was saved by {} ({})",
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

    fn is_failed(&mut self, write: &Write, step: u64) -> Check {
        let of = write.held.version;
        let why = if self.saved == Some(write.held) {
            "it had saved it"
        } else if self.sent.contains(&of) {
            "it had sent Stores of it since it started, which somebody may have or yet receive"
        } else {
            if !self.told.contains(&of)
                && !self.open.values().any(|open| matches!(&open.what, What::Write(other) if other.held.version == of))
            {
                self.failed.insert(of, step);
            }
            return Ok(());
        };
        Err(Broken::new(FAILED, format!("{} answered Failed to the write of {of:?}, and {why}", self.me)).at([step]))
    }

    /// It answers that there was no quorum: then there was none, and it has looked for one.
    fn gave_up(&mut self, open: &Open, response: &Response, seen: &Seen<'_, QuorumWrite>) -> Check {
        let me = self.me;
        let (what, by, need, shared) = match &open.what {
            What::Write(write) => (format!("the write of {}", text(Some(write.held))), &write.acked, self.config.w, write.shared),
            What::Read(read) => ("a read".to_owned(), &read.in_time, self.config.r, read.renumbered),
        };
        let others = by.iter().filter(|n| **n != me).count();
        let broken = |why: String| {
            let text = format!("{me} answered {what} with {response:?}, {why} ({})", self.quorums());
            Err(Broken::new(ENOUGH, text).at([open.step, seen.number]))
        };
        if others + 1 >= need && !shared {
            return broken(match others {
                0 => "and its own replica is enough".to_owned(),
                _ => {
                    format!("and {} had answered in time: with {me} itself they are enough", names(by.iter().copied().filter(|n| *n != me)))
                }
            });
        }
        if seen.now < open.since + TOO_EARLY {
            return broken(format!("{} ms after it took it: those who are up may need longer", seen.now.since(open.since).as_millis()));
        }
        let skipped = (0..self.nodes).map(NodeId::from_index).find(|n| *n != me && !open.asked.contains(n));
        if let Some(skipped) = skipped.filter(|_| !shared) {
            return broken(format!("and had asked {skipped} nothing"));
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
        let mut of: BTreeMap<NodeId, Option<Version>> =
            read.heard.iter().map(|(n, shown)| (*n, shown.iter().map(|h| version(*h)).min().flatten())).collect();
        of.insert(me, version(read.own));
        let who = || names(read.heard.keys().copied().filter(|n| *n != me).chain([me]));
        if of.len() < self.config.r {
            let seen = format!("{me} answered a read with {}, for which only {} had been heard ({})", text(held), who(), self.quorums());
            return Err(Broken::new(NEWEST, seen).at([open.step, step]));
        }
        let newer: Vec<NodeId> = of.iter().filter(|(_, v)| **v > version(held)).map(|(n, _)| *n).collect();
        if of.len() - newer.len() < self.config.r {
            let seen = format!(
                "{me} answered a read with {}, and of {}, whom it had heard for it, {} held something newer: {} ({})",
                text(held),
                who(),
                names(newer.iter().copied()),
                shown(newer.iter().filter_map(|n| of[n]).max()),
                self.quorums()
            );
            return Err(Broken::new(NEWEST, seen).at([open.step, step]));
        }
        // Its own replica may hold what it has not saved yet.
        let lately = |(h, at): &(Held, Time)| Some(*h) == held && *at + REPLICA_TAKES + LATE >= open.since;
        let own = held == read.own || held == self.saved || self.brought.iter().any(lately);
        if !own && !read.heard.values().flatten().any(|h| *h == held) {
            let seen = format!("{me} answered a read with {}, which none of {} had shown it for this read", text(held), who());
            return Err(Broken::new(NEWEST, seen).at([open.step, step]));
        }
        Ok(())
    }
}
