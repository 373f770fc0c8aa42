//! After the log half of etcd's raft: a no-op on winning; a follower is probed, one append at a time, until it matches, and then sent to ahead of its
//! answers; a refusal brings it back to being probed. The leader tells a follower of no more commits than that one has.

use splitbrain::exercises::raft_log::{
    Election, Entry, EntryId, Message, RaftLog, Replica, Request, Response, Role, Saved, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

type Cx<'a> = Context<'a, RaftLog>;

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
enum State {
    Probe,
    Replicate,
}

#[derive(Clone, Debug, Hash)]
struct Progress {
    state: State,
    matched: usize,
    next: usize,
    paused: bool,
}

#[derive(Clone, Debug, Hash)]
struct It {
    election: Election,
    me: NodeId,
    log: Vec<Entry>,
    committed: usize,
    applied: usize,
    machine: Vec<u64>,
    progress: BTreeMap<NodeId, Progress>,
    clients: BTreeMap<usize, (u64, Ticket)>,
}

impl It {
    fn term(&self, index: usize) -> Option<u64> {
        if index == 0 { Some(0) } else { self.log.get(index - 1).map(|e| e.term) }
    }

    fn is_leader(&self) -> bool {
        self.election.role() == Role::Leader
    }

    fn persist(&self, cx: &mut Cx<'_>) {
        cx.save(Saved { ballot: self.election.ballot(), log: self.log.clone() });
    }

    fn became(&mut self, role: Option<Role>, cx: &mut Cx<'_>) {
        match role {
            Some(Role::Leader) => {
                let last = self.log.len();
                let fresh = Progress { state: State::Probe, matched: 0, next: last + 1, paused: false };
                self.progress = cx.peers().iter().map(|p| (*p, fresh.clone())).collect();
                self.clients.clear();
                self.append_entry(None, cx);
                cx.set_timer(Timer::Heartbeat, millis(45));
            }
            Some(_) => {
                self.progress.clear();
                self.clients.clear();
            }
            None => {}
        }
    }

    fn append_entry(&mut self, command: Option<u64>, cx: &mut Cx<'_>) {
        self.log.push(Entry { term: self.election.term(), command });
        self.persist(cx);
        self.broadcast_append(cx);
    }

    fn broadcast_append(&mut self, cx: &mut Cx<'_>) {
        for to in cx.peers() {
            self.send_append(*to, cx);
        }
    }

    fn send_append(&mut self, to: NodeId, cx: &mut Cx<'_>) {
        let last = self.log.len();
        let Some(pr) = self.progress.get(&to) else { return };
        if pr.state == State::Probe && pr.paused {
            return;
        }
        let prev = pr.next - 1;
        let entries: Vec<Entry> = self.log[prev..].iter().take(16).copied().collect();
        let message = Message::AppendEntries {
            term: self.election.term(),
            prev: EntryId { index: prev, term: self.term(prev).unwrap_or(0) },
            commit: self.committed.min(pr.matched),
            entries,
        };
        let Some(pr) = self.progress.get_mut(&to) else { return };
        match pr.state {
            State::Probe => pr.paused = true,
            State::Replicate => pr.next = (prev + 16).min(last) + 1,
        }
        cx.send(to, message);
    }

    fn maybe_commit(&mut self, cx: &mut Cx<'_>) {
        let mut all: Vec<usize> = self.progress.values().map(|p| p.matched).collect();
        all.push(self.log.len());
        all.sort_unstable();
        let n = all.len();
        let index = all[n - (n / 2 + 1)];
        if index > self.committed && self.term(index) == Some(self.election.term()) {
            self.commit_to(index, cx);
            self.broadcast_append(cx);
        }
    }

    fn commit_to(&mut self, index: usize, cx: &mut Cx<'_>) {
        if index <= self.committed {
            return;
        }
        self.committed = index;
        for at in self.applied + 1..=index {
            let entry = self.log[at - 1];
            self.machine.extend(entry.command);
            match self.clients.remove(&at) {
                Some((term, ticket)) if term == entry.term => cx.reply(ticket, Response::Applied { index: at }),
                _ => {}
            }
        }
        self.applied = index;
    }

    fn maybe_append(&mut self, from: NodeId, prev: EntryId, entries: &[Entry], commit: usize, cx: &mut Cx<'_>) {
        let term = self.election.term();
        if prev.index < self.committed {
            // All of that is as the leader's, for certain.
            return cx.send(from, Message::Matches { term, index: self.committed.max(prev.index + self.same(prev, entries)) });
        }
        if self.term(prev.index) != Some(prev.term) {
            let hint = match self.term(prev.index) {
                None => EntryId { index: self.log.len() + 1, term: 0 },
                Some(t) => EntryId { index: self.log.iter().position(|e| e.term == t).map_or(1, |at| at + 1), term: t },
            };
            return cx.send(from, Message::Refused { term, prev: prev.index, hint: Some(hint) });
        }
        self.take(prev, entries, cx);
        let last_new = prev.index + entries.len();
        self.commit_to(commit.min(last_new), cx);
        cx.send(from, Message::Matches { term, index: last_new });
    }

    /// Takes what is new of an append that begins before what is committed; gives how long it is.
    fn same(&mut self, prev: EntryId, entries: &[Entry]) -> usize {
        let same = entries.iter().zip(self.log.iter().skip(prev.index)).take_while(|(a, b)| a == b).count();
        same
    }

    fn take(&mut self, prev: EntryId, entries: &[Entry], cx: &mut Cx<'_>) {
        for (i, entry) in entries.iter().enumerate() {
            let index = prev.index + 1 + i;
            if self.term(index) != Some(entry.term) {
                self.log.truncate(index - 1);
                self.log.extend_from_slice(&entries[i..]);
                return self.persist(cx);
            }
        }
    }

    fn step_response(&mut self, from: NodeId, index: usize, cx: &mut Cx<'_>) {
        let last = self.log.len();
        let Some(pr) = self.progress.get_mut(&from) else { return };
        pr.paused = false;
        if index > pr.matched || pr.state == State::Probe {
            pr.matched = pr.matched.max(index);
            pr.next = pr.next.max(pr.matched + 1);
            if pr.state == State::Probe {
                (pr.state, pr.next) = (State::Replicate, pr.matched + 1);
            }
            let more = pr.next <= last;
            self.maybe_commit(cx);
            if more {
                self.send_append(from, cx);
            }
        }
    }

    fn step_reject(&mut self, from: NodeId, rejected: usize, hint: Option<EntryId>, cx: &mut Cx<'_>) {
        // The last entry here that can be as the follower's: not of a later term than its own at the conflict.
        let guess = match hint {
            None => rejected,
            Some(EntryId { index, term: 0 }) => index,
            Some(hint) => self.log.iter().take(rejected).rposition(|e| e.term <= hint.term).map_or(1, |at| (at + 2).min(rejected)),
        };
        let Some(pr) = self.progress.get_mut(&from) else { return };
        match pr.state {
            State::Replicate if rejected <= pr.matched => return,
            State::Replicate => (pr.state, pr.next) = (State::Probe, pr.matched + 1),
            State::Probe if pr.next - 1 != rejected => return,
            State::Probe => pr.next = rejected.min(guess).max(pr.matched + 1),
        }
        pr.paused = false;
        self.send_append(from, cx);
    }
}

impl Node<RaftLog> for It {
    fn new(me: NodeId, peers: &[NodeId], _: &(), saved: Option<Saved>) -> Self {
        let election = Election::new(me, peers, saved.as_ref());
        It {
            election,
            me,
            log: saved.map_or(Vec::new(), |s| s.log),
            committed: 0,
            applied: 0,
            machine: Vec::new(),
            progress: BTreeMap::new(),
            clients: BTreeMap::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        self.election.on_start(cx);
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let role = self.election.on_message(from, &message, &self.log, cx);
        self.became(role, cx);
        if message.term() != self.election.term() {
            return;
        }
        match message {
            Message::AppendEntries { prev, entries, commit, .. } => self.maybe_append(from, prev, &entries, commit, cx),
            Message::Matches { index, .. } if self.is_leader() => self.step_response(from, index, cx),
            Message::Refused { prev, hint, .. } if self.is_leader() => self.step_reject(from, prev, hint, cx),
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        if timer == Timer::Election {
            let role = self.election.on_timer(&self.log, cx);
            self.became(role, cx);
        } else if self.is_leader() {
            self.progress.values_mut().for_each(|p| p.paused = false);
            self.broadcast_append(cx);
            cx.set_timer(Timer::Heartbeat, millis(45));
        }
    }

    fn on_request(&mut self, Request::Write(value): Request, ticket: Ticket, cx: &mut Cx<'_>) {
        if !self.is_leader() {
            return cx.reply(ticket, Response::NotLeader);
        }
        self.clients.insert(self.log.len() + 1, (self.election.term(), ticket));
        self.append_entry(Some(value), cx);
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
