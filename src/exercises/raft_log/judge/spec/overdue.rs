//! What a node owes, and has not done in time.

use super::super::rules::{ANSWERS, COUNTS, ELECTION, MACHINE, REPLICATES};
use super::{GRACE, Ghost, LATE};
use crate::exercises::raft_log::{ELECTION_TIMEOUT_MS, HEARTBEAT_EVERY, Role, TAKES};
use crate::rule::{Broken, Check};
use crate::time::{Time, millis};
use std::collections::BTreeMap;

impl Ghost {
    pub(super) fn overdue(&mut self, now: Time) -> Check {
        let me = self.me;
        let Some(view) = &self.view else { return Ok(()) };
        let (quiet, when) = self.quiet_since;
        if view.role != Role::Leader && now > quiet + millis(*ELECTION_TIMEOUT_MS.end()) + LATE {
            let text = format!(
                "{me} is {:?} of term {}; since {quiet} no leader spoke and it gave no vote; it is {now}, but its election has not tried again: its timer did not reach it",
                view.role, view.ballot.term
            );
            return Err(Broken::new(ELECTION, text).at([when]).stuck());
        }
        self.owed.retain(|owed| owed.term == self.disk.ballot.term);
        if let Some(owed) = self.owed.iter().find(|owed| now > owed.by + LATE) {
            let expected = if owed.fits { format!("Matches up to {}", owed.end) } else { format!("Refused, with prev {}", owed.prev) };
            let text = format!(
                "{me} was sent entries {} to {} by {}, the leader of term {}, but {} ms later had not answered {expected}",
                owed.prev + 1,
                owed.end,
                owed.to,
                owed.term,
                TAKES.as_millis()
            );
            return Err(Broken::new(ANSWERS, text).at([owed.step]).stuck());
        }
        if let Some((since, step)) = self.unapplied.filter(|(since, _)| now > *since + TAKES + LATE) {
            let (commands, applied) = (self.commands_due(), view.applied.len());
            let due = super::entries(self.due);
            if let Some(lead) = &self.lead {
                let has: Vec<String> = lead.followers.iter().map(|(node, f)| format!("{node} has {}", f.matched)).collect();
                let text = format!(
                    "{me} leads term {} with {}, and its followers have said this: {}; since {since} {due} are committed by that, {commands} commands, but it \
                     has applied only {applied}",
                    lead.term,
                    super::entries(lead.log.len()),
                    has.join(", ")
                );
                return Err(Broken::new(COUNTS, text).at([step]).stuck());
            }
            let text =
                format!("{me} has known since {since} that {due} are committed, {commands} commands, but has applied only {applied}");
            return Err(Broken::new(MACHINE, text).at([step]).stuck());
        }
        self.unanswered(now)?;
        self.silent(now)
    }

    /// Clients that have waited too long.
    fn unanswered(&self, now: Time) -> Check {
        let me = self.me;
        if let Some(lead) = &self.lead
            && let Some((index, (since, step))) = lead.ripe.iter().find(|(_, (since, _))| now > *since + TAKES + LATE)
        {
            let text =
                format!("{me} leads, and has known since {since} that entry {index} is committed, but it has not answered its client");
            return Err(Broken::new(ANSWERS, text).at([*step]).unanswered());
        }
        let mut waits: BTreeMap<u64, usize> = BTreeMap::new();
        for asked in self.asked.values().filter(|asked| now > asked.since + TAKES + LATE) {
            let waits = waits.entry(asked.value).or_default();
            *waits += 1;
            if *waits > self.put.values().filter(|put| **put == asked.value).count() {
                let leads = if self.lead.is_some() { "leads" } else { "does not lead" };
                let text = format!(
                    "{me} took Write({}) at {}, {leads}, but {} ms later has neither put it into its log nor answered NotLeader",
                    asked.value,
                    asked.since,
                    TAKES.as_millis()
                );
                return Err(Broken::new(ANSWERS, text).at([asked.step]).unanswered());
            }
        }
        Ok(())
    }

    /// Followers that have heard nothing for too long, or nothing that helps.
    fn silent(&self, now: Time) -> Check {
        let me = self.me;
        let Some(lead) = &self.lead else { return Ok(()) };
        for (node, follower) in &lead.followers {
            let text = match follower.beaten {
                None if now > lead.since + GRACE => {
                    format!("{me} has led term {} since {}, but by {now} had sent {node} no AppendEntries", lead.term, lead.since)
                }
                Some(at) if now > at + HEARTBEAT_EVERY + GRACE => format!(
                    "{me} leads term {}, and sent {node} the last AppendEntries at {at}; it is {now}, and one is due every {} ms",
                    lead.term,
                    HEARTBEAT_EVERY.as_millis()
                ),
                _ if follower.matched < lead.log.len() && now > follower.helped + HEARTBEAT_EVERY + GRACE => format!(
                    "{me} leads term {} with {}; {node} has said that it has {}, and since {} was sent nothing beyond that, and nothing that asks for it",
                    lead.term,
                    super::entries(lead.log.len()),
                    follower.matched,
                    follower.helped
                ),
                _ => continue,
            };
            return Err(Broken::new(REPLICATES, text).at([lead.step]).stuck());
        }
        Ok(())
    }
}
