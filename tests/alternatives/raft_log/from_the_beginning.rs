//! A follower that has matched nothing yet is asked with an empty append, and if it refuses it gets the whole log, or the whole term. Answers saved again and again.

use splitbrain::exercises::raft_log::{
    Election, Entry, EntryId, HEARTBEAT_EVERY, Message, RaftLog, Replica, Request, Response, Role, Saved, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

type Cx<'a> = Context<'a, RaftLog>;

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
enum Known {
    /// Asked with the last entry.
    Nothing,
    /// Refused: all of it.
    Conflict,
    Upto(usize),
}

#[derive(Clone, Debug, Hash)]
struct It {
    election: Election,
    saved: Saved,
    commit: usize,
    applied: usize,
    machine: Vec<u64>,
    peers: BTreeMap<NodeId, Known>,
    waiting: BTreeMap<usize, Ticket>,
}

impl It {
    fn save(&mut self, cx: &mut Cx<'_>) {
        self.saved.ballot = self.election.ballot();
        cx.save(self.saved.clone());
    }

    fn heads(&mut self, role: Option<Role>, cx: &mut Cx<'_>) {
        if role.is_some() {
            self.peers.clear();
            self.waiting.clear();
        }
        if role == Some(Role::Leader) {
            self.peers = cx.peers().iter().map(|p| (*p, Known::Nothing)).collect();
            self.save(cx);
            self.speak(cx);
        }
    }

    fn speak(&self, cx: &mut Cx<'_>) {
        for peer in cx.peers() {
            self.tell(*peer, cx);
            cx.set_timer(Timer::Peer(*peer), HEARTBEAT_EVERY);
        }
    }

    fn tell(&self, peer: NodeId, cx: &mut Cx<'_>) {
        let log = &self.saved.log;
        let (prev, entries) = match self.peers.get(&peer) {
            None => return,
            Some(Known::Nothing) => (EntryId::last(log), vec![]),
            Some(Known::Conflict) => (EntryId::default(), log.clone()),
            Some(Known::Upto(n)) => (EntryId::last(&log[..*n]), log[*n..].to_vec()),
        };
        let term = self.election.term();
        cx.send(peer, Message::AppendEntries { term, prev, entries, commit: self.commit });
    }

    fn advance(&mut self, to: usize, cx: &mut Cx<'_>) {
        self.commit = self.commit.max(to);
        while self.applied < self.commit {
            let entry = self.saved.log[self.applied];
            self.applied += 1;
            self.machine.extend(entry.command);
            if let Some(ticket) = self.waiting.remove(&self.applied) {
                cx.reply(ticket, Response::Applied { index: self.applied });
            }
        }
    }

    fn recount(&mut self, cx: &mut Cx<'_>) {
        let all = self.peers.len() + 1;
        let upto = |known: &Known| if let Known::Upto(n) = known { *n } else { 0 };
        let mut best = self.commit;
        for n in self.commit + 1..=self.saved.log.len() {
            let with = self.peers.values().filter(|k| upto(k) >= n).count() + 1;
            if with > all / 2 && self.saved.log[n - 1].term == self.election.term() {
                best = n;
            }
        }
        if best > self.commit {
            self.advance(best, cx);
            self.speak(cx);
        }
    }

    fn receive(&mut self, prev: EntryId, entries: &[Entry]) -> bool {
        let log = &mut self.saved.log;
        match log.get(..prev.index) {
            Some(head) if EntryId::last(head) == prev => {}
            _ => return false,
        }
        for (index, entry) in (prev.index..).zip(entries) {
            if log.get(index) == Some(entry) {
                continue;
            }
            log.truncate(index);
            log.push(*entry);
        }
        true
    }
}

impl Node<RaftLog> for It {
    fn new(me: NodeId, peers: &[NodeId], _: &(), saved: Option<Saved>) -> Self {
        It {
            election: Election::new(me, peers, saved.as_ref()),
            saved: saved.unwrap_or_default(),
            commit: 0,
            applied: 0,
            machine: Vec::new(),
            peers: BTreeMap::new(),
            waiting: BTreeMap::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        self.election.on_start(cx);
        self.save(cx);
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let log = self.saved.log.clone();
        let role = self.election.on_message(from, &message, &log, cx);
        self.heads(role, cx);
        let now = self.election.term();
        match message {
            Message::AppendEntries { term, prev, .. } if term < now => {
                cx.send(from, Message::Refused { term: now, prev: prev.index, hint: None });
            }
            Message::AppendEntries { prev, entries, commit, .. } => {
                let fits = self.receive(prev, &entries);
                self.save(cx);
                let index = prev.index + entries.len();
                cx.send(from, if fits { Message::Matches { term: now, index } } else { Message::Refused { term: now, prev: prev.index, hint: None } });
                if fits {
                    self.advance(commit.min(index), cx);
                }
            }
            Message::Matches { term, index } if term == now => {
                let Some(known) = self.peers.get_mut(&from) else { return };
                let was = if let Known::Upto(n) = *known { n } else { 0 };
                *known = Known::Upto(was.max(index));
                self.recount(cx);
            }
            Message::Refused { term, prev, .. } if term == now => {
                if let Some(known) = self.peers.get_mut(&from).filter(|known| **known == Known::Nothing && prev > 0) {
                    *known = Known::Conflict;
                    self.tell(from, cx);
                }
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        match timer {
            Timer::Election => {
                let log = self.saved.log.clone();
                let role = self.election.on_timer(&log, cx);
                self.heads(role, cx);
            }
            Timer::Peer(peer) if self.election.role() == Role::Leader => {
                self.tell(peer, cx);
                cx.set_timer(Timer::Peer(peer), HEARTBEAT_EVERY);
            }
            _ => {}
        }
    }

    fn on_request(&mut self, Request::Write(value): Request, ticket: Ticket, cx: &mut Cx<'_>) {
        if self.election.role() != Role::Leader {
            return cx.reply(ticket, Response::NotLeader);
        }
        self.saved.log.push(Entry { term: self.election.term(), command: Some(value) });
        self.waiting.insert(self.saved.log.len(), ticket);
        self.save(cx);
        self.speak(cx);
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
