//! What a node lets be seen: what its election is, and what it has applied; and why something that it takes for committed is not.

use super::super::rules::{COUNTS, ELECTION, LOWER, MACHINE, OWN};
use super::{Ghost, term_at};
use crate::exercises::raft_log::{Message, RaftLog, Role};
use crate::rule::{Broken, Check};
use crate::sim::Seen;

impl Ghost {
    /// What it shows itself to be must follow from what it has heard: its election is ours, and knows.
    pub(super) fn shows(&mut self, seen: &Seen<'_, RaftLog>) -> Check {
        let Some(view) = seen.view else { return Ok(()) };
        let (me, step) = (self.me, seen.number);
        let broken = |text: String| Err(Broken::new(ELECTION, text).at([step]));
        if view.ballot != self.disk.ballot {
            let (is, has) = (view.ballot, self.disk.ballot);
            let what = if seen.is_start() { "starts with" } else { "has" };
            return broken(format!("{me}'s election {what} {is:?}, but on its disk there is {has:?}"));
        }
        if let Some((from, message)) = seen.message() {
            let term = message.term();
            if term > view.ballot.term {
                return broken(format!("{me} heard {message:?} from {from}, but its election is still in term {}", view.ballot.term));
            }
            let is_vote = matches!(message, Message::RequestVote { .. });
            let answered = seen.sent().any(|(to, m)| to == from && matches!(m, Message::RequestVoteReply { .. }));
            if is_vote && !answered {
                return broken(format!("{me} was asked by {from} for its vote, but its election did not answer: it was not told"));
            }
            let is_append = matches!(message, Message::AppendEntries { .. }) && term == view.ballot.term;
            if is_append && view.role != Role::Follower {
                return broken(format!("{me} heard {from}, the leader of term {term}, but its election is still {:?}", view.role));
            }
        }
        match &self.lead {
            Some(lead) if view.role != Role::Leader => {
                let text =
                    format!("a majority has voted for {me} in term {}, but its election is {:?}: it was not told", lead.term, view.role);
                broken(text)
            }
            None if view.role == Role::Leader => broken(format!("{me} leads term {}, but no majority has voted for it", view.ballot.term)),
            _ => Ok(()),
        }
    }

    /// What it has applied: the commands of the log, from the first on, as far as that is known to be committed.
    pub(super) fn applies(&mut self, seen: &Seen<'_, RaftLog>) -> Check {
        let Some(view) = seen.view else { return Ok(()) };
        let (me, step) = (self.me, seen.number);
        let before = self.view.as_ref().map_or(&[][..], |view| &view.applied);
        if view.applied == before {
            return Ok(());
        }
        if !view.applied.starts_with(before) {
            let text = format!("{me} had applied {before:?}, but now shows {:?}: what was applied must not be undone", view.applied);
            return Err(Broken::new(MACHINE, text).at([step]));
        }
        let at = before.len();
        let now = &view.applied[at..];
        let commands = self.disk.log.iter().enumerate().filter_map(|(i, entry)| Some((i + 1, entry.command?)));
        let mut should = commands.skip(at);
        for (done, is) in (at + 1..).zip(now) {
            let Some((index, command)) = should.next() else {
                let text = format!("{me} applied {is} as command {done}, but its log on the disk has only {} of them", done - 1);
                return Err(Broken::new(MACHINE, text).at([step]));
            };
            if index > self.known {
                return Err(self.too_far(
                    index,
                    &format!("{me} had applied {before:?} and then applied {is}, where entry {index} comes next"),
                    step,
                ));
            }
            if command != *is {
                let entry = self.disk.log[index - 1];
                let text = format!("{me} applied {is} as command {done}; the next that is not applied yet is entry {index}, {entry:?}");
                return Err(Broken::new(MACHINE, text).at([step]));
            }
        }
        if self.lead.is_none() {
            self.met.add("entries applied as a follower", now.len() as u64);
        }
        Ok(())
    }

    /// It takes something for committed that is not, as far as it can know: which rule that breaks, and why.
    pub(super) fn too_far(&self, index: usize, did: &str, step: u64) -> Broken {
        let known = self.known;
        let Some(lead) = &self.lead else {
            let certain = self.certain(self.term());
            let said = self.heard.get(&self.term()).map_or(0, |heard| heard.commit);
            let text = if said >= index {
                format!(
                    "{did}; the leader of term {} says that {said} are committed, but of its log only the first {certain} are known to be on this disk",
                    self.term()
                )
            } else {
                format!("{did}; the last index that it has been told is committed is {known}")
            };
            return Broken::new(MACHINE, text).at([self.heard.get(&self.term()).map_or(step, |heard| heard.step), step]);
        };
        let counted = self.counted();
        let has: Vec<String> = lead.followers.iter().map(|(node, f)| format!("{node} has {}", f.matched)).collect();
        let own = format!("on its own disk there are {}", self.disk.log.len());
        if index <= counted
            && let Some(of) = term_at(&lead.log, counted)
        {
            let text = format!(
                "{did}; it leads term {}, and a majority has the first {counted} ({}), but entry {counted} is of term {of}: only an entry of its own term is \
                 committed by counting, together with what comes before it",
                lead.term,
                has.join(", ")
            );
            return Broken::new(OWN, text).at([lead.step, step]);
        }
        let stale = lead.followers.iter().filter_map(|(node, follower)| Some((node, follower.stale?)));
        if let Some((node, (stale, when))) = stale.max_by_key(|(_, stale)| *stale).filter(|(_, (stale, _))| *stale >= index) {
            let text = format!(
                "{did}; in term {} its followers have said this: {}; {node} has said {stale}, but for an older term, which says nothing about this one",
                lead.term,
                has.join(", ")
            );
            return Broken::new(LOWER, text).at([when, step]);
        }
        let text = format!(
            "{did}; in term {} its followers have said this: {}; {own}; {} of {} must have it, and only {known} are known to be committed",
            lead.term,
            has.join(", "),
            self.majority(),
            self.nodes
        );
        Broken::new(COUNTS, text).at([lead.step, step])
    }
}
