//! What may leave a node: appends, what it says that it has, refusals, and answers.

use super::super::rules::{ACKED, ANSWERS, BUDGET, CATCHES, CONFLICT, COUNTS, ELECTION, LOWER, MATCHING, REPLICATES, SAVED};
use super::{Ghost, term_at};
use crate::exercises::raft_log::{EntryId, Message, RaftLog, Response, TAKES};
use crate::rule::{Broken, Check};
use crate::sim::{Effect, NodeId, Seen, Ticket};

impl Ghost {
    pub(super) fn sends(&mut self, to: NodeId, message: &Message, is_timer: bool, seen: &Seen<'_, RaftLog>) -> Check {
        let (me, now, step) = (self.me, seen.now, seen.number);
        if to == me {
            return Ok(());
        }
        if message.term() > self.term() {
            let text = format!("{me} sent {to} {message:?}, but its disk is of term {}", self.term());
            return Err(Broken::new(ELECTION, text).at([step]));
        }
        match message {
            Message::RequestVote { term, last } => {
                let is = EntryId::last(&self.disk.log);
                if *last != is {
                    let text = format!("{me} asked {to} for its vote with {last:?}, and its log on the disk ends with {is:?}");
                    return Err(Broken::new(ELECTION, text).at([step]));
                }
                if !is_timer {
                    let text = format!("{me} began the election of term {term}, but Timer::Election had not fired");
                    return Err(Broken::new(ELECTION, text).at([step]));
                }
                if self.ran_in != Some(*term) {
                    self.turns();
                }
                (self.ran_in, self.quiet_since) = (Some(*term), (now, step));
                self.around.asks(to, *term);
                Ok(())
            }
            Message::RequestVoteReply { granted, .. } => {
                if *granted {
                    self.quiet_since = (now, step);
                }
                Ok(())
            }
            Message::AppendEntries { .. } => self.ships(to, message, seen),
            Message::Matches { term, index } => self.agrees(to, *term, *index, seen),
            Message::Refused { term, prev, hint } => self.refuses(to, *term, *prev, *hint, seen),
        }
    }

    fn ships(&mut self, to: NodeId, message: &Message, seen: &Seen<'_, RaftLog>) -> Check {
        let (me, now, step) = (self.me, seen.now, seen.number);
        let Message::AppendEntries { term, prev, entries, commit } = message else { return Ok(()) };
        let Some(lead) = self.lead.as_ref().filter(|lead| lead.term == *term) else {
            let text = format!("{me} sent {to} an AppendEntries of term {term}, but no majority has made it the leader of that term");
            return Err(Broken::new(ELECTION, text).at([step]));
        };
        let end = prev.index + entries.len();
        let has = term_at(&lead.log, prev.index);
        if has != Some(prev.term) {
            let is = has.map_or("its log ends before that".to_owned(), |has| format!("its entry {} is of term {has}", prev.index));
            let text = format!("{me} sent {to} entries after {prev:?}, but {is}");
            return Err(Broken::new(MATCHING, text).at([step]));
        }
        let mine = &lead.log[prev.index..];
        let same = mine.len().min(entries.len());
        if let Some(at) = (0..same).find(|at| mine[*at] != entries[*at]) {
            let index = prev.index + at + 1;
            let text = format!("{me} sent {to} {:?} as entry {index}, and in its log that is {:?}", entries[at], mine[at]);
            return Err(Broken::new(MATCHING, text).at([step]));
        }
        // What it sends before it has saved it is in its log all the same: it alone cannot count it yet.
        self.puts(&entries[same..], now, step)?;
        if *commit > self.known {
            return Err(self.too_far(*commit, &format!("{me} told {to} that {commit} entries are committed"), step));
        }
        let old = self.knew.iter().rev().find(|(at, _)| *at + TAKES + super::LATE < now).map_or(0, |(_, knew)| *knew);
        let is_applied = self.unapplied.is_none();
        let Some(follower) = self.follower(*term, to) else { return Ok(()) };
        // One that has not taken it for committed itself is late in that, which is another mistake.
        if *commit < old.min(follower.matched) && is_applied {
            let text = format!(
                "{me} told {to} that {commit} entries are committed, but has known for more than {} ms that {old} are, of which {to} has {}",
                TAKES.as_millis(),
                old.min(follower.matched)
            );
            return Err(Broken::new(REPLICATES, text).at([step]));
        }
        if !entries.is_empty() && prev.index < follower.matched {
            let text = format!(
                "{me} sent {to} entries {} to {end}, but {to} had told it in this term that it has the first {}",
                prev.index + 1,
                follower.matched
            );
            return Err(Broken::new(BUDGET, text).at([step]));
        }
        if let Some((refused, when)) = follower.refused.filter(|(refused, _)| prev.index >= *refused) {
            let text = format!("{me} sent {to} entries after index {}, but {to} had refused index {refused}: it must go back", prev.index);
            if let Some((stale, said)) = follower.stale {
                let text = format!(
                    "{text}; {to} had said that it has the first {stale}, but for an older term, which says nothing about this one"
                );
                return Err(Broken::new(LOWER, text).at([when, said, step]));
            }
            return Err(Broken::new(CATCHES, text).at([when, step]));
        }
        follower.refused = None;
        (follower.last_prev, follower.beaten) = (Some(prev.index), Some(now));
        if end > follower.matched {
            follower.helped = now;
        }
        self.around.ships(to, *term, *prev, end);
        Ok(())
    }

