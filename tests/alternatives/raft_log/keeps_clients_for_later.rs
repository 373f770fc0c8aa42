//! The log is a map by index. A leader that is deposed keeps its clients: it answers Applied if their entry is committed after all, and NotLeader once another
//! one is committed in its place.

use splitbrain::exercises::raft_log::{
    Election, Entry, EntryId, HEARTBEAT_EVERY, Message, RaftLog, Replica, Request, Response, Role, Saved, Term, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

type Cx<'a> = Context<'a, RaftLog>;

#[derive(Clone, Debug, Hash)]
struct It {
    election: Election,
    entries: BTreeMap<usize, Entry>,
    committed: usize,
    machine: Vec<u64>,
    /// Those who have each entry of this term or before, as a leader.
    owners: BTreeMap<usize, BTreeSet<NodeId>>,
    next: BTreeMap<NodeId, usize>,
    agreed: BTreeMap<NodeId, usize>,
    clients: BTreeMap<Ticket, (usize, Term)>,
}

impl It {
    fn list(&self) -> Vec<Entry> {
        self.entries.values().copied().collect()
    }

    fn end(&self) -> usize {
        self.entries.last_key_value().map_or(0, |(index, _)| *index)
    }

    fn name(&self, index: usize) -> Option<EntryId> {
        if index == 0 {
            return Some(EntryId::default());
        }
        self.entries.get(&index).map(|e| EntryId { index, term: e.term })
    }

    fn write(&self, cx: &mut Cx<'_>) {
        cx.save(Saved { ballot: self.election.ballot(), log: self.list() });
    }

    fn changed(&mut self, role: Option<Role>, cx: &mut Cx<'_>) {
        let Some(role) = role else { return };
        self.owners.clear();
        self.next.clear();
        self.agreed.clear();
        if role == Role::Leader {
            let next = self.end() + 1;
            self.next.extend(cx.peers().iter().map(|p| (*p, next)));
            cx.peers().iter().for_each(|p| self.send(*p, cx));
            cx.set_timer(Timer::Heartbeat, HEARTBEAT_EVERY);
        }
    }

    fn send(&self, to: NodeId, cx: &mut Cx<'_>) {
        let Some(next) = self.next.get(&to) else { return };
        let Some(prev) = self.name(next - 1) else { return };
        let entries = self.entries.range(next..).map(|(_, e)| *e).collect();
        cx.send(to, Message::AppendEntries { term: self.election.term(), prev, entries, commit: self.committed });
    }

    fn commits(&mut self, upto: usize, cx: &mut Cx<'_>) {
        for index in self.committed + 1..=upto {
            let Some(entry) = self.entries.get(&index) else { return };
            self.machine.extend(entry.command);
            self.committed = index;
            let term = entry.term;
            let these: Vec<(Ticket, Term)> = self.clients.iter().filter(|(_, (at, _))| *at == index).map(|(t, (_, of))| (*t, *of)).collect();
            for (ticket, of) in these {
                self.clients.remove(&ticket);
                cx.reply(ticket, if of == term { Response::Applied { index } } else { Response::NotLeader });
            }
        }
    }
}

impl Node<RaftLog> for It {
    fn new(me: NodeId, peers: &[NodeId], _: &(), saved: Option<Saved>) -> Self {
        let election = Election::new(me, peers, saved.as_ref());
        let entries = (1..).zip(saved.unwrap_or_default().log).collect();
        It {
            election,
            entries,
            committed: 0,
            machine: Vec::new(),
            owners: BTreeMap::new(),
            next: BTreeMap::new(),
            agreed: BTreeMap::new(),
            clients: BTreeMap::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        self.election.on_start(cx);
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let log = self.list();
        let role = self.election.on_message(from, &message, &log, cx);
        self.changed(role, cx);
        let term = self.election.term();
        if message.term() < term {
            return;
        }
        match message {
            Message::AppendEntries { prev, entries, commit, .. } => {
                if self.name(prev.index) != Some(prev) {
                    let hint = match self.entries.get(&prev.index) {
                        Some(e) => self.entries.iter().find(|(_, x)| x.term == e.term).map(|(i, x)| EntryId { index: *i, term: x.term }),
                        None => Some(EntryId { index: self.end() + 1, term: 0 }),
                    };
                    return cx.send(from, Message::Refused { term, prev: prev.index, hint });
                }
                let upto = prev.index + entries.len();
                let mut new = (prev.index + 1..).zip(entries).filter(|(i, e)| self.entries.get(i) != Some(e)).peekable();
                if let Some((first, _)) = new.peek() {
                    let mut kept: BTreeMap<usize, Entry> = self.entries.range(..first).map(|(i, e)| (*i, *e)).collect();
                    kept.extend(new);
                    self.entries = kept;
                    self.write(cx);
                }
                cx.send(from, Message::Matches { term, index: upto });
                self.commits(commit.min(upto), cx);
            }
            Message::Matches { index, .. } if self.next.contains_key(&from) => {
                let agreed = self.agreed.get(&from).copied().unwrap_or(0).max(index);
                self.agreed.insert(from, agreed);
                self.next.insert(from, agreed + 1);
                for at in self.committed + 1..=index {
                    self.owners.entry(at).or_default().insert(from);
                }
                let enough = |(at, who): &(&usize, &BTreeSet<NodeId>)| {
                    2 * (who.len() + 1) > cx.peers().len() + 1 && self.entries.get(at).is_some_and(|e| e.term == term)
                };
                if let Some(upto) = self.owners.iter().rev().find(enough).map(|(at, _)| *at) {
                    self.owners = self.owners.split_off(&(upto + 1));
                    self.commits(upto, cx);
                }
            }
            Message::Refused { prev, hint, .. } => {
                let agreed = self.agreed.get(&from).copied().unwrap_or(0);
                let Some(next) = self.next.get_mut(&from) else { return };
                if prev > agreed && prev < *next {
                    *next = hint.map_or(agreed + 1, |h| h.index).max(agreed + 1);
                    self.send(from, cx);
                }
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        if timer == Timer::Election {
            let log = self.list();
            let role = self.election.on_timer(&log, cx);
            self.changed(role, cx);
        } else if self.election.role() == Role::Leader {
            cx.peers().iter().for_each(|p| self.send(*p, cx));
            cx.set_timer(Timer::Heartbeat, HEARTBEAT_EVERY);
        }
    }

    fn on_request(&mut self, Request::Write(value): Request, ticket: Ticket, cx: &mut Cx<'_>) {
        if self.election.role() != Role::Leader {
            return cx.reply(ticket, Response::NotLeader);
        }
        let (index, term) = (self.end() + 1, self.election.term());
        self.entries.insert(index, Entry { term, command: Some(value) });
        self.clients.insert(ticket, (index, term));
        self.write(cx);
        cx.peers().iter().for_each(|p| self.send(*p, cx));
    }
}

impl Replica for It {
    fn election(&self) -> &Election {
        &self.election
    }

    fn applied(&self) -> &[u64] {
        &self.machine
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<It>)
}
