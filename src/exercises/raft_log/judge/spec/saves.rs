//! What a save may change: the ballot as the election has it, and the log. A leader's grows by what clients asked for; a follower's becomes that of the
//! leader of the term, entry by entry.

use super::super::rules::{ACKED, APPEND, CONFLICT, ELECTION, LOWER, MATCHING, SAVED};
use super::{Ghost, term_at};
use crate::exercises::raft_log::{Entry, Message, RaftLog, Saved};
use crate::rule::{Broken, Check};
use crate::sim::Seen;
use crate::time::Time;

impl Ghost {
    pub(super) fn saves(&mut self, saved: &Saved, seen: &Seen<'_, RaftLog>) -> Check {
        let (me, step) = (self.me, seen.number);
        let (is, has) = (saved.ballot, self.disk.ballot);
        if is.term < has.term || is.term == has.term && has.voted_for.is_some() && is.voted_for != has.voted_for {
            let text =
                format!("{me} saved {is:?} over {has:?}: its term falls or its vote is forgotten, so it can vote again in that term");
            return Err(Broken::new(ELECTION, text).at([step]));
        }
        if self.lead.as_ref().is_some_and(|lead| lead.term == is.term) {
            self.appends(&saved.log, seen.now, step)?;
        } else if self.had_more(&saved.log) {
            // It led until now, and had this in its log already.
            self.lead = self.was.take();
            let check = self.appends(&saved.log, seen.now, step);
            self.was = self.lead.take();
            check?;
        } else {
            self.follows(saved, seen)?;
        }
        self.disk.clone_from(saved);
        Ok(())
    }

    /// Whether this is what it has on its disk, and behind that only entries of the term that it led last.
    fn had_more(&self, log: &[Entry]) -> bool {
        let disk = &self.disk.log;
        let more = log.get(disk.len()..).unwrap_or_default();
        let led = self.was.as_ref().map(|was| was.term);
        !more.is_empty() && log.starts_with(disk) && more.iter().all(|entry| Some(entry.term) == led)
    }

    /// As a leader: nothing that it had goes, and what comes is of its term and was asked for.
    fn appends(&mut self, log: &[Entry], now: Time, step: u64) -> Check {
        let me = self.me;
        let Some(lead) = &self.lead else { return Ok(()) };
        let term = lead.term;
        let same = log.iter().zip(&lead.log).take_while(|(a, b)| a == b).count();
        if same < log.len().min(lead.log.len()) || log.len() < self.disk.log.len() {
            let had = lead.log.get(same..).unwrap_or_default();
            let text = format!(
                "{me} leads term {term}, but saved a log of {} entries over one of {}: from entry {} on it had {had:?}, and now has {:?}",
                log.len(),
                lead.log.len(),
                same + 1,
                &log[same..]
            );
            return Err(Broken::new(APPEND, text).at([lead.step, step]));
        }
        self.puts(log.get(self.log().len()..).unwrap_or_default(), now, step)
    }

    /// A leader has these entries more than it had.
    pub(super) fn puts(&mut self, entries: &[Entry], now: Time, step: u64) -> Check {
        let me = self.me;
        for entry in entries {
            let Some(lead) = &mut self.lead else { return Ok(()) };
            let (index, term) = (lead.log.len() + 1, lead.term);
            if entry.term != term {
                let text =
                    format!("{me} leads term {term}, but put {entry:?} into its log as entry {index}: an entry has the term of its leader");
                return Err(Broken::new(MATCHING, text).at([lead.step, step]));
            }
            let all = lead.log.len();
            lead.log.push(*entry);
            // From now on they lack something.
            lead.followers.values_mut().filter(|follower| follower.matched == all).for_each(|follower| follower.helped = now);
            let Some(value) = entry.command else { continue };
            lead.open.insert(index);
            self.put.insert((index, term), value);
            match self.free.get_mut(&value).filter(|free| **free > 0) {
                Some(free) => *free -= 1,
                None => {
                    let text = format!(
                        "{me} put {entry:?} into its log as entry {index}, but no client that waits has asked for {value} once more"
                    );
                    return Err(Broken::new(ACKED, text).at([step]));
                }
            }
        }
        Ok(())
    }

    /// As a follower: an entry goes only where the leader of the term has another, and what comes is that leader's.
    fn follows(&mut self, saved: &Saved, seen: &Seen<'_, RaftLog>) -> Check {
        let (me, step, term) = (self.me, seen.number, saved.ballot.term);
        let (log, disk) = (&saved.log, &self.disk.log);
        let same = log.iter().zip(disk).take_while(|(a, b)| a == b).count();
        if same == log.len() && same == disk.len() {
            return Ok(());
        }
        let heard = self.heard.get(&term);
        let came = heard.map_or(step, |heard| heard.step);
        let theirs = |index: usize| heard.and_then(|heard| heard.terms.get(&index)).copied();
        let first = same + 1;
        let who = format!("the leader of term {term}");
        for (index, entry) in (first..).zip(&log[same..]) {
            let has = heard.and_then(|heard| heard.entries.get(&index));
            if has == Some(entry) {
                continue;
            }
            let older = self.heard.range(..term).rev().find(|(_, heard)| heard.entries.get(&index) == Some(entry)).map(|(older, _)| *older);
            let why = match (has, heard) {
                (Some(has), _) => format!("{who} has {has:?} there"),
                (None, Some(_)) => format!("{who} has sent nothing for that index"),
                (None, None) => format!("in term {term} no leader has sent it anything"),
            };
            let (rule, how) = match older {
                _ if disk.get(index - 1) == Some(entry) => (CONFLICT, "kept"),
                Some(_) => (LOWER, "took"),
                None => (MATCHING, "wrote"),
            };
            let from =
                older.filter(|_| rule == LOWER).map_or(String::new(), |older| format!(", as the leader of term {older} had sent it"));
            let text = format!("{me} {how} {entry:?} as entry {index}{from}, when its log changed from entry {first} on, but {why}");
            return Err(Broken::new(rule, text).at([came, step]));
        }
        let is_append = matches!(seen.message(), Some((_, Message::AppendEntries { .. })));
        if same < disk.len() && same == log.len() && !is_append {
            let what = &disk[same..];
            let text = format!(
                "{me} saved its log without {what:?}, from entry {first} on, which were on its disk, although no leader had sent it anything then"
            );
            return Err(Broken::new(SAVED, text).at([step]));
        }
        if same < disk.len() && (theirs(first).is_none() || theirs(first) == term_at(disk, first)) {
            let what = &disk[same..];
            let why = match theirs(first) {
                Some(_) => format!("{who} has the same entry {first}"),
                None => format!("{who} has not said that it has another entry {first}"),
            };
            let text = format!("{me} removed {what:?}, from entry {first} on, but {why}: these entries may be committed");
            return Err(Broken::new(CONFLICT, text).at([came, step]));
        }
        if same < log.len() && theirs(same) != term_at(disk, same) && theirs(same).is_some() {
            let text = format!(
                "{me} put {:?} after its entry {same}, which is of term {}, but in the log of {who} the entry before these is of term {}",
                &log[same..],
                term_at(disk, same).unwrap_or(0),
                theirs(same).unwrap_or(0)
            );
            return Err(Broken::new(MATCHING, text).at([came, step]));
        }
        self.met.add("conflicts", u64::from(same < disk.len() && same < log.len()));
        Ok(())
    }
}