    /// It says how far its log is as the leader's.
    fn agrees(&mut self, to: NodeId, term: u64, index: usize, seen: &Seen<'_, RaftLog>) -> Check {
        let (me, is, step) = (self.me, self.term(), seen.number);
        if term < is {
            let text = format!("{me} told {to} that its log matches that of term {term} up to {index}, but its own term is {is}");
            return Err(Broken::new(LOWER, text).at([step]));
        }
        // What is committed is in the log of every later leader.
        let certain = self.certain(term).max(self.known.min(self.disk.log.len()));
        if index > certain {
            let (has, heard) = (self.disk.log.len(), self.heard.get(&term));
            let came = heard.map_or(step, |heard| heard.step);
            let said = format!("{me} told {to} that its log is the same as that of term {term}'s leader up to {index}");
            if index > has {
                let text = format!("{said}, but on its disk there are only {}", super::entries(has));
                return Err(Broken::new(SAVED, text).at([came, step]));
            }
            let their = heard.and_then(|heard| heard.terms.get(&index));
            let why = match (their, term_at(&self.disk.log, index)) {
                (Some(their), Some(mine)) => {
                    format!("entry {index} is of term {mine} on its disk, and of term {their} in the leader's log")
                }
                _ => format!("what that leader has sent says so up to {certain} only, whatever else is in its own log"),
            };
            // Is it saved later in this step, or was its own entry kept?
            let comes = |effect: &Effect<RaftLog>| matches!(effect, Effect::Save(saved) if term_at(&saved.log, index) == their.copied());
            let rule = match their {
                Some(_) if seen.effects.iter().any(comes) => SAVED,
                Some(_) => CONFLICT,
                None => MATCHING,
            };
            return Err(Broken::new(rule, format!("{said}; {why}")).at([came, step]));
        }
        self.owed
            .retain(|owed| !(owed.to == to && owed.term <= term && (owed.end <= index || owed.prev < self.known && self.known <= index)));
        self.around.told(term, index);
        Ok(())
    }

    fn refuses(&mut self, to: NodeId, term: u64, prev: usize, hint: Option<EntryId>, seen: &Seen<'_, RaftLog>) -> Check {
        let (me, step) = (self.me, seen.number);
        let log = &self.disk.log;
        let now_fits = |m: &Message| matches!(m, Message::AppendEntries { term: of, prev: p, .. } if *of == term && p.index == prev && term_at(log, p.index) == Some(p.term));
        if let Some((_, m)) = seen.message().filter(|(from, m)| *from == to && now_fits(m)) {
            let text = format!("{me} refused {m:?}, but its entry {prev} is the same as the leader's: what comes after it fits");
            return Err(Broken::new(MATCHING, text).at([step]));
        }
        let owes = |owed: &super::Owed| (owed.to, owed.term, owed.prev, owed.fits) == (to, term, prev, false);
        if let Some(hint) = hint.filter(|_| self.owed.iter().any(owes)) {
            let is = match term_at(log, prev) {
                Some(of) => EntryId { index: log.partition_point(|entry| entry.term < of) + 1, term: of },
                None => EntryId { index: log.len() + 1, term: 0 },
            };
            if hint != is {
                let has = match term_at(log, prev) {
                    Some(of) => format!("its entry {prev} is of term {of}, and so is every one from {} on", is.index),
                    None => format!("its log ends with index {}", log.len()),
                };
                let text = format!("{me} refused the entries after index {prev} with the hint {hint:?}; {has}: that would be {is:?}");
                return Err(Broken::new(CATCHES, text).at([step]));
            }
        }
        self.owed.retain(|owed| !(owed.to == to && owed.term <= term && owed.prev == prev && !owed.fits));
        Ok(())
    }

