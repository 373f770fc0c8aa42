//! The reference: the log half of Figure 2, around a finished election.

use splitbrain::exercises::raft_log::{
    Election, Entry, EntryId, HEARTBEAT_EVERY, Message, RaftLog, Replica, Request, Response, Role,
    Saved, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

type Cx<'a> = Context<'a, RaftLog>;

/// What only a leader knows, and of its own term only.
#[derive(Clone, Debug, Hash, Default)]
struct Lead {
    /// By follower: the index of the next entry to send.
    next: BTreeMap<NodeId, usize>,
    /// By follower: up to where its log is known to be as this one.
    matched: BTreeMap<NodeId, usize>,
    /// The clients that wait, by the index of their entry.
    open: BTreeMap<usize, Ticket>,
}

#[derive(Clone, Debug, Hash)]
struct Raft {
    election: Election,
    // Persistent, with the election's ballot: on the disk before anything that rests on it leaves.
    log: Vec<Entry>,
    // Volatile.
    /// How many entries are committed, and applied; and the state machine.
    commit: usize,
    applied: Vec<u64>,
    lead: Option<Lead>,
}

impl Raft {
    fn save(&self, cx: &mut Cx<'_>) {
        cx.save(Saved {
            ballot: self.election.ballot(),
            log: self.log.clone(),
        });
    }

    /// The entry at an index as others are told of it; `None` beyond the end.
    fn id(&self, index: usize) -> Option<EntryId> {
        match index.checked_sub(1) {
            None => Some(EntryId::default()),
            Some(at) => self.log.get(at).map(|entry| EntryId {
                index,
                term: entry.term,
            }),
        }
    }

    fn becomes(&mut self, role: Option<Role>, cx: &mut Cx<'_>) {
        match role {
            Some(Role::Leader) => {
                // Anew for each term: what followers had in an older one says nothing of what they have now.
                let next = cx.peers().iter().map(|peer| (*peer, self.log.len() + 1));
                self.lead = Some(Lead {
                    next: next.collect(),
                    ..Lead::default()
                });
                self.heartbeat(cx);
            }
            // Those who wait hear nothing: their entries may survive or not.
            Some(_) => self.lead = None,
            None => {}
        }
    }

    fn heartbeat(&self, cx: &mut Cx<'_>) {
        if self.lead.is_some() {
            cx.peers().iter().for_each(|peer| self.send(*peer, cx));
            cx.set_timer(Timer::Heartbeat, HEARTBEAT_EVERY);
        }
    }

    /// All that this follower lacks, as far as is known.
    fn send(&self, to: NodeId, cx: &mut Cx<'_>) {
        let next = self.lead.as_ref().and_then(|lead| lead.next.get(&to));
        if let Some(prev) = next.and_then(|next| self.id(next - 1)) {
            let append = Message::AppendEntries {
                term: self.election.term(),
                prev,
                entries: self.log[prev.index..].to_vec(),
                commit: self.commit,
            };
            cx.send(to, append);
        }
    }

    fn append(
        &mut self,
        from: NodeId,
        prev: EntryId,
        entries: &[Entry],
        commit: usize,
        cx: &mut Cx<'_>,
    ) {
        let term = self.election.term();
        if self.id(prev.index) != Some(prev) {
            let hint = Some(self.hint(prev.index));
            return cx.send(
                from,
                Message::Refused {
                    term,
                    prev: prev.index,
                    hint,
                },
            );
        }
        // What stands there already stays, and so does all that follows it: this append may be an old one. Only an entry
        // of another term shows that from there on the log is not the leader's.
        let mine = &self.log[prev.index..];
        let same = mine
            .iter()
            .zip(entries)
            .take_while(|(a, b)| a.term == b.term)
            .count();
        if same < entries.len() {
            self.log.truncate(prev.index + same);
            self.log.extend(&entries[same..]);
            self.save(cx);
        }
        // Behind these entries the log may still have what the leader has not.
        let index = prev.index + entries.len();
        cx.send(from, Message::Matches { term, index });
        self.commits(commit.min(index), cx);
    }

    /// The first index of the term that stands in the way: all of it may be passed over at once.
    fn hint(&self, refused: usize) -> EntryId {
        let Some(conflict) = self.id(refused) else {
            return EntryId {
                index: self.log.len() + 1,
                term: 0,
            };
        };
        let first = self.log.partition_point(|entry| entry.term < conflict.term);
        EntryId {
            index: first + 1,
            term: conflict.term,
        }
    }

    fn matches(&mut self, from: NodeId, index: usize, cx: &mut Cx<'_>) {
        let Some(lead) = &mut self.lead else { return };
        let known = lead.matched.entry(from).or_default();
        *known = index.max(*known);
        let next = *known + 1;
        lead.next.insert(from, next);
        // The largest index that a majority has: this node has all.
        let mut matched: Vec<usize> = lead.matched.values().copied().collect();
        matched.sort_unstable_by(|a, b| b.cmp(a));
        let others = cx.peers().len().div_ceil(2);
        let Some(most) = matched.get(others - 1).copied() else {
            return;
        };
        // Section 5.4.2: what is of an older term may still be overwritten, however many have it. It is committed with the
        // first of this term that comes after it.
        if self
            .id(most)
            .is_some_and(|id| id.term == self.election.term())
        {
            self.commits(most, cx);
        }
    }

    fn refused(&mut self, from: NodeId, prev: usize, hint: Option<EntryId>, cx: &mut Cx<'_>) {
        let Some(lead) = &mut self.lead else { return };
        let known = lead.matched.get(&from).copied().unwrap_or_default();
        // An old refusal, of which a later answer has made an end.
        if prev <= known || lead.next.get(&from).is_none_or(|next| prev >= *next) {
            return;
        }
        // One step back if there is no hint; with one, past all that the follower has of the conflicting term.
        let next = hint.map_or(prev, |hint| hint.index);
        lead.next.insert(from, next.max(known + 1));
        self.send(from, cx);
    }

    fn commits(&mut self, index: usize, cx: &mut Cx<'_>) {
        for at in self.commit..index {
            self.applied.extend(self.log[at].command);
            let lead = self.lead.as_mut();
            if let Some(ticket) = lead.and_then(|lead| lead.open.remove(&(at + 1))) {
                cx.reply(ticket, Response::Applied { index: at + 1 });
            }
        }
        self.commit = index.max(self.commit);
    }
}

impl Node<RaftLog> for Raft {
    fn new(me: NodeId, peers: &[NodeId], _config: &(), saved: Option<Saved>) -> Self {
        Raft {
            election: Election::new(me, peers, saved.as_ref()),
            log: saved.unwrap_or_default().log,
            commit: 0,
            applied: Vec::new(),
            lead: None,
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        self.election.on_start(cx);
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let role = self.election.on_message(from, &message, &self.log, cx);
        self.becomes(role, cx);
        if message.term() < self.election.term() {
            // A leader of an older term hears that it is over.
            if let Message::AppendEntries { prev, .. } = message {
                let (term, prev) = (self.election.term(), prev.index);
                cx.send(
                    from,
                    Message::Refused {
                        term,
                        prev,
                        hint: None,
                    },
                );
            }
            return;
        }
        match message {
            Message::AppendEntries {
                prev,
                entries,
                commit,
                ..
            } => self.append(from, prev, &entries, commit, cx),
            Message::Matches { index, .. } => self.matches(from, index, cx),
            Message::Refused { prev, hint, .. } => self.refused(from, prev, hint, cx),
            // The election has seen to these.
            Message::RequestVote { .. } | Message::RequestVoteReply { .. } => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        match timer {
            Timer::Election => {
                let role = self.election.on_timer(&self.log, cx);
                self.becomes(role, cx);
            }
            _ => self.heartbeat(cx),
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let Request::Write(value) = request;
        let Some(lead) = &mut self.lead else {
            return cx.reply(ticket, Response::NotLeader);
        };
        self.log.push(Entry {
            term: self.election.term(),
            command: Some(value),
        });
        lead.open.insert(self.log.len(), ticket);
        // The leader counts itself when it counts a majority, so it must not lose it.
        self.save(cx);
        cx.peers().iter().for_each(|peer| self.send(*peer, cx));
    }
}

impl Replica for Raft {
    fn election(&self) -> &Election {
        &self.election
    }

    fn applied(&self) -> &[u64] {
        &self.applied
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Raft>)
}