    pub(super) fn replies(&mut self, ticket: Ticket, response: &Response, seen: &Seen<'_, RaftLog>) -> Check {
        let (me, step) = (self.me, seen.number);
        if !self.answered.insert(ticket) {
            let text = format!("{me} answered request {ticket:?} a second time, with {response:?}");
            return Err(Broken::new(ANSWERS, text).at([step]));
        }
        let Some(asked) = self.asked.remove(&ticket) else { return Ok(()) };
        let value = asked.value;
        match response {
            Response::NotLeader => {
                if let Some(term) = asked.term.filter(|_| asked.led_for > TAKES && self.lead.as_ref().map(|lead| lead.term) == asked.term) {
                    let text = format!("{me} leads term {term}, but answered Write({value}) with NotLeader");
                    return Err(Broken::new(REPLICATES, text).at([asked.step, step]));
                }
                self.will_not(value, &asked, step)
            }
            Response::Applied { index } => {
                let log = &self.disk.log;
                let is = index.checked_sub(1).and_then(|at| log.get(at)).copied();
                if is.and_then(|entry| entry.command) != Some(value)
                    || !is.is_some_and(|entry| self.put.contains_key(&(*index, entry.term)))
                {
                    let why = match is {
                        Some(entry) if entry.command == Some(value) => {
                            format!("entry {index} is {entry:?}, which is not there for this request")
                        }
                        Some(entry) => format!("entry {index} is {entry:?}"),
                        None => format!("its log on the disk has {}", super::entries(log.len())),
                    };
                    let text = format!("{me} answered Write({value}) with {response:?}, but {why}");
                    // What it has sent and not saved it may not count for itself.
                    let is_unsaved = self.log().get(index.saturating_sub(1)).is_some_and(|entry| entry.command == Some(value));
                    let rule = if is.is_none() && is_unsaved { COUNTS } else { ACKED };
                    return Err(Broken::new(rule, text).at([asked.step, step]));
                }
                let commands = log.iter().take(*index).filter(|entry| entry.command.is_some()).count();
                if *index > self.known {
                    let did = format!("{me} answered Write({value}) with {response:?}");
                    let broken = self.too_far(*index, &did, step);
                    // Does it take the entry for committed, or answer without asking for that?
                    let is_applied = seen.view.is_some_and(|view| view.applied.len() >= commands);
                    return Err(if broken.rule == COUNTS && !is_applied { Broken { rule: ACKED, ..broken } } else { broken });
                }
                if let Some(view) = seen.view.filter(|view| view.applied.len() < commands) {
                    let text = format!(
                        "{me} answered Write({value}) with {response:?}, but has applied only {} commands, {:?}",
                        view.applied.len(),
                        view.applied
                    );
                    return Err(Broken::new(ACKED, text).at([step]));
                }
                is.and_then(|entry| self.put.remove(&(*index, entry.term)));
                if let Some(lead) = &mut self.lead {
                    lead.open.remove(index);
                    lead.ripe.remove(index);
                }
                self.met.add("entries acknowledged to clients", 1);
                Ok(())
            }
        }
    }

    /// A write that is refused is in no log, or at a place where another entry is committed.
    fn will_not(&mut self, value: u64, asked: &super::Asked, step: u64) -> Check {
        if let Some(free) = self.free.get_mut(&value).filter(|free| **free > 0) {
            *free -= 1;
            return Ok(());
        }
        let me = self.me;
        let log = &self.disk.log;
        let gone = |index: usize, term: u64| index <= self.known && term_at(log, index).is_some_and(|is| is != term);
        let lost = self.put.iter().find(|((index, term), put)| **put == value && gone(*index, *term)).map(|(at, _)| *at);
        if let Some(at) = lost {
            self.put.remove(&at);
            return Ok(());
        }
        let text = format!("{me} answered Write({value}) with NotLeader, but had put it into its log: it may still be committed");
        Err(Broken::new(ACKED, text).at([asked.step, step]))
    }
}
